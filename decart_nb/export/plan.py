"""The measures of a drawn grid: where its title, labels, pictures and captions are, in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from ..job.clip import Clip
from .captions import Captions
from .fonts import Text, text_within
from .layout import Layout

_MAX_ACROSS = 3
_LABEL_LINES = 3
_WIDESCREEN = 9 / 16
#: Pictures are no taller than this many widths: upright clips alone, and upright ones among wide ones.
_TALLEST, _TALLEST_MIXED = 16 / 9, 1.0
_FLATTEST = 0.4  # a card has room for its text


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom, the last two inside."""
        return self.x, self.y, self.x + self.width - 1, self.y + self.height - 1

    def fitted(self, width: int, height: int) -> Box:
        """The largest box of that shape in the middle of this one, with even sides at even places."""
        scale = min(self.width / max(1, width), self.height / max(1, height))
        inner_width, inner_height = (
            max(2, min(whole, round(side * scale / 2) * 2))
            for side, whole in ((width, self.width), (height, self.height))
        )
        x, y = (self.width - inner_width) // 4 * 2, (self.height - inner_height) // 4 * 2
        return Box(self.x + x, self.y + y, inner_width, inner_height)


@dataclass(frozen=True)
class Tile:
    """What one clip or one text of a cell takes: its picture, and its caption below.

    Attributes:
        item: the clip, a text, or ``None`` for an empty cell.
        picture: where it is drawn.
        caption: what is written below, ``None`` for what is no clip.
    """

    item: Clip | str | None
    picture: Box
    caption: Text | None


@dataclass(frozen=True)
class Page:
    """Some rows of a grid with the head above them.

    Attributes:
        width, height: of the page, even numbers.
        rows: the number of each row, with its place.
        cols: the place of each column's label.
        tiles: what the cells hold.
        note: at the foot, such as the page's number; may be empty.
    """

    width: int
    height: int
    rows: list[tuple[int, Box]]
    cols: list[Box]
    tiles: list[Tile]
    note: str


class Plan:
    """The measures of a grid.

    Args:
        layout: the grid.
        cell_width: the width of a clip's picture, in pixels. A cell of several clips is as wide as up to three.

    Attributes:
        layout: the grid.
        size: of labels, in pixels; ``small`` is that of captions.
        title, shared: the head; ``shared`` is ``None`` where the clips share nothing.
        row_name, col_name: the names of what is down and across.
        row_labels, col_labels: a text for each row and column.
        width: of the whole, in pixels.
    """

    def __init__(self, layout: Layout, cell_width: int) -> None:
        self.layout = layout
        self.size = min(30, max(11, round(cell_width / 21)))
        self.small = max(10, round(0.82 * self.size))
        self.margin = self.size // 2 * 2 + 4
        self._gap = max(4, self.size // 2 // 2 * 2)
        self._cell_width = cell_width // 2 * 2
        self._captions = Captions(layout)
        self._across = [
            min(_MAX_ACROSS, max(1, *(len(line[col]) for line in layout.cells))) for col in range(len(layout.cols))
        ]
        widths = [count * self._cell_width + (count - 1) * self._gap for count in self._across]
        self.row_labels = [text_within(label, self.size, 13 * self.size, _LABEL_LINES) for label in layout.rows]
        self.col_labels = [
            text_within(label, self.size, width, _LABEL_LINES) for label, width in zip(layout.cols, widths, strict=True)
        ]
        self.row_name = text_within(layout.row_name, self.small, 13 * self.size, 1)
        self.col_name = text_within(layout.col_name, self.small, sum(widths), 1)
        self.label_width = _even(max(label.width for label in (self.row_name, *self.row_labels)) + 2 * self._gap)
        self._columns: list[tuple[int, int]] = []
        x = self.margin + self.label_width + 2 * self._gap
        for width in widths:
            self._columns.append((x, width))
            x += width + 2 * self._gap
        self.width = _even(x - 2 * self._gap + self.margin)
        inner = self.width - 2 * self.margin
        self.title = text_within(layout.title, round(1.5 * self.size), inner, 2)
        self.shared = text_within(self._captions.shared, self.small, inner, 2) if self._captions.shared else None
        self.band = _even(
            max(label.height for label in self.col_labels) + self.col_name.height * bool(layout.col_name) + self._gap
        )
        shared = self.shared.height + self._gap if self.shared else 0
        self.head = _even(self.margin + self.title.height + self._gap + shared)
        self.foot = self.margin + round(1.32 * self.small)
        self._texts = {
            id(clip): text_within(self._captions.of(clip), self.small, self._cell_width, 2)
            for _, _, clip in layout.clips()
        }
        lines = max((len(text.lines) for text in self._texts.values()), default=1)
        self._caption_height = _even(lines * round(1.32 * self.small) + 4)
        self._heights = [self._picture_height(row) for row in range(len(layout.rows))]
        self._row_heights = [self._row_height(row) for row in range(len(layout.rows))]

    def row_height(self, row: int) -> int:
        """The height of a row, in pixels."""
        return self._row_heights[row]

    def page(self, rows: Sequence[int] | None = None, *, note: str = "") -> Page:
        """Place some rows below the head.

        Args:
            rows: their numbers; all unless given.
            note: for the foot.
        """
        top = self.head
        y = top + self.band
        places: list[tuple[int, Box]] = []
        tiles: list[Tile] = []
        for row in range(len(self.layout.rows)) if rows is None else rows:
            height = self._row_heights[row]
            places.append((row, Box(self.margin, y, self.label_width, height)))
            tiles += self._tiles(row, y + self._gap)
            y += height
        columns = [Box(x, top, width, self.band) for x, width in self._columns]
        return Page(self.width, _even(y + self.foot), places, columns, tiles, note)

    def _tiles(self, row: int, y: int) -> list[Tile]:
        tiles = []
        for (left, width), across, items in zip(self._columns, self._across, self.layout.cells[row], strict=True):
            if not items:
                tiles.append(Tile(None, Box(left, y, width, self._heights[row]), None))
            for number, item in enumerate(items):
                down, right = divmod(number, across)
                x = left + right * (self._cell_width + self._gap)
                place = Box(
                    x,
                    y + down * (self._heights[row] + self._caption_height),
                    self._cell_width,
                    self._heights[row],
                )
                tiles.append(Tile(item, place, self._texts[id(item)] if isinstance(item, Clip) else None))
        return tiles

    def _picture_height(self, row: int) -> int:
        items = [item for cell in self.layout.cells[row] for item in cell]
        shapes = [clip.height / clip.width for clip in items if isinstance(clip, Clip) and clip.width and clip.height]
        tallest = max(shapes, default=_WIDESCREEN)
        limit = _TALLEST if min(shapes, default=1) > 1 else _TALLEST_MIXED
        return round(self._cell_width * max(_FLATTEST, min(tallest, limit)) / 2) * 2

    def _row_height(self, row: int) -> int:
        stacked = max(
            max(1, ceil(len(items) / across))
            for items, across in zip(self.layout.cells[row], self._across, strict=True)
        )
        tiles = stacked * (self._heights[row] + self._caption_height)
        return _even(max(tiles, self.row_labels[row].height) + 2 * self._gap)


def _even(length: float) -> int:
    return ceil(length / 2) * 2
