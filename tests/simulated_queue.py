"""A simulated queue for polls, and waits for its jobs in simulated time."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from decart_nb import QueueStatusError
from decart_nb.client.duration_estimate import Estimate
from decart_nb.client.poll_scheduler import PollScheduler
from decart_nb.client.responses import JobStatusResponse
from tests.simulated import simulated

USUAL = Estimate.around(30.0, 0.25)


@dataclass
class SimulatedQueue:
    """A queue in simulated time whose polls may fail.

    Attributes:
        ends: when each job ends.
        wrong: called with the job's id at every poll; what it raises is the poll's failure.
        polls: when each job was polled.
    """

    ends: dict[str, float]
    wrong: Callable[[str], Awaitable[object] | None] = lambda job_id: None
    polls: dict[str, list[float]] = field(default_factory=dict)

    async def ask(self, job_id: str) -> JobStatusResponse:
        now = asyncio.get_running_loop().time()
        self.polls.setdefault(job_id, []).append(now)
        if (going_on := self.wrong(job_id)) is not None:
            await going_on
        return JobStatusResponse(job_id, "completed" if now >= self.ends[job_id] else "processing")

    @property
    def times(self) -> list[float]:
        return sorted(itertools.chain(*self.polls.values()))

    def least_gap(self) -> float:
        """The minimum seconds between two polls of one job."""
        gaps = (later - time for times in self.polls.values() for time, later in itertools.pairwise(times))
        return min(gaps)


def refused(status: int | None = None, **data: Any) -> QueueStatusError:
    return QueueStatusError("not now", {"sent": True, **({"status": status} if status else {}), **data})


def raising(error: Exception, times: int = 10**9) -> Callable[[str], None]:
    """Make ``SimulatedQueue.wrong``: the first polls fail with an error."""
    left = iter(range(times))

    def wrong(job_id: str) -> None:
        if next(left, None) is not None:
            raise error

    return wrong


def one(queue: SimulatedQueue, **options: Any) -> JobStatusResponse:
    """Wait for the job ``a``."""
    return simulated(PollScheduler(queue.ask).wait("a", options.pop("estimate", USUAL), **options))


def many(queue: SimulatedQueue, estimate: Estimate = USUAL, **options: Any) -> list[float]:
    """Wait for all jobs at once, and return the delay in noticing the end of each."""

    async def late(scheduler: PollScheduler, job_id: str) -> float:
        await scheduler.wait(job_id, estimate)
        return asyncio.get_running_loop().time() - queue.ends[job_id]

    async def main() -> list[float]:
        scheduler = PollScheduler(queue.ask, **options)
        return await asyncio.gather(*(late(scheduler, job_id) for job_id in queue.ends))

    return simulated(main())


def lognormal(jobs: int, seed: int = 0) -> dict[str, float]:
    chance = random.Random(seed)
    return {str(number): 30 * chance.lognormvariate(0, 0.25) for number in range(jobs)}
