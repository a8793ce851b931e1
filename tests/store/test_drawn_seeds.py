"""Requests that give the seed that was drawn for a job: that job answers them, unless one of their own does."""

from __future__ import annotations

import pytest

from decart_nb.store.job_row import Record
from decart_nb.store.store import Store
from tests.records import wanted


def _drawn(store: Store, job_id: str, seeded_request: str = "seeded", status: str = "completed") -> Record:
    """A job of a request without a seed, whose drawn seed makes another request of it."""
    record, _ = store.claim(wanted(f"without {job_id}", drawn_seed=7, seeded_request=seeded_request))
    store.update(record, status=status, job_id=job_id)
    return record


def _own(store: Store, job_id: str, status: str = "completed") -> Record:
    """A job that was asked for with the seed."""
    record, _ = store.claim(wanted("seeded"))
    store.update(record, status=status, job_id=job_id)
    return record


def _told(store: Store, take: int = 0, request: str = "seeded") -> tuple[str, str] | None:
    """The status and the id of the latest job of a request and take, as the store tells them to plans and results."""
    row = store.latest_by_request([request], ["job_id"]).get((request, take))
    assert row is None or row[:2] == (request, take)
    return row and row[2:]


@pytest.mark.parametrize("status", ["pending", "completed", "unreachable", "uncertain", "expired"])
def test_a_job_that_stands_answers_the_request_that_gives_its_drawn_seed(store, status) -> None:
    record = _drawn(store, "j1", status=status)
    assert _told(store) == (status, "j1")
    for exact in (False, True):
        assert store.claim(wanted("seeded"), exact=exact)[0].key == record.key


@pytest.mark.parametrize("status", ["failed", "rejected", "cancelled"])
def test_a_job_that_made_nothing_answers_no_request_but_its_own(store, status) -> None:
    _drawn(store, "j1", status=status)
    assert _told(store) is None
    record, ours = store.claim(wanted("seeded"))
    assert (record.request, record.take, record.job_id, ours) == ("seeded", 0, None, True)


def test_a_standing_job_of_the_request_itself_comes_first(store) -> None:
    own = _own(store, "own")
    _drawn(store, "later")
    assert _told(store) == ("completed", "own")
    assert store.claim(wanted("seeded")) == (own, False)


def test_a_failed_job_of_the_request_itself_comes_after_one_that_stands(store) -> None:
    _own(store, "own", "failed")
    assert _told(store) == ("failed", "own")
    drawn = _drawn(store, "drawn")
    assert _told(store) == ("completed", "drawn")
    assert store.claim(wanted("seeded")) == (drawn, False)


def test_of_two_jobs_with_one_drawn_seed_the_later_answers(store) -> None:
    _drawn(store, "j1")
    later = _drawn(store, "j2")
    _drawn(store, "j3", status="failed")
    assert _told(store) == ("completed", "j2")
    assert store.claim(wanted("seeded")) == (later, False)


def test_what_was_drawn_is_the_first_take(store) -> None:
    drawn = _drawn(store, "j1")
    record, ours = store.claim(wanted("seeded", take=1), exact=True)
    assert (record.request, record.take, ours) == ("seeded", 1, True)
    store.update(record, status="completed", job_id="take 1")
    assert (_told(store), _told(store, 1)) == (("completed", "j1"), ("completed", "take 1"))
    assert store.claim(wanted("seeded")) == (drawn, False)
    assert store.claim(wanted("seeded"), fresh=True)[0].take == 2
    assert store.claim(wanted("seeded")) == (drawn, False)


def test_a_fresh_take_is_the_second_where_the_first_was_drawn(store) -> None:
    drawn = _drawn(store, "j1")
    assert store.claim(wanted("seeded", take=1)) == (drawn, False), "any take will do"
    record, ours = store.claim(wanted("seeded"), fresh=True)
    assert (record.request, record.take, ours) == ("seeded", 1, True)


@pytest.mark.parametrize("others", [0, 20], ids=["few jobs", "many jobs"])
def test_each_request_is_answered_by_the_job_whose_drawn_seed_it_gives(store, others) -> None:
    store.batch([lambda number=number: _drawn(store, f"o{number}", f"other {number}") for number in range(others)])
    own = _own(store, "own")
    for number in (1, 2):
        _drawn(store, f"j{number}", f"seeded {number}")
    _drawn(store, "later", own.request)
    found = store.latest_by_request(["seeded", "seeded 1", "seeded 2", "none"], ["job_id"])
    told = {key: row[2:] for key, row in found.items() if key[0].startswith(("seeded", "none", "other"))}
    assert told == {
        ("seeded", 0): ("completed", "own"),
        ("seeded 1", 0): ("completed", "j1"),
        ("seeded 2", 0): ("completed", "j2"),
    }
