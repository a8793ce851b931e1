"""The store goes, is damaged, or comes from somebody else, while jobs are under way."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

import decart_nb as dnb
from decart_nb.session.session import Session
from tests.sweeping import T2V, connected, submitted, wait_until

pytestmark = [pytest.mark.usefixtures("alone"), pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")]


def _moved(store: Path) -> None:
    store.rename(store.parent / "elsewhere")


def _without_its_database(store: Path) -> None:
    for path in store.glob("store.sqlite3*"):
        path.unlink()


def _restored(store: Path) -> None:
    """An older copy takes its place."""
    shutil.rmtree(store)
    (store.parent / "backup").rename(store)


def _opened(session: Session) -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH112, PTH208 - Linux's own


@pytest.mark.parametrize("go", [shutil.rmtree, _moved, _without_its_database, _restored], ids=lambda go: go.__name__)
def test_a_store_that_goes_midway_comes_back_with_the_jobs_that_are_under_way(slow_queue, go, tmp_path) -> None:
    session = connected(slow_queue)
    session.generate(T2V, "before")
    backup = tmp_path / "backup"
    shutil.copytree(session.store, backup)
    jobs = [session.submit(T2V, f"request {number}") for number in range(4)]
    wait_until(lambda: all(job.id for job in jobs))
    go(session.store)
    more = [session.submit(T2V, f"request {number}") for number in range(6)]  # four of them again
    for number, job in enumerate([*jobs, *more]):
        assert f"request-{number % len(jobs) if job in jobs else number - len(jobs)}" in job.result(30).path.name
    assert submitted(slow_queue) == 7
    for number in range(6):
        assert f"request-{number}" in session.generate(T2V, f"request {number}").path.name
    assert submitted(slow_queue) == 7
    for row in session.jobs().itertuples():
        assert row.prompt.replace(" ", "-") in str(row.path)


def test_a_video_that_goes_with_the_store_before_it_is_in_its_place_is_fetched_again(canned_queue) -> None:
    session = connected(canned_queue)
    session.generate(T2V, "before")
    job = session.submit(T2V, "x")
    until = time.monotonic() + 30
    while not [*session.store.glob("holders/*.staging/*.mp4")]:
        assert time.monotonic() < until
    shutil.rmtree(session.store, ignore_errors=True)  # what is written meanwhile stays
    assert job.result(30).path.exists()
    assert submitted(canned_queue) == 2


def test_a_store_that_went_is_begun_anew_by_whatever_comes_next(canned_queue, small_video) -> None:
    session = connected(canned_queue)
    for follow in (session.jobs, lambda: None, lambda: connected(canned_queue)):
        session.generate("lucy-2.5", "a", data=small_video)
        shutil.rmtree(session.store)
        follow()
    assert session.generate("lucy-2.5", "b", data=small_video).path.exists()
    assert session.prune(older_than=0).shape[0] == 1


def test_an_id_that_could_not_be_written_down_is_asked_for_and_not_paid_again(canned_queue) -> None:
    session = connected(canned_queue)
    session.generate(T2V, "first")
    with contextlib.closing(sqlite3.connect(session.store / "store.sqlite3")) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE UPDATE OF job_id ON jobs BEGIN SELECT RAISE(ABORT, 'The disk is full'); END"
        )
        with pytest.raises(dnb.StoreError, match=r"The disk is full.*\n.*decart_nb.attach") as told:
            session.generate(T2V, "x")
        job_id = told.value.data["job_id"]
        assert job_id in told.value.message
        database.execute("DROP TRIGGER full")
    assert session.generate(T2V, "x").job_id == job_id
    assert session.attach(job_id).result(10).job_id == job_id
    assert session.generate(T2V, "x", resubmit_uncertain=True).job_id == job_id
    assert submitted(canned_queue) == 2


def test_a_store_of_somebody_else_leads_nowhere(canned_queue, tmp_path) -> None:
    session = connected(canned_queue)
    session.generate(T2V, "x")
    thesis = tmp_path / "thesis.tex"
    thesis.write_text("twelve years of work")
    with contextlib.closing(sqlite3.connect(session.store / "store.sqlite3")) as database:
        database.execute("UPDATE jobs SET path = '../thesis.tex', size_bytes = ?", [thesis.stat().st_size])
        database.commit()
    clip = session.generate(T2V, "x")
    assert clip.path.parent == session.store
    session.prune(older_than=0, delete=True)
    assert thesis.exists()


@pytest.mark.parametrize(
    "definition", ["nonsense", "{}", "[]", '{"factors": 5}', '{"factors": [{"names": 1}]}', "[" * 9999]
)
def test_a_damaged_definition_of_a_sweep_is_a_sentence(canned_queue, definition) -> None:
    session = connected(canned_queue)
    session.runner.store.save_sweep("s", definition)
    with pytest.raises(dnb.StoreError, match=r"is damaged\. Make the sweep anew"):
        session.sweep.load("s")


def test_a_damaged_schema_is_a_sentence(canned_queue) -> None:
    session = connected(canned_queue)
    session.generate(T2V, "x")
    path = session.store / "store.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damaged = path.read_bytes().replace(
        b"CREATE INDEX jobs_by_request ON jobs", b"CREATE INDEX jobs_by_request ON j\xffbs"
    )
    shutil.rmtree(session.store)
    session.store.mkdir()
    path.write_bytes(damaged)
    with pytest.raises(dnb.StoreError, match="database is damaged"):
        session.jobs()


def test_what_was_replaced_is_closed(canned_queue) -> None:
    session = connected(canned_queue)
    session.generate(T2V, "x")
    before = _opened(session)
    for number in range(10):
        shutil.rmtree(session.store)
        session.generate(T2V, f"x{number}")
    assert _opened(session) <= before + 3


def test_an_input_of_somebody_elses_store_is_not_sent(canned_queue, small_video, tmp_path) -> None:
    session = connected(canned_queue)
    digest = hashlib.sha256(small_video.read_bytes()).hexdigest()
    kept = session.store / "inputs" / f"{digest}.mp4"
    sweep = session.sweep(model="lucy-2.5", prompt=["a"], data=small_video, name="s")
    sweep.run()
    (tmp_path / "secret").write_bytes(b"a key")
    kept.unlink()
    kept.symlink_to(tmp_path / "secret")
    with pytest.raises(dnb.StoreError, match="is no longer in"):
        session.sweep.load("s")
    with pytest.raises(dnb.InvalidInputError, match="is not in"):
        session.reproduce(session.jobs()["path"][0])
    session.generate("lucy-2.5", "b", data=small_video)
    assert not kept.is_symlink()
    assert kept.read_bytes() == small_video.read_bytes()


def test_a_closed_session_holds_no_database_open(canned_queue) -> None:
    def opened() -> list[Path]:
        files = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
        return [file for file in files if file.parent == session.store and "sqlite3" in file.name]

    session = connected(canned_queue)
    session.generate(T2V, "x")
    session.close()
    assert opened() == []
    assert session.generate(T2V, "x").reused  # it opens again
