"""Polls of many jobs of a duration that nobody knows yet: the first end tells when to ask for the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from decart_nb.client.duration_estimate import Estimate
from decart_nb.client.poll_scheduler import PollScheduler
from tests.simulated import simulated
from tests.simulated_queue import USUAL, SimulatedQueue, lognormal, raising, refused

_UNKNOWN = Estimate.around(20.0, 1.0)


def test_the_first_end_tells_when_to_ask_for_the_others() -> None:
    jobs = 300
    queue = SimulatedQueue(dict.fromkeys(map(str, range(jobs)), 30.0))
    late, polls = _wait_for_all(queue)
    assert late < 2  # each is asked for every 15 s until then
    assert polls < 4.5


def test_few_jobs_that_were_submitted_together_are_not_asked_for_together() -> None:
    late = [_wait_for_all(SimulatedQueue(dict.fromkeys(map(str, range(12)), seconds)))[0] for seconds in range(20, 41)]
    assert sum(late) / len(late) < 1  # 2.5 if all were asked for at the same times


def test_few_jobs_are_asked_for_as_often_as_one() -> None:
    queue, alone = (SimulatedQueue(dict.fromkeys(map(str, range(jobs)), 30.0)) for jobs in (20, 1))
    scheduler = PollScheduler(alone.ask)
    simulated(scheduler.wait("0", _UNKNOWN))
    assert _wait_for_all(queue)[1] == pytest.approx(len(alone.times), abs=1.5)


def test_jobs_of_unknown_and_various_durations_are_found_soon_enough() -> None:
    queue = SimulatedQueue(lognormal(300))
    late, polls = _wait_for_all(queue)
    assert late < 4
    assert polls < 7


def test_a_poll_that_failed_keeps_its_pause_when_all_are_timed_anew() -> None:
    queue = SimulatedQueue({"a": 40.0}, raising(refused(503, retry_after=20.0), times=1))

    async def main() -> None:
        scheduler = PollScheduler(queue.ask)
        wait = asyncio.create_task(scheduler.wait("a", USUAL, re_estimate=_expecting(USUAL)))
        await asyncio.sleep(USUAL.gap(0) + 5)
        scheduler.replan()
        await wait

    simulated(main())
    first, second, *_ = queue.polls["a"]
    assert 20 <= second - first < 30


def _expecting(estimate: Estimate) -> Callable[[], Awaitable[Estimate]]:
    async def re_estimate() -> Estimate:
        return estimate

    return re_estimate


def _wait_for_all(queue: SimulatedQueue) -> tuple[float, float]:
    """Wait for jobs of which nothing is known; the mean delay in noticing an end, and the polls a job."""
    took: list[float] = []

    async def one_of_them(scheduler: PollScheduler, job_id: str) -> float:
        async def re_estimate() -> Estimate:
            return _UNKNOWN.updated_with([(seconds, None) for seconds in took])

        await scheduler.wait(job_id, _UNKNOWN, re_estimate=re_estimate, peers=lambda: len(queue.ends) - len(took))
        took.append(asyncio.get_running_loop().time())
        if len(took) == 1:
            scheduler.replan()
        return took[-1] - queue.ends[job_id]

    async def main() -> list[float]:
        scheduler = PollScheduler(queue.ask)
        return await asyncio.gather(*(one_of_them(scheduler, job_id) for job_id in queue.ends))

    late = simulated(main())
    return sum(late) / len(late), len(queue.times) / len(late)
