"""What is said of a job and of a clip, in plain text; whoever shows it in HTML escapes it."""

from __future__ import annotations

from ..clip import Clip
from ..job import Job

_STATES = {
    "planned": "being sent",
    "pending": "waiting in the queue",
    "processing": "being made",
    "completed": "done",
    "rejected": "not taken",
    "uncertain": "perhaps taken: the answer was lost",
    "unreachable": "out of reach",
}


def state(job: Job) -> str:
    """How the job stands, and why if it stands badly: ``being made, 3 s``."""
    said = _STATES.get(job.status, job.status)
    if job.error is not None:
        return f"{said} after {job.elapsed:.0f} s: {job.error}"
    return f"{said}, {job.elapsed:.0f} s"


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
    ]
    return [part for part in parts if part]
