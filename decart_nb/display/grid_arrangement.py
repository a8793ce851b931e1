"""The arrangement of a grid's tiles in rows and columns, by the values of two of its columns."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from .grid_columns import key_of
from .grid_measures import Measure, axis_keys

#: The most cells that are drawn, empty ones included. See ``arrange.js``.
MAX_CELLS = 10_000
_NONE: Mapping[str, Measure] = MappingProxyType({})


@dataclass(frozen=True)
class Arrangement:
    """Tiles in rows and columns.

    Attributes:
        rows, cols: the names of the columns of the table that are down and across; empty for none.
        row_labels, col_labels: of each row and column. A side without a name has one empty label.
        cells: the numbers of the tiles in each cell that has any, by its row and its column.
        note: why no columns are across although they were asked for; may be empty.
    """

    rows: str
    cols: str
    row_labels: list[str]
    col_labels: list[str]
    cells: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    note: str = ""

    def lines(self) -> list[list[list[int]]]:
        """The numbers of the tiles in each cell, row by row."""
        across = range(len(self.col_labels))
        return [[self.cells.get((row, col), []) for col in across] for row in range(len(self.row_labels))]


def arrange(
    places: Sequence[Sequence[Any]], rows: str, cols: str, *, measures: Mapping[str, Measure] = _NONE, sort: str = ""
) -> Arrangement:
    """Arrange tiles; with too many cells, by rows alone.

    Args:
        places: of each tile its value in the column that is down, and in the one across.
        rows, cols: the names of these columns; empty for none.
        measures: the columns whose rows are in the order of their values, and may be ranges of them.
        sort: the column by which the tiles are sorted; may be empty.
    """
    labels: list[dict[Hashable, str]] = []
    keys: list[list[Hashable]] = []
    for side, name in enumerate((rows, cols)):
        values, measure = [place[side] for place in places], measures.get(name)
        labels.append(axis_keys(name, values, measure, is_sorted=name == sort))
        keys.append([key_of(measure.placed(value) if measure else value) for value in values])
    down, across = labels
    if len(down) * len(across) > MAX_CELLS:
        alone = arrange([(value, None) for value, _ in places], rows, "", measures=measures, sort=sort)
        note = (
            f"Not across: {cols}, by which {len(down):,} × {len(across):,} cells would be nearly all empty. "
            "Choose a column of fewer values."
        )
        return Arrangement(rows, "", alone.row_labels, alone.col_labels, alone.cells, note)
    numbers = [{key: number for number, key in enumerate(found)} for found in labels]
    cells: dict[tuple[int, int], list[int]] = {}
    for tile, (row, col) in enumerate(zip(*keys, strict=True)):
        cells.setdefault((numbers[0][row], numbers[1][col]), []).append(tile)
    return Arrangement(rows, cols, [*down.values()], [*across.values()], cells)
