"""A sweep while it is under way: a line of totals over a line for each job that is running."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import traitlets

from .._util.text import printable
from ..job.job import Job
from ..sweeps.progress import Progress
from .live_view import LiveView, assets
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

#: So many jobs get a line; the others are counted.
LINES = 12


class SweepView(LiveView):
    """The live part of a place where a sweep shows. It knows nothing that its sweep does not.

    Attributes:
        place: the name of the place, whose static form it stands in for.
        sweep: what the sweep is called.
        over: whether it has ended.
        totals: what is said of it as a whole, each with a word for what that is about.
        total, ended: how many rows there are, and how many of them have ended.
        bar: the shares of the rows that are done, reused, failed or invalid, and running.
        jobs: the lines, each of a job, or of none where one has ended; who runs on keeps its line.
        more: that there are others.
        note: what the person should know besides.
        stop: what the button that stops is called; none where it is empty.
        hint: what to do in place of that button.
    """

    _esm, _css = assets("sweep_view")
    place = traitlets.Unicode().tag(sync=True)
    sweep = traitlets.Unicode().tag(sync=True)
    over = traitlets.Bool(default_value=False).tag(sync=True)
    totals: traitlets.List[Any] = traitlets.List().tag(sync=True)
    total = traitlets.Int().tag(sync=True)
    ended = traitlets.Int().tag(sync=True)
    bar: traitlets.List[Any] = traitlets.List().tag(sync=True)
    jobs: traitlets.List[Any] = traitlets.List().tag(sync=True)
    more = traitlets.Unicode().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    stop = traitlets.Unicode().tag(sync=True)
    hint = traitlets.Unicode().tag(sync=True)

    def __init__(self, sweep: Sweep, *, place: str, began: float | None = None) -> None:
        super().__init__(place=place)
        self._sweep, self._began = sweep, began
        self._turn = threading.RLock()  # the sweep tells from any thread, and the last word must be the latest
        # Clicks reach some kernels while a cell blocks, and others only after it.
        self._clicks_are_heard = False
        self._lines: list[_Line | None] = []
        self._numbered = 0
        self._forget: Callable[[], object] = int  # nothing, so far
        self.on_msg(self._hear)
        self._forget = sweep.observe(self._update)
        self._update(sweep)
        if self.over:  # and perhaps before it was known how to forget
            self._forget()

    def text(self) -> str:
        """The view in words."""
        return sweep_line(self._sweep)

    def close(self) -> None:
        """Ends the view; the sweep goes on."""
        self._forget()
        super().close()

    def _update(self, sweep: Sweep) -> None:
        with self._turn, self.hold_sync():
            if self.comm is None or self.over:  # a sweep that is run again shows in a place of its own
                return
            over, progress = sweep.over, sweep.progress
            took = None if self._began is None else time.monotonic() - self._began
            self.sweep = sweep_title(sweep)
            self.totals = [[*each] for each in sweep_totals(progress, over=over, seconds=took)]
            self.total, self.ended = progress.total, rows_ended(progress)
            self.bar = shares(progress)
            self._place_jobs(progress.jobs)
            self.jobs = [] if over else [line.told() if line else None for line in self._lines]
            hidden = len(progress.jobs) - sum(line is not None for line in self._lines)
            self.more = f"and {hidden:,} more" if hidden and not over else ""
            self.note = sweep_note(progress)
            begun = progress.done + progress.running + progress.failed > 0
            self.stop = "Stop" if begun and not over and not progress.stopped else ""
            self.hint = "" if over else self._why_no_button(sweep, progress)
            self.over = over
            if over:
                self._forget()

    def _place_jobs(self, jobs: tuple[Job, ...]) -> None:
        """Gives each job a line, as long as there are any. What has ended leaves a gap: else the others would jump."""
        here = {id(job) for job in jobs}
        self._lines = [line if line and id(line.job) in here else None for line in self._lines]
        shown = {id(line.job) for line in self._lines if line}
        for job in jobs:
            if id(job) in shown:
                continue
            if None not in self._lines:
                if len(self._lines) == LINES:
                    break
                self._lines.append(None)
            self._numbered += 1
            self._lines[self._lines.index(None)] = _Line(job, self._numbered)

    def _why_no_button(self, sweep: Sweep, progress: Progress) -> str:
        if progress.stopped:
            return "stopped: nothing more is submitted; what is running is still fetched"
        if sweep.blocks_a_cell and not self._clicks_are_heard:
            return "to stop, interrupt the kernel"
        if not progress.waiting and all(job.id for job in progress.jobs):
            return "all is submitted"
        return ""

    def _hear(self, _: object, message: dict[str, Any], __: object) -> None:
        """What a click asks for. It is only handed on: who delivers it may be any thread."""
        if self._sweep.blocks_a_cell:  # and this has come through all the same
            self._clicks_are_heard = True
        self.problem = ""
        try:
            if message.get("action") == "stop":
                self._sweep.cancel()
        except Exception as error:  # noqa: BLE001 - there is no cell to raise it in: it is shown in its place
            self.problem = str(error)
        self._update(self._sweep)


class _Line:
    """The line of a job.

    Args:
        job: the job.
        number: of the job among all that had a line.
    """

    def __init__(self, job: Job, number: int) -> None:
        self.job = job
        self._number, self._progress = number, 0.0

    def told(self) -> dict[str, Any]:
        job = self.job
        retrying = is_retrying(job)
        if not retrying:
            self._progress = max(self._progress, round(job.progress, 3))  # it never falls
        return {
            "number": self._number,
            "model": printable(job.model, limit=40),
            "request": job_request(job),
            "state": job_status(job),
            "retrying": retrying,
            "time": job_time(job),
            "progress": self._progress,
        }


def shares(progress: Progress) -> list[float]:
    """The shares of the rows that are done, reused, failed or invalid, and running."""
    counts = (progress.done, progress.reused, progress.failed + progress.invalid, progress.running)
    return [round(count / max(1, progress.total), 4) for count in counts]
