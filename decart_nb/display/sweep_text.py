"""What is said of a sweep, in plain text; whoever shows it in HTML escapes it."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol, Self

from .._util.text import printable
from ..job import money
from ..job.job import Job
from ..sweeps.progress import Progress
from . import text as words

_LONGEST_NAME = 60
_LONGEST_PROMPT = 80
_MOST_OBSTACLES = 2
_MINUTE, _HOUR = 60, 3600


class Sweep(Protocol):
    """What is known here of a sweep.

    Attributes:
        name: its name, if it has one.
        progress: how far it has come.
        over: whether its run has ended.
        blocks_a_cell: whether the main thread, where cells run, waits for it.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - described above
    @property
    def progress(self) -> Progress: ...  # noqa: D102
    @property
    def over(self) -> bool: ...  # noqa: D102
    @property
    def blocks_a_cell(self) -> bool: ...  # noqa: D102

    def observe(self, observer: Callable[[Self], object], /) -> Callable[[], None]:
        """Calls ``observer(sweep)``, at most ten times a second, and gives what stops that."""

    def cancel(self) -> object:
        """Stops submitting; what has been submitted is still fetched."""


def title(sweep: Sweep) -> str:
    """What it is called: ``sweep cats``, or the name that it was given for want of one, ``sweep-0a1b2c3d4e``."""
    name = printable(sweep.name, limit=_LONGEST_NAME)
    return name if name.startswith("sweep") else f"sweep {name}".strip()


def totals(progress: Progress, *, over: bool = False, took: float | None = None) -> list[tuple[str, str]]:
    """How many rows are how far, what they cost and how long it still takes; what is nothing is left out.

    Args:
        progress: of the sweep.
        over: whether it has ended.
        took: how many seconds it has taken, where that is known; said at the end.

    Returns:
        For each, what it is about, in one word, and what is said of it.
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
    said = [
        ("done", done if not over or took is None else f"{done} in {_seconds(took)}"),
        *((about, f"{count:,} {word}") for about, count, word in counts if count),
        ("cost", cost(progress)),
        ("left", "" if over else left(progress)),
    ]
    return [(about, text) for about, text in said if text]


def line(sweep: Sweep, *, began: float | None = None, most: int | None = None) -> str:
    """A sweep in one line: ``sweep cats: 17 of 24 done (3 reused), 4 running, about $0.84, about 40 s left``.

    Args:
        sweep: the sweep.
        began: when its run began, by the monotonic clock, where that is known.
        most: how many characters there is room for, if there may be too few; then less is said.
    """
    over = sweep.over  # first: what has ended has come as far as it will
    said = dict(totals(sweep.progress, over=over, took=None if began is None else time.monotonic() - began))
    if made_before := [said.pop(about) for about in ("reused", "shared") if about in said]:
        done, then, took = said["done"].partition(" in ")
        said["done"] = f"{done} ({', '.join(made_before)}){then}{took}"
    whole = f"{title(sweep)}: {', '.join(said.values())}"
    for least in ("title", "cost", "left", *reversed([*said])):
        if most is None or len(whole) <= most:
            break
        if least != "done":
            said.pop(least, None)
        whole = ", ".join(said.values())
    return whole


def note(progress: Progress) -> str:
    """What the person should know besides, first of all what does not work at the moment."""
    return printable(" ".join(filter(None, [retrying(progress), progress.note])))


def retrying(progress: Progress) -> str:
    """What does not work at the moment and is tried again, such as ``3 jobs: no connection to …``, or nothing."""
    obstacles = Counter(words.obstacle(job) for job in progress.jobs if words.is_retrying(job))
    return " ".join(
        f"{count:,} job{'s' * (count != 1)}: {obstacle}." for obstacle, count in obstacles.most_common(_MOST_OBSTACLES)
    )


def cost(progress: Progress) -> str:
    """What it has cost so far, which is an estimate; an unknown price is never nothing."""
    most = "" if progress.cap is None else f"at most {money.usd(progress.cap)}"
    if progress.payment == "free" and not progress.cost:
        return "no cost" if most else ""
    rehearsed = "rehearsed" if progress.payment != "paid" else ""
    if progress.cost > 0:
        known = money.about(progress.cost)
        unknown = "cost unknown for some" if progress.cost_unknown else ""
        said = [f"{known} of {most}" if most else known, unknown, rehearsed]
    elif progress.cost_unknown:
        said = ["cost unknown", most]
    else:
        said = [f"nothing spent of {most}" if most else "", rehearsed if most else ""]
    return ", ".join(part for part in said if part)


def left(progress: Progress) -> str:
    """How long it may still take, rounded so that it does not flicker."""
    seconds = progress.seconds_left
    stuck = progress.jobs and all(map(words.is_retrying, progress.jobs))
    if seconds is None or not math.isfinite(seconds) or stuck:
        return ""
    seconds = max(1.0, seconds)
    return f"about {_seconds(seconds if seconds < 20 else 5 * round(seconds / 5))} left"


def ended(progress: Progress) -> int:
    """How many rows have come to an end, well or badly."""
    return progress.done + progress.reused + progress.failed + progress.invalid + progress.held_back


def request(job: Job) -> str:
    """What a job was asked for: the seed, since many may have one prompt, and the prompt, shortened."""
    seed = job.inputs.get("seed")
    parts = ("" if seed is None else f"seed {seed}", job.inputs.get("prompt") or "")
    return " · ".join(printable(str(part), limit=_LONGEST_PROMPT) for part in parts if part)


def _seconds(seconds: float) -> str:
    if seconds < 1:
        return "under 1 s"
    if seconds < 1.5 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 1.5 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:,.1f} h"
