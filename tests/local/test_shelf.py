from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from decart_nb.errors import LocalQueueError
from decart_nb.local.shelf import Record, Shelf


@pytest.fixture
def shelf(tmp_path):
    shelf = Shelf(tmp_path / "shelf")
    yield shelf
    shelf.close()


@pytest.fixture
def other(tmp_path, shelf):
    other = Shelf(tmp_path / "shelf")
    yield other
    other.close()


def kept(shelf: Shelf, **more) -> Record:
    """A job that a shelf has just been given."""
    record = Record(shelf.add(), "lucy-pro-t2v", {"prompt": "ö\ud800"}, ["data"], 7, shelf.me, 100.0, **more)
    shelf.save(record)
    return record


@pytest.mark.parametrize(
    ("record", "statuses"),
    [
        ({}, ["pending", "pending", "pending"]),
        ({"started": 110.0}, ["pending", "processing", "processing"]),
        ({"started": 110.0, "ready": 120.0}, ["pending", "processing", "completed"]),
        ({"started": 110.0, "ready": 120.0, "error": "why"}, ["pending", "processing", "failed"]),
        ({"ready": 120.0}, ["pending", "pending", "completed"]),
    ],
)
def test_a_status_follows_from_the_time(shelf, record, statuses):
    job = kept(shelf, **record)
    assert [job.status(now) for now in (109.9, 110.0, 120.0)] == statuses


def test_without_a_time_it_is_now(shelf):
    assert kept(shelf, started=0.0, ready=1.0).status() == "completed"
    assert kept(shelf, started=0.0, ready=1e12).status() == "processing"


def test_what_was_saved_is_loaded_by_any_shelf_on_the_folder(shelf, other):
    record = kept(shelf, started=110.0, ready=120.0, error="why")
    assert other.load(record.id) == record
    assert shelf.load(record.id) == record
    assert [path.name for path in shelf.folder(record.id).iterdir()] == ["job.json"]


@pytest.mark.parametrize("job_id", ["", "..", "../jobs", "0" * 31, "0" * 33, "A" * 32, "0" * 32, "0" * 32 + "\n", "\0"])
def test_an_unknown_id_is_no_job(shelf, job_id):
    assert shelf.load(job_id) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"id": "x", "colour": "red"}', "\xff"])
def test_a_record_that_cannot_be_read_is_no_job(shelf, text):
    record = kept(shelf)
    (shelf.folder(record.id) / "job.json").write_text(text, encoding="latin-1")
    assert shelf.load(record.id) is None


def test_ids_come_oldest_first_and_strangers_are_left_out(tmp_path, shelf):
    records = [kept(shelf) for _ in range(4)]
    for age, record in enumerate(records):
        os.utime(shelf.folder(record.id), (1000 - age, 1000 - age))
    (tmp_path / "shelf" / "jobs" / "notes.txt").touch()
    assert shelf.ids() == [record.id for record in reversed(records)]


def test_what_is_removed_is_gone(shelf):
    record = kept(shelf)
    shelf.video(record.id).write_bytes(b"1")
    shelf.remove(record.id)
    shelf.remove(record.id)
    assert shelf.load(record.id) is None
    assert shelf.ids() == []


def test_a_job_is_not_adopted_while_its_owner_lives(shelf, other):
    record = kept(shelf)
    for asking in (other, shelf):
        with asking.adopting(record) as adopted:
            assert not adopted


def test_a_job_of_a_closed_shelf_is_adopted_once(shelf, other):
    record = kept(shelf)
    shelf.close()
    with other.adopting(record) as adopted:
        assert adopted
        record.owner = other.me
        other.save(record)
    stale = Record(**{**vars(record), "owner": shelf.me})
    with other.adopting(stale) as adopted:
        assert not adopted


def test_a_job_that_was_removed_is_not_adopted(shelf, other):
    record = kept(shelf)
    shelf.close()
    shelf.remove(record.id)
    with other.adopting(record) as adopted:
        assert not adopted


def test_of_many_at_once_one_adopts(shelf, other):
    record = kept(shelf)
    shelf.close()
    together = Barrier(8)

    def adopt(_: int) -> bool:
        together.wait()
        with other.adopting(record) as adopted:
            if adopted:
                other.save(Record(**{**vars(record), "owner": other.me}))
            return adopted is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(adopt, range(8))) == 1


_OWNER = """
import sys, time
from pathlib import Path
from decart_nb.local.shelf import Record, Shelf
shelf = Shelf(Path(sys.argv[1]))
record = Record(shelf.add(), "lucy-pro-t2v", {}, [], 7, shelf.me, time.time())
shelf.save(record)
print(record.id, flush=True)
time.sleep(60)
"""


def test_a_job_of_a_killed_process_is_adopted(tmp_path, shelf):
    command = [sys.executable, "-c", _OWNER, str(tmp_path / "shelf")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        try:
            record = shelf.load(owner.stdout.readline().strip())
            with shelf.adopting(record) as adopted:
                assert not adopted
        finally:
            owner.send_signal(signal.SIGKILL)
    with shelf.adopting(record) as adopted:
        assert adopted


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(LocalQueueError, match=r"^The local queue cannot keep its jobs in .*file.*\. Choose another"):
        Shelf(tmp_path / "file")
