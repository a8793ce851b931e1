"""A job while it is under way, as one line; and then the buttons below its clip."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import traitlets

from ..job.job import Job
from .code import code_of
from .live_view import LiveView, assets
from .text import is_retrying, job_state, job_status, job_time


class JobView(LiveView):
    """The live part of a place where a job shows. It knows nothing that its job does not.

    Attributes:
        place: the name of the place, whose static form it stands in for.
        job: the model's name.
        under_way: whether it is a line with a bar, or the buttons of a job that has ended.
        state, time: how the job stands; how long it has taken, and usually takes.
        progress: an estimate from 0 to 1, which never falls as long as the job is the same, and does not rise while
            something is retried.
        retrying: whether something does not work at the moment and is tried again; the state says what.
        stop: what the button that stops is called; none where it is empty.
        hint: what to do in place of that button.
        again: what the button that action for another take is called; none where it is empty.
        code: the call that action for the same.
        take: which take it is, from 1; the static form tells how many it holds.
        elsewhere: what to do where the static form has missed the end.
    """

    _esm, _css = assets("job_view")
    place = traitlets.Unicode().tag(sync=True)
    job = traitlets.Unicode().tag(sync=True)
    under_way = traitlets.Bool(default_value=True).tag(sync=True)
    state = traitlets.Unicode().tag(sync=True)
    time = traitlets.Unicode().tag(sync=True)
    progress = traitlets.Float().tag(sync=True)
    retrying = traitlets.Bool(default_value=False).tag(sync=True)
    stop = traitlets.Unicode().tag(sync=True)
    hint = traitlets.Unicode().tag(sync=True)
    again = traitlets.Unicode().tag(sync=True)
    code = traitlets.Unicode().tag(sync=True)
    take = traitlets.Int().tag(sync=True)
    elsewhere = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, job: Job, *, place: str, take_another: Callable[[Job], object], folder: Path | None = None
    ) -> None:
        super().__init__(place=place)
        self._take_another, self._folder = take_another, folder or Path.cwd()
        self._turn = threading.RLock()  # the job tells from any thread, and the last word must be the latest
        # Clicks reach some kernels while a cell blocks, and others only after it.
        self._clicks_are_heard = False
        self.on_msg(self._hear)
        self.follow(job)

    def follow(self, job: Job) -> None:
        """Shows this job from now on."""
        with self._turn, self.hold_sync():
            self._job = job
            self.job, self.progress = job.model, 0.0
            self.take += 1
        self._forget = job.observe(self._update)
        self._update(job)

    def text(self) -> str:
        """The view in words."""
        return f"{self.job}: {job_state(self._job)}"

    def close(self) -> None:
        """Ends the view; the job goes on."""
        self._forget()
        super().close()

    def _update(self, job: Job) -> None:
        with self._turn, self.hold_sync():
            if job is not self._job or self.comm is None:
                return
            over = job.clip is not None or job.error is not None
            self.state, self.time, self.retrying = job_status(job), job_time(job), is_retrying(job)
            if not self.retrying:
                self.progress = max(self.progress, job.progress)
            self.stop = "" if over or job.stopped else "Stop waiting" if job.id else "Cancel"
            self.hint = self._why_no_button(job)
            self.again = "" if not job.repeatable else "Another take" if job.clip else "Try again"
            self.code = code_of(job, self._folder)
            self.elsewhere = f"{self.state}; dnb.attach({job.id!r}) shows it" if job.id else job_state(job)
            self.under_way = not over
            if over:
                self._forget()

    def _why_no_button(self, job: Job) -> str:
        if job.stopped:
            return "not waited for; the video is still fetched" if job.id else "withdrawn, unless it is on its way"
        if job.blocks_a_cell and not self._clicks_are_heard:
            return "to stop waiting, interrupt the kernel"
        return ""

    def _hear(self, _: object, message: dict[str, Any], __: object) -> None:
        """What a click action for. It is only handed on: who delivers it may be any thread."""
        job, action = self._job, message.get("action")
        if job.blocks_a_cell:  # and this has come through all the same
            self._clicks_are_heard = True
        self.problem = ""
        try:
            if action == "stop":
                job.cancel()
            elif action == "repeat" and job.done:
                self._take_another(job)
        except Exception as error:  # noqa: BLE001 - there is no cell to raise it in: it is shown in its place
            self.problem = str(error)
        self._update(self._job)
