"""How long a sweep may take: by what the queue has made at once, and only if anything has ended."""

from __future__ import annotations

import pytest

import decart_nb as dnb
from decart_nb.client.duration_estimate import Estimate
from decart_nb.local.queue import LocalQueue
from decart_nb.sweeps.progress import TimeLeft
from decart_nb.sweeps.run_time import PastJob, concurrency, run_time
from tests.sweeping import T2V, alone, connected

PRIOR = Estimate.around(30.0, 0.3)


def _queue(jobs: int, at_once: int, seconds: float = 10.0) -> list[PastJob]:
    """Jobs that were submitted together to a queue that makes some of them at once."""
    return [
        PastJob(1000.0, seconds * (number // at_once), seconds * (number // at_once + 1), None)
        for number in range(jobs)
    ]


def _together(jobs: int, waited: float | None = 0.0) -> list[PastJob]:
    """Jobs that were all made at once."""
    return [PastJob(1000.0, waited, 10.0 + (waited or 0.0), None) for _ in range(jobs)]


@pytest.mark.parametrize("at_once", [1, 2, 8])
def test_how_many_are_made_at_once_is_known_where_others_waited(at_once) -> None:
    found = concurrency(_queue(40, at_once))
    assert found.is_limit
    assert found.jobs == pytest.approx(at_once)


def test_where_none_waited_no_limit_is_known() -> None:
    assert concurrency(_together(12)) == (12, False)
    assert concurrency(_together(12, waited=None)) == (12, False)
    assert concurrency(_together(12, waited=1.0)) == (12, False)  # a queue takes a moment to begin
    alone = [PastJob(1000.0 + 20 * number, 0.0, 10.0, None) for number in range(5)]
    assert concurrency(alone) == (1, False)
    assert concurrency([]) == (0, False)


def test_before_anything_has_ended_nothing_is_said() -> None:
    assert run_time({"m": [None] * 5}, lambda model: [], PRIOR) is None
    past = {"m": _together(3), "other": []}
    assert run_time({"m": [None], "other": [None]}, past.__getitem__, PRIOR) is None


def test_rows_that_wait_for_others_take_as_many_times_longer() -> None:
    low, high = run_time({"m": [None] * 40}, lambda model: _queue(40, 2), PRIOR)
    assert low < 200 < high  # twenty after each other, of ten seconds
    assert high < 3 * low
    few_low, few_high = run_time({"m": [None] * 2}, lambda model: _queue(40, 2), PRIOR)
    assert few_low < 10 < few_high < 20


def test_models_share_what_the_queue_makes_at_once() -> None:
    rows: dict[str, list[float | None]] = {"m": [None] * 20, "n": [None] * 20}
    jobs = _queue(40, 2)
    low, high = run_time(rows, {"m": jobs[::2], "n": jobs[1::2]}.__getitem__, PRIOR)
    assert low < 200 < high < 3 * low


def test_of_more_rows_than_were_ever_made_at_once_the_most_is_not_known() -> None:
    low, high = run_time({"m": [None] * 100}, lambda model: _together(12), PRIOR)
    assert high is None
    assert 5 < low < 10
    low, high = run_time({"m": [None] * 12}, lambda model: _together(12), PRIOR)
    assert 5 < low < 10 < high < 20


@pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")
def test_a_plan_says_it_and_leaves_out_what_is_not_known(monkeypatch, tmp_path, small_video) -> None:
    alone(monkeypatch)
    with LocalQueue(tmp_path / "steady", canned=small_video, draw_duration=lambda: 0.5) as queue:
        connected(queue)
        new = dnb.sweep(model=T2V, prompt=[str(number) for number in range(6)])
        assert new.plan.attrs["totals"].endswith("about $1.20")
        dnb.sweep(model=T2V, prompt=["x", "y"]).run()
        assert new.plan.attrs["totals"].endswith("about $1.20 · 1 s or more")
        two = dnb.sweep(model=T2V, prompt=["0", "1"])
        assert two.plan.attrs["totals"].endswith("about $0.40 · perhaps 1 s to 1 s")


# What is left of a run.


def test_no_time_left_is_told_before_anything_has_ended() -> None:
    left = TimeLeft()
    left.on_estimate(30.0)
    left.on_started()
    assert left.estimate(4, 10) is None
    left.on_ended()
    assert left.estimate(4, 10) == pytest.approx(30.0 * (1 + 10 / 4), abs=1)


def test_what_waits_in_the_queue_is_not_taken_for_made() -> None:
    left = TimeLeft()
    left.on_estimate(10.0)
    left.on_ended()
    assert left.estimate(2, 30) == pytest.approx(160.0, abs=1)
    assert left.estimate(0, 30) is None


def test_without_earlier_jobs_only_the_runs_own_rate_tells() -> None:
    left = TimeLeft()
    left.on_ended()
    left.on_ended()
    assert left.estimate(4, 10) is None
    left.on_ended()
    left.on_ended()
    assert left.estimate(4, 10) is not None
