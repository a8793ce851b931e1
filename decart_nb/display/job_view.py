"""Live view of a job: a line with progress and a stop button, then the buttons below the finished clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import traitlets

from .._util.text import printable
from ..job import money
from ..job.job import Job
from .clip_html import clip_title_lines
from .clip_size import box_style, figure_style
from .code import code_of
from .environment import notebook_folder
from .live_view import StoppableView, assets
from .media_channel import MEDIA_TYPES, Media, MediaChannel
from .text import is_retrying, job_prompt, job_state, job_status, job_text, job_time

_STOP_TITLE = "The job goes on: Decart cannot cancel it. Its video is still fetched, and shown here."


class JobView(StoppableView):
    """Live view of a job and of its further takes.

    Attributes:
        model, prompt: the model's name, and the prompt, cut.
        running: whether the progress line is shown, and not the buttons of a job that has ended.
        status, time: the job's status, and its elapsed and usual time.
        progress: estimated progress from 0 to 1. It never falls for one job, and stands still during a retry.
        retrying: whether a failed request is being retried; the status then says why.
        stop_title: what the stop button does not do, as its tooltip.
        repeat_label: the text of the button that generates another take, with its price; empty if there is none.
        codes: for each take that has ended, Python code that repeats its request.
        clips: for each take that has ended, ``{"figure", "box", "lines"}``: the styles of its clip and the lines of its
            caption; or ``{"text"}``, why there is none. Shown only where the static output beside the view lacks them.
    """

    _esm, _css = assets("media_channel", "job_view")
    model = traitlets.Unicode().tag(sync=True)
    prompt = traitlets.Unicode().tag(sync=True)
    running = traitlets.Bool(default_value=True).tag(sync=True)
    status = traitlets.Unicode().tag(sync=True)
    time = traitlets.Unicode().tag(sync=True)
    progress = traitlets.Float().tag(sync=True)
    retrying = traitlets.Bool(default_value=False).tag(sync=True)
    stop_title = traitlets.Unicode().tag(sync=True)
    repeat_label = traitlets.Unicode().tag(sync=True)
    codes: traitlets.List[str] = traitlets.List().tag(sync=True)
    clips: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(
        self,
        job: Job,
        *,
        output_id: str,
        repeat: Callable[[Job], object],
        folder: Path | None = None,
        access: Callable[[Job], Sequence[str]] = lambda _: (),
    ) -> None:
        super().__init__(output_id=output_id)
        self._repeat, self._folder, self._access = repeat, folder or notebook_folder(), access
        self._files: dict[tuple[str, str], Media] = {}
        MediaChannel(self, self._files)
        self.follow(job)

    def follow(self, job: Job) -> None:
        """Show this job from now on, as the next take."""
        with self._update_lock, self.hold_sync():
            self._job, self.running = job, True
            self.model, self.prompt, self.progress = job.model, job_prompt(job), 0.0
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
        self.stop_title = _STOP_TITLE if job.id else ""
        self.stop_hint = self._hint(job)
        self.repeat_label = _repeat_label(job)
        if ended and self.running:
            self.codes = [*self.codes, code_of(job, self._folder)]
            self.clips = [*self.clips, self._clip_entry(job)]
        self.running = not ended
        return ended

    def _clip_entry(self, job: Job) -> dict[str, Any]:
        """An entry of :attr:`clips`; the frontend may ask for the video of that number."""
        clip = job.clip
        if clip is None:
            return {"text": job_text(job)}
        media_type = MEDIA_TYPES.get(clip.path.suffix.lower(), "video/mp4")
        self._files["video", str(len(self.clips))] = Media(clip.path, media_type)
        return {
            "figure": figure_style(clip.width, clip.height),
            "box": box_style(clip.width, clip.height),
            "lines": [printable(line) for line in (*clip_title_lines(clip), *self._access(job)) if line],
        }

    def _hint(self, job: Job) -> str:
        if job.stopped and job.id:
            return "not waited for; the job goes on"
        if job.stopped:
            return "cancelled, unless already submitted"
        if job.blocks_main_thread and not self._receives_clicks:
            return "to stop waiting, interrupt the kernel"
        return ""

    def _act(self, action: str) -> None:
        if action == "repeat" and self._job.done:
            self._repeat(self._job)
        super()._act(action)


def _repeat_label(job: Job) -> str:
    """The text of the button that submits a job's request again, with what that costs, as far as it is known."""
    if not job.repeatable:
        return ""
    if job.clip is None:
        return "Try again"
    if not job.clip.cost:
        return "Another take"
    return f"Another take · {money.estimate(job.clip.cost, 'rehearsed' if job.clip.backend == 'local' else 'paid')}"
