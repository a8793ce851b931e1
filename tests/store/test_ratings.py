"""Ratings of jobs and votes between clips, in one process and in several."""

from __future__ import annotations

import time
from dataclasses import replace

import pandas as pd
import pytest

from decart_nb import InvalidInputError, StoreError
from decart_nb.job.table import frame
from decart_nb.store.ratings import Vote
from decart_nb.store.store import Store
from tests.records import older_database, run_and_end, wanted

LEFT, RIGHT = "a" * 64, "b" * 64


def _completed(store: Store, request: str = "r", **values):
    record, _ = store.claim(wanted(request))
    store.update(record, status="completed", job_id=f"job-{request}", **values)
    return record


def _vote(**values) -> Vote:
    return Vote(
        **{
            "rater": "ann",
            "by_column": "model",
            "pair_key": '{"prompt": "a cat"}',
            "left_sha256": LEFT,
            "right_sha256": RIGHT,
            "outcome": "left",
            **values,
        }
    )


def test_a_rating_and_a_note_are_in_the_store_and_in_the_table_of_jobs(store) -> None:
    record = _completed(store)
    _completed(store, "unrated")
    store.rate(record, rating=4, note="  a <b>soft</b> cat ")
    assert (record.rating, record.note) == (4, "a <b>soft</b> cat")
    again = Store(store.folder)
    assert [(found.rating, found.note) for found in again.find()] == [(4, "a <b>soft</b> cat"), (None, None)]
    table = frame(again.find(), store.folder)
    assert table["rating"].tolist() == [4, pd.NA]
    assert table["note"].tolist() == ["a <b>soft</b> cat", pd.NA]
    latest = again.latest_by_request(["r"], ["rating", "note"])
    assert latest["r", 0] == ("r", 0, "completed", 4, "a <b>soft</b> cat")


def test_what_is_not_given_stays_and_none_takes_away(store) -> None:
    record = _completed(store)
    store.rate(record, rating=2, note="dark")
    store.rate(record, rating=5)
    assert (store.refreshed(record).rating, store.refreshed(record).note) == (5, "dark")
    store.rate(record, note="")
    assert (store.refreshed(record).rating, store.refreshed(record).note) == (5, None)
    store.rate(record, rating=None)
    assert store.refreshed(record).rating is None
    store.rate(record, rating=pd.NA, note=pd.NA)
    store.rate(record)
    assert store.refreshed(record) == record


@pytest.mark.parametrize("rating", [0, 6, 2.5, True, "3", "five", -1, 10**30, [3]])
def test_a_rating_that_is_none_is_refused(store, rating) -> None:
    record = _completed(store)
    with pytest.raises(InvalidInputError, match="rating must be a whole number from 1 to 5"):
        store.rate(record, rating=rating, note="x")
    assert (store.refreshed(record).rating, store.refreshed(record).note) == (None, None)


def test_a_note_is_one_text_of_some_length(store) -> None:
    record = _completed(store)
    with pytest.raises(InvalidInputError, match="2,001 characters"):
        store.rate(record, rating=3, note="x" * 2001)
    with pytest.raises(InvalidInputError, match="note must be a text"):
        store.rate(record, rating=3, note=5)  # type: ignore[arg-type]
    store.rate(record, rating=3, note="x" * 2000)
    store.rate(record, note="half \ud800")
    assert store.refreshed(record).note == "half ?"


def test_another_process_rates_a_job_that_this_one_carries(store) -> None:
    record, _ = store.claim(wanted())
    store.update(record, status="pending", job_id="j1")
    run_and_end(store.folder, "store.rate(store.find(job_id='j1')[0], rating=3, note='from elsewhere')")
    store.update(record, status="completed", sha256=LEFT)
    (found,) = store.find(sha256=LEFT)
    assert (found.status, found.rating, found.note) == ("completed", 3, "from elsewhere")


def test_what_is_written_down_later_takes_no_rating_of_another_process_away(store) -> None:
    record, _ = store.claim(wanted())
    store.update(record, status="pending", job_id="j1")
    record.error = "a reason that could not be written down at once"
    store.mark_unsaved(record)
    run_and_end(store.folder, "store.rate(store.find(job_id='j1')[0], rating=3, note=None)")
    store.flush()
    (found,) = store.find(job_id="j1")
    assert (found.error, found.rating) == (record.error, 3)


def test_a_job_of_which_the_database_has_another_row_is_found_by_its_id_or_its_video(store) -> None:
    record = _completed(store, sha256=LEFT)
    store.rate(replace(record, row=99, key="elsewhere"), rating=1, note=None)
    assert store.refreshed(record).rating == 1
    store.rate(replace(record, row=99, key="elsewhere", job_id=None), rating=2, note=None)
    assert store.refreshed(record).rating == 2
    for other in ({"job_id": "no"}, {"job_id": None}):
        with pytest.raises(StoreError, match="pruned"):
            store.rate(replace(record, row=record.row, key="elsewhere", sha256=RIGHT, **other), rating=5, note=None)
    assert store.refreshed(record).rating == 2


def test_a_job_that_was_pruned_cannot_be_rated(store) -> None:
    record = _completed(store)
    store.delete([record])
    with pytest.raises(StoreError, match="pruned from the store"):
        store.rate(record, rating=3, note=None)
    assert record.rating is None


def test_votes_come_back_in_their_order_and_by_what_is_asked(store) -> None:
    cast = [
        _vote(),
        _vote(rater="bob", outcome="tie", repeated=True),
        _vote(by_column="seed", outcome="bad", pair_key="x" * 10_000),
        _vote(outcome="right", voted_at=1.5),
    ]
    ids = [store.add_vote(vote) for vote in cast]
    assert ids == sorted(set(ids))
    expected = [replace(vote, id=number) for vote, number in zip(cast, ids, strict=True)]
    other = Store(store.folder)
    assert other.votes() == expected
    assert other.votes(by="model") == [expected[0], expected[1], expected[3]]
    assert other.votes(rater="ann") == [expected[0], *expected[2:]]
    assert other.votes("seed", "bob") == []
    other.remove_vote(ids[1])
    other.remove_vote(ids[1])
    assert store.votes() == [expected[0], *expected[2:]]


def test_an_id_of_a_vote_is_never_given_again(store) -> None:
    first = store.add_vote(_vote())
    store.remove_vote(first)
    assert store.add_vote(_vote()) > first
    store.close()
    (store.folder / "store.sqlite3").unlink()
    kept = store.add_vote(_vote(outcome="tie"))
    store.remove_vote(first)
    assert [vote.id for vote in store.votes()] == [kept]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"outcome": "both"}, "outcome must be one of left, right, tie, bad"),
        ({"left_sha256": "../x"}, "left_sha256 must be the SHA-256 digest"),
        ({"right_sha256": None}, "right_sha256 must be the SHA-256 digest"),
        ({"rater": ""}, "rater must be a text"),
        ({"rater": "x" * 201}, "rater must be a text"),
        ({"by_column": 5}, "by_column must be a text"),
        ({"pair_key": None}, "pair_key must be a text"),
        ({"voted_at": float("nan")}, "voted_at must be in seconds"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_vote_that_is_none_is_refused(store, wrong, said) -> None:
    with pytest.raises(InvalidInputError, match=said):
        store.add_vote(_vote(**wrong))
    assert store.votes() == []


def test_votes_that_are_damaged_are_left_out(store) -> None:
    for outcome in ("left", "tie"):
        store.add_vote(_vote(outcome=outcome))
    with store.database.connection() as database:
        database.execute("UPDATE votes SET left_sha256 = x'00' WHERE outcome = 'left'")
    assert [vote.outcome for vote in store.votes()] == ["tie"]


def test_votes_of_processes_at_once_are_all_kept_and_outlive_the_clips(store) -> None:
    record = _completed(store, sha256=LEFT)
    script = f"""
        from decart_nb.store.ratings import Vote
        for number in range(20):
            store.add_vote(Vote("bob", "model", str(number), "{LEFT}", "{RIGHT}", "right"))
    """
    before = time.time()
    for number in range(5):
        store.add_vote(_vote(pair_key=str(number)))
    run_and_end(store.folder, script)
    store.delete([record])
    votes = store.votes()
    assert [len([vote for vote in votes if vote.rater == name]) for name in ("ann", "bob")] == [5, 20]
    assert all(before <= vote.voted_at <= time.time() for vote in votes)


def test_a_store_from_before_gets_ratings_and_votes(tmp_path) -> None:
    folder = tmp_path / "runs"
    with older_database(folder, 4) as database:
        database.execute(
            "INSERT INTO jobs (request, take, endpoint, backend, model, asked_model, inputs, files, status, job_id, "
            "created_at, sweep, expected_cost, key) VALUES "
            "('r', 0, 'local', 'local', 'm', 'm', '{}', '{}', 'completed', 'j1', 1.0, 'cats', 0.2, 'k')"
        )
    store = Store(folder)
    (record,) = store.find()
    assert (record.job_id, record.rating, record.note) == ("j1", None, None)
    store.rate(record, rating=5, note="still there")
    store.add_vote(_vote())
    assert Store(folder).find(job_id="j1") == [record]
    assert len(Store(folder).votes()) == 1
    assert store.spent("cats") == (pytest.approx(0.2), 0)
