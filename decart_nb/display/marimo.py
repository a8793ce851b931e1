"""Jobs and clips in marimo, which asks an object itself for its HTML, and keeps no outputs in the notebook's file."""

from __future__ import annotations

from ..clip import Clip
from ..job import Job
from .place import job_html
from .video import EMBEDDED, clip_html

#: What marimo calls: it gives a media type, and the data.
_METHOD = "_mime_"


def register() -> None:
    """Tells marimo about jobs and clips."""
    setattr(Clip, _METHOD, _clip)
    setattr(Job, _METHOD, _job)


def _clip(clip: Clip) -> tuple[str, str]:
    return "text/html", clip_html(clip, None, embed=clip.size_bytes <= EMBEDDED)


def _job(job: Job) -> tuple[str, str]:
    return "text/html", job_html(job, None, embed=job.clip is not None and job.clip.size_bytes <= EMBEDDED)
