"""Budgets of sweeps: what is reserved, spent and released."""

from __future__ import annotations

import shutil

import pytest

from decart_nb import CapReachedError
from decart_nb.store.job_row import Record
from decart_nb.store.store import Store
from tests.records import claim_in_sweep, older_database, run_and_end, wanted


def test_a_sweep_whose_jobs_are_all_forgotten_is_forgotten_too(store) -> None:
    records = [store.claim(wanted(f"r{number}", sweep="cats"))[0] for number in range(2)]
    for record in records:
        store.update(record, status="failed", error="no")
    store.save_sweep("cats", "{}")
    store.delete(records[:1])
    assert store.sweeps() == {"cats": "{}"}
    store.delete(records[1:])
    assert store.sweeps() == {}


def test_a_store_from_before_counts_what_its_sweeps_have_cost(tmp_path) -> None:
    folder = tmp_path / "runs"
    with older_database(folder, 3) as database:
        columns = "request, take, endpoint, backend, model, asked_model, inputs, files, status, created_at, sweep"
        jobs = [("completed", 0.2, 0.1), ("failed", 0.2, None), ("rejected", 0.2, None)]
        for status, expected, cost in [*jobs, ("failed", None, None), ("uncertain", None, None)]:
            database.execute(
                f"INSERT INTO jobs ({columns}, expected_cost, cost) VALUES "
                "(?, 0, 'local', 'local', 'm', 'm', '{}', '{}', ?, 1.0, 'cats', ?, ?)",
                [status, status, expected, cost],
            )
        database.execute("INSERT INTO sweeps VALUES ('cats', '{}', 1.0, 0.5)")
    store = Store(folder)
    assert store.spent("cats") == (pytest.approx(0.9), 2)
    assert len({record.key for record in store.find()}) == 5


def test_a_job_that_has_cost_more_than_was_expected_counts_for_that(store) -> None:
    first, _ = claim_in_sweep(store, "a", cap=1.0)
    second, _ = claim_in_sweep(store, "b", cap=1.0)
    store.update(first, status="completed", cost=0.05)
    assert store.spent("cats") == (pytest.approx(0.4), 0)
    store.update(second, status="completed", cost=0.7)
    assert store.spent("cats") == (pytest.approx(0.9), 0)
    with pytest.raises(CapReachedError):
        claim_in_sweep(store, "c", cap=1.0)


def test_who_takes_over_what_the_dead_have_reserved_stays_within_the_cap(store) -> None:
    run_and_end(store.folder, "store.claim(Record('a', 'local', 'local', 'm', 'm', sweep='cats', expected_cost=0.2))")
    claim_in_sweep(store, "b", cap=0.2)  # which nobody else is about to spend any more
    with pytest.raises(CapReachedError):
        claim_in_sweep(store, "a", cap=0.2)
    assert store.claim(wanted("a"))[1]  # without a sweep, and a cap
    assert store.spent("cats") == (pytest.approx(0.2), 0)


def test_a_cap_counts_what_is_on_its_way_failed_uncertain_or_pruned_and_not_what_was_never_sent(store) -> None:
    store.save_sweep("cats", "{}")
    for request, status in {"a": "failed", "b": "uncertain", "c": "rejected", "d": "planned"}.items():
        record, _ = claim_in_sweep(store, request, cap=1.0)
        if status != "planned":
            store.update(record, status=status, error="no")
    assert store.spent("cats") == (pytest.approx(0.6), 0)
    run_and_end(store.folder, "store.claim(Record('e', 'local', 'local', 'm', 'm', sweep='cats', expected_cost=0.2))")
    assert store.spent("cats") == (pytest.approx(0.6), 0)  # whoever was about to send it is gone
    store.delete([record for record in store.find() if record.status == "failed"])
    assert store.spent("cats") == (pytest.approx(0.6), 0)
    assert claim_in_sweep(store, "e", cap=0.8)[1]
    with pytest.raises(CapReachedError, match="more than"):
        claim_in_sweep(store, "f", cap=0.8)
    assert len(store.find(request="f")) == 0


def test_a_job_that_was_planned_by_one_who_is_gone_is_paid_for_by_whoever_takes_it_over(store) -> None:
    run_and_end(store.folder, "store.claim(Record('e', 'local', 'local', 'm', 'm'))")
    with pytest.raises(CapReachedError):
        claim_in_sweep(store, "e", cap=0.1)
    record, ours = claim_in_sweep(store, "e", cap=0.2)
    assert (ours, record.sweep, store.spent("cats")[0]) == (True, "cats", 0.2)


def test_a_job_of_unknown_price_is_within_a_cap_as_long_as_there_is_anything_left(store) -> None:
    def claim(request: str) -> Record:
        return store.claim(wanted(request, sweep="cats"), exact=True, cap=1.0)[0]

    first, second = claim("a"), claim("b")
    store.update(first, status="completed", cost=0.6)
    third = claim("c")
    store.update(second, status="completed", cost=0.6)
    with pytest.raises(CapReachedError):
        claim("d")
    assert store.claim(wanted("e", sweep="cats", expected_cost=0.0), exact=True, cap=1.0)[1]  # which costs nothing
    assert store.refreshed(third).status == "planned"


def test_what_a_sweep_has_cost_outlives_its_database(store) -> None:
    for request in "ab":
        record, _ = claim_in_sweep(store, request, cap=1.0)
        store.update(record, status="completed", cost=0.2)
    under_way, _ = claim_in_sweep(store, "c", cap=1.0)
    shutil.rmtree(store.folder)
    assert store.spent("cats") == (pytest.approx(0.6), 0)
    store.update(under_way, status="completed", cost=0.3)
    assert store.spent("cats") == (pytest.approx(0.7), 0)
    with pytest.raises(CapReachedError):
        claim_in_sweep(store, "d", cap=0.8)


@pytest.mark.parametrize("others", [1, 3])
def test_what_a_sweep_has_cost_is_the_higher_of_what_this_process_and_a_new_database_know(store, others) -> None:
    for request in "ab":
        record, _ = claim_in_sweep(store, request, cap=1.0)
        store.update(record, status="completed", cost=0.2)
    shutil.rmtree(store.folder)
    another = Store(store.folder)  # a kernel that comes first
    for number in range(others):
        claim_in_sweep(another, f"other{number}", cap=1.0)
    assert store.spent("cats") == (pytest.approx(max(0.4, 0.2 * others)), 0)
