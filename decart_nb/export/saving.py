"""Where an export is written, checked before the work begins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._util.text import printable
from ..errors import InvalidInputError
from ..job.provenance import as_path


def target_of(path: Any, endings: Sequence[str], what: str) -> Path:
    """The path of an export.

    Args:
        path: as it was given.
        endings: the allowed ones, in lower case.
        what: is written, for an error's sentence.

    Raises:
        InvalidInputError: it is no path, or has another ending.
    """
    target = as_path(path)
    if target.suffix.lower() not in endings:
        *most, last = endings
        listed = f"{', '.join(most)} or {last}" if most else last
        raise InvalidInputError(
            f"{what} cannot be written as {printable(target.name, limit=100) or 'a folder'}: "
            f"its name must end in {listed}."
        )
    return target
