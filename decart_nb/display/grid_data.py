"""The contents of a grid of clips as plain JSON: its columns, what all clips share, and a tile for each row of a table.

The same contents are shown by the live view in a notebook, the static HTML of a saved notebook, and a static gallery.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._util.text import printable, printable_lines
from ..errors import InvalidInputError
from ..job import money
from ..job.clip import Clip
from ..job.table import OWN_COLUMNS, as_results
from ..request.catalogue import models
from ..store.job_row import Record
from .grid_arrangement import MAX_CELLS, Arrangement, arrange
from .grid_columns import MAX_TEXT_LENGTH, GridColumns, label_of, stands_alone
from .grid_measures import OUTLIER_RULE, badge_texts, measures_of, with_mark
from .text import STATUS_TEXTS

if TYPE_CHECKING:
    import pandas as pd

#: No columns are chosen by which a grid would have more cells than this for each clip.
_MAX_EMPTY = 4
_RATIO = 16 / 9
#: The width of a tile, in pixels, by the number of columns that are to fit into 1,280 pixels.
_WIDEST, _NARROWEST, _ROOM = 320, 128, 920
#: Between two tiles, with their share of a cell's margin.
_GAP = 12
#: More tiles than this in a cell are divided by a choice above the grid.
_MAX_IN_A_CELL = 4
#: The status of a row whose video was stored, and has been moved or removed.
MISSING = "missing"
_STATUS_LABELS = {"planned": "not begun", MISSING: "the file is missing"}

#: Gives the code that repeats a row's request, and the text of the button that makes another take of it.
Actions = Callable[[Record], tuple[str, str]]


@dataclass
class Tile:
    """One row of a table in a grid.

    Attributes:
        values: the row's values in the grid's columns: text, numbers, truth values or ``None``.
        status: as in a table of results, or ``downloading``, ``over the cap`` or ``missing``.
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
        badges: the columns whose values each tile shows; the table's metrics, ``attrs["metrics"]``, unless given.
        sort: the column by which the table is sorted, and whether its largest value is first.
        title: what the grid shows; may be empty.
        actions: see :data:`Actions`; called for rows that have a job in the store.

    Attributes:
        names: of the columns.
        axes: the columns that are offered as rows, columns or a choice; ``varying``, those with more than one value.
        measures: the numeric columns that are offered as rows or columns, and by their values, not as a choice.
        badges: the names of the columns whose values each tile shows.
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
        rows: Hashable | None = None,
        cols: Hashable | None = None,
        badges: Hashable | Sequence[Hashable] | None = None,
        sort: tuple[Hashable | None, bool] = (None, True),
        title: str = "",
        actions: Actions | None = None,
    ) -> None:
        columns = GridColumns(as_results(table))
        self.title, self._actions = title, actions
        self.names = [*columns.values]
        self._distinct = {name: columns.count(name) for name in self.names}
        metrics = columns.metrics
        varying = [name for name in metrics if self._distinct[name] > 1]  # what is the same of all is said above
        self.badges = varying if badges is None else columns.find_all("badges", badges)
        inputs = {field.name for model in models for field in model.fields or ()}
        self.measures = measures_of(columns.values, columns.axes, {*metrics, *self.badges} - inputs)
        self.axes = [name for name in columns.axes if name not in self.measures]
        self._sort = "" if sort[0] is None else columns.find("sort", sort[0]), sort[1]
        self.rows, self.cols = self._choose_axes(
            *(None if given is None else columns.find(side, given) for side, given in (("rows", rows), ("cols", cols))),
            row_count=len(table),
        )
        self.varying = [name for name in self.axes if self._distinct[name] > 1]
        self.tiles: list[Tile] = []
        for number, (clip, record) in enumerate(zip(clips, records, strict=True)):
            # A column of the table may be called like anything: what results say of a job is apart.
            row, own = (
                {name: values[number] for name, values in part.items()} for part in (columns.values, columns.own)
            )
            self.tiles.append(_tile(row, own, self.varying, clip, record, actions))
            if self.tiles[-1].status == "completed" and not (clip and clip.path.is_file()):
                self.lose(number)
        self.constants = [
            label_of(name, self.measures[name].text(value) if name in self.measures else value)
            for name in dict.fromkeys([*self.axes, *metrics])
            if self._distinct[name] == 1 and name != "take"
            for value in [next((value for value in columns.values[name] if value is not None), None)]
            if value is not None
        ]
        self.ratio = _ratio(self.tiles, columns.values.get("model", []))

    def data(self) -> dict[str, Any]:
        """The grid as JSON for the frontend, without its tiles."""
        return {
            "title": self.title,
            "columns": [
                {"name": name, "axis": name in self.varying, "alone": stands_alone(name)}
                | (self.measures[name].data() if name in self.measures else {})
                for name in self.names
            ],
            "badges": self.badges,
            "rule": OUTLIER_RULE,
            "sort": dict(zip(("name", "descending"), self._sort, strict=True)),
            "rows": self.rows,
            "cols": self.cols,
            "ratio": self.ratio,
            "size": self.tile_width,
            "narrowest": _NARROWEST,
            "widest": _WIDEST,
            "most_in_a_cell": _MAX_IN_A_CELL,
            "most_cells": MAX_CELLS,
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
        arranged = self.arranged()
        in_a_cell = max(map(len, arranged.cells.values()), default=1)
        tiles = len(arranged.col_labels) * min(in_a_cell, _MAX_IN_A_CELL)
        return max(_NARROWEST, min(_WIDEST, (_ROOM // max(1, tiles) - _GAP) // 8 * 8))

    def arranged(self) -> Arrangement:
        """The tiles in rows and columns."""
        at = [self.names.index(name) if name else None for name in (self.rows, self.cols)]
        places = [[None if index is None else tile.values[index] for index in at] for tile in self.tiles]
        return arrange(places, self.rows, self.cols, measures=self.measures, sort=self._sort[0])

    def badges_of(self, tile: Tile) -> list[tuple[str, ...]]:
        """A tile's badges: of each the column's name, the value as text, and ``high`` or ``low`` for an outlier."""
        return badge_texts(self.badges, dict(zip(self.names, tile.values, strict=True)), self.measures)

    def lose(self, number: int) -> None:
        """Say of a row that its video is not where it was stored."""
        tile = self.tiles[number]
        tile.error = "its video has no path"
        if tile.clip is not None:
            tile.error = printable(f"{tile.clip.path.name} was moved or removed")
        tile.clip, tile.status, tile.label = None, MISSING, status_label(MISSING)
        if "status" in self.names:
            tile.values[self.names.index("status")] = MISSING

    def text(self) -> str:
        """The grid as plain text: what is constant, and a line for each row."""
        lines = [" · ".join(filter(None, [self.title, *self.facts]))]
        for tile in self.tiles:
            state = f"{tile.label}{f': {tile.error}' if tile.error else ''}"
            badges = [" ".join(filter(None, badge)) for badge in map(with_mark, self.badges_of(tile))]
            stars = "★" * (tile.rating or 0)
            lines.append(f"{tile.name}: {' · '.join(filter(None, [state, *badges, stars]))}")
        return "\n".join(line for line in lines if line)

    def describe(self, number: int, record: Record) -> None:
        """Tell all that is known of a row whose job has ended since the table was made."""
        tile = self.tiles[number]
        row = dict(zip(self.names, tile.values, strict=True))
        tile.facts = _facts(row, {"path": record.path, "job_id": record.job_id}, tile.clip, record)
        if self._actions:
            tile.code, tile.take = self._actions(record)

    def _choose_axes(self, rows: str | None, cols: str | None, *, row_count: int) -> tuple[str, str]:
        if rows is not None and rows == cols:
            raise InvalidInputError(f"rows and cols must be two different columns, not both {rows!r}.")
        self.axes += [name for name in (rows, cols) if name and name not in {*self.axes, *self.measures}]
        free = [name for name in self.axes if self._distinct[name] > 1 and name not in (rows, cols)]
        if cols is None:
            cols = next((name for name in ("model", *free[1:]) if name in free and (rows or len(free) > 1)), "")
            free = [name for name in free if name != cols]
        if rows is None:
            rows = next((name for name in ("prompt", *free) if name in free), "")
            if self._distinct.get(rows, 1) * self._distinct.get(cols, 1) > _MAX_EMPTY * row_count:
                cols = ""  # nearly every cell would be empty
        return rows, cols


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
    return _STATUS_LABELS.get(status) or STATUS_TEXTS.get(status, status)


def _facts(row: dict[str, Any], own: dict[str, Any], clip: Clip | None, record: Record | None) -> list[tuple[str, str]]:
    """All that is known of a row, as pairs of a name and a text."""
    told = set(OWN_COLUMNS) - {"model", "backend"}
    facts = [(name, _fact(value)) for name, value in row.items() if value is not None and name not in told]
    if row.get("take"):
        facts.append(("take", str(row["take"])))
    if record is not None and record.drawn_seed is not None and row.get("seed") is None:
        facts.append(("seed", str(record.drawn_seed)))
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
    return [(printable(name), printable(text, limit=MAX_TEXT_LENGTH)) for name, text in facts]


def _fact(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


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
