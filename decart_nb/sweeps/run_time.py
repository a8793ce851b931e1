"""How long rows may take, from the jobs that the queue has finished: how long each was made, and how many at once.

How many jobs a queue makes at once is known only from a time in which others waited. Before anything has ended, nothing
is known at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ..client.duration_estimate import Estimate
from ..job.runner import Runner

#: A job that waited for less than this part of the time in which it was made did not wait for others.
_MIN_WAIT = 0.5


class PastJob(NamedTuple):
    """A finished job.

    Attributes:
        submitted_at: in seconds since the epoch.
        waited: the seconds from then until something worked on it; ``None`` where they are not known.
        took: the seconds from the submission to its end.
        input_seconds: the duration of its input video, if it had one.
    """

    submitted_at: float
    waited: float | None
    took: float
    input_seconds: float | None

    @property
    def made(self) -> float:
        """The seconds in which something worked on it; where that is not known, all that it took."""
        return self.took - (self.waited or 0.0)


class Concurrency(NamedTuple):
    """How many jobs a queue has worked on at once.

    Attributes:
        jobs: how many.
        is_limit: whether others waited for them, so that more would have to wait too.
    """

    jobs: float
    is_limit: bool


#: The finished jobs of a model, by its resolved name.
Past = Callable[[str], Sequence[PastJob]]


def run_time(
    rows: Mapping[str, Sequence[float | None]], past: Past, prior: Estimate
) -> tuple[float, float | None] | None:
    """The least and the most seconds that rows may take; the most is ``None`` where it is not known.

    Args:
        rows: by the resolved name of their model, the durations of their input videos.
        past: the finished jobs of each model.
        prior: how long a job may take of which little is known.

    Returns:
        ``None`` if no job of one of the models has ended yet.
    """
    known = {model: past(model) for model in rows}
    if not all(known.values()):
        return None
    low = high = shortest = longest = 0.0
    for model, lengths in rows.items():
        usual = usual_time(known[model], prior, lengths[0])
        low, high = low + len(lengths) * usual[0], high + len(lengths) * usual[1]
        shortest, longest = max(shortest, usual[0]), max(longest, usual[1])
    at_once = concurrency(job for jobs in known.values() for job in jobs)
    count = sum(map(len, rows.values()))
    if count <= at_once.jobs:
        return shortest, longest
    if not at_once.is_limit:
        return shortest, None
    return max(shortest, low / at_once.jobs), high / at_once.jobs + longest


def usual_time(jobs: Sequence[PastJob], prior: Estimate, input_seconds: float | None = None) -> tuple[float, float]:
    """The least and the most seconds in which a job is usually made, by those that have ended.

    Args:
        jobs: those.
        prior: as for :func:`run_time`.
        input_seconds: the duration of its input video.
    """
    return prior.updated_with([(job.made, job.input_seconds) for job in jobs], input_seconds).interval


def past_jobs(runner: Runner, model: str) -> list[PastJob]:
    """The last finished jobs of a model, by its resolved name, at a runner's queue."""
    columns = ("submitted_at", "waited", "took", "input_seconds")
    found = runner.store.durations(model, runner.endpoint, columns)
    return [PastJob(*values) for values in found if values[0] is not None]


def concurrency(jobs: Iterable[PastJob]) -> Concurrency:
    """How many jobs a queue has worked on at once: where others waited, on average; else, at most."""
    changes: list[tuple[float, int, int]] = []  # when, and by how much more jobs wait and are made
    total, count = 0.0, 0
    for job in jobs:
        waits = int((job.waited or 0.0) >= _MIN_WAIT * job.made)
        began = job.submitted_at + (job.waited or 0.0)
        if waits:
            changes.append((job.submitted_at, 1, 0))
        changes += [(began, -waits, 1), (job.submitted_at + job.took, 0, -1)]
        total, count = total + job.made, count + 1
    waiting = made = most = 0
    full_seconds = full_work = 0.0
    last = math.inf
    for moment, more_wait, more_made in sorted(changes):
        if waiting and made:
            full_seconds += moment - last
            full_work += made * (moment - last)
        waiting, made, last = waiting + more_wait, made + more_made, moment
        most = max(most, made)
    if count and full_seconds > total / count:  # else it may have been a moment between two answers
        return Concurrency(full_work / full_seconds, is_limit=True)
    return Concurrency(most, is_limit=False)
