"""Measures polls per job and the delay until a job's end is noticed, beside the official client, in simulated time.

Both clients run unchanged on an event loop that skips waiting. Ours has a history of 0, 10 or 50 jobs, each timed by
its own polls. The best is the optimum for a known distribution, with a second between two polls and the same cost of a
poll; without that floor, polls times delay is at least J²/2. Run with ``python -m benchmarks.polling``.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.simulated import simulated

PAST = (0, 10, 50)
HISTORIES = 100
JOBS = 30  # with each history
_STEP = 0.05
_END = 400.0


class Figures(NamedTuple):
    """Polls per job, and the mean seconds from a job's end to the poll that finds it."""

    polls: float
    delay: float

    def __str__(self) -> str:
        return f"{self.polls:.1f} × {self.delay:.2f} s = {self.polls * self.delay:.1f}"


class Distribution(NamedTuple):
    """A distribution of job durations: a sampler and the cumulative distribution function."""

    draw: Callable[[random.Random], float]
    done: Callable[[float], float]


def _lognormal(median: float, spread: float) -> Distribution:
    return Distribution(
        lambda chance: median * chance.lognormvariate(0, spread),
        lambda age: math.erfc(-math.log(age / median) / spread / math.sqrt(2)) / 2 if age else 0.0,
    )


def _either(short: Distribution, long: Distribution, share: float) -> Distribution:
    return Distribution(
        lambda chance: (long if chance.random() < share else short).draw(chance),
        lambda age: share * long.done(age) + (1 - share) * short.done(age),
    )


DISTRIBUTIONS = {
    "lognormal, 30 s, σ 0.10": _lognormal(30, 0.10),
    "lognormal, 30 s, σ 0.25": _lognormal(30, 0.25),
    "lognormal, 30 s, σ 0.60": _lognormal(30, 0.60),
    "bimodal, 12 s or (30 %) 45 s, σ 0.15": _either(_lognormal(12, 0.15), _lognormal(45, 0.15), 0.3),
    "exponential, 30 s": Distribution(lambda chance: chance.expovariate(1 / 30), lambda age: -math.expm1(-age / 30)),
}


def main() -> None:
    from decart_nb.client.duration_estimate import POLL_COST
    from tests.environments import environment

    peer = environment("decart-0.2.4", "decart==0.2.4")
    heads = ["how long jobs take", "official decart 0.2.4", *(f"ours after {jobs} jobs" for jobs in PAST)]
    heads += ["best with a floor of 1 s", "J²/2", f"after {PAST[-1]} jobs: dearer than the best by"]
    print("polls a job × mean delay = product")
    print(f"\n| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for name, distribution in DISTRIBUTIONS.items():
        official = _official(peer, distribution)
        ours = [_ours(distribution, jobs) for jobs in PAST]
        best, least = _best(distribution, POLL_COST)
        dearer = (ours[-1].delay + POLL_COST * ours[-1].polls) / (best.delay + POLL_COST * best.polls) - 1
        cells = [name, official, *ours, best, f"{least:.1f}", f"{dearer:.0%}"]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
    print(f"\nDearer: in delay + {POLL_COST:g} s for each poll, which is what our polling keeps small.")


def _official(python: Path, distribution: Distribution) -> Figures:
    chance = random.Random(0)
    seconds = [distribution.draw(chance) for _ in range(HISTORIES * JOBS)]
    answer = subprocess.run(
        [str(python), "-m", "benchmarks.polling", "official"],
        cwd=Path(__file__).parents[1],
        input=json.dumps(seconds),
        check=True,
        capture_output=True,
        text=True,
    )
    return Figures(*json.loads(answer.stdout))


class _Queue:
    """A simulated queue. A job's id is its duration in seconds."""

    def __init__(self) -> None:
        self.polls, self.late = 0, 0.0

    async def done(self, job_id: str, submitted: float) -> bool:
        over = asyncio.get_running_loop().time() - submitted - float(job_id)
        self.polls += 1
        if over < 0:
            return False
        self.late += over
        return True

    def figures(self, jobs: int) -> Figures:
        return Figures(self.polls / jobs, self.late / jobs)


def _ours(distribution: Distribution, past: int) -> Figures:
    from decart_nb.client.poll_scheduler import PollScheduler
    from decart_nb.client.polling import LIVE
    from decart_nb.client.responses import JobStatusResponse

    chance = random.Random(past)

    async def took(queue: _Queue, seconds: float, history: Sequence[tuple[float, None]]) -> float:
        submitted = asyncio.get_running_loop().time()

        async def ask(job_id: str) -> JobStatusResponse:
            return JobStatusResponse(job_id, "completed" if await queue.done(job_id, submitted) else "processing")

        end = await PollScheduler(ask).wait(str(seconds), LIVE.prior.updated_with(history))
        assert end.seconds is not None
        return end.seconds

    async def everything() -> Figures:
        measured = _Queue()
        for _ in range(HISTORIES):
            history: list[tuple[float, None]] = []
            for _ in range(past):
                history.append((await took(_Queue(), distribution.draw(chance), history), None))
            await asyncio.gather(*(took(measured, distribution.draw(chance), history) for _ in range(JOBS)))
        return measured.figures(HISTORIES * JOBS)

    return simulated(everything())


async def _their_polls(durations: Sequence[float]) -> Figures:
    """The official client's polling, with a simulated queue in place of its three calls."""
    import decart  # type: ignore[import-not-found]  # only where the official client is installed
    from decart.queue.types import JobStatusResponse  # type: ignore[import-not-found]

    measured = _Queue()

    async def one(seconds: float) -> None:
        queue = decart.DecartClient(api_key="none").queue
        submitted = asyncio.get_running_loop().time()

        async def submit(options: Any) -> JobStatusResponse:
            return JobStatusResponse(job_id=str(seconds), status="pending")

        async def status(job_id: str) -> JobStatusResponse:
            done = await measured.done(job_id, submitted)
            return JobStatusResponse(job_id=job_id, status="completed" if done else "processing")

        async def result(job_id: str) -> bytes:
            return b""

        queue.submit, queue.status, queue.result = submit, status, result
        await queue.submit_and_poll({"model": decart.models.video("lucy-2.5"), "prompt": "x"})

    await asyncio.gather(*map(one, durations))
    return measured.figures(len(durations))


def _best(distribution: Distribution, worth: float) -> tuple[Figures, float]:
    """The optimum with a floor of 1 s, by dynamic programming backwards in time; and J²/2."""
    import numpy as np

    ages = np.arange(0, _END, _STEP)
    done = np.array([distribution.done(age) for age in ages])
    ended = np.diff(done)
    lived = np.concatenate([[0.0], np.cumsum(ended * (ages[1:] + ages[:-1]) / 2)])
    last, floor, longest = len(ages) - 1, round(1 / _STEP), round(15 / _STEP)
    cost, polls, delay = np.zeros((3, len(ages)))
    for now in range(last - 1, -1, -1):  # polled now, and not done: when next?
        furthest = min(now + longest, last) if now else last
        following = np.arange(min(now + floor, last), furthest + 1)
        late = ages[following] * (done[following] - done[now]) - (lived[following] - lived[now])
        choice = int(np.argmin(late + cost[following]))
        then = int(following[choice])
        polls[now], delay[now] = 1 - done[now] + polls[then], late[choice] + delay[then]
        cost[now] = delay[now] + worth * polls[now]
    left = 1 - (done[1:] + done[:-1]) / 2
    integral = float(np.sum(np.sqrt(ended / _STEP * left)) * _STEP)
    return Figures(float(polls[0]), float(delay[0])), integral**2 / 2


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(simulated(_their_polls(json.load(sys.stdin)))))
    else:
        main()
