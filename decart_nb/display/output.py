"""A place in a notebook where a job shows: a static output, and beside it, where somebody is there, a live one.

A notebook that is opened again keeps the static one. Of the live one the frontend then says "model not found", so the
static one hides it; and while the live one lives, that hides in the static one what it shows better.
"""

from __future__ import annotations

import html
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..job.job import Job
from .clip_html import NO_MATH, STYLE, clip_html
from .code import code_of
from .job_view import JobView
from .text import is_retrying, job_text, retry_reason

#: JupyterLab and Notebook 7: the output after ours, if it is a widget's and holds no element, only a word about that.
HIDE_STALE_WIDGET_CSS = (
    ".jp-OutputArea-child:has(.decart-output)+.jp-OutputArea-child:has(>.lm-Panel.jp-OutputArea-output)"
    ":not(:has(>.jp-OutputArea-output>*)){display:none}"
)


class JobOutput:
    """Where a job shows, and the further takes that are asked for there.

    Args:
        job: the first take.
        publish: publishes an output's data under a display id; with ``update=True``, in place of what it held.
        live: whether somebody is there to see a live view.
        ended: is told of each take that has ended, before it is shown.
        embeds: whether a video of so many bytes goes into the notebook itself.
        folder: where the frontend resolves what is referred to, if it does.
        replaces: whether what was published can be replaced. Where it cannot, only what has ended is published, each
            take by itself.
    """

    def __init__(
        self,
        job: Job,
        publish: Callable[..., object],
        *,
        live: bool,
        ended: Callable[[Job], object],
        embeds: Callable[[int], bool],
        folder: Path | None,
        replaces: bool = True,
    ) -> None:
        self._name, self._replaces = uuid.uuid4().hex, replaces
        self._publish, self._live, self._ended, self._embeds, self._folder = publish, live, ended, embeds, folder
        self._lock = threading.Lock()
        self._takes: list[Job] = [job]
        self._kept: dict[Job, bool] = {}  # of the takes that have ended, whether their videos lie in the notebook
        self._line: JobView | None = None
        said = job.id, is_retrying(job)
        self._keep(job)
        if replaces or job in self._kept:
            publish(self._bundle(), self._name)
        self._watch(job, said)  # before the line does: where a clip is expected, it is there
        if live:
            self._line = JobView(job, place=self._name, take_another=self._take_another, folder=folder)
            publish(self._line.bundle(), f"{self._name}-live")

    def _take_another(self, job: Job) -> None:
        """Puts the same request, made again, beside what is here."""
        take = job.again()
        with self._lock:
            self._takes.append(take)
        self._watch(take)
        if self._line is not None:
            self._line.follow(take)

    def _watch(self, job: Job, said: tuple[str | None, bool] = (None, False)) -> None:
        """Publishes anew when the job's id is known, when something begins or ends to be retried, and at its end.

        Not more often, since each time the videos are sent again.
        """

        def update(job: Job) -> None:
            nonlocal said
            with self._lock:
                if job in self._kept:
                    return
                self._keep(job)
                now = job.id, is_retrying(job)
                if not self._replaces:
                    if job in self._kept:
                        self._publish(self._bundle(job), self._name)
                elif job in self._kept or now != said:
                    said = now
                    self._publish(self._bundle(), self._name, update=True)
            if job in self._kept:
                forget()

        forget = job.observe(update)
        update(job)  # it may have moved, or ended, just now

    def _keep(self, job: Job) -> None:
        if job.clip is not None or job.error is not None:
            self._ended(job)
            self._kept[job] = job.clip is not None and self._embeds(job.clip.size_bytes)

    def _bundle(self, only: Job | None = None) -> dict[str, Any]:
        """What is shown of all takes, or of one."""
        shown = {job: embed for job, embed in self._kept.items() if only in (None, job)}
        takes = "".join(job_html(job, self._folder, embed=embed) for job, embed in shown.items())
        whole = f'<div style="display:flex;flex-wrap:wrap;gap:12px">{takes}</div>{self._fallback()}'
        if self._live:
            place = f'class="decart-output decart-output-{self._name}" data-takes="{len(self._kept)}"'
            whole = f"<div {place}><style>{HIDE_STALE_WIDGET_CSS}</style>{whole}</div>"
        return {
            "text/html": whole,
            "text/plain": "\n".join(job_text(job) for job in self._takes if only in (None, job)),
        }

    def _fallback(self) -> str:
        """What stands for the live view where there is none: how to see the job again, or to make it again."""
        job = self._takes[-1]
        if job in self._kept:
            code = html.escape(code_of(job, self._folder or Path.cwd()))
            shown = f"<details><summary>as code</summary><pre>{code}</pre></details>"
        else:
            stands = retry_reason(job) if is_retrying(job) else "submitted" if job.id else "submitting"
            shown = html.escape(f"{job.model}: {stands}")
            if job.id:
                attach = html.escape(f"dnb.attach({job.id!r})")
                shown += f"; <code>{attach}</code> shows its current status"
        return f'<div class="decart-fallback {NO_MATH}" style="{STYLE}">{shown}</div>'


def job_html(job: Job, folder: Path | None, *, embed: bool) -> str:
    """A job as it stays in the notebook: its clip, or why there is none."""
    if job.clip is not None:
        return clip_html(job.clip, folder, embed=embed)
    return f'<div class="{NO_MATH}" style="white-space:pre-wrap;{STYLE}">{html.escape(job_text(job))}</div>'
