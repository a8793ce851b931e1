"""Rows of the store: what is read back, what a damaged one is read as, and what the latest jobs tell."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import asdict
from typing import Any

import pytest

from decart_nb import StoreError
from decart_nb.store.job_row import Record, decoded, new_key
from decart_nb.store.store import Store
from tests.records import older_database, wanted


def completed(store: Store, request: str, **changes: Any) -> Record:
    """A job that has come to its end."""
    record, _ = store.claim(wanted(request, **changes))
    store.update(record, status="completed", **changes)
    return record


def damaged(store: Store, **values: Any) -> Record:
    """A job whose row somebody has changed by hand."""
    store.claim(wanted(inputs={"prompt": "a"}))
    with sqlite3.connect(store.folder / "store.sqlite3") as database:
        for name, value in values.items():
            database.execute(f"UPDATE jobs SET {name} = ?", [value])
    database.close()
    (found,) = store.find()
    return found


def test_every_value_of_a_record_is_read_back(store) -> None:
    record = Record(
        "r", "endpoint", "live", "lucy-2.5", "lucy-latest", 3, {"prompt": "Ä", "seed": 1}, {"data": {"sha256": "x"}}
    )
    values = {"input_seconds": 1.5, "job_id": "j1", "error": "no", "sent_at": 1.0, "submitted_at": 2.0, "ended_at": 3.0}
    values |= {"took": 4.0, "waited": 1.5, "seconds": 5.0, "path": "v.mp4", "sha256": "d", "size_bytes": 6}
    values |= {"width": 7, "height": 8, "fps": 9.5, "duration": 10.0, "cost": 11.0, "status": "failed"}
    values |= {"sweep": "cats", "expected_cost": 12.0}
    store.claim(record)
    store.update(record, **values)
    (found,) = Store(store.folder).find()
    assert asdict(found) == asdict(record)
    assert {name: getattr(found, name) for name in values} == values
    assert found.made == 2.5
    assert store.latest_by_request({"r"}, ["made"]) == {("r", 3): ("r", 3, "failed", 2.5)}


def test_how_long_the_queue_worked_on_a_job_is_known_where_both_times_are(store) -> None:
    known = [{}, {"took": 4.0}, {"waited": 1.5}, {"took": 4.0, "waited": 4.0}]
    records = [store.claim(wanted(str(number), **values))[0] for number, values in enumerate(known)]
    assert [record.made for record in records] == [None, None, None, 0.0]
    told = store.latest_by_request({record.request for record in records}, ["made"])
    assert [told[record.request, 0][-1] for record in records] == [None, None, None, 0.0]


def test_a_new_record_is_planned_has_a_key_of_its_own_and_its_time() -> None:
    began = time.time()
    first, second = wanted(), wanted()
    assert (first.status, first.take, first.row, first.inputs, first.files) == ("planned", 0, 0, {}, {})
    assert first.key != second.key
    assert len(first.key) == len(new_key()) == 32
    assert began <= first.created_at <= time.time()
    assert first.inputs is not second.inputs


def test_jobs_are_found_by_all_of_several_values_the_oldest_first(store) -> None:
    for request, model in (("a", "m"), ("b", "m"), ("c", "n")):
        store.claim(Record(request, "local", "local", model, model, job_id=f"j{request}"))
    assert [record.request for record in store.find()] == ["a", "b", "c"]
    assert [record.request for record in store.find(model="m")] == ["a", "b"]
    assert [record.request for record in store.find(model="m", job_id="jb")] == ["b"]
    assert store.find(model="n", job_id="jb") == []


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("inputs", "[1]", {}),
        ("inputs", b"\\x00", {}),
        ("inputs", "[" * 100_000, {}),
        ("inputs", '{"a": 1}', {"a": 1}),
        ("files", '{"data": 5, "end": {"sha256": "x"}}', {"end": {"sha256": "x"}}),
        ("took", "x", None),
        ("took", 2.5, 2.5),
        ("width", b"\\x00", None),
        ("width", 64, 64),
        ("take", "x", 0),
        ("take", 2, 2),
        ("created_at", "x", 0.0),
        ("created_at", 5.0, 5.0),
        ("error", b"\\x00", None),
        ("path", b"\\x00", None),
        ("path", "v.mp4", "v.mp4"),
        ("model", b"x", "b'x'"),
        ("status", b"x", "b'x'"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_damaged_value_is_read_as_one_that_is_not_known(store, name, value, read) -> None:
    found = damaged(store, **{name: value})
    assert getattr(found, name) == read
    assert found.inputs == ({"prompt": "a"} if name != "inputs" else read)


def test_a_row_without_a_key_is_still_itself(store) -> None:
    store.claim(wanted())
    other, _ = store.claim(wanted("other"))
    with sqlite3.connect(store.folder / "store.sqlite3") as database:
        database.execute("UPDATE jobs SET key = NULL WHERE request = 'r'")
    database.close()
    (found,) = store.find(request="r")
    assert found.key is None
    store.update(found, status="failed", error="no")
    assert [each.error for each in store.find()] == ["no", None]
    store.delete([found])
    assert store.find() == [other]


def test_a_row_has_as_many_values_as_there_are_columns() -> None:
    with pytest.raises(ValueError, match="zip"):
        decoded([1, 2])


def test_half_a_character_is_replaced_also_in_what_is_inserted(store) -> None:
    store.claim(wanted("Ä", error="half \ud800", inputs={"prompt": "half \ud800"}))
    (found,) = store.find(request="Ä")
    assert (found.error, found.inputs) == ("half ?", {"prompt": "half \ud800"})  # JSON has an escape for it


def test_a_job_that_was_deleted_by_another_is_added_again_with_what_came_of_it(store) -> None:
    record, _ = store.claim(wanted())
    kept, _ = store.claim(wanted("kept"))
    with sqlite3.connect(store.folder / "store.sqlite3") as database:
        database.execute("DELETE FROM jobs WHERE request = 'r'")
    database.close()
    row = record.row
    store.update(record, job_id="j1", took=2.0)
    (found,) = store.find(request="r")
    assert (found.key, found.job_id, found.took) == (record.key, "j1", 2.0)
    assert found.row == record.row != row
    assert store.refreshed(kept) == kept
    store.update(record, took=3.0)
    assert [each.took for each in store.find(request="r")] == [3.0]


def test_a_job_is_told_by_its_key_where_its_number_means_another(store) -> None:
    first, second = store.claim(wanted("first"))[0], store.claim(wanted("second"))[0]
    first.row = second.row
    assert store.refreshed(first).row == 1
    store.update(first, job_id="j1")
    assert {record.request: record.job_id for record in store.find()} == {"first": "j1", "second": None}
    assert first.row == 1


def test_durations_are_of_one_model_and_queue_and_only_numbers(store) -> None:
    completed(store, "a", took=3.0)
    completed(store, "b", took=5.0, input_seconds=1.5)
    other = Record("c", "elsewhere", "live", "lucy-2.5", "lucy-2.5", took=7.0)
    another = Record("d", "local", "local", "lucy-2.6", "lucy-2.6", took=9.0)
    for record in (other, another):
        store.claim(record)
    completed(store, "e")
    text = completed(store, "f", took=4.0)
    with sqlite3.connect(store.folder / "store.sqlite3") as database:
        database.execute("UPDATE jobs SET took = 'x' WHERE row = ?", [text.row])
    database.close()
    assert store.durations("lucy-2.5", "local") == [(3.0, None), (5.0, 1.5)]
    assert store.durations("lucy-2.5", "elsewhere") == [(7.0, None)]
    assert store.durations("lucy-2.6", "local") == [(9.0, None)]


@pytest.mark.parametrize("others", [0, 30], ids=["few", "many"])
def test_the_latest_job_of_each_request_and_take_has_the_columns_that_were_asked_for(store, others) -> None:
    for number in range(others):
        store.claim(wanted(f"other{number}"))
    ends: dict[str, list[dict[str, Any]]] = {
        "one": [{"status": "failed", "error": "no", "took": 1.0}],
        "again": [{"status": "failed", "error": "was", "took": 1.0}, {"took": 2.0}],
        "new": [{"status": "failed", "error": "was", "took": 1.0}, {"took": 2.0, "error": "is"}],
        "done": [{"status": "failed", "error": "was", "took": 1.0}, {"status": "completed", "took": 2.0}],
        "withdrawn": [{"status": "failed", "error": "was", "took": 1.0}, {"status": "cancelled", "took": 2.0}],
        "only withdrawn": [{"status": "cancelled", "took": 2.0}],
        "withdrawn twice": [{"status": "cancelled", "took": 1.0}, {"status": "cancelled", "took": 2.0}],
        "after": [{"status": "cancelled", "took": 1.0}, {"status": "failed", "took": 2.0}],
    }
    for request, changes in ends.items():
        for change in changes:
            store.update(store.claim(wanted(request))[0], **change)
    store.claim(wanted("one", take=1), exact=True)
    found = store.latest_by_request([*ends], ["job_id", "error", "took"])
    assert {key: found[key] for key in found if not key[0].startswith("other")} == {
        ("one", 0): ("one", 0, "failed", None, "no", 1.0),
        ("one", 1): ("one", 1, "planned", None, None, None),
        ("again", 0): ("again", 0, "planned", None, "was", 2.0),
        ("new", 0): ("new", 0, "planned", None, "is", 2.0),
        ("done", 0): ("done", 0, "completed", None, None, 2.0),
        ("withdrawn", 0): ("withdrawn", 0, "failed", None, "was", 1.0),
        ("only withdrawn", 0): ("only withdrawn", 0, "cancelled", None, None, 2.0),
        ("withdrawn twice", 0): ("withdrawn twice", 0, "cancelled", None, None, 1.0),
        ("after", 0): ("after", 0, "failed", None, None, 2.0),
    }
    told = store.latest_by_request(["again"], ["took"])
    assert told["again", 0] == ("again", 0, "planned", 2.0)


def test_what_could_not_be_written_yet_is_what_is_told_of_the_requests_asked_for(store) -> None:
    record, _ = store.claim(wanted())
    other, _ = store.claim(wanted("other"))
    for each in (record, other):
        each.job_id = "j1"
        store.mark_unsaved(each)
    assert store.unsaved == [record, other]
    assert store.latest_by_request(["r"], ["job_id", "take"])["r", 0] == ("r", 0, "planned", "j1", 0)
    assert [each.job_id for each in Store(store.folder).find()] == [None, None]
    assert [each.job_id for each in store.find()] == ["j1", "j1"]  # which writes it down
    assert store.unsaved == []
    assert [each.job_id for each in Store(store.folder).find()] == ["j1", "j1"]
    without_id, _ = store.claim(wanted("without id"))
    without_id.error = "no"  # which only who has the claim may write
    store.mark_unsaved(without_id)
    assert [each.error for each in store.find()] == [None, None, "no"]


def test_only_jobs_that_stand_as_they_were_seen_are_deleted(store) -> None:
    stays, goes = completed(store, "stays"), completed(store, "goes")
    seen = store.refreshed(stays)
    store.update(stays, status="expired")
    store.save_sweep("empty", "{}")
    store.delete([seen, goes, wanted("never there")])
    assert [record.request for record in store.find()] == ["stays"]
    assert store.sweeps() == {"empty": "{}"}


def test_sweeps_are_told_the_oldest_first_each_as_it_was_kept_last(store) -> None:
    for name, definition in (("b", "1"), ("a", "2"), ("none", ""), ("b", "3"), ("c", "4")):
        store.save_sweep(name, definition)
    assert [*store.sweeps().items()] == [("b", "3"), ("a", "2"), ("c", "4")]
    with sqlite3.connect(store.folder / "store.sqlite3") as database:
        begun = dict(database.execute("SELECT name, begun_at FROM sweeps").fetchall())
        database.execute("UPDATE sweeps SET begun_at = 1.0 WHERE name = 'c'")
    database.close()
    assert time.time() - 3600 < min(begun.values()) <= max(begun.values()) <= time.time()
    assert [*store.sweeps()] == ["c", "b", "a"]


def test_a_sweep_is_forgotten_with_its_last_job_and_no_other_sweep(store) -> None:
    records = []
    store.save_sweep("without jobs", "{}")
    for sweep in ("cats", "dogs", "dogs"):
        store.save_sweep(sweep, "{}")
        records.append(store.claim(wanted(f"r{len(records)}", sweep=sweep, expected_cost=0.2))[0])
        store.update(records[-1], status="failed", error="no")
    store.delete(records[:2])
    assert [*store.sweeps()] == ["without jobs", "dogs"]
    assert store.spent("cats") == (pytest.approx(0.2), 0)
    assert store.spent("dogs") == (pytest.approx(0.4), 0)
    assert store.spent("birds") == (0.0, 0)


@pytest.mark.parametrize(
    ("changes", "spent"),
    [
        ({"took": 1.0}, (0.2, 0)),
        ({"cost": 0.1}, (0.2, 0)),
        ({"cost": 0.5}, (0.5, 0)),
        ({"status": "rejected"}, (0.0, 0)),
        ({"status": "cancelled"}, (0.0, 0)),
        ({"status": "uncertain"}, (0.2, 0)),
        ({"status": "failed"}, (0.2, 0)),
        ({"expected_cost": None}, (0.0, 1)),
        ({"expected_cost": None, "cost": 0.3}, (0.3, 0)),
        ({"expected_cost": None, "status": "rejected"}, (0.0, 0)),
        ({"sweep": None}, (0.0, 0)),
        ({"holder": None}, (0.0, 0)),
        ({"holder": None, "sent_at": 1.0}, (0.2, 0)),
        ({"holder": None, "status": "pending"}, (0.2, 0)),
    ],
    ids=str,
)
def test_a_job_counts_in_its_sweeps_budget_as_it_stands(store, changes, spent) -> None:
    record, _ = store.claim(wanted(sweep="cats", expected_cost=0.2))
    store.update(record, **changes)
    assert store.spent("cats") == spent
    store.update(record, sweep="dogs", status="failed")
    assert store.spent("cats") == (0.0, 0)
    store.update(record, expected_cost=0.2, cost=None)
    assert store.spent("dogs") == (0.2, 0)


def test_a_budget_is_that_of_its_own_sweep(store) -> None:
    for number, sweep in enumerate(("cats", "dogs", "cats")):
        store.claim(wanted(f"r{number}", sweep=sweep, expected_cost=0.25))
    store.claim(wanted("unpriced", sweep="cats"))
    store.claim(wanted("none"))
    assert (store.spent("cats"), store.spent("dogs")) == ((0.5, 1), (0.25, 0))


def test_a_database_that_is_damaged_says_so_and_another_fault_gives_other_advice(store, tmp_path) -> None:
    store.claim(wanted())
    store.close()
    content = bytearray((store.folder / "store.sqlite3").read_bytes())
    content[100:] = b"x" * (len(content) - 100)
    (store.folder / "store.sqlite3").write_bytes(bytes(content))
    with pytest.raises(StoreError, match=r"runs/ cannot be used: .*Its database is damaged: move the folder") as caught:
        store.find()
    assert isinstance(caught.value.cause, sqlite3.DatabaseError)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"The store file/ cannot be used: .*Free some space, or check its permission"):
        Store(tmp_path / "file")


def test_text_that_is_damaged_says_so(store) -> None:
    store.claim(wanted())
    with sqlite3.connect(store.folder / "store.sqlite3") as database:
        database.execute("UPDATE jobs SET error = CAST(x'ff' AS TEXT)")
    database.close()
    with pytest.raises(StoreError, match="Its database is damaged: move the folder"):
        store.find()


def test_jobs_of_one_request_are_told_in_the_order_of_their_making(store) -> None:
    for take in (1, 0):
        store.claim(wanted(take=take), exact=True)
    assert [record.take for record in store.find(request="r")] == [1, 0]


def test_the_only_job_is_the_latest_of_its_request(store) -> None:
    store.claim(wanted())
    assert store.latest_by_request(["r"], ["took"]) == {("r", 0): ("r", 0, "planned", None)}


def test_a_job_whose_number_means_another_deletes_no_other(store) -> None:
    first, second = completed(store, "first"), completed(store, "second")
    first.row = second.row
    store.delete([first])
    assert "second" in [record.request for record in store.find()]


def test_a_store_from_before_knows_how_long_its_jobs_took_and_not_how_long_they_waited(tmp_path) -> None:
    folder = tmp_path / "runs"
    with older_database(folder, 5) as database:
        database.execute(
            "INSERT INTO jobs (request, take, endpoint, backend, model, asked_model, inputs, files, status, job_id, "
            "created_at, took, seconds, key) VALUES "
            "('r', 0, 'local', 'local', 'm', 'm', '{}', '{}', 'completed', 'j1', 1.0, 4.0, 5.0, 'k')"
        )
    store = Store(folder)
    (record,) = store.find()
    assert (record.took, record.seconds, record.waited, record.made) == (4.0, 5.0, None, None)
    assert store.durations("m", "local") == [(4.0, None)]
    store.update(record, waited=1.0)
    assert store.latest_by_request({"r"}, ["waited", "made"]) == {("r", 0): ("r", 0, "completed", 1.0, 3.0)}
