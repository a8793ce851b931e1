"""Estimates of a session: which ends tell of other jobs, and one look at the store for all that ask together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from decart_nb.client.polling import LIVE
from decart_nb.job.estimates import Estimates
from decart_nb.store.store import Store

_ENDPOINT = "https://queue.example"


@pytest.fixture
def estimates(tmp_path: Path) -> Iterator[Estimates]:
    store = Store(tmp_path / "store")
    yield Estimates(store, LIVE.prior)
    store.close()


@pytest.mark.parametrize(
    ("durations", "changing"),
    [
        ([30.0, 31.0, None], [True, False, False]),
        ([None, None, 30.0, None, 31.0], [True, False, True, False, False]),
    ],
    ids=["known", "first-unknown"],
)
def test_the_first_end_and_the_first_duration_change_when_others_are_polled(
    estimates: Estimates, durations: list[float | None], changing: list[bool]
) -> None:
    assert [estimates.ended("lucy-2.5", took) for took in durations] == changing
    assert estimates.ended("lucy-2.1", 30.0)


@pytest.mark.parametrize("took", [30.0, None], ids=["completed", "failed"])
def test_jobs_are_peers_until_the_first_of_a_model_has_ended(estimates: Estimates, took: float | None) -> None:
    estimates.running["lucy-2.5"] |= {"a": 0.0, "b": 0.0}
    assert estimates.peers("lucy-2.5") == 2
    estimates.ended("lucy-2.1", took)
    assert estimates.peers("lucy-2.5") == 2
    estimates.ended("lucy-2.5", took)
    assert estimates.peers("lucy-2.5") == 0


def test_one_that_is_cancelled_takes_no_estimate_from_the_others(estimates: Estimates) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        free = asyncio.Event()
        busy = loop.run_in_executor(None, lambda: asyncio.run_coroutine_threadsafe(free.wait(), loop).result(30))
        first, second = (asyncio.create_task(estimates.expect("lucy-2.5", _ENDPOINT, None)) for _ in range(2))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        free.set()
        assert first.cancelled()
        assert await second == await estimates.expect("lucy-2.5", _ENDPOINT, None)
        await busy

    asyncio.run(main())
