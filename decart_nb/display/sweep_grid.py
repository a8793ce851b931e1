"""A grid of a sweep's clips, which fills while the sweep runs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from ..job.job import Job
from .grid import MAX_TILES, ClipGrid

if TYPE_CHECKING:
    from ..sweeps.sweep import Sweep

#: The least seconds between two updates while the sweep runs.
_INTERVAL = 0.5
_OVER_THE_CAP = "over the cap"


class SweepGrid(ClipGrid):
    """A grid of a sweep's clips. It follows the sweep until its run has ended.

    Args:
        sweep: the sweep.
        rows, cols, title: as for :class:`ClipGrid`.
    """

    def __init__(self, sweep: Sweep, *, rows: str | None = None, cols: str | None = None, title: str = "") -> None:
        from ..sweeps.clips import clips_of, records_of

        self._clips_of, self._records_of = clips_of, records_of
        runner, table = sweep.runner, sweep.results
        records = records_of(table, runner.store)
        clips = clips_of(table, records, runner.store)
        super().__init__(table, clips, records, runner=runner, rows=rows, cols=cols, title=title)
        self._running: dict[int, Job] = {}
        self._updating = threading.Lock()
        self._updated_at = 0.0
        self._ended = 0
        self._unfollow = sweep.observe(self._update)
        self._update(sweep)

    def _update(self, sweep: Sweep) -> None:
        over = sweep.over
        with self._updating:
            if not over and time.monotonic() - self._updated_at < _INTERVAL:
                return
            progress = sweep.progress
            self._running.update(zip(progress.rows, progress.jobs, strict=True))
            changed = [
                number for number, job in self._running.items() if number < MAX_TILES and self.show_job(number, job)
            ]
            self._running = {number: job for number, job in self._running.items() if not job.done}
            changed += [number for number in progress.over_cap if number < MAX_TILES and self._hold_back(number)]
            self.notify(changed)
            ended = progress.done + progress.reused + progress.failed
            if over or ended > self._ended:  # some may have begun and ended since the last update
                self._ended = ended
                self._read(sweep)
            self._updated_at = time.monotonic()
        if over:
            self.notify(range(len(self)))  # a view that was slow to appear may have missed a change
            self._unfollow()

    def _read(self, sweep: Sweep) -> None:
        """Show what the store says of the rows that are not under way."""
        table = sweep.results
        records = self._records_of(table, sweep.runner.store)
        self.refresh(table, self._clips_of(table, records, sweep.runner.store), records, but=self._running)

    def _hold_back(self, number: int) -> bool:
        """Mark a row as over the cap, and return whether it was not marked before."""
        tile = self._grid.tiles[number]
        before = tile.status
        tile.status = tile.label = _OVER_THE_CAP
        return before != tile.status
