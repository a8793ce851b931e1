"""The cap of a sweep: what counts for it, and that it holds for the sweep's whole life."""

from __future__ import annotations

from pathlib import Path

import pytest

import decart_nb as dnb
from decart_nb.local.faults import Faults
from decart_nb.local.queue import LocalQueue
from decart_nb.store.store import Store
from tests import sweeping
from tests.sweeping import T2V, connected, ended, failing, kernel, statuses

pytestmark = [pytest.mark.usefixtures("live"), pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")]


def test_a_cap_is_not_passed_with_many_in_flight_and_holds_for_the_sweeps_whole_life(submitted) -> None:
    sweep = dnb.sweep(model=T2V, prompt="a", seed=range(20))
    assert sweep.plan["cost"].eq(0.2).all()
    table = sweep.run(max_cost=1.00, concurrency=20)
    assert submitted() == 5
    assert statuses(table) == {"completed": 5, "planned": 15}
    assert table.loc[table["status"] == "planned", ["job_id", "error"]].isna().all(axis=None)
    assert sweep.progress.held_back == 15
    assert "15 rows are kept back by max_cost=$1.00, and" in sweep.progress.note
    assert sweep.progress.cost == pytest.approx(1.0)

    again = dnb.sweep(model=T2V, prompt="a", seed=range(20))  # as the same cell makes it
    assert again.run(max_cost=1.00, concurrency=20)["reused"].sum() == 5
    assert submitted() == 5
    assert "15 rows are kept back" in again.progress.note
    assert statuses(again.run(max_cost=1.5, concurrency=20)) == {"completed": 7, "planned": 13}
    assert submitted() == 7
    assert statuses(again.run(max_cost=4)) == {"completed": 20}
    assert (submitted(), again.progress.held_back, again.progress.note) == (20, 0, "")


def test_a_cap_counts_what_has_failed(canned_queue, submitted) -> None:
    sweep = dnb.sweep(model=T2V, prompt="a", seed=range(10), name="mine")
    with failing(canned_queue):
        assert statuses(sweep.run(max_cost=0.6)) == {"failed": 3, "planned": 7}
    assert statuses(sweep.run(max_cost=0.6)) == {"failed": 3, "planned": 7}
    assert statuses(sweep.run(max_cost=0.8)) == {"failed": 3, "completed": 1, "planned": 6}
    assert statuses(sweep.retry(max_cost=1.2)) == {"failed": 1, "completed": 3, "planned": 6}
    assert submitted() == 6
    assert sweep.progress.cost == pytest.approx(1.2)


def test_a_cap_counts_what_was_perhaps_taken(tmp_path, small_video) -> None:
    faults = Faults({"malformed": 1.0})  # the answer to a submission is lost
    with LocalQueue(tmp_path / "mumbling", canned=small_video, faults=faults) as queue:
        connected(queue)
        sweep = dnb.sweep(model=T2V, prompt="a", seed=range(10))
        for _ in range(2):
            assert statuses(sweep.run(max_cost=1.0)) == {"uncertain": 5, "planned": 5}
            assert sweeping.submitted(queue) == 5
        assert sweep.progress.cost == pytest.approx(1.0)
        sweep.retry(max_cost=1.0, uncertain=True)
        assert sweeping.submitted(queue) == 5


def test_what_was_certainly_not_taken_is_paid_by_nobody_and_makes_room(tmp_path, small_video) -> None:
    with LocalQueue(tmp_path / "full", canned=small_video, draw_duration=lambda: 0.2, max_unfinished=2) as queue:
        connected(queue, patience=dnb.Patience(submission=0.0))
        sweep = dnb.sweep(model=T2V, prompt="a", seed=range(12))
        table = sweep.run(max_cost=1.0)
        assert sweeping.submitted(queue) == statuses(table)["completed"] <= 5
        assert statuses(table)["rejected"] > 0
        assert "tried again by the next run" in sweep.progress.note
        assert Store(Path("decart_runs")).spent(table.attrs["sweep"])[0] <= 1.0 + 1e-6


def test_two_kernels_at_once_keep_to_one_cap(canned_queue, submitted) -> None:
    ended(*[kernel(canned_queue, sweeping.make, "a", 20, max_cost=1.0) for _ in range(2)])
    assert submitted() == 5
    assert statuses(dnb.sweep.load("a").results) == {"completed": 5, "planned": 15}


def test_an_unknown_price_under_a_cap_is_refused_unless_allowed(canned_queue, submitted, small_video) -> None:
    sweep = dnb.sweep(model=[T2V, "lucy-2.6"], prompt="a", data=small_video)
    with pytest.raises(dnb.InvalidInputError, match=r"What lucy-2\.6 will cost is not known"):
        sweep.run(max_cost=1.0)
    assert submitted() == 0
    with failing(canned_queue):
        table = sweep.run(max_cost=1.0, allow_unknown_cost=True)
    assert statuses(table) == {"failed": 2}
    assert sweep.progress.cost_unknown
    sweep.run(max_cost=1.0)  # makes nothing, so nothing is refused
    with pytest.raises(dnb.InvalidInputError, match=r"What lucy-2\.6 will cost is not known"):
        sweep.retry(max_cost=1.0)
    assert submitted() == 2
    assert statuses(sweep.retry()) == {"completed": 2}
