"""What is said of a job and of a clip, in plain text; whoever shows it in HTML escapes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..clip import Clip
from ..job import Job

STATES = {
    "planned": "being sent",
    "pending": "waiting in the queue",
    "processing": "being made",
    "completed": "done",
    "rejected": "not taken",
    "uncertain": "perhaps taken: the answer was lost",
    "unreachable": "out of reach",
}
_LONGEST_LINE = 100


def state(job: Job) -> str:
    """How the job stands, and why if it stands badly: ``being made, 3 s of usually 20–35 s``."""
    said = STATES.get(job.status, job.status)
    if job.error is not None:
        # The service's own reason, where there is one: that the job failed has been said.
        return f"{said} after {job.elapsed:.0f} s: {getattr(job.error, 'reason', job.error)}"
    return f"{said}, {time(job)}"


def time(job: Job) -> str:
    """How long it has taken so far, beside what such a job usually takes; that is an estimate, and says so."""
    if job.done or job.clip or job.error:
        return f"{job.elapsed:.0f} s"
    low, high = (max(1, round(seconds)) for seconds in job.estimate.usual)
    usual = f"{low}–{high} s" if low < high else f"about {high} s"
    return f"{job.elapsed:.0f} s of usually {usual}"


def caption(clip: Clip) -> list[str]:
    """What a clip is: model, prompt, seed, size, length, and how long it took to make."""
    seed = clip.inputs.get("seed")
    parts = [
        clip.model,
        str(clip.inputs.get("prompt", "")),
        "" if seed is None else f"seed {seed}",
        f"{clip.width}×{clip.height}",
        f"{clip.duration:.1f} s",
        "" if clip.seconds is None else f"made in {clip.seconds:.1f} s",
        "local preview" if clip.backend == "local" else "",
        f"about ${clip.cost:.2f}" if clip.cost else "",
        f"take {clip.take + 1}" if clip.take else "",
        f"reused from {_when(clip.made_at)}; fresh=True makes another take" if clip.reused and clip.made_at else "",
    ]
    return [part for part in parts if part]


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def code(model: str, inputs: Mapping[str, Any], job_id: str | None) -> str:
    """The call that asks for the same; of a job whose inputs are not known, the one that shows it."""
    if not inputs:
        return f"dnb.attach({job_id!r})"
    arguments = [repr(model), *(f"{name}={value!r}" for name, value in inputs.items())]
    line = f"dnb.generate({', '.join(arguments)})"
    if len(line) <= _LONGEST_LINE:
        return line
    return "\n".join(["dnb.generate(", *(f"    {argument}," for argument in arguments), ")"])
