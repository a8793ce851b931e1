"""Live view of a sweep: totals, a bar, and a grid of its clips that fills while it runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import traitlets

from ..sweeps.progress import Progress
from .grid import ClipGrid
from .grid_channel import GRID_PARTS, GridChannel
from .live_view import StoppableView, assets
from .text import rows_ended, sweep_line, sweep_note, sweep_title, sweep_totals

if TYPE_CHECKING:
    from ..sweeps.sweep import Sweep


class SweepView(StoppableView):
    """Live view of a sweep's run.

    Attributes:
        title: the sweep's title.
        over: whether the run has ended.
        totals: pairs of a category and its text, such as ``["failed", "1 failed"]``.
        row_count, rows_ended: the number of rows, and of those that need no more work.
        shares: the fractions of the rows that are done, reused, failed or invalid, and running.
        note: reasons for retries, and the sweep's own note.
        grid: the grid of the clips when the view was made, as JSON.
    """

    _esm, _css = assets(*GRID_PARTS, "sweep_view")
    title = traitlets.Unicode().tag(sync=True)
    over = traitlets.Bool(default_value=False).tag(sync=True)
    totals: traitlets.List[Any] = traitlets.List().tag(sync=True)
    row_count = traitlets.Int().tag(sync=True)
    rows_ended = traitlets.Int().tag(sync=True)
    shares: traitlets.List[Any] = traitlets.List().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    grid: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    def __init__(self, sweep: Sweep, grid: ClipGrid, *, output_id: str, began: float | None = None) -> None:
        super().__init__(output_id=output_id)
        self._sweep, self._began = sweep, began
        self._channel = GridChannel(self, grid)
        self._follow(sweep)

    def close(self) -> None:
        """Close the view; the sweep goes on."""
        self._channel.close()
        super().close()

    def text(self) -> str:
        """The view as plain text."""
        return sweep_line(self._sweep)

    @property
    def _subject(self) -> Sweep:
        return self._sweep

    def _refresh(self, sweep: Sweep) -> bool:
        if self.over:  # a later run of the same sweep has a view of its own
            return True
        over, progress = sweep.over, sweep.progress
        seconds = None if self._began is None else time.monotonic() - self._began
        self.title = sweep_title(sweep)
        self.totals = [[*pair] for pair in sweep_totals(progress, over=over, seconds=seconds)]
        self.row_count, self.rows_ended = progress.total, rows_ended(progress)
        self.shares = row_shares(progress)
        self.note = sweep_note(progress)
        started = progress.done + progress.running + progress.failed > 0
        self.stop_label = "Stop" if started and not over and not progress.stopped else ""
        self.stop_hint = "" if over else self._hint(sweep, progress)
        self.over = over
        return over

    def _hint(self, sweep: Sweep, progress: Progress) -> str:
        if progress.stopped:
            return "stopped: nothing more is submitted; what is running is still fetched"
        if sweep.blocks_main_thread and not self._receives_clicks:
            return "to stop, interrupt the kernel"
        if not progress.waiting and all(job.id for job in progress.jobs):
            return "all is submitted"
        return ""


def row_shares(progress: Progress) -> list[float]:
    """The fractions of a sweep's rows that are done, reused, failed or invalid, and running."""
    counts = (progress.done, progress.reused, progress.failed + progress.invalid, progress.running)
    return [round(count / max(1, progress.total), 4) for count in counts]
