"""Live view of a sweep: totals, a bar, and a line for each running job."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import traitlets

from .._util.text import printable
from ..job.job import Job
from ..sweeps.progress import Progress
from .live_view import StoppableView, assets
from .text import (
    is_retrying,
    job_request,
    job_status,
    job_time,
    rows_ended,
    sweep_line,
    sweep_note,
    sweep_title,
    sweep_totals,
)

if TYPE_CHECKING:
    from ..sweeps.sweep import Sweep

#: The number of jobs that get a line; further ones are only counted.
MAX_LINES = 12


class SweepView(StoppableView):
    """Live view of a sweep's run.

    Attributes:
        title: the sweep's title.
        over: whether the run has ended.
        totals: pairs of a category and its text, such as ``["failed", "1 failed"]``.
        row_count, rows_ended: the number of rows, and of those that need no more work.
        shares: the fractions of the rows that are done, reused, failed or invalid, and running.
        jobs: the state of each job's line, or ``None`` for an empty one. A running job keeps its line.
        more: how many running jobs have no line.
        note: reasons for retries, and the sweep's own note.
    """

    _esm, _css = assets("sweep_view")
    title = traitlets.Unicode().tag(sync=True)
    over = traitlets.Bool(default_value=False).tag(sync=True)
    totals: traitlets.List[Any] = traitlets.List().tag(sync=True)
    row_count = traitlets.Int().tag(sync=True)
    rows_ended = traitlets.Int().tag(sync=True)
    shares: traitlets.List[Any] = traitlets.List().tag(sync=True)
    jobs: traitlets.List[Any] = traitlets.List().tag(sync=True)
    more = traitlets.Unicode().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)

    def __init__(self, sweep: Sweep, *, output_id: str, began: float | None = None) -> None:
        super().__init__(output_id=output_id)
        self._sweep, self._began = sweep, began
        self._lines: list[_JobLine | None] = []
        self._line_count = 0
        self._follow(sweep)

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
        self._assign_lines(progress.jobs)
        self.jobs = [] if over else [line.state() if line else None for line in self._lines]
        hidden = len(progress.jobs) - sum(line is not None for line in self._lines)
        self.more = f"and {hidden:,} more" if hidden and not over else ""
        self.note = sweep_note(progress)
        started = progress.done + progress.running + progress.failed > 0
        self.stop_label = "Stop" if started and not over and not progress.stopped else ""
        self.stop_hint = "" if over else self._hint(sweep, progress)
        self.over = over
        return over

    def _assign_lines(self, jobs: tuple[Job, ...]) -> None:
        """Assign each job a line while there are free ones. An ended job leaves an empty line, so that none moves."""
        running = {id(job) for job in jobs}
        self._lines = [line if line and id(line.job) in running else None for line in self._lines]
        shown = {id(line.job) for line in self._lines if line}
        for job in jobs:
            if id(job) in shown:
                continue
            if None not in self._lines:
                if len(self._lines) == MAX_LINES:
                    break
                self._lines.append(None)
            self._line_count += 1
            self._lines[self._lines.index(None)] = _JobLine(job, self._line_count)

    def _hint(self, sweep: Sweep, progress: Progress) -> str:
        if progress.stopped:
            return "stopped: nothing more is submitted; what is running is still fetched"
        if sweep.blocks_main_thread and not self._receives_clicks:
            return "to stop, interrupt the kernel"
        if not progress.waiting and all(job.id for job in progress.jobs):
            return "all is submitted"
        return ""


class _JobLine:
    """A job's line in a sweep view.

    Args:
        job: the job.
        number: a number that no other line of the view has had.
    """

    def __init__(self, job: Job, number: int) -> None:
        self.job = job
        self._number, self._progress = number, 0.0

    def state(self) -> dict[str, Any]:
        """What the frontend shows of the job."""
        job = self.job
        retrying = is_retrying(job)
        if not retrying:
            self._progress = max(self._progress, round(job.progress, 3))  # it never falls
        return {
            "number": self._number,
            "model": printable(job.model, limit=40),
            "request": job_request(job),
            "status": job_status(job),
            "retrying": retrying,
            "time": job_time(job),
            "progress": self._progress,
        }


def row_shares(progress: Progress) -> list[float]:
    """The fractions of a sweep's rows that are done, reused, failed or invalid, and running."""
    counts = (progress.done, progress.reused, progress.failed + progress.invalid, progress.running)
    return [round(count / max(1, progress.total), 4) for count in counts]
