"""The neutral description of a grid of clips: labels as text, and what each cell holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .._util.text import counted, listing, printable, safe_str
from ..display.grid import MAX_TILES, ClipGrid
from ..display.grid_data import Tile, status_label
from ..errors import InvalidInputError
from ..job.clip import Clip

_MAX_LABEL_LENGTH = 1000


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
        return {self.row_name, self.col_name}


def layout_of(grid: ClipGrid, *, title: str | None = None) -> Layout:
    """The layout of a grid of clips: its rows, columns and labels.

    Args:
        grid: the grid.
        title: of the layout; unless given, how many clips there are and what they are arranged by.

    Raises:
        InvalidInputError: the table has no rows, or more than a grid shows.
    """
    contents = grid.contents
    if grid.row_count > MAX_TILES:
        raise InvalidInputError(
            f"A grid shows at most {MAX_TILES:,} rows, and this table has {grid.row_count:,}: filter the table, and "
            "export it in parts."
        )
    arranged = contents.arranged()
    if title is None:
        count = sum(tile.clip is not None for tile in contents.tiles)
        names = [_line(name) for name in (arranged.rows, arranged.cols) if name]
        title = f"{counted(count, 'clip')}{f' by {listing(names)}' if names else ''}"
    return Layout(
        rows=arranged.row_labels,
        cols=arranged.col_labels,
        row_name=arranged.rows,
        col_name=arranged.cols,
        cells=[[[_item(contents.tiles[number]) for number in cell] for cell in line] for line in arranged.lines()],
        title=title,
    )


def _item(tile: Tile) -> Clip | str:
    """A tile's clip, or its status and what went wrong."""
    if tile.clip is not None:
        return tile.clip
    status = status_label(tile.status)
    return _line(f"{status}: {tile.error}" if tile.error else status)


def _line(value: Any) -> str:
    return printable(safe_str(value), limit=_MAX_LABEL_LENGTH)
