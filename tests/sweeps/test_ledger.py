"""The ledger of a run: rows are counted once, and what jobs have cost is learned for the rows that follow."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

import decart_nb as dnb
from decart_nb import models
from decart_nb.errors import CapReachedError, QueueSubmitError
from decart_nb.job.job import Job
from decart_nb.sweeps.ledger import Ledger
from decart_nb.sweeps.rows import Row
from decart_nb.sweeps.selection import Selection
from tests.sweeping import SHORT, T2V, connected

MODEL = models.video(T2V)


def row(cost: float | None, take: int = 0, *, same_as: int | None = None) -> Row:
    return Row(MODEL, T2V, (), take, request="r", cost=cost, same_as=same_as)


def job(status: str = "planned", *, cost: float | None = None, made: bool = False, error: Any = None) -> Job:
    one = Job(T2V, {}, estimate=SHORT.prior)
    one.status, one.error = status, error
    if made:
        one.clip = SimpleNamespace(cost=cost, reused=False)  # type: ignore[assignment]
    return one


def opened(*rows: Row, cap: float | None = 1.0, paid: set[int] | None = None) -> Ledger:
    ledger = Ledger(cap)
    ledger.open(rows, Selection(todo=[*range(len(rows))], paid=paid or set()), (0.0, 0))
    return ledger


def ends(ledger: Ledger, number: int, ended: Job) -> None:
    assert ledger.begin(number, ended)
    ledger.settle(number, ended)


def test_a_cost_that_was_not_expected_is_learned_for_rows_that_have_the_same_input() -> None:
    rows = [row(None), row(None, 1)]
    ledger = opened(*rows)
    ends(ledger, 0, job("completed", cost=0.7, made=True))
    assert ledger.cost(rows[1]) == 0.7
    assert (ledger.tally().cost, ledger.tally().cost_unknown) == (0.7, False)
    ends(ledger, 1, job("completed", cost=0.4, made=True))
    assert ledger.cost(rows[1]) == 0.7  # the highest counts
    assert ledger.tally().cost == pytest.approx(1.4)


def test_a_cost_beyond_the_expected_one_is_learned_and_one_below_it_is_not() -> None:
    rows = [row(0.5), row(0.5, 1)]
    ledger = opened(*rows)
    ends(ledger, 0, job("completed", cost=0.3, made=True))
    assert ledger.cost(rows[1]) == 0.5
    ends(ledger, 1, job("completed", cost=0.8, made=True))
    assert ledger.cost(rows[0]) == 0.8


def test_under_a_cap_one_row_of_unknown_cost_goes_first() -> None:
    ledger = opened(row(None), row(None, 1))
    assert not ledger.must_wait(0)
    first = job("completed", cost=0.7, made=True)
    ledger.begin(0, first)
    assert ledger.must_wait(1)
    ledger.settle(0, first)
    assert not ledger.must_wait(1)


@pytest.mark.parametrize(
    ("cap", "paid", "cost"), [(None, set(), None), (1.0, {0}, None), (1.0, {1}, None), (1.0, set(), 0.1)]
)
def test_nothing_waits_without_a_cap_or_where_it_is_paid_or_of_known_cost(cap, paid, cost) -> None:
    ledger = opened(row(None), row(cost, 1), cap=cap, paid=paid)
    if cost is not None:
        ledger = opened(row(cost), row(cost, 1), cap=cap)
    ledger.begin(0, job())
    assert not ledger.must_wait(1)


def test_rows_of_a_model_without_a_price_wait_for_the_first_one_alone() -> None:
    ledger = opened(row(None), row(None, 1), row(None, 2))
    ends(ledger, 0, job("completed", made=True))
    assert ledger.tally().cost_unknown
    ledger.begin(1, job())
    assert not ledger.must_wait(2)


def test_what_is_over_the_cap_is_kept_back_until_something_is_rejected() -> None:
    ledger = opened(*[row(0.5, take) for take in range(4)])
    ends(ledger, 0, job(error=CapReachedError("Too much.")))
    assert ledger.keep_back(1)
    assert ledger.tally().held_back == 2
    assert ledger.take_held_back() == []
    ends(ledger, 2, job("rejected", error=QueueSubmitError("No.", {"status": 400})))
    assert not ledger.keep_back(3)
    assert ledger.take_held_back() == [0, 1]
    assert (ledger.take_held_back(), ledger.tally().held_back) == ([], 0)


def test_the_cost_of_what_was_refused_for_the_moment_stays_reserved() -> None:
    ledger = opened(row(0.5), row(0.5, 1))
    ends(ledger, 0, job("rejected", error=QueueSubmitError("Full.", {"status": 429, "taken": "no"})))
    assert ledger.cap == 0.5
    assert ledger.tally().counts["passing"] == 1
    assert ledger.tally().cost == 0.0


def test_rows_that_ask_for_the_same_are_counted_with_the_first() -> None:
    ledger = opened(row(0.2), row(0.2, same_as=0))
    one = job("completed", cost=0.2, made=True)
    ledger.begin(0, one)
    assert (ledger.tally().running, len(ledger.tally().jobs)) == (2, 1)
    ledger.settle(0, one)
    now = ledger.tally()
    assert (now.counts["done"], now.counts["reused"], now.shared, now.running) == (1, 1, 1, 0)
    assert ledger.made == {("r", 0)}


def test_no_row_begins_after_a_stop() -> None:
    ledger = opened(row(0.2), row(0.2, 1))
    one = job()
    ledger.begin(0, one)
    assert ledger.stop() == (one,)
    assert not ledger.begin(1, job())
    assert ledger.tally().running == 1


@pytest.mark.filterwarnings("ignore::decart_nb.ModelWarning")
@pytest.mark.parametrize("concurrency", [1, None])
def test_a_cap_holds_where_costs_are_known_only_afterwards(live, canned_queue, submitted, concurrency) -> None:
    endless = replace(MODEL, seconds=None, prices={}, status="custom")  # how long its videos are, nobody knows before
    connected(canned_queue, prices={T2V: 2.0})
    sweep = dnb.sweep(model=endless, prompt="a", seed=range(12))
    assert sweep.plan["cost"].isna().all()
    table = sweep.run(max_cost=3.0, allow_unknown_cost=True, concurrency=concurrency)
    each = table["cost"].max()
    assert 0 < each <= 3.0
    assert submitted() == int(3.0 / each + 1e-6) < 12
    assert sweep.progress.held_back == 12 - submitted()
    assert sweep.progress.cost <= 3.0
    again = sweep.run(max_cost=3.0, allow_unknown_cost=True)  # one may begin as long as there is anything left
    assert again["cost"].sum() < 3.0 + each
