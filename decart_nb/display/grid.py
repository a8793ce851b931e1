"""A grid of the clips of a table of results, to be looked at, compared, rated and repeated."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container, Hashable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInputError
from ..job import money
from ..job.clip import Clip
from ..job.job import Job
from ..job.posters import make_later
from ..job.repeat import repeat_stored
from ..job.runner import Runner
from ..store.job_row import UNDER_WAY, Record
from ..store.store import DATABASE
from .clip_html import relative_url
from .code import recipe_code
from .environment import notebook_folder
from .grid_data import MISSING, GridData, Tile, status_label
from .grid_files import GridFiles
from .grid_html import grid_html
from .text import STATUS_TEXTS, is_retrying, job_status, job_time

if TYPE_CHECKING:
    import pandas as pd

#: The most rows that a grid shows: a longer table is cut before anything is looked up for its rows.
MAX_TILES = 1000
#: How long the static form of a grid waits for posters that are not stored yet; longer without a store, which would
#: have them later.
_POSTER_SECONDS, _MAX_POSTER_SECONDS = 0.3, 3.0


class ClipGrid:
    """A grid of the clips of a table of results. A notebook shows it live, and keeps a static table of posters.

    Args:
        table: a table of results, of at most :data:`MAX_TILES` rows.
        clips, records: of each row the clip, and the job in the store, if there are any.
        runner: runs further takes; ``runner.store`` has the jobs; without one, clips are only shown.
        rows, cols: the columns whose values are down the side and across the top; chosen unless given.
        badges, sort: as for :class:`~decart_nb.display.grid_data.GridData`.
        title: what the grid shows; may be empty.
        row_count: how many rows the whole table has, of which these are the first.

    Raises:
        InvalidInputError: there is no such column.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        clips: Sequence[Clip | None],
        records: Sequence[Record | None],
        *,
        runner: Runner | None,
        rows: Hashable | None = None,
        cols: Hashable | None = None,
        badges: Hashable | Sequence[Hashable] | None = None,
        sort: tuple[Hashable | None, bool] = (None, True),
        title: str = "",
        row_count: int | None = None,
    ) -> None:
        self._runner, self._folder = runner, notebook_folder()
        #: How many rows the whole table has.
        self.row_count = len(table) if row_count is None else row_count
        self._records = list(records)
        actions = self._actions if runner else None
        self._options: dict[str, Any] = {"badges": badges, "sort": sort, "title": title, "actions": actions}
        self._grid = GridData(table, clips, self._records, rows=rows, cols=cols, **self._options)
        self._first_take = len(self._grid.tiles)  # further takes have the tiles from there on
        self._lock = threading.RLock()
        self._observers: list[Callable[[dict[int, dict[str, Any]]], object]] = []
        #: What a view may ask for.
        self.files = GridFiles(runner.store if runner else None, self._lose)
        for number in range(self._first_take):
            self._offer(number)
        self._thumbnail: str | None = None

    @property
    def tiles(self) -> list[Tile]:
        """The tiles, one for each row, and one for each further take."""
        return self._grid.tiles

    @property
    def contents(self) -> GridData:
        """The contents, with the files that are there now."""
        self._look_for_files()
        return self._grid

    @property
    def header(self) -> dict[str, Any]:
        """What is said once above the grid, as JSON for a frontend: facts, and the key of a still of the input."""
        if self._thumbnail is None:
            self._thumbnail = self.files.offer_thumbnail(self._records[: self._first_take])
        return {"facts": self._grid.facts, "thumbnail": self._thumbnail}

    @property
    def note(self) -> str:
        """How many of the table's rows are shown, if not all of them."""
        shown = self._first_take
        return f"the first {shown:,} of {self.row_count:,} rows" if self.row_count > shown else ""

    def __len__(self) -> int:
        return len(self._grid.tiles)

    def __repr__(self) -> str:
        return self.text()

    def text(self) -> str:
        """The grid as plain text."""
        return "\n".join(filter(None, [self.contents.text(), self.note]))

    def html(self, folder: Path | None) -> str:
        """The grid as static HTML.

        Args:
            folder: the folder against which the frontend resolves relative URLs, if any.
        """

        def link(tile: Tile) -> str | None:
            return relative_url(tile.clip.path, folder) if tile.clip else None

        return grid_html(self.contents, self.posters(), link, self.note)

    def posters(self) -> Callable[[str], bytes | None]:
        """What gives the poster of a tile by its number, for a static form that is made now."""
        deadline = time.monotonic() + (_POSTER_SECONDS if self._runner else _MAX_POSTER_SECONDS)

        def poster(key: str) -> bytes | None:
            """A tile's poster; after a while, only one that is stored: the others are made in the background."""
            clip = self._grid.tiles[int(key)].clip
            store = self._runner.store if self._runner else None
            if clip and time.monotonic() > deadline and not (store and store.files.poster(clip.sha256)):
                if store:
                    make_later(store, clip.sha256, clip.path)
                return None
            return self.files.poster(key)

        return poster

    def _repr_html_(self) -> str | None:
        try:
            return self.html(None)
        except Exception:  # noqa: BLE001 - a formatter never raises
            return None

    def data(self) -> dict[str, Any]:
        """The grid as JSON for a frontend."""
        with self._lock:
            return (
                self.contents.data()
                | self.header
                | {"tiles": [*self.states().values()], "note": self.note, "rated": self._runner is not None}
            )

    def state(self, number: int) -> dict[str, Any]:
        """A tile as JSON for a frontend. Of a running job, only what changes."""
        tile = self._grid.tiles[number]
        if tile.status in UNDER_WAY and number < self._first_take:
            return tile.progress_state()
        return self._whole_state(number)

    def states(self) -> dict[int, dict[str, Any]]:
        """All tiles as JSON for a frontend, by their numbers."""
        return {number: self._whole_state(number) for number in range(len(self._grid.tiles))}

    def _whole_state(self, number: int) -> dict[str, Any]:
        tile = self._grid.tiles[number]
        more = {"input": self.files.input_of(number), "badges": self._grid.badges_of(tile)}
        return tile.state(str(number)) | self.files.served(tile.clip) | more

    def probe(self, folder: Path | None) -> tuple[str, str] | None:
        """The address of a file in the store's folder, relative to a folder, and its name there; ``None`` without one.

        From what a frontend makes of that address, a view learns where the notebook's server has the other files.
        """
        if self._runner is None:
            return None
        address = relative_url(self._runner.store.folder / DATABASE, folder)
        return None if address is None else (address, DATABASE)

    def observe(self, call: Callable[[dict[int, dict[str, Any]]], object]) -> Callable[[], None]:
        """Call back, on any thread, with what has changed of which tiles, as JSON. Return a function that ends it."""
        self._observers.append(call)

        def forget() -> None:
            if call in self._observers:
                self._observers.remove(call)

        return forget

    def refresh(
        self,
        table: pd.DataFrame,
        clips: Sequence[Clip | None],
        records: Sequence[Record | None],
        *,
        but: Container[int] = (),
    ) -> None:
        """Show the present state of the same rows.

        Args:
            table, clips, records: as for the grid itself.
            but: the numbers of rows that stay as they are.
        """
        rows, cols = self._grid.rows or None, self._grid.cols or None
        now = GridData(table, clips, records, rows=rows, cols=cols, **self._options)
        changed = []
        with self._lock:
            for number, (tile, record) in enumerate(zip(now.tiles, records, strict=True)):
                shown = self._grid.tiles[number]
                # A clip that came meanwhile is not taken away again.
                if number in but or (shown.clip is not None and tile.clip is None and tile.status != MISSING):
                    continue
                if tile.state("") != shown.state(""):
                    self._grid.tiles[number], self._records[number] = tile, record
                    self._offer(number)
                    changed.append(number)
        self.notify(changed)

    def rate(self, number: int, **judgement: Any) -> None:
        """Store a rating from 1 to 5, or a note, of a row.

        Raises:
            InvalidInputError: it is not valid, or the row has no job in a store.
            StoreError: it cannot be written.
        """
        record = self._record(number)
        assert self._runner is not None
        self._runner.store.rate(record, **judgement)
        tile = self._grid.tiles[number]
        tile.rating, tile.note = record.rating, record.note or ""
        for name, value in (("rating", record.rating), ("note", record.note)):
            tile.values[self._grid.names.index(name)] = value
        self.notify([number])

    def repeat(self, number: int) -> Job:
        """Submit a row's request again: a further take as a tile of its own, or a failed one in its own tile.

        Raises:
            InvalidInputError: the row has no job in a store.
            DecartSDKError: it cannot be submitted.
        """
        if self._grid.tiles[number].status in UNDER_WAY:
            raise InvalidInputError("This row is under way already.")
        record = self._record(number)
        assert self._runner is not None
        job = repeat_stored(self._runner, record, is_made=record.status == "completed")
        with self._lock:
            tile = self._grid.tiles[number]
            if tile.clip is not None or tile.status == MISSING:
                values = list(tile.values)
                for name in ("rating", "note", *self._grid.measures, *self._grid.badges):
                    if name in self._grid.names and name not in self._grid.axes:
                        values[self._grid.names.index(name)] = None
                for name, value in (("seed", job.inputs.get("seed")), ("take", None)):
                    if name in self._grid.names and value is not None:
                        values[self._grid.names.index(name)] = value
                tile = Tile(values, job.status, "", f"{tile.name}, another take")
                number = len(self._grid.tiles)
                self._grid.tiles.append(tile)
                self._records.append(None)
        self._follow(job, number)
        return job

    def _follow(self, job: Job, number: int) -> None:
        """Show a job in a tile until it has ended."""
        unobserve: Callable[[], object] = int

        def update(job: Job) -> None:
            if self.show_job(number, job):
                self.notify([number])
            if job.done:
                unobserve()

        self.notify([number])
        unobserve = job.observe(update)
        update(job)

    def show_job(self, number: int, job: Job) -> bool:
        """Set a tile from a job, and return whether it has changed."""
        tile = self._grid.tiles[number]
        before = (tile.status, tile.label, tile.error, tile.progress, tile.clip)
        tile.retrying = is_retrying(job)
        if job.clip is not None:
            self._show_clip(number, job.clip)
        elif job.error is not None:
            tile.status, tile.label, tile.progress = job.status, status_label(job.status), 0.0
            tile.error = str(getattr(job.error, "reason", job.error))
            tile.retry = bool(self._runner)
            self._remember(number, job)
        else:
            tile.error, tile.retry = None, False
            downloading = job.status == "completed"
            tile.status = "downloading" if downloading else job.status
            tile.label = "downloading" if downloading else f"{job_status(job)}, {job_time(job)}"
            if not tile.retrying:
                tile.progress = max(tile.progress, round(job.progress, 3))
        return before != (tile.status, tile.label, tile.error, tile.progress, tile.clip)

    def _show_clip(self, number: int, clip: Clip) -> None:
        tile = self._grid.tiles[number]
        if tile.clip is clip:
            return
        tile.clip, tile.status, tile.label, tile.error = clip, "completed", STATUS_TEXTS["completed"], None
        tile.progress, tile.retry = 1.0, False
        for name in ("waited", "made", "cost", "width", "height", "fps", "duration", "status"):
            if name in self._grid.names:
                value = "completed" if name == "status" else getattr(clip, name)
                tile.values[self._grid.names.index(name)] = value
        if self._runner and (found := self._runner.store.find(job_id=clip.job_id)):
            self._records[number] = found[-1]
            self._grid.describe(number, found[-1])
        self._offer(number)

    def _remember(self, number: int, job: Job) -> None:
        if self._runner and job.recipe:
            self._records[number] = job.recipe.record

    def notify(self, numbers: Iterable[int]) -> None:
        """Tell the observers that these tiles have changed."""
        if self._observers and (changed := {number: self.state(number) for number in numbers}):
            for call in tuple(self._observers):
                call(changed)

    def _record(self, number: int) -> Record:
        record = self._records[number] if 0 <= number < len(self._records) else None
        if record is None or self._runner is None:
            raise InvalidInputError(
                "This row has no job in the current store: open the store that has made it with decart_nb.connect."
            )
        return record

    def _actions(self, record: Record) -> tuple[str, str]:
        """The code that repeats a job's request, and the text of the button that makes another take of it."""
        assert self._runner is not None
        recipe = self._runner.recipe(record)
        if recipe.model is None or not (record.inputs or record.files):
            return "", ""
        cost = record.cost if record.cost is not None else record.expected_cost
        price = f" · {money.estimate(cost, self._runner.payment)}" if cost else ""
        return recipe_code(recipe, self._folder), f"Another take{price}"

    def _offer(self, number: int) -> None:
        """Let views ask for the files of a tile."""
        if (clip := self._grid.tiles[number].clip) is not None:
            self.files.offer(number, clip, self._records[number])

    def _look_for_files(self) -> None:
        """Say of the clips whose files are no longer there that they are missing."""
        with self._lock:
            for number, tile in enumerate(self._grid.tiles):
                if tile.clip is not None and not tile.clip.path.is_file():
                    self._lose(number)

    def _lose(self, number: int) -> None:
        with self._lock:
            if self._grid.tiles[number].clip is None:
                return
            self._grid.lose(number)
        self.notify([number])
