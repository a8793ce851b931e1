"""Jobs, clips and sweeps in marimo, which asks an object itself for its HTML, and keeps no outputs in its file."""

from __future__ import annotations

import sys

from ..clip import Clip
from ..job import Job
from .place import job_html
from .sweep_place import static_html, static_lines
from .sweep_words import Sweep
from .video import EMBEDDED, clip_html

#: What marimo calls: it gives a media type, and the data.
_METHOD = "_mime_"


def register() -> None:
    """Tells marimo about jobs, clips and sweeps."""
    setattr(Clip, _METHOD, _clip)
    setattr(Job, _METHOD, _job)
    # By name: a sweep is of a floor above this one, which has been loaded by whoever connects.
    if sweeps := sys.modules.get("decart_nb.sweeps"):
        setattr(sweeps.Sweep, _METHOD, _sweep)


def _clip(clip: Clip) -> tuple[str, str]:
    return "text/html", clip_html(clip, None, embed=clip.size_bytes <= EMBEDDED)


def _job(job: Job) -> tuple[str, str]:
    return "text/html", job_html(job, None, embed=job.clip is not None and job.clip.size_bytes <= EMBEDDED)


def _sweep(sweep: Sweep) -> tuple[str, str]:
    return "text/html", static_html(static_lines(sweep))
