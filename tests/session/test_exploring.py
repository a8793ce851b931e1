"""Explorations at a queue: what they pay for, and how another session goes on."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import pytest

import decart_nb as dnb
from decart_nb import InvalidInputError, media
from decart_nb.local.queue import LocalQueue
from decart_nb.session import exploring
from tests import sweeping
from tests.explored_sweep import explored_sweep, prefers
from tests.sweeping import wait_until

MODELS = ["lucy-2.5", "lucy-2.1"]


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[LocalQueue]:
    """A local queue that makes of each video another: it has two frames and a length of its own."""
    numbers = itertools.count(1)

    def render(model, values, files: dict[str, Path], seed, target: Path, check_stop) -> None:
        padding = next(numbers)
        target.write_bytes(files["data"].read_bytes() + (8 + padding).to_bytes(4, "big") + b"free" + bytes(padding))

    with LocalQueue(tmp_path / "queue", render=render) as queue:
        yield queue


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch, queue: LocalQueue) -> dnb.Session:
    """A session that takes the queue for Decart; two frames of video, which cost $0.20 a row, are in.mp4."""
    sweeping.alone(monkeypatch)
    media.encode(np.full((2, 48, 64, 3), 90, np.uint8), Path("in.mp4"), fps=10)
    return sweeping.connected(queue, prices=dict.fromkeys(MODELS, 1.0))


def _sweep(prompts: int = 12) -> dnb.Sweep:
    return dnb.sweep(model=MODELS, prompt=[f"p{number}" for number in range(prompts)], data="in.mp4")


def test_at_a_queue_it_pays_for_what_it_makes_and_another_session_goes_on(live, queue) -> None:
    asked: list[frozenset[str]] = []
    judge = prefers(*MODELS, asked=asked)
    first = _sweep().explore(budget=1.0, batch=2, rater=judge)
    assert first.status == "limit reached"
    assert sweeping.submitted(queue) == 4
    assert first.spent == pytest.approx(0.8)
    assert len(asked) == 2

    sweeping.connected(queue, prices=dict.fromkeys(MODELS, 1.0))
    loaded = dnb.sweep.load(first.sweep.name)
    assert len(loaded) == 24  # all rows, not only those that were made
    second = loaded.explore(budget=10, rater=judge)
    assert second.status == "decided"
    assert second.comparisons["better"].tolist() == ["lucy-2.5"]
    assert sweeping.submitted(queue) == 20  # 4 there, and twice 4 of each model
    assert second.spent == pytest.approx(4.0)
    assert len(asked) == len({*asked}) == 8
    assert loaded.results["status"].eq("planned").sum() == 4
    assert second.results["reused"].sum() == 4  # the others were made here, by one run or another


def test_an_unknown_price_is_refused_under_a_budget_as_by_a_run(live, queue) -> None:
    sweep = dnb.sweep(model=["lucy-2.5", "lucy-2.6"], prompt=["p", "q"], data="in.mp4")
    with pytest.raises(InvalidInputError, match=r"What lucy-2\.6 will cost is not known"):
        sweep.explore(budget=1.0)
    assert sweeping.submitted(queue) == 0
    with pytest.raises(InvalidInputError, match="budget must be USD, as a number from 0, not 'x'"):
        sweep.explore(budget="x")
    with pytest.raises(InvalidInputError, match="concurrency must be a whole number of jobs from 1, not 0"):
        sweep.explore(budget=1.0, concurrency=0, allow_unknown_cost=True)
    assert sweeping.submitted(queue) == 0


def test_the_same_call_with_another_budget_takes_the_place_of_the_one_before(live, queue) -> None:
    first = _sweep().explore(budget=2.0, batch=2)
    second = _sweep().explore(budget=1.0, batch=2)
    assert first.status == "stopped"
    while not second.over:
        wait_until(lambda: second.over or second.rating.current() is not None)
        if not second.over:
            second.rating.vote("tie")
            wait_until(lambda: second.over or second.status != "making")
    assert second.status == "limit reached"
    assert sweeping.submitted(queue) == 4


def test_an_interrupt_before_it_is_returned_stops_it(tmp_path) -> None:
    sweep = explored_sweep(tmp_path)

    def interrupted(*, only: Collection[int]) -> None:
        sweep.begin(only=only)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="stopped; the same call goes on"):
        exploring.explore(sweep, sweep.rows, interrupted, budget=2.0)  # type: ignore[arg-type]
    assert sweep.cancelled


def test_it_waits_for_a_run_of_the_same_sweep_that_is_under_way(live, queue) -> None:
    sweep = _sweep(2).start()
    exploration = sweep.explore(max_rows=4)
    wait_until(lambda: exploration.status == "rating")
    assert sweeping.submitted(queue) == 4
    exploration.stop()
