"""Live view of a job: a line with progress and a stop button, then the buttons below the finished clip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import traitlets

from ..job.job import Job
from .code import code_of
from .environment import notebook_folder
from .live_view import StoppableView, assets
from .text import is_retrying, job_state, job_status, job_time


class JobView(StoppableView):
    """Live view of a job.

    Attributes:
        model: the model's name.
        running: whether the progress line is shown, and not the buttons of a job that has ended.
        status, time: the job's status, and its elapsed and usual time.
        progress: estimated progress from 0 to 1. It never falls for one job, and stands still during a retry.
        retrying: whether a failed request is being retried; the status then says why.
        repeat_label: the text of the button that generates another take; empty if there is none.
        code: Python code that repeats the request.
        take: the number of the take, from 1. The static output has the number of takes that it shows.
        missed_text: shown if the static output does not have the last take: how to see it.
    """

    _esm, _css = assets("job_view")
    model = traitlets.Unicode().tag(sync=True)
    running = traitlets.Bool(default_value=True).tag(sync=True)
    status = traitlets.Unicode().tag(sync=True)
    time = traitlets.Unicode().tag(sync=True)
    progress = traitlets.Float().tag(sync=True)
    retrying = traitlets.Bool(default_value=False).tag(sync=True)
    repeat_label = traitlets.Unicode().tag(sync=True)
    code = traitlets.Unicode().tag(sync=True)
    take = traitlets.Int().tag(sync=True)
    missed_text = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, job: Job, *, output_id: str, repeat: Callable[[Job], object], folder: Path | None = None
    ) -> None:
        super().__init__(output_id=output_id)
        self._repeat, self._folder = repeat, folder or notebook_folder()
        self.follow(job)

    def follow(self, job: Job) -> None:
        """Show this job from now on, as the next take."""
        with self._update_lock, self.hold_sync():
            self._job = job
            self.model, self.progress = job.model, 0.0
            self.take += 1
        self._follow(job)

    def text(self) -> str:
        """The view as plain text."""
        return f"{self.model}: {job_state(self._job)}"

    @property
    def _subject(self) -> Job:
        return self._job

    def _refresh(self, job: Job) -> bool:
        ended = job.clip is not None or job.error is not None
        self.status, self.time, self.retrying = job_status(job), job_time(job), is_retrying(job)
        if not self.retrying:
            self.progress = max(self.progress, job.progress)
        self.stop_label = "" if ended or job.stopped else "Stop waiting" if job.id else "Cancel"
        self.stop_hint = self._hint(job)
        self.repeat_label = "" if not job.repeatable else "Another take" if job.clip else "Try again"
        self.code = code_of(job, self._folder)
        self.missed_text = f"{self.status}; dnb.attach({job.id!r}) shows it" if job.id else job_state(job)
        self.running = not ended
        return ended

    def _hint(self, job: Job) -> str:
        if job.stopped:
            return "not waited for; the video is still fetched" if job.id else "cancelled, unless already submitted"
        if job.blocks_main_thread and not self._receives_clicks:
            return "to stop waiting, interrupt the kernel"
        return ""

    def _act(self, action: str) -> None:
        if action == "repeat" and self._job.done:
            self._repeat(self._job)
        super()._act(action)
