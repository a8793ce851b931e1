"""Planned jobs and claims: which job a request has, who holds it, and which changes of it are stored."""

from __future__ import annotations

import shutil
import time

import pytest

from decart_nb import CapReachedError, StoreError
from decart_nb.store.claims import ClaimLostError
from decart_nb.store.store import Store
from tests.records import claim_in_sweep, run_and_end, wanted


def test_an_enqueued_job_is_claimed_and_is_removed_when_its_request_is_claimed(store) -> None:
    queued = store.enqueue(wanted("job without digest"))
    assert (queued.status, queued.holder, queued.row) == ("planned", store.holder, 1)
    assert store.orphaned("local") == []
    record, ours = store.claim(wanted(), enqueued=queued)
    assert ours
    assert store.find() == [record]
    with pytest.raises(StoreError, match="pruned from the store"):
        store.refreshed(queued)


def test_an_enqueued_job_is_taken_over_only_where_nobody_carries_it_and_it_was_not_sent(store) -> None:
    first = store.enqueue(wanted())
    second = store.enqueue(wanted())
    assert first.row != second.row
    store.release(second)
    assert store.enqueue(wanted("other")).row not in (first.row, second.row)
    again = store.enqueue(wanted())
    assert (again.key, again.holder) == (second.key, store.holder)
    store.begin_submission(again)
    store.release(again)
    assert store.enqueue(wanted()).key not in (first.key, second.key)


def test_a_certain_take_is_not_answered_by_another(store) -> None:
    first, _ = store.claim(wanted())
    second, ours = store.claim(wanted(take=1), exact=True)
    assert (second.take, ours) == (1, True)
    assert store.claim(wanted(take=1), exact=True) == (second, False)
    assert store.claim(wanted(take=1)) == (first, False)
    assert store.claim(wanted(take=2), exact=True)[0].take == 2


def test_without_the_first_take_the_latest_one_that_is_there_stands(store) -> None:
    records = [store.claim(wanted(take=take), exact=True)[0] for take in (1, 3, 2)]
    assert store.claim(wanted()) == (records[1], False)
    first, _ = store.claim(wanted(), exact=True)
    assert store.claim(wanted()) == (first, False)


def test_a_fresh_take_counts_also_those_that_came_to_nothing(store) -> None:
    record, _ = store.claim(wanted(take=4), exact=True)
    store.update(record, status="failed", error="no")
    assert store.claim(wanted(), fresh=True)[0].take == 5
    assert store.claim(wanted("other"), fresh=True)[0].take == 0


@pytest.mark.parametrize("status", ["unreachable", "expired"])
def test_what_has_an_id_is_asked_for_again_by_that_id(store, status) -> None:
    record, _ = store.claim(wanted())
    store.update(record, status=status, job_id="j1", error="no")
    again, ours = store.claim(wanted())
    assert (again.key, again.status, again.holder, ours) == (record.key, "pending", store.holder, True)
    assert store.refreshed(record) == again


def test_an_expired_video_is_made_again_on_request_as_the_same_take(store) -> None:
    record, _ = store.claim(wanted(take=1), exact=True)
    store.update(record, status="expired", job_id="j1", error="no")
    again, ours = store.claim(wanted(), resubmit=["expired"])
    assert (again.take, again.job_id, ours) == (1, None, True)
    assert again.row != record.row
    assert store.claim(wanted()) == (again, False)  # of two, the later
    assert store.orphaned("local") == []


def test_what_has_failed_since_it_was_seen_is_told_and_what_was_seen_is_made_again(store) -> None:
    records = []
    for _ in range(2):
        records.append(store.claim(wanted())[0])
        store.update(records[-1], status="failed", error="no")
    assert store.claim(wanted(), seen=(0, "")) == (records[1], False)
    assert store.claim(wanted(), seen=(records[0].row, records[0].key)) == (records[1], False)
    # A number that belongs to another job, as in another database, tells nothing.
    assert store.claim(wanted(), seen=(records[1].row, "another key")) == (records[1], False)
    assert store.claim(wanted(take=1), exact=True, seen=(0, ""))[1]
    assert store.claim(wanted("other"), seen=(0, ""))[1]
    last, ours = store.claim(wanted(), exact=True, seen=(records[1].row, records[1].key))
    assert (last.row > records[1].row, ours) == (True, True)


@pytest.mark.parametrize("seen", [(0, ""), (7, "another key"), (1, "another key")])
def test_whoever_has_seen_another_job_has_seen_none(store, seen) -> None:
    record, _ = store.claim(wanted())
    store.update(record, status="failed", error="no")
    assert store.claim(wanted(), seen=seen) == (record, False)


def test_what_was_rejected_or_cancelled_since_it_was_seen_is_made_again(store) -> None:
    for status in ("rejected", "cancelled"):
        record, _ = store.claim(wanted())
        store.update(record, status=status, error="no")
    assert store.claim(wanted(), seen=(0, ""))[1]


@pytest.mark.parametrize("status", ["completed", "failed", "uncertain"])
def test_nothing_more_comes_of_what_is_over(store, status) -> None:
    record, _ = store.claim(wanted())
    store.update(record, status=status, job_id="j1")
    before = store.refreshed(record)
    assert store.take_over(record) == (before, False)
    assert store.refreshed(record) == before


def test_a_take_over_begins_with_what_the_store_knows_now(store) -> None:
    record, _ = store.claim(wanted())
    old = store.refreshed(record)
    store.update(record, status="unreachable", job_id="j1")
    taken, ours = store.take_over(old)
    assert (taken.job_id, taken.status, ours) == ("j1", "pending", True)
    assert store.take_over(taken)[1] is False  # this process carries it


def test_a_submission_that_a_part_of_this_process_gave_up_is_uncertain(store) -> None:
    record, _ = store.claim(wanted())
    store.begin_submission(record)
    store.release(record)
    found, ours = store.claim(wanted())
    assert (found.status, found.holder, found.claim, ours) == ("uncertain", None, None, False)
    assert found.error == "The process ended in the middle of the submission, so nobody knows whether it was taken."
    assert store.refreshed(record) == found


def test_what_has_an_id_and_a_time_is_no_lost_submission(store) -> None:
    record, _ = store.claim(wanted())
    store.begin_submission(record)
    store.update(record, job_id="j1")  # its status comes with the first poll
    store.release(record)
    found, ours = store.claim(wanted())
    assert (found.status, found.job_id, ours) == ("pending", "j1", True)


def test_a_submission_begins_once_and_only_by_who_has_the_claim(store) -> None:
    record, _ = store.claim(wanted())
    began = time.time()
    store.begin_submission(record)
    assert began <= record.sent_at <= time.time()
    assert store.refreshed(record).sent_at == record.sent_at
    with pytest.raises(ClaimLostError, match=r"^Another process has taken over the job in runs/; nothing was sent\.$"):
        store.begin_submission(record)
    other, _ = store.claim(wanted("other"))
    store.update(other, status="cancelled")
    with pytest.raises(ClaimLostError):
        store.begin_submission(other)
    assert store.refreshed(other).sent_at is None
    assert store.claim(wanted("third"))[0].sent_at is None  # no other job was touched


def test_a_job_that_is_over_has_no_holder_and_an_end(store) -> None:
    record, _ = store.claim(wanted())
    claim, began = record.claim, time.time()
    assert claim
    store.update(record, status="processing", job_id="j1")
    assert (record.holder, record.claim, record.ended_at) == (store.holder, claim, None)
    store.update(record, took=3.0)
    assert (record.holder, record.claim, record.ended_at) == (store.holder, claim, None)
    store.update(record, status="failed", error="no")
    assert (record.holder, record.claim) == (None, None)
    assert began <= record.ended_at <= time.time()
    assert store.find() == [record]
    later, _ = store.claim(wanted("later"))
    store.update(later, status="failed", ended_at=5.0)
    assert store.refreshed(later).ended_at == 5.0


@pytest.mark.parametrize(
    ("changes", "is_written"),
    [
        ({"job_id": "j1"}, True),
        ({"status": "completed", "path": "v.mp4"}, True),
        ({"status": "failed", "error": "no"}, False),
        ({"took": 3.0, "job_id": None}, False),
        ({"error": "no"}, False),
    ],
    ids=["id", "completed", "failed", "took", "error"],
)
def test_without_the_claim_only_an_id_and_a_video_are_written(store, changes, is_written) -> None:
    record, _ = store.claim(wanted())
    untouched, _ = store.claim(wanted("untouched"))
    store.release(record)
    taken, ours = store.claim(wanted())
    assert ours
    store.update(record, **changes)
    found = store.refreshed(taken)
    assert (found != taken) is is_written
    if is_written:
        assert {name: getattr(found, name) for name in changes} == changes
    assert store.refreshed(untouched) == untouched


def test_who_releases_a_claim_releases_no_other(store) -> None:
    mine, other = store.claim(wanted("mine"))[0], store.claim(wanted("other"))[0]
    store.release(mine)
    store.release(mine)
    assert [record.request for record in store.orphaned("local")] == ["mine"]
    assert store.claim(wanted("other")) == (other, False)
    ended, _ = store.claim(wanted("ended"))
    store.update(ended, status="unreachable", job_id="j1")
    store.release(ended)
    assert store.claim(wanted("ended"))[1]


def test_a_job_whose_end_was_written_is_released_by_who_carried_it(store) -> None:
    record, _ = store.claim(wanted())
    copy = store.refreshed(record)
    store.update(record, status="unreachable", job_id="j1")
    store.release(copy)  # with the token that it had
    assert [found.key for found in store.orphaned("local")] == [record.key]


def test_an_adopted_job_belongs_to_nobody(store) -> None:
    record = store.adopt(wanted("", job_id="j7", status="pending"))
    assert (record.request, record.holder) == ("job j7", None)
    assert store.find(job_id="j7") == store.orphaned("local") == [record]


def test_orphans_are_the_latest_unfinished_jobs_of_a_queue(store) -> None:
    for status in ("planned", "pending", "processing", "unreachable", "uncertain", "completed", "failed", "cancelled"):
        store.adopt(wanted(job_id=status, status=status))
    told = {record.job_id for record in store.orphaned("local")}
    assert told == {"planned", "pending", "processing", "unreachable", "uncertain"}
    for take in (0, 0, 1):
        record, _ = store.claim(wanted("again", take=take), exact=True)
        store.update(record, status="uncertain")
        if not take:
            store.claim(wanted("again"), resubmit=["uncertain"])
    left = [record for record in store.orphaned("local") if record.request == "again"]
    assert [(record.take, record.status) for record in left] == [(1, "uncertain")]


def test_jobs_of_a_process_that_has_ended_are_orphans_and_those_of_one_that_lives_are_not(store) -> None:
    run_and_end(store.folder, "store.claim(wanted)")
    other = Store(store.folder)
    other.claim(wanted("other"))
    store.claim(wanted("mine"))
    assert [record.request for record in store.orphaned("local")] == ["r"]
    assert [record.request for record in other.orphaned("local")] == ["r"]


def test_a_submitted_job_is_taken_over_whatever_the_cap(store) -> None:
    record, _ = claim_in_sweep(store, "a", cap=1.0)
    store.update(record, status="unreachable", job_id="j1")
    planned = wanted("a", sweep="dogs", expected_cost=0.3)
    taken, ours = store.claim(planned, cap=0.0)
    assert (ours, taken.sweep, taken.expected_cost) == (True, "cats", 0.2)
    assert store.claim(planned, cap=0.0) == (taken, False)  # and another one's is no expense


def test_a_job_that_another_carries_is_paid_for_by_no_sweep_that_asks_for_it(store) -> None:
    record, _ = store.claim(wanted("a"))
    assert claim_in_sweep(store, "a", cap=1.0) == (record, False)
    assert claim_in_sweep(Store(store.folder), "a", cap=1.0) == (record, False)
    assert [found.sweep for found in store.find()] == [None]


def test_what_a_job_that_is_taken_over_costs_is_known_to_all(store) -> None:
    record, _ = store.claim(wanted("a"))
    store.release(record)
    taken, _ = claim_in_sweep(store, "a", cap=1.0)
    assert (taken.key, taken.sweep, taken.expected_cost) == (record.key, "cats", 0.2)
    assert store.find() == [taken]


@pytest.mark.parametrize(
    ("cap", "cost", "is_within"),
    [(0.6, 0.2, True), (0.599, 0.2, False), (0.41, None, True), (0.4, None, False), (0.0, 0.0, True)],
)
def test_a_cap_may_be_reached_and_not_passed(store, cap, cost, is_within) -> None:
    for request in "ab":
        claim_in_sweep(store, request)
    planned = wanted("c", sweep="cats", expected_cost=cost)
    if is_within:
        assert store.claim(planned, cap=cap)[1]
    else:
        with pytest.raises(CapReachedError) as caught:
            store.claim(planned, cap=cap)
        assert str(caught.value) == (
            f"The job was not submitted: with it, the sweep would cost more than ${cap:,g}. Run the sweep with a "
            "larger max_cost to submit it."
        )
        assert [record.request for record in store.find()] == ["a", "b"]
        assert claim_in_sweep(store, "c", cap=1.0)[1]  # nothing of it is left
    assert store.claim(wanted("d", sweep="dogs", expected_cost=cost), cap=cap or 1.0)[1]


def test_a_job_outside_of_sweeps_has_no_cap(store) -> None:
    assert store.claim(wanted(expected_cost=5.0), cap=0.1)[1]


def test_a_claim_that_is_undone_is_held_by_nobody(store) -> None:
    claim_in_sweep(store, "a", cap=0.2)
    planned = wanted("b", sweep="cats", expected_cost=0.2)
    ends = store.batch([lambda: store.claim(planned, cap=0.2), lambda: store.claim(wanted("c"))])
    assert [type(error) for _, error in ends] == [CapReachedError, type(None)]
    assert [record.request for record in store.find()] == ["a", "c"]
    with pytest.raises(StoreError, match=r"^The job was pruned from the store runs/\. Submit it again"):
        store.refreshed(planned)


def test_a_store_that_was_removed_gets_back_what_is_under_way_and_not_what_is_over(store) -> None:
    carried, _ = store.claim(wanted("carried"))
    over, _ = store.claim(wanted("over"))
    store.update(over, status="failed", error="no")
    shutil.rmtree(store.folder)
    assert [(record.request, record.holder) for record in store.find()] == [("carried", store.holder)]
    assert store.find(key=carried.key) == [carried]


def test_a_new_lock_is_told_by_the_next_transaction_where_the_first_one_is_undone(store) -> None:
    record, _ = store.claim(wanted())
    shutil.rmtree(store.folder / "holders")
    with pytest.raises(CapReachedError):
        claim_in_sweep(store, "a", cap=0.1)
    store.claim(wanted("b"))
    assert Store(store.folder).claim(wanted()) == (store.refreshed(record), False)
