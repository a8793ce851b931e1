"""A grid of a sweep's clips, which fills while the sweep runs."""

from __future__ import annotations

import functools
import math
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ..job.job import Job
from .grid import MAX_TILES, ClipGrid

if TYPE_CHECKING:
    from ..sweeps.progress import Progress
    from ..sweeps.sweep import Sweep

#: The least seconds between two updates while the sweep runs, and between two looks into the store.
_INTERVAL, _READ_INTERVAL = 0.5, 2.0
#: So many times as long as a look into the store takes, the next one waits.
_SPARED = 20
_OVER_THE_CAP = "over the cap"


class SweepGrid(ClipGrid):
    """A grid of a sweep's clips. As long as somebody holds it, it follows the sweep's runs, also later ones.

    Args:
        sweep: the sweep.
        rows, cols, title: as for :class:`ClipGrid`.
    """

    def __init__(self, sweep: Sweep, *, rows: str | None = None, cols: str | None = None, title: str = "") -> None:
        from ..sweeps.clips import clips_of, records_of

        self._clips_of, self._records_of = clips_of, records_of
        runner, results = sweep.runner, sweep.results
        table = results.iloc[:MAX_TILES]
        records = records_of(table, runner.store)
        clips = clips_of(table, records, runner.store)
        super().__init__(
            table, clips, records, runner=runner, rows=rows, cols=cols, title=title, row_count=len(results)
        )
        self._running: dict[int, Job] = {}
        self._updating, self._reading = threading.Lock(), threading.Lock()
        self._updated_at = self._read_again_at = 0.0
        #: Ends the following.
        self.unfollow = self._follow_runs(sweep)
        if not sweep.over:
            self._update(sweep)

    def _follow_runs(self, sweep: Sweep) -> Callable[[], None]:
        # A sweep outlives its grids: it must not keep them.
        here = weakref.WeakMethod(self._update)

        def update(sweep: Sweep) -> None:
            if (call := here()) is None:
                unobserve()
            else:
                call(sweep)

        unobserve = sweep.observe(update)
        return unobserve

    def _update(self, sweep: Sweep) -> None:
        """Show what has changed. It is called on the event loop, which has other things to do."""
        over, now = sweep.over, time.monotonic()
        with self._updating:
            if not over and now - self._updated_at < _INTERVAL:
                return
            self._updated_at = now
            self._show_running(sweep.progress)
        if over:
            self._read(sweep, is_final=True)
        elif now >= self._read_again_at:
            self._read_again_at = math.inf
            _reader().submit(self._read, sweep)

    def _show_running(self, progress: Progress) -> None:
        self._running.update(zip(progress.rows, progress.jobs, strict=True))
        changed = [number for number, job in self._running.items() if number < MAX_TILES and self.show_job(number, job)]
        self._running = {number: job for number, job in self._running.items() if not job.done}
        self.notify(changed + self._hold_back_all(progress.over_cap))

    def _read(self, sweep: Sweep, *, is_final: bool = False) -> None:
        """Show what the store says of the rows that are not under way: some begin and end between two updates."""
        with self._reading:
            began = time.monotonic()
            table = sweep.results.iloc[:MAX_TILES]
            records = self._records_of(table, sweep.runner.store)
            clips = self._clips_of(table, records, sweep.runner.store)
            held_back = sweep.progress.over_cap
            self.refresh(table, clips, records, but=held_back if is_final else held_back | self._running.keys())
            if is_final:
                self._hold_back_all(held_back)
                self.notify(range(len(self)))  # a view that was slow to appear may have missed a change
            now = time.monotonic()
            self._read_again_at = now + max(_READ_INTERVAL, _SPARED * (now - began))

    def _hold_back_all(self, numbers: Iterable[int]) -> list[int]:
        """Mark rows as over the cap, and return which were not marked before."""
        changed = []
        for number in numbers:
            if number < MAX_TILES and (tile := self._grid.tiles[number]).status != _OVER_THE_CAP:
                tile.status = tile.label = _OVER_THE_CAP
                changed.append(number)
        return changed


@functools.cache
def _reader() -> ThreadPoolExecutor:
    """The thread that reads the store for all grids."""
    return ThreadPoolExecutor(1, "decart-grids")
