"""Results for spreadsheets: text that looks like a formula is written so that it stays text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._util.files import atomic_write

if TYPE_CHECKING:
    import pandas as pd

#: What a spreadsheet takes for the beginning of a formula, or of what it splits. Our own marks before it are doubled.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_MARKED = re.compile(r"'+[=+\-@\t\r]")


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Writes a table, whole or not at all. A text that a spreadsheet would take for a formula gets a ``'`` before it.

    A sweep of the file takes that mark away again: see :func:`as_written`.

    Raises:
        OSError: it cannot be written.
    """
    with atomic_write(path) as file:
        # Lines end with both signs, so that each of them is quoted where it is text.
        _marked_frame(frame).to_csv(file, index=False, mode="wb", encoding="utf-8", lineterminator="\r\n")


def csv_text(frame: pd.DataFrame) -> str:
    """A table as the lines of a CSV, marked as :func:`write_csv` marks it."""
    text: str = _marked_frame(frame).to_csv(index=False, lineterminator="\n")
    return text.rstrip("\n")


def as_written(value: Any) -> Any:
    """A text of a table that :func:`write_csv` has written, as it was before."""
    return value[1:] if isinstance(value, str) and _MARKED.match(value) else value


def _marked_frame(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.apply(lambda column: column.map(_marked) if column.dtype.kind not in "iufbM" else column)


def _marked(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value
