"""The store: what is written stays, nobody takes what another is at, and nothing is overwritten."""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from decart_nb import CapReachedError, StoreError
from decart_nb.store.job_row import UNDER_WAY, Record
from decart_nb.store.schema import MIGRATIONS
from decart_nb.store.store import ClaimLostError, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")


def _wanted(request: str = "r", **values: object) -> Record:
    return Record(request, "local", "local", "lucy-2.5", "lucy-2.5", **values)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _gone(folder: Path, script: str) -> None:
    """Another process does something with the store, and is killed."""
    begin = (
        "import os\nfrom pathlib import Path\nfrom decart_nb.store.job_row import Record\n"
        f"from decart_nb.store.store import Store\nstore = Store(Path({str(folder)!r}))\n"
    )
    record = 'wanted = Record("r", "local", "local", "m", "m")\n'
    subprocess.run([sys.executable, "-c", begin + record + textwrap.dedent(script)], check=True, timeout=60)


def test_a_job_goes_from_intent_to_file_and_is_found_again(store, tmp_path) -> None:
    record, ours = store.claim(
        _wanted(inputs={"prompt": "a", "seed": 1}, files={"data": {"sha256": "x", "filename": "y"}})
    )
    assert ours
    assert record.holder == store.holder
    store.update(record, sent_at=1.0)
    store.update(record, status="pending", job_id="j1", submitted_at=2.0)
    (store.folder / "v.mp4").write_bytes(b"video")
    store.update(record, status="completed", path="v.mp4", size_bytes=5, sha256="d")
    assert record.holder is None

    moved = tmp_path / "moved"
    shutil.copytree(store.folder, moved)
    again = Store(moved)
    (found,) = again.find(job_id="j1")
    assert (found.inputs, found.files) == ({"prompt": "a", "seed": 1}, record.files)
    assert again.video(found) == moved / "v.mp4"
    assert again.claim(_wanted()) == (found, False)


def test_a_video_that_was_removed_or_changed_is_none(store) -> None:
    record, _ = store.claim(_wanted())
    (store.folder / "v.mp4").write_bytes(b"video")
    store.update(record, status="completed", path="v.mp4", size_bytes=5)
    assert store.video(record)
    (store.folder / "v.mp4").write_bytes(b"other video")
    assert store.video(record) is None
    (store.folder / "v.mp4").unlink()
    assert store.video(record) is None


@pytest.mark.parametrize("status", ["failed", "rejected", "cancelled"])
def test_what_came_to_nothing_is_tried_anew_and_remembered(store, status) -> None:
    first, _ = store.claim(_wanted())
    store.update(first, status=status, error="why")
    second, ours = store.claim(_wanted())
    assert ours
    assert second.row != first.row
    assert store.refreshed(first).error == "why"


def test_a_fresh_take_is_the_next_one(store) -> None:
    takes = [store.claim(_wanted(), fresh=fresh)[0].take for fresh in (True, True, False, True)]
    assert takes == [0, 1, 0, 2]


def test_what_a_holder_is_at_nobody_else_takes(store) -> None:
    record, _ = store.claim(_wanted())
    other = Store(store.folder)  # a kernel of its own, as far as the store can tell
    assert other.holder != store.holder
    assert other.claim(_wanted()) == (record, False)
    assert other.take_over(record)[1] is False
    assert store.orphaned("local") == other.orphaned("local") == []


def test_an_intent_that_was_never_sent_is_taken_over_from_the_dead(store) -> None:
    _gone(store.folder, "store.claim(wanted)")
    (left,) = store.orphaned("local")
    record, ours = store.claim(_wanted())
    assert ours
    assert (record.row, record.status, record.holder) == (left.row, "planned", store.holder)


def test_what_nobody_here_is_at_any_more_is_not_waited_for(store) -> None:
    record, _ = store.claim(_wanted())
    assert store.claim(_wanted())[1] is False
    store.release(record)  # whoever was at it has come to grief
    again, ours = store.claim(_wanted())
    assert (again.key, ours) == (record.key, True)


def test_a_submission_that_was_cut_off_is_uncertain_and_left_alone_until_asked(store) -> None:
    _gone(store.folder, "record, _ = store.claim(wanted)\nstore.update(record, sent_at=1.0)")
    record, ours = store.claim(_wanted())
    assert not ours
    assert record.status == "uncertain"
    assert "nobody knows" in record.error
    assert store.claim(_wanted())[1] is False
    again, ours = store.claim(_wanted(), resubmit=["uncertain"])
    assert ours
    assert again.row != record.row
    assert store.refreshed(record).status == "uncertain"  # it may have been paid for: that is not forgotten
    assert store.orphaned("local") == []  # but nobody asks about it any more


def test_a_submitted_job_is_picked_up_by_its_id(store) -> None:
    _gone(
        store.folder,
        """
        record, _ = store.claim(wanted)
        store.update(record, sent_at=1.0)
        store.update(record, status="pending", job_id="j1", submitted_at=2.0)
        """,
    )
    (left,) = store.orphaned("local")
    assert store.orphaned("elsewhere") == []
    record, ours = store.take_over(left)
    assert (ours, record.job_id, record.holder) == (True, "j1", store.holder)


def test_processes_with_many_threads_claim_each_request_once(store) -> None:
    script = f"""
    import sys, threading
    from pathlib import Path
    from decart_nb.store.job_row import Record
    from decart_nb.store.store import Store
    store = Store(Path({str(store.folder)!r}))
    def work():
        for number in range(20):
            record, ours = store.claim(Record(f"r{{number}}", "local", "local", "m", "m"))
            if ours:
                print(number, flush=True)
    threads = [threading.Thread(target=work) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    print("done", flush=True)
    sys.stdin.read()  # whoever ends is taken over from
    """
    command, pipe = [sys.executable, "-c", textwrap.dedent(script)], subprocess.PIPE
    running = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    claimed: Counter[int] = Counter()
    for process in running:
        claimed.update(int(line) for line in iter(process.stdout.readline, "done\n"))
    for process in running:
        process.communicate(timeout=30)
    assert claimed == Counter(range(20))


def test_where_no_write_ahead_log_is_to_be_had_it_keeps_a_journal(tmp_path) -> None:
    store = Store(tmp_path / "runs", vfs="unix-dotfile")
    record, _ = store.claim(_wanted())
    store.update(record, status="completed")
    assert Store(tmp_path / "runs", vfs="unix-dotfile").claim(_wanted()) == (record, False)
    assert sqlite3.connect(store.database).execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_newer_store_is_refused_and_left_as_it_is(store) -> None:
    with sqlite3.connect(store.database) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer decart_nb"):
        Store(store.folder)
    assert sqlite3.connect(store.database).execute("PRAGMA user_version").fetchone() == (99,)


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path) -> None:
    (tmp_path / "store.sqlite3").write_bytes(b"my notes" * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        Store(tmp_path)
    assert (tmp_path / "store.sqlite3").read_bytes() == b"my notes" * 100


def test_a_full_disk_is_a_sentence_and_what_was_written_stands(store) -> None:
    record, _ = store.claim(_wanted())
    with store._database.connection() as database:  # SQLite's own word for a disk that holds no more
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match=r"full.*Free some space"):
        store.claim(_wanted("large", inputs={"prompt": "x" * 10**6}))
    assert store.refreshed(record) == record


def test_an_input_lies_there_once_whatever_it_is_called(store) -> None:
    digest = _digest("1")
    first = store.keep_input({"sha256": digest, "filename": "a.PNG"}, io.BytesIO(b"1"))
    assert store.keep_input({"sha256": digest, "filename": "b.png"}, io.BytesIO(b"2")) == first
    assert first.read_bytes() == b"1"
    assert [path.name for path in first.parent.iterdir()] == [f"{digest}.png"]


def test_forgetting_takes_the_video_and_the_inputs_that_nothing_else_was_made_from(store) -> None:
    files = [{"data": {"sha256": _digest(name), "filename": "x.png"}} for name in ("one", "both", "both")]
    records = []
    for number, file in enumerate(files):
        store.keep_input(file["data"], io.BytesIO(b"x"))
        record, _ = store.claim(_wanted(f"r{number}", files=file))
        (store.folder / f"{number}.mp4").write_bytes(b"video")
        (store.folder / f"{number}.mp4.json").write_text("{}")
        store.update(record, status="completed", path=f"{number}.mp4", size_bytes=5)
        records.append(record)
    (store.folder / "inputs" / f"{_digest('killed')}.png.{_digest('')[:32]}.part").write_bytes(b"x")
    for path in (store.folder / "inputs").iterdir():
        os.utime(path, (1, 1))
    store.keep_input({"sha256": _digest("new"), "filename": "x.png"}, io.BytesIO(b"x"))  # for a job that comes next
    store.keep_sweep("cats", json.dumps({"data": {"sha256": _digest("swept")}}))
    store.keep_input({"sha256": _digest("swept"), "filename": "x.png"}, io.BytesIO(b"x"))
    os.utime(store.folder / "inputs" / f"{_digest('swept')}.png", (1, 1))
    store.delete(records[:2])
    assert [record.row for record in store.find()] == [records[2].row]
    assert sorted(path.name for path in store.folder.glob("*.mp4*")) == ["2.mp4", "2.mp4.json"]
    left = {path.stem for path in (store.folder / "inputs").iterdir()}
    assert left == {_digest(name) for name in ("both", "new", "swept")}


def test_how_many_requests_stand_at_once(store) -> None:
    for request, ends in {"a": ["failed", "planned"], "b": ["failed", "cancelled"], "c": ["cancelled"]}.items():
        for status in ends:
            record, _ = store.claim(_wanted(request))
            if status != "planned":
                store.update(record, status=status, error=f"{status} {request}")
    told = {
        ("a", 0): ("a", 0, "planned", "failed a"),
        ("b", 0): ("b", 0, "failed", "failed b"),
        ("c", 0): ("c", 0, "cancelled", "cancelled c"),
    }
    assert store.latest_by_request(["a", "b", "c"], ["error"]) == told
    for number in range(20):
        store.claim(_wanted(f"other{number}"))
    assert store.latest_by_request(["a", "b", "c"], ["error"]) == told
    assert store.latest_by_request([], ["error"]) == {}


def test_a_sweep_whose_jobs_are_all_forgotten_is_forgotten_too(store) -> None:
    records = [store.claim(_wanted(f"r{number}", sweep="cats"))[0] for number in range(2)]
    for record in records:
        store.update(record, status="failed", error="no")
    store.keep_sweep("cats", "{}")
    store.delete(records[:1])
    assert store.sweeps() == {"cats": "{}"}
    store.delete(records[1:])
    assert store.sweeps() == {}


def test_a_fork_does_not_share_the_connection_nor_the_claims(store) -> None:
    record, _ = store.claim(_wanted())
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=lambda: answers.put((store.holder, store.claim(_wanted())[1])))
    child.start()
    holder, ours = answers.get(timeout=30)
    child.join(30)
    assert holder != store.holder
    assert not ours
    assert Store(store.folder).claim(_wanted()) == (record, False)  # the child's end let go of nothing


def test_durations_are_those_of_the_model_at_that_queue(store) -> None:
    for number, seconds in enumerate((3.0, None, 5.0)):
        record, _ = store.claim(_wanted(f"r{number}", input_seconds=2.0))
        store.update(record, status="completed", took=seconds)
    assert store.durations("lucy-2.5", "local") == [(3.0, 2.0), (5.0, 2.0)]
    assert store.durations("lucy-2.5", "local", last=1) == [(5.0, 2.0)]
    assert store.durations("lucy-2.5", "elsewhere") == []


class Kernels(RuleBasedStateMachine):
    """Several kernels on one folder come, claim, submit, finish and go in any order: nothing is submitted twice."""

    jobs = Bundle("jobs")

    @initialize()
    def begin(self) -> None:
        import tempfile

        self.folder = Path(tempfile.mkdtemp())
        self.kernels = [Store(self.folder)]
        self.submissions: Counter[tuple[str, int]] = Counter()
        self.uncertain_again: Counter[tuple[str, int]] = Counter()
        self.carried: dict[int, Store] = {}
        self.ids: dict[int, str] = {}

    @rule()
    def comes(self) -> None:
        if len(self.kernels) < 3:
            self.kernels.append(Store(self.folder))

    @rule(which=st.integers(0, 2))
    def is_killed(self, which: int) -> None:
        kernel = self.kernels.pop(which % len(self.kernels))
        kernel._holder.close()  # as the operating system does
        kernel._database._connection.close()
        self.carried = {row: holder for row, holder in self.carried.items() if holder is not kernel}
        if not self.kernels:
            self.kernels.append(Store(self.folder))

    @rule(which=st.integers(0, 2), request=st.sampled_from("abc"), fresh=st.booleans(), again=st.booleans())
    def asks(self, which: int, request: str, fresh: bool, again: bool) -> None:
        kernel = self.kernels[which % len(self.kernels)]
        record, ours = kernel.claim(_wanted(request), fresh=fresh, resubmit=["uncertain"] if again else [])
        if ours:
            assert record.status in ("planned", "pending")
            assert record.row not in self.carried
            self.carried[record.row] = kernel
        elif record.status in UNDER_WAY:
            assert record.row in self.carried

    @rule(data=st.data(), end=st.sampled_from(["sent", "submitted", "completed", "failed", "rejected", "unreachable"]))
    def goes_on(self, data: st.DataObject, end: str) -> None:
        if not self.carried:
            return
        row = data.draw(st.sampled_from(sorted(self.carried)))
        kernel = self.carried[row]
        (record,) = [record for record in kernel.find() if record.row == row]
        if record.job_id is None and record.sent_at is None:
            kernel.update(record, sent_at=1.0)
            self.submissions[record.request, record.take] += 1
        elif record.job_id is None and end != "sent":
            if end == "rejected":
                kernel.update(record, status="rejected", error="no")
                self.submissions[record.request, record.take] -= 1
                del self.carried[row]
            else:
                kernel.update(record, status="pending", job_id=f"j{row}", submitted_at=2.0)
                self.ids[row] = f"j{row}"
        elif record.job_id and end in ("completed", "failed", "unreachable"):
            kernel.update(record, status=end, error="no")
            if end == "failed":
                self.submissions[record.request, record.take] -= 1
            del self.carried[row]

    @invariant()
    def nothing_is_lost_and_nothing_twice(self) -> None:
        if not hasattr(self, "kernels"):
            return
        store = self.kernels[0]
        records = {record.row: record for record in store.find()}
        for row, job_id in self.ids.items():
            assert records[row].job_id == job_id
        doubtful = Counter(
            (record.request, record.take)
            for record in records.values()
            if record.status == "uncertain"
            or (record.status == "planned" and record.sent_at and record.row not in self.carried)
        )
        for request, count in self.submissions.items():
            assert count <= 1 + doubtful[request]

    def teardown(self) -> None:
        for kernel in getattr(self, "kernels", ()):
            kernel._database._connection.close()
            kernel._holder.close()
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder, ignore_errors=True)


TestKernels = Kernels.TestCase
TestKernels.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


def test_a_commit_that_fails_leaves_nothing_open(store) -> None:
    record, _ = store.claim(_wanted())
    database = sqlite3.connect(store.database, isolation_level=None)
    with store._database.connection() as own:
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
    gone, _ = store.claim(_wanted())
    store.update(gone, status="unreachable")
    store.delete([gone])
    other, _ = store.claim(_wanted("other"))
    store.update(gone, status="completed")
    assert store.refreshed(other) == other
    assert [(record.request, record.status) for record in store.find()] == [("other", "planned"), ("r", "completed")]


def test_what_has_moved_on_since_somebody_looked_is_not_pruned(store) -> None:
    record, _ = store.claim(_wanted())
    store.update(record, status="unreachable", job_id="j1")
    looked = store.find()
    assert store.take_over(record)[1]
    store.delete(looked)
    assert [found.job_id for found in store.find()] == ["j1"]


def test_a_take_that_is_there_stands_for_one_that_came_to_nothing(store) -> None:
    first, _ = store.claim(_wanted())
    store.update(first, status="rejected", error="401")
    second, _ = store.claim(_wanted(), fresh=True)
    store.update(second, status="completed")
    assert store.claim(_wanted()) == (second, False)


def test_a_folder_that_was_removed_is_begun_anew_with_what_this_process_is_at(store) -> None:
    ended, _ = store.claim(_wanted("ended"))
    store.update(ended, status="failed", error="no")
    record, _ = store.claim(_wanted())
    before = store.holder
    shutil.rmtree(store.folder)
    assert store.claim(_wanted()) == (record, False)
    assert Store(store.folder).find() == [record]
    assert store.holder != before
    assert (store.folder / ".gitignore").exists()


def test_a_row_of_another_database_is_written_by_nobody_who_knew_its_number(store, tmp_path) -> None:
    mine, _ = store.claim(_wanted("mine"))
    store.update(mine, status="pending", job_id="j1", submitted_at=1.0)
    shutil.rmtree(store.folder)
    other = Store(store.folder)  # a kernel that comes first
    theirs, _ = other.claim(_wanted("theirs"))
    assert theirs.row == mine.row
    store.update(mine, status="completed", path="v.mp4", size_bytes=5)
    assert other.refreshed(theirs) == theirs
    assert [(found.request, found.path) for found in other.find(job_id="j1")] == [("mine", "v.mp4")]


def test_a_copy_that_took_the_place_of_a_store_hears_what_came_after_it(store, tmp_path) -> None:
    _ = store.claim(_wanted())
    copy = tmp_path / "copy"
    shutil.copytree(store.folder, copy)
    later, _ = store.claim(_wanted("later"))
    store.update(later, status="pending", job_id="j2", submitted_at=1.0)
    shutil.rmtree(store.folder)
    copy.rename(store.folder)
    between, _ = Store(store.folder).claim(_wanted("between"))
    assert between.row == later.row
    store.update(later, status="completed")
    assert {found.request: found.status for found in store.find()} == {
        "r": "planned",
        "between": "planned",
        "later": "completed",
    }


def test_who_lost_its_claim_sends_nothing_and_is_not_heard(store) -> None:
    record, _ = store.claim(_wanted())
    shutil.rmtree(store.folder / "holders")
    other = Store(store.folder)
    taken, ours = other.claim(_wanted())
    assert ours
    with pytest.raises(ClaimLostError, match="nothing was sent"):
        store.begin_submission(record)
    store.update(record, status="rejected", error="no")
    assert other.refreshed(taken) == taken
    other.begin_submission(taken)


def test_a_lock_whose_file_was_removed_is_taken_anew(store) -> None:
    record, _ = store.claim(_wanted())
    shutil.rmtree(store.folder / "holders")
    assert store.claim(_wanted())[1] is False
    assert Store(store.folder).claim(_wanted())[1] is False
    store.begin_submission(store.refreshed(record))


def test_an_id_that_cannot_be_written_down_is_kept_until_it_can(store) -> None:
    record, _ = store.claim(_wanted())
    store.begin_submission(record)
    with store._database.connection() as database:  # SQLite's own word for a disk that holds no more
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
    record.job_id, record.inputs = "j1", {"prompt": "x" * 10**6}
    store.remember(record)
    with pytest.raises(StoreError, match="full"):
        store.claim(_wanted())
    assert store.unsaved == [record]
    assert store.latest_by_request(["r"], ["job_id"]) == {("r", 0): ("r", 0, "planned", "j1")}
    with store._database.connection() as database:
        database.execute("PRAGMA max_page_count = 1000000")
    store.release(record)
    found, ours = store.claim(_wanted())
    assert (found.job_id, ours, store.unsaved) == ("j1", True, [])


def test_a_store_from_before_counts_what_its_sweeps_have_cost(tmp_path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    with sqlite3.connect(folder / "store.sqlite3") as database:
        for version in MIGRATIONS[:3]:
            for statement in version:
                database.execute(statement)
        database.execute("PRAGMA user_version = 3")
        columns = "request, take, endpoint, backend, model, asked_model, inputs, files, status, created_at, sweep"
        for status, expected, cost in (("completed", 0.2, 0.1), ("failed", 0.2, None), ("rejected", 0.2, None)):
            database.execute(
                f"INSERT INTO jobs ({columns}, expected_cost, cost) VALUES "
                "(?, 0, 'local', 'local', 'm', 'm', '{}', '{}', ?, 1.0, 'cats', ?, ?)",
                [status, status, expected, cost],
            )
        database.execute("INSERT INTO sweeps VALUES ('cats', '{}', 1.0, 0.5)")
    database.close()
    store = Store(folder)
    assert store.spent("cats") == (pytest.approx(0.9), 0)
    assert len({record.key for record in store.find()}) == 3


def test_a_job_that_has_cost_more_than_was_expected_counts_for_that(store) -> None:
    first, _ = _sweeping(store, "a", cap=1.0)
    second, _ = _sweeping(store, "b", cap=1.0)
    store.update(first, status="completed", cost=0.05)
    assert store.spent("cats") == (pytest.approx(0.4), 0)
    store.update(second, status="completed", cost=0.7)
    assert store.spent("cats") == (pytest.approx(0.9), 0)
    with pytest.raises(CapReachedError):
        _sweeping(store, "c", cap=1.0)


def test_who_takes_over_what_the_dead_have_reserved_stays_within_the_cap(store) -> None:
    _gone(store.folder, "store.claim(Record('a', 'local', 'local', 'm', 'm', sweep='cats', expected_cost=0.2))")
    _sweeping(store, "b", cap=0.2)  # which nobody else is about to spend any more
    with pytest.raises(CapReachedError):
        _sweeping(store, "a", cap=0.2)
    assert store.claim(_wanted("a"))[1]  # without a sweep, and a cap
    assert store.spent("cats") == (pytest.approx(0.2), 0)


@pytest.mark.parametrize("name", ["../thesis.tex", "/etc/hostname", "sub/x.mp4", "..", "link.mp4", "x.mp4/"])
def test_a_path_that_leads_elsewhere_is_not_believed(store, tmp_path, name) -> None:
    for path in (tmp_path / "thesis.tex", store.folder / "x.mp4", tmp_path / "linked"):
        path.write_bytes(b"x" * 9)
    (store.folder / "sub").mkdir()
    (store.folder / "sub" / "x.mp4").write_bytes(b"x" * 9)
    (store.folder / "link.mp4").symlink_to(tmp_path / "linked")
    record, _ = store.claim(_wanted())
    store.update(record, status="completed", path=name, size_bytes=9)
    assert store.video(record) is None
    store.delete([record])
    assert (tmp_path / "thesis.tex").exists()
    assert (tmp_path / "linked").exists()
    assert (store.folder / "sub" / "x.mp4").exists()


def test_folders_that_are_links_are_not_cleared(store, tmp_path) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "thesis.tex").write_text("twelve years")
    os.utime(papers / "thesis.tex", (1, 1))
    for name in ("inputs", "holders"):
        copy = tmp_path / f"store-{name}"
        shutil.copytree(store.folder, copy)
        shutil.rmtree(copy / name)
        (copy / name).symlink_to(papers, target_is_directory=True)
        if name == "holders":
            with pytest.raises(StoreError, match="is a link"):
                Store(copy)
        else:
            Store(copy).delete([])
    (store.folder / "inputs" / "notes.txt").write_text("mine")
    os.utime(store.folder / "inputs" / "notes.txt", (1, 1))
    (store.folder / "holders" / "notes").write_text("mine")
    Store(store.folder).delete([])
    assert (papers / "thesis.tex").exists()
    assert (store.folder / "inputs" / "notes.txt").exists()
    assert (store.folder / "holders" / "notes").exists()


@pytest.mark.parametrize("digest", ["../../x", "", None, 5.5, "a/b"])
def test_a_digest_that_is_none_is_no_file(store, digest) -> None:
    with pytest.raises(StoreError, match="no digest"):
        store.files.input({"sha256": digest, "filename": "x.png"})


@pytest.mark.parametrize(
    "damage",
    [
        "inputs = 'not json'",
        "files = '{\"data\": 5}'",
        "took = 'x'",
        "ended_at = 'x'",
        "created_at = 'x'",
        "take = 'x'",
    ],
    ids=lambda damage: damage.partition(" ")[0],
)
def test_a_damaged_row_is_read_as_far_as_it_can_be(store, damage) -> None:
    record, _ = store.claim(_wanted(inputs={"prompt": "a"}))
    store.update(record, status="failed", took=1.0)
    with store._database.connection() as database:
        database.execute(f"UPDATE jobs SET {damage}")
    (found,) = store.find()
    assert found.status == "failed"
    assert store.durations("lucy-2.5", "local") in ([], [(1.0, None)])
    store.delete([found])


def test_two_may_delete_at_once(store) -> None:
    records = []
    for number in range(50):
        record, _ = store.claim(_wanted(f"r{number}"))
        (store.folder / f"{number}.mp4").write_bytes(b"video")
        store.update(record, status="completed", path=f"{number}.mp4", size_bytes=5)
        records.append(record)
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(Store(store.folder).delete, records) for _ in range(4)]:
            done.result(60)
    assert store.find() == []
    assert not list(store.folder.glob("*.mp4"))


def test_half_a_character_is_no_reason_to_lose_a_job(store) -> None:
    record, _ = store.claim(_wanted())
    store.update(record, status="failed", error="why \ud800")
    assert store.refreshed(record).error == "why ?"


def test_resubmission_is_made_at_once_where_the_holder_has_died(store) -> None:
    _gone(store.folder, "record, _ = store.claim(wanted)\nstore.update(record, sent_at=1.0)")
    record, ours = store.claim(_wanted(), resubmit=["uncertain"])
    assert ours
    assert record.status == "planned"


def _sweeping(store: Store, request: str, **terms: Any) -> tuple[Record, bool]:
    return store.claim(_wanted(request, sweep="cats", expected_cost=0.2), exact=True, **terms)


def test_a_cap_counts_what_is_on_its_way_failed_uncertain_or_pruned_and_not_what_was_never_sent(store) -> None:
    store.keep_sweep("cats", "{}")
    for request, status in {"a": "failed", "b": "uncertain", "c": "rejected", "d": "planned"}.items():
        record, _ = _sweeping(store, request, cap=1.0)
        if status != "planned":
            store.update(record, status=status, error="no")
    assert store.spent("cats") == (pytest.approx(0.6), 0)
    _gone(store.folder, "store.claim(Record('e', 'local', 'local', 'm', 'm', sweep='cats', expected_cost=0.2))")
    assert store.spent("cats") == (pytest.approx(0.6), 0)  # whoever was about to send it is gone
    store.delete([record for record in store.find() if record.status == "failed"])
    assert store.spent("cats") == (pytest.approx(0.6), 0)
    assert _sweeping(store, "e", cap=0.8)[1]
    with pytest.raises(CapReachedError, match="more than"):
        _sweeping(store, "f", cap=0.8)
    assert len(store.find(request="f")) == 0


def test_a_job_that_was_planned_by_one_who_is_gone_is_paid_for_by_whoever_takes_it_over(store) -> None:
    _gone(store.folder, "store.claim(Record('e', 'local', 'local', 'm', 'm'))")
    with pytest.raises(CapReachedError):
        _sweeping(store, "e", cap=0.1)
    record, ours = _sweeping(store, "e", cap=0.2)
    assert (ours, record.sweep, store.spent("cats")[0]) == (True, "cats", 0.2)


@pytest.mark.parametrize("status", ["failed", "uncertain"])
def test_what_has_ended_badly_since_it_was_seen_is_not_made_again(store, status) -> None:
    first, _ = _sweeping(store, "a")
    store.update(first, status=status, error="no")
    again = {"resubmit": ["uncertain"], "seen": (first.row, first.key)}
    second, ours = _sweeping(store, "a", **again)
    assert ours
    store.update(second, status=status, error="no")
    late, ours = _sweeping(store, "a", **again)
    assert (late.row, ours) == (second.row, False)


def test_a_commit_that_fails_leaves_nobody_at_the_job(store) -> None:
    with store._database.connection() as database:
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
    large = _wanted("large", inputs={"prompt": "x" * 10**6})
    ((_, error),) = store.batch([lambda: store.claim(large)])
    assert isinstance(error, StoreError)
    assert store._carried == {}


def test_what_is_done_together_fails_apart(store) -> None:
    record, _ = store.claim(_wanted("a"))
    gone = Record("g", "local", "local", "m", "m", row=99)
    ends = store.batch([lambda: store.begin_submission(gone), lambda: store.update(record, job_id="j1")])
    assert [type(error) for _, error in ends] == [ClaimLostError, type(None)]
    assert store.refreshed(record).job_id == "j1"
