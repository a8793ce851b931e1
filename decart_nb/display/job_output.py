"""Notebook output of a job and of further takes of the same request."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path

from ..job.job import Job
from .clip_html import NO_MATH, STYLE, clip_html, reserved_html
from .clip_size import expected_size
from .code import code_of, shown_path
from .environment import notebook_folder
from .job_view import JobView
from .output import Output, fallback_html
from .strip import JOB_CLIPS, STRIP_CSS
from .text import has_failed, is_retrying, job_prompt, job_text, retry_reason

#: The colour of what has failed: the frontend's, with fallbacks for both themes.
_BAD = ";color:var(--jp-error-color1,light-dark(#b71c1c,#ef9a9a))"


class JobOutput(Output):
    """Notebook output of a job and of its further takes.

    Args:
        job: the first take.
        publish: publishes a MIME bundle under a display id; with ``update=True``, it replaces the output of that id.
        live: whether there is a live view.
        on_end: called with each take that has ended, before it is shown.
        embed: returns whether a video of this many bytes is embedded in the notebook.
        folder: the folder against which the frontend resolves relative URLs, if any.
        replaceable: whether a published output can be replaced. If not, each take is published once, when it has ended.

    Attributes:
        view: the live view, if there is one.
    """

    def __init__(
        self,
        job: Job,
        publish: Callable[..., object],
        *,
        live: bool,
        on_end: Callable[[Job], object],
        embed: Callable[[int], bool],
        folder: Path | None,
        replaceable: bool = True,
    ) -> None:
        super().__init__(publish, live=live, replaceable=replaceable)
        self._on_end, self._embed, self._folder = on_end, embed, folder
        self._takes: list[Job] = [job]
        self._ended: dict[Job, bool] = {}  # the takes that have ended, and whether their videos are embedded
        self.view: JobView | None = None
        published = job.id, is_retrying(job)
        self._record_end(job)
        if replaceable or job in self._ended:
            self._publish_takes()
        self._observe(job, published)  # before the view does: when the view shows the end, the clip is there
        if live:
            self.view = JobView(job, output_id=self._id, repeat=self._repeat, folder=folder, access=self.access)
            self._publish_live(self.view)

    def _repeat(self, job: Job) -> None:
        """Submit the same request again, and show it beside the earlier takes."""
        take = job.again()
        with self._lock:
            self._takes.append(take)
        self._observe(take)
        if self.view is not None:
            self.view.follow(take)

    def _observe(self, job: Job, published: tuple[str | None, bool] = (None, False)) -> None:
        """Publish again when the job gets an id, when a retry begins or ends, and when the job ends.

        Not more often, since each publication contains all videos.
        """

        def update(job: Job) -> None:
            nonlocal published
            with self._lock:
                if job in self._ended:
                    return
                self._record_end(job)
                ended, state = job in self._ended, (job.id, is_retrying(job))
                if not self._replaceable:
                    if ended:
                        self._publish_takes(job)
                elif ended or state != published:
                    published = state
                    self._publish_takes(update=True)
            if ended:
                unobserve()

        unobserve = job.observe(update)
        update(job)  # it may have changed before it was observed

    def _record_end(self, job: Job) -> None:
        if job.clip is not None or job.error is not None:
            self._on_end(job)
            self._ended[job] = job.clip is not None and self._embed(job.clip.size_bytes)

    def _publish_takes(self, only: Job | None = None, *, update: bool = False) -> None:
        """Publish the static output of all takes, or of one."""
        ended = {job: embed for job, embed in self._ended.items() if only in (None, job)}
        takes = "".join(
            job_html(job, self._folder, embed=embed, access=self.access(job)) for job, embed in ended.items()
        )
        if self._live:
            under_way = [job for job in self._takes if job not in self._ended]
            takes += "".join(reserved_html(expected_size(job), 2 + len(self.access(job))) for job in under_way)
        strip = f"<style>{STRIP_CSS}</style>" if self._live else ""
        self._publish_static(
            f'{strip}<div class="{JOB_CLIPS}" style="display:flex;flex-wrap:wrap;gap:12px">{takes}</div>'
            f"{fallback_html(self._fallback())}",
            "\n".join(job_text(job) for job in self._takes if only in (None, job)),
            update=update,
            attributes=f' data-takes="{len(self._ended)}"',
        )

    def access(self, job: Job) -> list[str]:
        """How to get at the clip of a further take in code: lines of its caption. A call has returned the first one."""
        if job is self._takes[0] or job not in job.takes:
            return []
        path = "" if job.clip is None else shown_path(job.clip.path, self._folder or notebook_folder())
        return [f"job.takes[{job.takes.index(job)}] · dnb.attach({job.id!r})", path]

    def _fallback(self) -> str:
        """HTML that is shown without the live view: how to see the last take, or how to repeat each."""
        job = self._takes[-1]
        if job in self._ended:
            return "".join(
                f"<details><summary>{name}</summary><pre>{code}</pre></details>" for name, code in self._codes()
            )
        status = retry_reason(job) if is_retrying(job) else "submitted" if job.id else "submitting"
        text = html.escape(f"{' · '.join(filter(None, [job.model, job_prompt(job)]))}: {status}")
        if not job.id:
            return text
        attach = html.escape(f"dnb.attach({job.id!r})")
        return f"{text}; <code>{attach}</code> shows its current status"

    def _codes(self) -> list[tuple[str, str]]:
        """The code of each take that has ended, as HTML, and what it is called."""
        folder = self._folder or notebook_folder()
        codes = [html.escape(code_of(job, folder)) for job in self._ended]
        names = ["as code"] if len(codes) == 1 else [f"take {number} as code" for number in range(len(codes))]
        return [*zip(names, codes, strict=True)]


def job_html(job: Job, folder: Path | None, *, embed: bool, access: Sequence[str] = ()) -> str:
    """Static HTML of a job: its clip, or its model, prompt and state.

    Args:
        job: the job.
        folder: the folder against which the frontend resolves relative URLs, if any.
        embed: whether the video is embedded.
        access: lines at the end of the clip's caption.
    """
    if job.clip is not None:
        return clip_html(job.clip, folder, embed=embed, access=access)
    style = f"white-space:pre-wrap;{STYLE}{_BAD * has_failed(job)}"
    return f'<div class="{NO_MATH}" style="{style}">{html.escape(job_text(job))}</div>'
