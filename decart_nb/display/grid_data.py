"""The contents of a grid of clips as plain JSON: its columns, what all clips share, and a tile for each row of a table.

The same contents are shown by the live view in a notebook, the static HTML of a saved notebook, and a static gallery.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._util.text import did_you_mean, printable, printable_lines, short_repr
from ..errors import InvalidInputError
from ..job import money
from ..job.clip import Clip
from ..job.file_names import short_names
from ..job.table import OWN_COLUMNS, as_results
from ..request.catalogue import models
from ..store.job_row import Record
from .text import STATUS_TEXTS

if TYPE_CHECKING:
    import pandas as pd

#: Columns of results that a grid does not offer: a tile tells them itself, or they differ in every row.
_NOT_SHOWN = ("job_id", "path", "error", "sha256", "size_bytes", "submitted_at", "reused", "prompt_template", "backend")
#: A numeric column with more distinct values than this is a measurement, and no axis.
_MOST_NUMBERS = 20
_LONGEST = 2000
#: No columns are chosen by which a grid would have more cells than this for each clip.
_MOST_EMPTY = 4
#: The index of a table that was written to a CSV and read back.
_UNNAMED = re.compile(r"Unnamed: \d+")
_RATIO = 16 / 9
#: The width of a tile, in pixels, by the number of columns that are to fit into 1,280 pixels.
_WIDEST, _NARROWEST, _ROOM = 320, 144, 920
#: Between two tiles, with their share of a cell's margin.
_GAP = 12
#: More tiles than this in a cell are parted by a choice above the grid.
_MOST_IN_A_CELL = 4

#: Gives the code that repeats a row's request, and the text of the button that makes another take of it.
Actions = Callable[[Record], tuple[str, str]]


@dataclass
class Tile:
    """One row of a table in a grid.

    Attributes:
        values: the row's values in the grid's columns: text, numbers, truth values or ``None``.
        status: as in a table of results, or ``downloading`` or ``over the cap``.
        label: the status as a person reads it.
        name: what tells this row apart, in one line.
        error: why there is no clip.
        clip: the clip, if there is one.
        facts: pairs of a name and a text: all that is known of it.
        code: Python code that repeats the request; may be empty.
        take: the text of the button that makes another take; empty if there can be none.
        retry: whether the request can be made again, since it came to nothing.
        progress: from 0 to 1, of a running job.
        retrying: whether a failed request of a running job is being repeated.
        rating, note: as in a table of results.
    """

    values: list[Any]
    status: str
    label: str
    name: str
    error: str | None = None
    clip: Clip | None = None
    facts: list[tuple[str, str]] = field(default_factory=list)
    code: str = ""
    take: str = ""
    retry: bool = False
    progress: float = 0.0
    retrying: bool = False
    rating: int | None = None
    note: str = ""

    def progress_state(self) -> dict[str, Any]:
        """What changes of a tile while its job runs, as JSON for the frontend."""
        return {name: getattr(self, name) for name in ("status", "label", "error", "progress", "retrying", "retry")}

    def state(self, key: str) -> dict[str, Any]:
        """The tile as JSON for the frontend.

        Args:
            key: names its video and its poster.
        """
        clip = self.clip
        shown = {
            name: getattr(self, name)
            for name in ("values", "status", "label", "name", "error", "facts", "code", "take", "retry", "progress")
        }
        return shown | {
            "retrying": self.retrying,
            "rating": self.rating,
            "note": self.note,
            "reused": bool(clip and clip.reused),
            "video": key if clip else None,
            "poster": key if clip else None,
            "file": clip.path.name if clip else None,
            **{side: getattr(clip, side) if clip else 0 for side in ("width", "height", "fps", "duration")},
        }


class GridData:
    """The contents of a grid of clips.

    Args:
        table: a table of results.
        clips, records: of each row the clip, and the job in the store, if there are any.
        rows, cols: the columns whose values are down the side and across the top; chosen unless given.
        title: what the grid shows; may be empty.
        actions: see :data:`Actions`; called for rows that have a job in the store.

    Attributes:
        names: of the columns.
        axes: the columns that are offered as rows, columns or a choice; ``varying``, those with more than one value.
        tiles: one for each row.
        rows, cols: names of columns; ``cols`` is empty if only one column varies.
        constants: the inputs that all rows share, as a person reads them.
        ratio: width by height of the tiles' boxes.

    Raises:
        InvalidInputError: there is no such column.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        clips: Sequence[Clip | None],
        records: Sequence[Record | None],
        *,
        rows: str | None = None,
        cols: str | None = None,
        title: str = "",
        actions: Actions | None = None,
    ) -> None:
        table = as_results(table)
        self.title, self._actions, self._count = title, actions, len(table)
        self.names = [
            str(name) for name in table.columns if name not in _NOT_SHOWN and not _UNNAMED.fullmatch(str(name))
        ]
        for column in ("rating", "note"):
            if column not in self.names:
                self.names.append(column)
        columns = {name: _plain_column(table[name]) if name in table else [None] * len(table) for name in self.names}
        columns = {name: values if name == "note" else short_names(name, values) for name, values in columns.items()}
        self._distinct = {name: _count(values, columns.get("model", [])) for name, values in columns.items()}
        self.axes = [name for name in self.names if _is_axis(name, columns[name])]
        self.rows, self.cols = self._choose_axes(rows, cols)
        self.varying = [name for name in self.axes if self._distinct[name] > 1]
        self.tiles: list[Tile] = []
        # Rows of a table are read as plain values, since a column may be called like anything.
        own = {name: _plain_column(table[name]) if name in table else [None] * len(table) for name in _NOT_SHOWN}
        for number, (clip, record) in enumerate(zip(clips, records, strict=True)):
            row = {name: values[number] for name, values in columns.items()}
            self.tiles.append(
                _tile(row, {name: values[number] for name, values in own.items()}, self.varying, clip, record, actions)
            )
        self.constants = [
            label_of(name, value)
            for name in self.axes
            if self._distinct[name] == 1 and name != "take"
            for value in [next((value for value in columns[name] if value is not None), None)]
            if value is not None
        ]
        self.ratio = _ratio(self.tiles, columns.get("model", []))

    def data(self) -> dict[str, Any]:
        """The grid as JSON for the frontend, without its tiles."""
        return {
            "title": self.title,
            "columns": [{"name": name, "axis": name in self.varying} for name in self.names],
            "rows": self.rows,
            "cols": self.cols,
            "facts": self.facts,
            "ratio": self.ratio,
            "size": self.tile_width,
        }

    @property
    def facts(self) -> list[str]:
        """What is said once above the grid: the constant inputs, size and length of the clips, and the cost."""
        clips = [tile.clip for tile in self.tiles if tile.clip]
        sizes = {f"{clip.width}×{clip.height}" for clip in clips if clip.width}
        lengths = {f"{clip.duration:.1f} s" for clip in clips if clip.duration}
        cost = sum(clip.cost or 0.0 for clip in clips)
        is_local = bool(clips) and all(clip.backend == "local" for clip in clips)
        parts = [
            *self.constants,
            *(sizes if len(sizes) == 1 else ()),
            *(lengths if len(lengths) == 1 else ()),
            money.estimate(cost, "rehearsed" if is_local else "paid") if cost else "",
            "local previews" if is_local else "",
        ]
        return [printable(part, limit=160) for part in parts if part]

    @property
    def tile_width(self) -> int:
        """The width of a tile in pixels at which the grid fits a notebook, as far as that is sensible."""
        _, across, cells = self.arranged()
        in_a_cell = max((len(numbers) for line in cells for numbers in line), default=1)
        tiles = len(across) * min(in_a_cell, _MOST_IN_A_CELL)
        return max(_NARROWEST, min(_WIDEST, (_ROOM // max(1, tiles) - _GAP) // 8 * 8))

    def arranged(self) -> tuple[list[str], list[str], list[list[list[int]]]]:
        """The labels of the rows and of the columns, and the numbers of the tiles in each cell, row by row.

        A side without a column has one empty label.
        """
        at = [self.names.index(name) if name else None for name in (self.rows, self.cols)]
        places = [
            tuple("" if index is None else label_of(self.names[index], tile.values[index]) for index in at)
            for tile in self.tiles
        ]
        down, across = ([*dict.fromkeys(place[side] for place in places)] for side in range(2))
        cells: list[list[list[int]]] = [[[] for _ in across] for _ in down]
        for number, (row, col) in enumerate(places):
            cells[down.index(row)][across.index(col)].append(number)
        return down, across, cells

    def text(self) -> str:
        """The grid as plain text: what is constant, and a line for each row."""
        lines = [" · ".join(filter(None, [self.title, *self.facts]))]
        for tile in self.tiles:
            stars = f" · {'★' * tile.rating}" if tile.rating else ""
            lines.append(f"{tile.name}: {tile.label}{f': {tile.error}' if tile.error else ''}{stars}")
        return "\n".join(line for line in lines if line)

    def describe(self, number: int, record: Record) -> None:
        """Tell all that is known of a row whose job has ended since the table was made."""
        tile = self.tiles[number]
        row = dict(zip(self.names, tile.values, strict=True))
        tile.facts = _facts(row, {"path": record.path, "job_id": record.job_id}, tile.clip, record)
        if self._actions:
            tile.code, tile.take = self._actions(record)

    def _choose_axes(self, rows: str | None, cols: str | None) -> tuple[str, str]:
        for argument, name in (("rows", rows), ("cols", cols)):
            if name is not None and (not isinstance(name, str) or name not in self.names):
                meant = did_you_mean(str(name), self.names)
                raise InvalidInputError(
                    f"{argument} must name a column of the table, not {short_repr(name)}.{meant} "
                    f"It has {', '.join(self.names)}."
                )
        if rows is not None and rows == cols:
            raise InvalidInputError(f"rows and cols must be two different columns, not both {rows!r}.")
        self.axes += [name for name in (rows, cols) if name and name not in self.axes]
        free = [name for name in self.axes if self._distinct[name] > 1 and name not in (rows, cols)]
        if cols is None:
            cols = next((name for name in ("model", *free[1:]) if name in free and (rows or len(free) > 1)), "")
            free = [name for name in free if name != cols]
        if rows is None:
            rows = next((name for name in ("prompt", *free) if name in free), "")
            if self._distinct.get(rows, 1) * self._distinct.get(cols, 1) > _MOST_EMPTY * self._count:
                cols = ""  # nearly every cell would be empty
        return rows, cols


def label_of(name: str, value: Any) -> str:
    """A value as a person reads it: ``seed 0``, or the value alone where that says what it is."""
    if value is None:
        return f"no {name}"
    return str(value) if name in ("model", "prompt", "status") else f"{name} {value}"


def _plain_column(column: pd.Series) -> list[Any]:
    """A column's values as JSON has them."""
    missing = column.isna()
    return [None if gone else _plain(value) for value, gone in zip(column.tolist(), missing, strict=True)]


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**53):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return printable(str(value), limit=_LONGEST)


def _count(values: Sequence[Any], model_names: Sequence[Any]) -> int:
    """The number of different values; missing ones count for nothing if it is the model that leaves them out."""
    known = set(map(str, (value for value in values if value is not None)))
    having = {model for model, value in zip(model_names, values, strict=False) if value is not None}
    lacking = {model for model, value in zip(model_names, values, strict=False) if value is None}
    is_gap = len(known) < len(set(map(str, values))) and (not model_names or bool(having & lacking))
    return len(known) + is_gap


def _is_axis(name: str, values: Sequence[Any]) -> bool:
    """Whether a column is offered as rows, columns or a choice: an input, and no measurement."""
    if name in OWN_COLUMNS:
        return name in ("model", "take")
    return not (any(isinstance(value, float) for value in values) and len(set(map(str, values))) > _MOST_NUMBERS)


def _tile(
    row: dict[str, Any],
    own: dict[str, Any],
    varying: Sequence[str],
    clip: Clip | None,
    record: Record | None,
    actions: Actions | None,
) -> Tile:
    status = str(row.get("status") or "planned")
    error = own["error"] if status != "completed" or clip is None else None
    if record is not None and record.rating is not None:
        row["rating"] = record.rating
    if record is not None and record.note is not None:
        row["note"] = record.note
    code, take = actions(record) if actions and record is not None else ("", "")
    rating = row.get("rating")
    return Tile(
        values=list(row.values()),
        status=status,
        label=status_label(status),
        name=_name(row, varying),
        error=None if error is None else printable_lines(str(error)),
        clip=clip,
        facts=_facts(row, own, clip, record),
        code=code,
        take=take,
        retry=bool(take) and status in ("failed", "rejected", "expired"),
        rating=rating if isinstance(rating, int) and 1 <= rating <= 5 else None,
        note=str(row.get("note") or ""),
    )


def _name(row: dict[str, Any], varying: Sequence[str]) -> str:
    """What tells a row apart, in one line."""
    labels = [label_of(name, row[name]) for name in varying if row[name] is not None]
    return ", ".join(printable(label, limit=80) for label in labels) or printable(str(row.get("model") or "clip"))


def status_label(status: str) -> str:
    """How a status reads on a tile."""
    return "not begun" if status == "planned" else STATUS_TEXTS.get(status, status)


def _facts(row: dict[str, Any], own: dict[str, Any], clip: Clip | None, record: Record | None) -> list[tuple[str, str]]:
    """All that is known of a row, as pairs of a name and a text."""
    told = set(OWN_COLUMNS) - {"model", "backend"}
    facts = [(name, str(value)) for name, value in row.items() if value is not None and name not in told]
    if row.get("take"):
        facts.append(("take", str(row["take"] + 1)))
    if clip is not None:
        if clip.width:
            facts.append(("video", f"{clip.width}×{clip.height}, {clip.fps:g} fps, {clip.duration:.2f} s"))
        if clip.cost:
            facts.append(("price", money.estimate(clip.cost, "rehearsed" if clip.backend == "local" else "paid")))
        if clip.waited is not None:
            facts.append(("waited", f"{clip.waited:.1f} s in the queue"))
        if clip.made is not None:
            facts.append(("made in", f"{clip.made:.1f} s"))
        elif record is not None and record.took is not None:  # of an earlier version, which did not part it
            facts.append(("took", f"{record.took:.1f} s"))
        if record is not None and record.seconds is not None:
            facts.append(("stored after", f"{record.seconds:.1f} s"))
    facts += [(name, str(own[column])) for name, column in (("file", "path"), ("job", "job_id")) if own[column]]
    return [(printable(name), printable(text, limit=_LONGEST)) for name, text in facts]


def _ratio(tiles: Sequence[Tile], names: Sequence[Any]) -> float:
    """Width by height of the tiles' boxes: of the first clip, else of the first model."""
    for tile in tiles:
        if tile.clip and tile.clip.width and tile.clip.height:
            return round(tile.clip.width / tile.clip.height, 4)
    for name in names:
        if name in models:
            model = models.video(name)
            return round(model.width / model.height, 4)
    return _RATIO
