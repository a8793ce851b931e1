"""Plain-text descriptions of jobs, clips and sweeps. Callers that build HTML escape them."""

from __future__ import annotations

import math
import time
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

from .._util.interface_names import step
from .._util.text import printable, printable_lines
from ..job import money
from ..job.clip import Clip
from ..job.job import Job
from ..sweeps.progress import Progress

if TYPE_CHECKING:
    from ..sweeps.sweep import Sweep

#: How each job status reads.
STATUS_TEXTS = {
    "planned": "submitting",
    "pending": "queued",
    "processing": "processing",
    "completed": "done",
    "rejected": "rejected",
    "uncertain": "uncertain: the answer to the submission was lost",
    "unreachable": "no connection",
    "expired": "expired: the service no longer has this video",
}
_NAME_LIMIT = 60
_PROMPT_LIMIT = 80
#: A sweep names at most this many reasons for retries.
_REASON_LIMIT = 2
_MINUTE, _HOUR = 60, 3600


def job_state(job: Job) -> str:
    """A job's status and time, or the reason for its failure: ``processing, 3 s of usually 20–35 s``."""
    status = job_status(job)
    if job.status == "expired":
        return status
    if job.error is not None:
        # The service's own reason if it gave one: the status already says that the job failed.
        reason = printable_lines(str(getattr(job.error, "reason", job.error)))
        return f"{status} after {job.elapsed:.0f} s: {reason}"
    return f"{status}, {job_time(job)}"


def job_status(job: Job) -> str:
    """A job's status, or, during a retry, its reason and the time until the next attempt."""
    return printable(job.retrying or "") if is_retrying(job) else STATUS_TEXTS.get(job.status) or printable(job.status)


def is_retrying(job: Job) -> bool:
    """Whether a request for this job failed and is being retried. Elapsed time then says nothing about progress."""
    return bool(job.retrying) and job.clip is None and job.error is None


def retry_reason(job: Job) -> str:
    """The reason for a retry without the countdown to the next attempt: ``no connection to …``."""
    return printable(job.retrying or "").partition(", trying again")[0]


def job_time(job: Job) -> str:
    """A job's elapsed time, and while it runs the usual time for such jobs, once some have ended: an estimate."""
    if job.done or job.clip or job.error or is_retrying(job) or not job.estimate.history:
        return f"{job.elapsed:.0f} s"
    low, high = (max(1, round(seconds)) for seconds in job.estimate.interval)
    usual = f"{low}–{high} s" if low < high else f"about {high} s"
    if job.elapsed > high:
        return f"{job.elapsed:.0f} s, longer than usual ({usual})"
    return f"{job.elapsed:.0f} s of usually {usual}"


def job_text(job: Job) -> str:
    """A job in one line: its clip's caption, or its model, prompt and state, with a sign before what has failed."""
    if job.clip is not None:
        return " · ".join(clip_caption(job.clip))
    named = " · ".join(filter(None, [printable(job.model), job_prompt(job)]))
    return f"{'✗ ' * has_failed(job)}{named}: {job_state(job)}"


def has_failed(job: Job) -> bool:
    """Whether a job has ended without a clip, and not because somebody has cancelled it."""
    return job.error is not None and job.status != "cancelled"


def clip_caption(clip: Clip) -> list[str]:
    """The parts of a clip's caption in one line: its model, its prompt, and its other facts."""
    model, *facts = clip_facts(clip)
    return [part for part in (model, clip_prompt(clip), *facts, clip_reuse(clip)) if part]


def clip_prompt(clip: Clip) -> str:
    """A clip's prompt, which may be empty."""
    return printable(str(clip.inputs.get("prompt") or ""))


def clip_facts(clip: Clip) -> list[str]:
    """What is told of a clip beside its prompt: model, seed, size, duration, generation time, cost and take."""
    seed = clip.inputs.get("seed")
    parts = [
        clip.model,
        "" if seed is None else f"seed {seed}",
        f"{clip.width}×{clip.height}" if clip.width else "cannot be decoded here",
        f"{clip.duration:.1f} s" if clip.duration else "",
        "" if clip.made is None else f"made in {clip.made:.1f} s",
        "local preview" if clip.backend == "local" else "",
        money.estimate(clip.cost, "rehearsed" if clip.backend == "local" else "paid") if clip.cost else "",
        f"take {clip.take}" if clip.take else "",
    ]
    return [printable(part) for part in parts if part]


def clip_reuse(clip: Clip) -> str:
    """Since when a reused clip has been there, and how to have another one made; empty for a new clip."""
    if not clip.reused or not clip.made_at:
        return ""
    return f"reused from {_date(clip.made_at)}; {step('fresh')} makes another take"


def job_prompt(job: Job) -> str:
    """A job's prompt, cut, which tells its line from others; empty if it has none."""
    return printable(str(job.inputs.get("prompt") or ""), limit=_PROMPT_LIMIT)


def sweep_title(sweep: Sweep) -> str:
    """A sweep's name after the word "sweep": ``sweep cats``. A generated name, ``sweep-0a1b2c3d4e``, stands alone."""
    name = printable(sweep.name, limit=_NAME_LIMIT)
    return name if name.startswith("sweep") else f"sweep {name}".strip()


def sweep_totals(progress: Progress, *, over: bool = False, seconds: float | None = None) -> list[tuple[str, str]]:
    """A sweep's row counts, cost and remaining time; empty ones are left out.

    Args:
        progress: the sweep's progress.
        over: whether the run has ended.
        seconds: how long the run took, if known; shown when it has ended.

    Returns:
        Pairs of a category, such as ``"failed"``, and its text.
    """
    done = f"{progress.done + progress.reused:,} of {progress.total:,} done"
    counts = [
        ("reused", progress.reused - progress.shared, "reused"),
        ("shared", progress.shared, "the same as another row"),
        ("running", progress.running, "running"),
        ("failed", progress.failed, "failed"),
        ("invalid", progress.invalid, "invalid"),
        ("waiting", progress.waiting if over else 0, "not begun"),
        ("held", progress.held_back, "held back by the cap"),
    ]
    totals = [
        ("done", done if not over or seconds is None else f"{done} in {_duration(seconds)}"),
        *((category, f"{count:,} {label}") for category, count, label in counts if count),
        ("cost", sweep_cost(progress)),
        ("left", "" if over else time_left(progress)),
    ]
    return [(category, text) for category, text in totals if text]


def sweep_line(sweep: Sweep, *, began: float | None = None, limit: int | None = None) -> str:
    """A sweep in one line: ``sweep cats: 17 of 24 done (3 reused), 4 running, about $0.84, about 40 s left``.

    Args:
        sweep: the sweep.
        began: when its run began, by the monotonic clock, if known.
        limit: the number of characters available. Details are dropped, least important first, until the line fits.
    """
    over = sweep.over  # read before the progress, which is final once the run is over
    seconds = None if began is None else time.monotonic() - began
    totals = dict(sweep_totals(sweep.progress, over=over, seconds=seconds))
    if reused := [totals.pop(category) for category in ("reused", "shared") if category in totals]:
        done, separator, took = totals["done"].partition(" in ")
        totals["done"] = f"{done} ({', '.join(reused)}){separator}{took}"
    line = f"{sweep_title(sweep)}: {', '.join(totals.values())}"
    for category in ("title", "cost", "left", *reversed([*totals])):
        if limit is None or len(line) <= limit:
            break
        if category != "done":
            totals.pop(category, None)
        line = ", ".join(totals.values())
    return line


def sweep_note(progress: Progress) -> str:
    """Remarks on a sweep: the reasons for its retries first, then its own note."""
    return printable(" ".join(filter(None, [retry_summary(progress), progress.note])))


def retry_summary(progress: Progress) -> str:
    """How many of a sweep's jobs are being retried for which reason: ``3 jobs: no connection to ….``, or ``""``."""
    reasons = Counter(retry_reason(job) for job in progress.jobs if is_retrying(job))
    return " ".join(
        f"{count:,} job{'s' * (count != 1)}: {reason}." for reason, count in reasons.most_common(_REASON_LIMIT)
    )


def sweep_cost(progress: Progress) -> str:
    """The estimated cost of a sweep so far, and its cap. An unknown price is never shown as zero."""
    cap = "" if progress.cap is None else f"at most {money.usd(progress.cap)}"
    if progress.payment == "free" and not progress.cost:
        return "no cost" if cap else ""
    rehearsed = "rehearsed" if progress.payment != "paid" else ""
    if progress.cost > 0:
        known = money.about(progress.cost)
        unknown = "cost unknown for some" if progress.cost_unknown else ""
        parts = [f"{known} of {cap}" if cap else known, unknown, rehearsed]
    elif progress.cost_unknown:
        parts = ["cost unknown", cap]
    else:
        parts = [f"nothing spent of {cap}" if cap else "", rehearsed if cap else ""]
    return ", ".join(part for part in parts if part)


def time_left(progress: Progress) -> str:
    """A sweep's estimated remaining time, rounded so that it does not flicker; ``""`` if there is no estimate."""
    seconds = progress.seconds_left
    stuck = progress.jobs and all(map(is_retrying, progress.jobs))
    if seconds is None or not math.isfinite(seconds) or stuck:
        return ""
    seconds = max(1.0, seconds)
    return f"about {_duration(seconds if seconds < 20 else 5 * round(seconds / 5))} left"


def rows_ended(progress: Progress) -> int:
    """The number of rows that need no more work, successful or not."""
    return progress.done + progress.reused + progress.failed + progress.invalid + progress.held_back


def _date(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp).astimezone().strftime("%Y-%m-%d %H:%M")


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "under 1 s"
    if seconds < 1.5 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 1.5 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:,.1f} h"
