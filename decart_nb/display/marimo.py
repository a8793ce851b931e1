"""Display of jobs, clips and sweeps in marimo, which calls a method of the object and stores no outputs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..job.clip import Clip
from ..job.job import Job
from .clip_html import EMBED_LIMIT, clip_html
from .job_output import job_html
from .sweep_output import static_html, static_lines

if TYPE_CHECKING:
    from ..sweeps.sweep import Sweep

#: The method that marimo calls. It returns a media type and the data.
_METHOD = "_mime_"


def register() -> None:
    """Give jobs, clips and sweeps the method that marimo calls."""
    setattr(Clip, _METHOD, _clip)
    setattr(Job, _METHOD, _job)
    # Looked up, not imported: sweeps import pandas.
    if sweeps := sys.modules.get("decart_nb.sweeps.sweep"):
        setattr(sweeps.Sweep, _METHOD, _sweep)


def _clip(clip: Clip) -> tuple[str, str]:
    return "text/html", clip_html(clip, None, embed=clip.size_bytes <= EMBED_LIMIT)


def _job(job: Job) -> tuple[str, str]:
    return "text/html", job_html(job, None, embed=job.clip is not None and job.clip.size_bytes <= EMBED_LIMIT)


def _sweep(sweep: Sweep) -> tuple[str, str]:
    return "text/html", static_html(static_lines(sweep))
