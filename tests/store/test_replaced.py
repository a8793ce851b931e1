"""A store that is removed, replaced, locked anew or full: what this process knows is written down again."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import shutil
import signal
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from decart_nb import StoreError
from decart_nb.store.claims import ClaimLostError
from decart_nb.store.job_row import Record
from decart_nb.store.store import Store
from tests.records import wanted


def test_a_fork_does_not_share_the_connection_nor_the_claims(store) -> None:
    record, _ = store.claim(wanted())
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=lambda: answers.put((store.holder, store.claim(wanted())[1])))
    child.start()
    holder, ours = answers.get(timeout=30)
    child.join(30)
    assert holder != store.holder
    assert not ours
    assert Store(store.folder).claim(wanted()) == (record, False)  # the child's end let go of nothing


def test_a_fork_has_a_folder_of_its_own_for_incomplete_files(store) -> None:
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=lambda: answers.put((store.staging, store.holder)))
    child.start()
    staging, holder = answers.get(timeout=30)
    child.join(30)
    assert staging.name.startswith(holder)
    assert staging != store.staging


def test_a_fork_that_closes_the_store_leaves_its_parent_the_lock(store) -> None:
    holder = store.holder
    child = multiprocessing.get_context("fork").Process(target=store.close)
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert (store.folder / "holders" / holder).is_file()
    record, _ = store.claim(wanted())
    assert (record.holder, store.holder) == (holder, holder)


def test_a_commit_that_fails_leaves_nothing_open(store) -> None:
    record, _ = store.claim(wanted())
    database = sqlite3.connect(store.folder / "store.sqlite3", isolation_level=None)
    with store.database.connection() as own:
        own.execute("PRAGMA busy_timeout = 50")
    database.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        store.update(record, sent_at=1.0)
    database.execute("ROLLBACK")
    store.update(record, job_id="j1")
    (kept,) = database.execute("SELECT job_id FROM jobs").fetchone()  # for others to see
    assert kept == "j1"
    database.close()


def test_what_comes_of_a_job_that_was_deleted_is_kept_and_written_into_no_other(store) -> None:
    gone, _ = store.claim(wanted())
    store.update(gone, status="unreachable")
    store.delete([gone])
    other, _ = store.claim(wanted("other"))
    store.update(gone, status="completed")
    assert store.refreshed(other) == other
    assert [(record.request, record.status) for record in store.find()] == [("other", "planned"), ("r", "completed")]


def test_a_video_that_has_just_come_is_kept_when_the_database_is_begun_anew(store) -> None:
    record, _ = store.claim(wanted())
    arrived = store.staging / "v.mp4"
    arrived.write_bytes(b"video")
    for path in store.folder.glob("store.sqlite3*"):
        path.unlink()
    assert [one.key for one in store.find()] == [record.key]
    assert store.place_video(arrived).read_bytes() == b"video"


def test_a_folder_that_was_removed_is_begun_anew_with_what_this_process_is_at(store) -> None:
    ended, _ = store.claim(wanted("ended"))
    store.update(ended, status="failed", error="no")
    record, _ = store.claim(wanted())
    before = store.holder
    shutil.rmtree(store.folder)
    assert store.claim(wanted()) == (record, False)
    assert Store(store.folder).find() == [record]
    assert store.holder != before
    assert (store.folder / ".gitignore").exists()


def test_a_row_of_another_database_is_written_by_nobody_who_knew_its_number(store, tmp_path) -> None:
    mine, _ = store.claim(wanted("mine"))
    store.update(mine, status="pending", job_id="j1", submitted_at=1.0)
    shutil.rmtree(store.folder)
    other = Store(store.folder)  # a kernel that comes first
    theirs, _ = other.claim(wanted("theirs"))
    assert theirs.row == mine.row
    store.update(mine, status="completed", path="v.mp4", size_bytes=5)
    assert other.refreshed(theirs) == theirs
    assert [(found.request, found.path) for found in other.find(job_id="j1")] == [("mine", "v.mp4")]


def test_a_copy_that_took_the_place_of_a_store_hears_what_came_after_it(store, tmp_path) -> None:
    _ = store.claim(wanted())
    copy = tmp_path / "copy"
    shutil.copytree(store.folder, copy)
    later, _ = store.claim(wanted("later"))
    store.update(later, status="pending", job_id="j2", submitted_at=1.0)
    shutil.rmtree(store.folder)
    copy.rename(store.folder)
    between, _ = Store(store.folder).claim(wanted("between"))
    assert between.row == later.row
    store.update(later, status="completed")
    assert {found.request: found.status for found in store.find()} == {
        "r": "planned",
        "between": "planned",
        "later": "completed",
    }


def test_who_lost_its_claim_sends_nothing_and_is_not_heard(store) -> None:
    record, _ = store.claim(wanted())
    shutil.rmtree(store.folder / "holders")
    other = Store(store.folder)
    taken, ours = other.claim(wanted())
    assert ours
    with pytest.raises(ClaimLostError, match="nothing was sent"):
        store.begin_submission(record)
    store.update(record, status="rejected", error="no")
    assert other.refreshed(taken) == taken
    other.begin_submission(taken)


def test_a_lock_whose_file_was_removed_is_taken_anew(store) -> None:
    record, _ = store.claim(wanted())
    shutil.rmtree(store.folder / "holders")
    assert store.claim(wanted())[1] is False
    assert Store(store.folder).claim(wanted())[1] is False
    store.begin_submission(store.refreshed(record))


def test_an_id_that_cannot_be_written_down_is_kept_until_it_can(store) -> None:
    record, _ = store.claim(wanted())
    store.begin_submission(record)
    with store.database.connection() as database:  # SQLite's own word for a disk that holds no more
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
    record.job_id, record.inputs = "j1", {"prompt": "x" * 10**6}
    store.mark_unsaved(record)
    with pytest.raises(StoreError, match="full"):
        store.claim(wanted())
    assert store.unsaved == [record]
    assert store.latest_by_request(["r"], ["job_id"]) == {("r", 0): ("r", 0, "planned", "j1")}
    with store.database.connection() as database:
        database.execute("PRAGMA max_page_count = 1000000")
    store.release(record)
    found, ours = store.claim(wanted())
    assert (found.job_id, ours, store.unsaved) == ("j1", True, [])


def test_a_commit_that_fails_leaves_nobody_at_the_job(store) -> None:
    with store.database.connection() as database:
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
    large = wanted("large", inputs={"prompt": "x" * 10**6})
    ((_, error),) = store.batch([lambda: store.claim(large)])
    assert isinstance(error, StoreError)
    store.close()  # which takes its lock away, unless it carries jobs
    assert [*(store.folder / "holders").iterdir()] == []


def test_what_is_done_together_fails_apart(store) -> None:
    record, _ = store.claim(wanted("a"))
    gone = Record("g", "local", "local", "m", "m", row=99)
    ends = store.batch([lambda: store.begin_submission(gone), lambda: store.update(record, job_id="j1")])
    assert [type(error) for _, error in ends] == [ClaimLostError, type(None)]
    assert store.refreshed(record).job_id == "j1"


def test_a_store_that_was_moved_away_and_back_knows_each_job_once(store, tmp_path) -> None:
    record, _ = store.claim(wanted(sweep="cats", expected_cost=0.2))
    store.folder.rename(tmp_path / "away")
    between, _ = store.claim(wanted("between"))
    assert {found.request for found in store.find()} == {"r", "between"}
    shutil.rmtree(store.folder)
    (tmp_path / "away").rename(store.folder)
    store.update(record, status="completed")
    assert [found.status for found in store.find(request="r")] == ["completed"]
    assert [found.key for found in store.find(request="between")] == [between.key]
    assert store.spent("cats") == (pytest.approx(0.2), 0)


def test_a_reopening_that_fails_is_made_again(store) -> None:
    record, _ = store.claim(wanted())
    shutil.rmtree(store.folder)
    store.folder.mkdir()
    (store.folder / "holders").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be used"):
        store.find()
    (store.folder / "holders").unlink()
    assert [found.key for found in store.find()] == [record.key]


def test_an_interrupt_while_another_writes_leaves_no_lock(store) -> None:
    other = sqlite3.connect(store.folder / "store.sqlite3", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threads = [
        threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]),
        threading.Timer(0.6, other.execute, ["ROLLBACK"]),
    ]
    for thread in threads:
        thread.start()
    with pytest.raises(KeyboardInterrupt):
        store.claim(wanted())
    for thread in threads:
        thread.join()
    other.close()
    assert store.claim(wanted("next"))[1]
    assert Store(store.folder).claim(wanted("others"))[1]


def test_forks_of_several_threads_leave_no_lock(store) -> None:
    def forks() -> list[int]:
        ends = []
        for _ in range(5):
            child = os.fork()
            if not child:
                os._exit(0)
            ends.append(os.waitpid(child, 0)[1])
        return ends

    with ThreadPoolExecutor(4) as threads:
        forking = [threads.submit(forks) for _ in range(3)]
        reading = threads.submit(lambda: [store.find() for _ in range(200)])
        assert [one.result(60) for one in forking] == [[0] * 5] * 3
        reading.result(60)
    assert store.claim(wanted())[1]


def test_forks_taken_while_another_thread_opens_stores_can_open_one(tmp_path) -> None:
    stop = threading.Event()

    def open_stores() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            Store(tmp_path / f"of the parent {number % 50}")

    opening = threading.Thread(target=open_stores)
    opening.start()
    try:
        for number in range(12):
            child = os.fork()
            if not child:
                signal.alarm(20)
                Store(tmp_path / f"of a child {number}")
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        opening.join()


def test_who_has_lost_a_claim_takes_it_from_nobody_when_he_releases_it(store) -> None:
    first, _ = store.claim(wanted())
    store.release(first)
    second, ours = store.claim(wanted())
    assert ours
    store.release(first)
    assert store.claim(wanted()) == (second, False)


def test_a_lock_file_in_the_place_of_ours_is_noticed(store) -> None:
    store.claim(wanted())
    name = store.holder
    (store.folder / "holders" / name).unlink()
    (store.folder / "holders" / name).touch()
    assert store.claim(wanted())[1] is False
    assert store.holder != name
    assert Store(store.folder).claim(wanted())[1] is False


def test_a_fork_writes_down_nothing_of_what_its_parent_could_not(store) -> None:
    record, _ = store.claim(wanted())
    record.job_id = "j1"
    store.mark_unsaved(record)
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=lambda: answers.put([found.job_id for found in store.find()]))
    child.start()
    assert answers.get(timeout=30) == [None]
    child.join(30)
    assert [found.job_id for found in store.find()] == ["j1"]


@pytest.mark.parametrize("opened", ["before", "by the thread"])
def test_in_a_fork_any_thread_may_use_the_store(store, opened) -> None:
    record, _ = store.claim(wanted())

    def child() -> None:
        with ThreadPoolExecutor(1) as threads:
            find = store.find if opened == "before" else lambda: Store(store.folder).find()
            answers.put(threads.submit(find).result())

    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    process = context.Process(target=child, daemon=True)
    process.start()
    assert answers.get(timeout=30) == [record]
    process.join(30)
    assert process.exitcode == 0


def test_a_job_that_is_carried_knows_its_new_holder(store) -> None:
    record, _ = store.claim(wanted())
    shutil.rmtree(store.folder / "holders")
    assert store.claim(wanted()) == (record, False)
    assert record.holder == store.holder


def test_a_database_that_was_removed_leaves_no_second_lock_file(store) -> None:
    before = store.holder
    (store.folder / "store.sqlite3").unlink()
    assert store.find() == []
    assert store.holder != before
    assert [path.name for path in (store.folder / "holders").iterdir()] == [store.holder]


def test_what_could_not_be_written_where_nothing_could_begin_is_written_later(store, tmp_path) -> None:
    record, _ = store.claim(wanted())
    store.folder.rename(tmp_path / "away")
    store.folder.write_text("in the way")
    with pytest.raises(StoreError, match="cannot be used"):
        store.update(record, status="failed", error="no")
    assert store.unsaved == [record]
    store.folder.unlink()
    (tmp_path / "away").rename(store.folder)
    assert [(found.key, found.status, found.error) for found in store.find()] == [(record.key, "failed", "no")]
    assert store.unsaved == []


def test_what_was_undone_with_a_transaction_is_written_later_unless_another_has_taken_the_job(store) -> None:
    mine, lost = store.claim(wanted("mine"))[0], store.claim(wanted("lost"))[0]
    with store.database.connection() as database:  # SQLite's own word for a disk that holds no more
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
    work = [lambda one=one: store.update(one, status="rejected", error="no" * 10**5) for one in (mine, lost)]
    assert all(isinstance(error, StoreError) for _, error in store.batch(work))
    with pytest.raises(StoreError):
        store.update(mine, cost=0.5)
    with store.database.connection() as database:
        database.execute("PRAGMA max_page_count = 1000000")
        database.execute("UPDATE jobs SET claim = 'another' WHERE request = 'lost'")
    assert {found.request: (found.status, found.cost) for found in store.find()} == {
        "mine": ("rejected", 0.5),
        "lost": ("planned", None),
    }


def test_what_is_not_written_down_yet_is_known(store) -> None:
    record, _ = store.claim(wanted())
    store.release(record)
    with sqlite3.connect(store.folder / "store.sqlite3") as database:
        database.execute("DELETE FROM jobs")
    database.close()
    with pytest.raises(StoreError, match="pruned from the store"):
        store.refreshed(record)
    store.mark_unsaved(record)
    assert store.refreshed(record) is record


def test_a_change_whose_transaction_is_undone_is_written_by_the_next(store) -> None:
    record, _ = store.claim(wanted())

    def work() -> None:
        store.update(record, status="rejected", error="no")
        raise ValueError("later")

    ((_, error),) = store.batch([work])
    assert isinstance(error, ValueError)
    assert [(found.key, found.status) for found in store.find()] == [(record.key, "rejected")]
