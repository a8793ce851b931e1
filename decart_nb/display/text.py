"""What is said of a job and of a clip, in plain text; whoever shows it in HTML escapes it."""

from __future__ import annotations

from datetime import datetime

from .._util.text import printable, printable_lines
from ..job import money
from ..job.clip import Clip
from ..job.job import Job

STATES = {
    "planned": "being sent",
    "pending": "waiting in the queue",
    "processing": "being made",
    "completed": "done",
    "rejected": "not taken",
    "uncertain": "perhaps taken: the answer was lost",
    "unreachable": "out of reach",
    "expired": "expired: the service no longer has this video",
}


def state(job: Job) -> str:
    """How the job stands, and why if it stands badly: ``being made, 3 s of usually 20–35 s``."""
    said = status(job)
    if job.status == "expired":
        return said
    if job.error is not None:
        # The service's own reason, where there is one: that the job failed has been said.
        why = printable_lines(str(getattr(job.error, "reason", job.error)))
        return f"{said} after {job.elapsed:.0f} s: {why}"
    return f"{said}, {time(job)}"


def status(job: Job) -> str:
    """How the job stands, in a few words: its status, or what does not work at the moment and is tried again."""
    return printable(job.retrying or "") if is_retrying(job) else STATES.get(job.status) or printable(job.status)


def is_retrying(job: Job) -> bool:
    """Whether something of it does not work at the moment, so that its time says nothing about its progress."""
    return bool(job.retrying) and job.clip is None and job.error is None


def obstacle(job: Job) -> str:
    """What does not work at the moment, without the seconds until the next attempt: ``no connection to …``."""
    return printable(job.retrying or "").partition(", trying again")[0]


def time(job: Job) -> str:
    """How long it has taken so far, beside what such a job usually takes; that is an estimate, and says so."""
    if job.done or job.clip or job.error or is_retrying(job):
        return f"{job.elapsed:.0f} s"
    low, high = (max(1, round(seconds)) for seconds in job.estimate.interval)
    usual = f"{low}–{high} s" if low < high else f"about {high} s"
    return f"{job.elapsed:.0f} s{' of' if job.elapsed <= high else ', longer than'} usually {usual}"


def caption(clip: Clip) -> list[str]:
    """What a clip is: model, prompt, seed, size, length, and how long it took to make."""
    seed = clip.inputs.get("seed")
    parts = [
        clip.model,
        str(clip.inputs.get("prompt", "")),
        "" if seed is None else f"seed {seed}",
        f"{clip.width}×{clip.height}" if clip.width else "cannot be decoded here",
        f"{clip.duration:.1f} s" if clip.duration else "",
        "" if clip.seconds is None else f"made in {clip.seconds:.1f} s",
        "local preview" if clip.backend == "local" else "",
        money.estimate(clip.cost, "rehearsed" if clip.backend == "local" else "paid") if clip.cost else "",
        f"take {clip.take + 1}" if clip.take else "",
        f"reused from {_when(clip.made_at)}; fresh=True makes another take" if clip.reused and clip.made_at else "",
    ]
    return [printable(part) for part in parts if part]


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
