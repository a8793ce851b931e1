"""Where an export is written: a path, checked before the work begins, or an fsspec address."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

from .._util.text import printable
from ..errors import InvalidInputError
from ..job.destinations import write_file
from ..job.provenance import as_path
from .layout import Layout

_Options = ParamSpec("_Options")


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


def writes_to_addresses(
    write: Callable[Concatenate[Layout, Any, _Options], Path],
) -> Callable[Concatenate[Layout, Any, _Options], Path | str]:
    """An export to a path as one to a path or an fsspec address; see :func:`decart_nb.job.destinations.write_file`."""

    @functools.wraps(write)
    def write_anywhere(layout: Layout, path: Any, /, *args: _Options.args, **options: _Options.kwargs) -> Path | str:
        return write_file(path, lambda target: write(layout, target, *args, **options))

    return write_anywhere
