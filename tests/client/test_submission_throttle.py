"""The submission throttle: one pause while the service accepts nothing, then probes, then all that waited."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import decart_nb as dnb
from decart_nb import DecartClient, QueueSubmitError
from decart_nb.client.retry import Patience, RetryLine
from decart_nb.client.submission_throttle import SubmissionThrottle
from decart_nb.errors import JobCancelledError
from tests.limited_account import limited
from tests.scripted import KEY, run
from tests.simulated import simulated
from tests.sweeping import PRICES, SHORT, alone

pytestmark = pytest.mark.filterwarnings("ignore::decart_nb.errors.ModelWarning")

BUSY = {"status": 429, "taken": "no", "problem": "too many requests (429)"}


def busy(**facts: Any) -> QueueSubmitError:
    return QueueSubmitError("too many", BUSY | facts)


class Service:
    """A service that takes a submission where ``takes`` says so, after a tenth of a second.

    Attributes:
        sent: when each submission was sent, and by whom.
        refused: how often each was refused.
    """

    def __init__(self, takes: Callable[[float], bool], patience: Patience | None = None, *, busy: int = 0) -> None:
        self._takes = takes
        self.throttle = SubmissionThrottle(patience or Patience(), lambda: self.busy)
        self.busy = busy
        self.sent: list[tuple[float, int]] = []
        self.refused: dict[int, int] = {}
        self.heard: dict[int, list[str | None]] = {}

    async def submit(self, number: int, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        clock, line = asyncio.get_running_loop().time, RetryLine(self.heard.setdefault(number, []).append)
        while True:
            try:
                refusals = self.refused.get(number, 0)
                async with self.throttle.slot(sleep, line, delay=(0, 1, 6, 30)[refusals], rejections=refusals):
                    self.sent.append((clock(), number))
                    await asyncio.sleep(0.1)
                    if not self._takes(clock()):
                        raise busy()
                    return
            except QueueSubmitError:
                self.refused[number] = self.refused.get(number, 0) + 1
                if self.refused[number] > 3:
                    raise

    def between(self, begin: float, end: float) -> int:
        """How many were sent in a time."""
        return sum(begin <= at < end for at, _ in self.sent)


def all_of(service: Service, count: int) -> list[Any]:
    async def main() -> list[Any]:
        return await asyncio.gather(*(service.submit(number) for number in range(count)), return_exceptions=True)

    return simulated(main())


def test_while_all_is_well_nobody_waits() -> None:
    service = Service(lambda now: True)
    assert all_of(service, 50) == [None] * 50
    assert service.between(0, 0.01) == 50


def test_after_a_refusal_one_probe_goes_out_and_what_was_not_sent_is_not_burnt() -> None:
    service = Service(lambda now: now > 30)

    async def main() -> None:
        first = asyncio.gather(service.submit(0), service.submit(40))
        await asyncio.sleep(0.2)
        others = [asyncio.ensure_future(service.submit(number)) for number in range(1, 40)]
        await asyncio.gather(first, *others)

    simulated(main())
    assert service.between(0.3, 30) <= 8, "one at a time, at growing intervals"
    assert max(service.refused.values()) <= 2
    taken = sorted(at for at, _ in service.sent if at > 30)
    assert len(taken) == 41
    assert taken[-1] - taken[0] < 10, "then more and more at once"


def test_what_was_sent_before_the_pause_began_does_not_make_another() -> None:
    service = Service(lambda now: now > 0.5)
    assert all_of(service, 30) == [None] * 30
    assert service.between(0.01, 0.5) <= 1
    assert set(service.refused.values()) == {1}
    assert max(at for at, _ in service.sent) < 5


def test_random_refusals_hold_up_little() -> None:
    chance = random.Random(5)
    service = Service(lambda now: chance.random() > 0.05)
    assert all_of(service, 300) == [None] * 300
    assert max(at for at, _ in service.sent) < 20


def test_where_nothing_is_taken_for_as_long_as_there_is_patience_all_end() -> None:
    service = Service(lambda now: False, Patience(submission=60.0))
    ends = all_of(service, 200)
    assert all(isinstance(end, QueueSubmitError) for end in ends)
    assert max(at for at, _ in service.sent) < 150
    assert len(service.sent) < 230


def test_while_jobs_are_under_way_a_full_account_is_waited_for() -> None:
    service = Service(lambda now: now > 100, busy=5)

    async def main() -> None:
        first = asyncio.ensure_future(service.submit(0))
        await asyncio.sleep(0.2)
        await asyncio.gather(first, *(service.submit(number) for number in range(1, 9)))

    simulated(main())
    assert 100 < min(at for at, _ in service.sent[-8:]) < 140


def test_the_end_of_a_job_lets_the_next_probe_out_at_once() -> None:
    service = Service(lambda now: now > 30, busy=5)

    async def main() -> None:
        submissions = [asyncio.ensure_future(service.submit(number)) for number in range(4)]
        await asyncio.sleep(30.5)
        service.busy -= 1
        before = len(service.sent)
        service.throttle.job_ended()
        await asyncio.sleep(0.05)
        assert len(service.sent) == before + 1, "one has ended, and one is sent"
        await asyncio.gather(*submissions)

    simulated(main())


def test_who_waits_is_told_and_may_stop_waiting() -> None:
    service = Service(lambda now: now > 10)

    async def brief(seconds: float) -> None:
        await asyncio.sleep(0.3)

    async def main() -> None:
        first = asyncio.gather(service.submit(0), service.submit(3))
        await asyncio.sleep(0.2)
        second = asyncio.ensure_future(service.submit(1))
        third = asyncio.ensure_future(service.submit(2, brief))
        await asyncio.sleep(0.01)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        await asyncio.gather(first, third, return_exceptions=True)  # who does not wait is refused again and again

    simulated(main())
    assert 1 not in {number for _, number in service.sent}
    assert (0.5, 2) in [(round(at, 1), number) for at, number in service.sent]
    assert str(service.heard[2][0]).startswith("too many requests (429), trying again in ")


def test_what_is_withdrawn_while_it_waits_is_not_sent() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(429)

    async def main(client: DecartClient) -> None:
        from decart_nb.request.catalogue import models
        from decart_nb.request.request import prepare

        request = prepare(models.video("lucy-pro-t2v"), {"prompt": "x"})

        async def withdrawn() -> None:
            raise JobCancelledError("withdrawn")

        async def at_once(seconds: float) -> None:
            pass

        with pytest.raises(QueueSubmitError):
            await client.queue.submit_request(request)
        with pytest.raises(JobCancelledError):
            await client.queue.submit_request(request, before_each=withdrawn, sleep=at_once)

    patience = Patience(submission=5.0, first=0.05, longest=0.05)
    run(DecartClient(KEY, transport=httpx.MockTransport(answer), patience=patience), main)
    assert len(asked) == 4


def test_an_account_that_takes_ten_jobs_at_a_time_makes_a_sweep_of_a_hundred_rows(
    small_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone(monkeypatch)
    with limited(10, 0.4, small_video) as account:
        dnb.connect("live", api_key=KEY, base_url=account.url, prices=PRICES, polling=SHORT)
        results = dnb.sweep(model="lucy-pro-t2v", prompt="x", seed=range(100)).run()
    assert set(results["status"]) == {"completed"}
    assert account.taken == 100
    assert account.refused < 100


def test_an_account_that_takes_ten_jobs_at_a_time_takes_fifty_that_are_submitted_at_once(
    small_video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone(monkeypatch)
    with limited(10, 0.4, small_video) as account:
        dnb.connect("live", api_key=KEY, base_url=account.url, prices=PRICES, polling=SHORT)
        jobs = [dnb.submit("lucy-pro-t2v", str(number)) for number in range(50)]
        assert len({job.result(60).job_id for job in jobs}) == 50
    assert account.taken == 50
