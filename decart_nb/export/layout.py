"""The neutral description of a grid of clips: labels as text, and what each cell holds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._util.plain_values import is_missing
from .._util.text import counted, listing, printable, safe_str
from ..errors import InvalidInputError
from ..job.clip import Clip
from ..job.file_names import without_folder

if TYPE_CHECKING:
    import pandas as pd

#: What stands between the parts of a label, and between the names of several columns.
SEPARATOR = " · "
_LONGEST_LABEL = 1000
_LARGEST_ROUND = 1e15


@dataclass(frozen=True)
class Layout:
    """A grid of clips, with a label for each row and column.

    Attributes:
        rows, cols: the labels. Like all texts, they become printable lines of at most 1000 characters.
        row_name, col_name: what the labels are values of.
        cells: of each row its cells; a cell holds clips, and texts for what has no clip: a status and its reason.
        title: of the whole grid.

    Raises:
        InvalidInputError: there are not as many cells as labels.
    """

    rows: list[str]
    cols: list[str]
    row_name: str
    col_name: str
    cells: list[list[list[Clip | str]]]
    title: str

    def __post_init__(self) -> None:
        if len(self.cells) != len(self.rows) or any(len(line) != len(self.cols) for line in self.cells):
            raise InvalidInputError("A grid must have one line of cells for each row, and one cell for each column.")
        if not self.rows or not self.cols:
            raise InvalidInputError("The table has no rows, so there is nothing to show. Choose a table with results.")
        for name in ("row_name", "col_name", "title"):
            object.__setattr__(self, name, _line(getattr(self, name)))
        for name in ("rows", "cols"):
            object.__setattr__(self, name, [_line(label) for label in getattr(self, name)])

    def clips(self) -> Iterator[tuple[int, int, Clip]]:
        """The clips in reading order, each with the number of its row and of its column."""
        for row, line in enumerate(self.cells):
            for col, items in enumerate(line):
                yield from ((row, col, item) for item in items if isinstance(item, Clip))

    @property
    def axes(self) -> set[str]:
        """The names of the columns that the labels are values of."""
        return {*self.row_name.split(SEPARATOR), *self.col_name.split(SEPARATOR)}


def layout_of(table: pd.DataFrame, *, title: str | None = None) -> Layout:
    """The layout of a table of clips, whose rows and columns have their labels.

    Args:
        table: its values are clips, texts, tuples of these, or missing.
        title: of the grid; unless given, how many clips there are and what they are arranged by.

    Raises:
        InvalidInputError: the table is empty.
    """
    cells = [[_items(value) for value in line] for line in table.to_numpy(dtype=object)]
    row_name, col_name = (_axis_name(axis.names) for axis in (table.index, table.columns))
    if title is None:
        count = sum(isinstance(item, Clip) for line in cells for items in line for item in items)
        names = [_line(name) for name in (*table.index.names, *table.columns.names) if name is not None]
        title = f"{counted(count, 'clip')}{f' by {listing(names)}' if names else ''}"
    return Layout(
        rows=[_label(table.index.names, key) for key in table.index],
        cols=[_label(table.columns.names, key) for key in table.columns],
        row_name=row_name,
        col_name=col_name,
        cells=cells,
        title=title,
    )


def value_text(name: str, value: Any) -> str:
    """A value as text, with its column's name where it alone says nothing: ``seed 0``, but ``An oil painting``."""
    if _is_missing(value) or (isinstance(value, str) and not value):
        return f"no {name}" if name else ""
    text = _line(without_folder(name, value))
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_ROUND:
        text = str(int(value))  # pandas makes floats of integers where one is missing
    alone = isinstance(value, str | os.PathLike) and any(letter.isalpha() for letter in text)
    return text if alone or not name else f"{name} {text}"


def _items(value: Any) -> list[Clip | str]:
    if isinstance(value, Clip):
        return [value]
    if isinstance(value, tuple | list):
        return [item for inner in value for item in _items(inner)]
    if not isinstance(value, str) and _is_missing(value):
        return []
    return [_line(value)]


def _line(value: Any) -> str:
    return printable(safe_str(value), limit=_LONGEST_LABEL)


def _is_missing(value: Any) -> bool:
    try:
        return is_missing(value)
    except Exception:  # noqa: BLE001 - a foreign value that cannot be compared is shown as text
        return False


def _axis_name(names: Sequence[Any]) -> str:
    return SEPARATOR.join(_line(name) for name in names if name is not None)


def _label(names: Sequence[Any], key: Any) -> str:
    values = key if len(names) > 1 else (key,)
    texts = [value_text("" if name is None else _line(name), value) for name, value in zip(names, values, strict=True)]
    return SEPARATOR.join(texts)
