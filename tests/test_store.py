"""The store: what is written stays, nobody takes what another is at, and nothing is overwritten."""

from __future__ import annotations

import io
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from decart_nb import CapReachedError, StoreError
from decart_nb.records import UNDER_WAY, Record
from decart_nb.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")


def _wanted(request: str = "r", **values: object) -> Record:
    return Record(request, "local", "local", "lucy-2.5", "lucy-2.5", **values)


def _gone(folder: Path, script: str) -> None:
    """Another process does something with the store, and is killed."""
    begin = (
        f"import os\nfrom pathlib import Path\nfrom decart_nb.store import *\nstore = Store(Path({str(folder)!r}))\n"
    )
    record = 'wanted = Record("r", "local", "local", "m", "m")\n'
    subprocess.run([sys.executable, "-c", begin + record + textwrap.dedent(script)], check=True, timeout=60)


def test_a_job_goes_from_intent_to_file_and_is_found_again(store, tmp_path) -> None:
    record, ours = store.claim(
        _wanted(inputs={"prompt": "a", "seed": 1}, files={"data": {"sha256": "x", "filename": "y"}})
    )
    assert ours
    assert record.holder == store.holder
    store.note(record, sent_at=1.0)
    store.note(record, status="pending", job_id="j1", submitted_at=2.0)
    (store.folder / "v.mp4").write_bytes(b"video")
    store.note(record, status="completed", path="v.mp4", size_bytes=5, sha256="d")
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
    store.note(record, status="completed", path="v.mp4", size_bytes=5)
    assert store.video(record)
    (store.folder / "v.mp4").write_bytes(b"other video")
    assert store.video(record) is None
    (store.folder / "v.mp4").unlink()
    assert store.video(record) is None


@pytest.mark.parametrize("status", ["failed", "rejected", "cancelled"])
def test_what_came_to_nothing_is_tried_anew_and_remembered(store, status) -> None:
    first, _ = store.claim(_wanted())
    store.note(first, status=status, error="why")
    second, ours = store.claim(_wanted())
    assert ours
    assert second.row != first.row
    assert store.get(first.row).error == "why"


def test_a_fresh_take_is_the_next_one(store) -> None:
    takes = [store.claim(_wanted(), fresh=fresh)[0].take for fresh in (True, True, False, True)]
    assert takes == [0, 1, 0, 2]


def test_what_a_holder_is_at_nobody_else_takes(store) -> None:
    record, _ = store.claim(_wanted())
    other = Store(store.folder)  # a kernel of its own, as far as the store can tell
    assert other.holder != store.holder
    assert other.claim(_wanted()) == (record, False)
    assert other.take_over(record)[1] is False
    assert store.left("local") == other.left("local") == []


def test_an_intent_that_was_never_sent_is_taken_over_from_the_dead(store) -> None:
    _gone(store.folder, "store.claim(wanted)")
    (left,) = store.left("local")
    record, ours = store.claim(_wanted())
    assert ours
    assert (record.row, record.status, record.holder) == (left.row, "planned", store.holder)


def test_what_nobody_here_is_at_any_more_is_not_waited_for(store) -> None:
    record, _ = store.claim(_wanted())
    assert store.claim(_wanted())[1] is False
    store.let_go(record)  # whoever was at it has come to grief
    assert store.claim(_wanted()) == (record, True)


def test_a_submission_that_was_cut_off_is_uncertain_and_left_alone_until_asked(store) -> None:
    _gone(store.folder, "record, _ = store.claim(wanted)\nstore.note(record, sent_at=1.0)")
    record, ours = store.claim(_wanted())
    assert not ours
    assert record.status == "uncertain"
    assert "nobody knows" in record.error
    assert store.claim(_wanted())[1] is False
    again, ours = store.claim(_wanted(), resubmit_uncertain=True)
    assert ours
    assert again.row != record.row
    assert store.get(record.row).status == "uncertain"  # it may have been paid for: that is not forgotten
    assert store.left("local") == []  # but nobody asks about it any more


def test_a_submitted_job_is_picked_up_by_its_id(store) -> None:
    _gone(
        store.folder,
        """
        record, _ = store.claim(wanted)
        store.note(record, sent_at=1.0)
        store.note(record, status="pending", job_id="j1", submitted_at=2.0)
        """,
    )
    (left,) = store.left("local")
    assert store.left("elsewhere") == []
    record, ours = store.take_over(left)
    assert (ours, record.job_id, record.holder) == (True, "j1", store.holder)


def test_processes_with_many_threads_claim_each_request_once(store) -> None:
    script = f"""
    import sys, threading
    from pathlib import Path
    from decart_nb.store import *
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
    store.note(record, status="completed")
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
    with store._database.speaking() as database:  # SQLite's own word for a disk that holds no more
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match=r"full.*Free some space"):
        store.claim(_wanted("large", inputs={"prompt": "x" * 10**6}))
    assert store.get(record.row) == record


def test_an_input_lies_there_once_whatever_it_is_called(store) -> None:
    first = store.keep_input({"sha256": "ab", "filename": "a.PNG"}, io.BytesIO(b"1"))
    assert store.keep_input({"sha256": "ab", "filename": "b.png"}, io.BytesIO(b"2")) == first
    assert first.read_bytes() == b"1"
    assert [path.name for path in first.parent.iterdir()] == ["ab.png"]


def test_forgetting_takes_the_video_and_the_inputs_that_nothing_else_was_made_from(store) -> None:
    files = [{"data": {"sha256": name, "filename": "x.png"}} for name in ("one", "both", "both")]
    records = []
    for number, file in enumerate(files):
        store.keep_input(file["data"], io.BytesIO(b"x"))
        record, _ = store.claim(_wanted(f"r{number}", files=file))
        (store.folder / f"{number}.mp4").write_bytes(b"video")
        (store.folder / f"{number}.mp4.json").write_text("{}")
        store.note(record, status="completed", path=f"{number}.mp4", size_bytes=5)
        records.append(record)
    (store.folder / "inputs" / "killed.png.1.part").write_bytes(b"x")
    for path in (store.folder / "inputs").iterdir():
        os.utime(path, (1, 1))
    store.keep_input({"sha256": "new", "filename": "x.png"}, io.BytesIO(b"x"))  # for a job that comes next
    store.keep_sweep("cats", '{"data": {"sha256": "swept"}}')
    store.keep_input({"sha256": "swept", "filename": "x.png"}, io.BytesIO(b"x"))
    os.utime(store.folder / "inputs" / "swept.png", (1, 1))
    store.forget(records[:2])
    assert [record.row for record in store.find()] == [records[2].row]
    assert sorted(path.name for path in store.folder.glob("*.mp4*")) == ["2.mp4", "2.mp4.json"]
    assert sorted(path.stem for path in (store.folder / "inputs").iterdir()) == ["both", "new", "swept"]


def test_how_many_requests_stand_at_once(store) -> None:
    for request, ends in {"a": ["failed", "planned"], "b": ["failed", "cancelled"], "c": ["cancelled"]}.items():
        for status in ends:
            record, _ = store.claim(_wanted(request))
            if status != "planned":
                store.note(record, status=status, error=f"{status} {request}")
    told = {
        ("a", 0): ("a", 0, "planned", "failed a"),
        ("b", 0): ("b", 0, "failed", "failed b"),
        ("c", 0): ("c", 0, "cancelled", "cancelled c"),
    }
    assert store.standing(["a", "b", "c"], ["error"]) == told
    for number in range(20):
        store.claim(_wanted(f"other{number}"))
    assert store.standing(["a", "b", "c"], ["error"]) == told
    assert store.standing([], ["error"]) == {}


def test_a_sweep_whose_jobs_are_all_forgotten_is_forgotten_too(store) -> None:
    records = [store.claim(_wanted(f"r{number}", sweep="cats"))[0] for number in range(2)]
    for record in records:
        store.note(record, status="failed", error="no")
    store.keep_sweep("cats", "{}")
    store.forget(records[:1])
    assert store.sweeps() == {"cats": "{}"}
    store.forget(records[1:])
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
        store.note(record, status="completed", took=seconds)
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
        record, ours = kernel.claim(_wanted(request), fresh=fresh, resubmit_uncertain=again)
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
        record = kernel.get(row)
        if record.job_id is None and record.sent_at is None:
            kernel.note(record, sent_at=1.0)
            self.submissions[record.request, record.take] += 1
        elif record.job_id is None and end != "sent":
            if end == "rejected":
                kernel.note(record, status="rejected", error="no")
                self.submissions[record.request, record.take] -= 1
                del self.carried[row]
            else:
                kernel.note(record, status="pending", job_id=f"j{row}", submitted_at=2.0)
                self.ids[row] = f"j{row}"
        elif record.job_id and end in ("completed", "failed", "unreachable"):
            kernel.note(record, status=end, error="no")
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
    with store._database.speaking() as own:
        own.execute("PRAGMA busy_timeout = 50")
    database.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        store.note(record, sent_at=1.0)
    database.execute("ROLLBACK")
    store.note(record, job_id="j1")
    (kept,) = database.execute("SELECT job_id FROM jobs").fetchone()  # for others to see
    assert kept == "j1"
    database.close()


def test_the_number_of_a_pruned_job_is_no_others(store) -> None:
    gone, _ = store.claim(_wanted())
    store.note(gone, status="unreachable")
    store.forget([gone])
    other, _ = store.claim(_wanted("other"))
    assert other.row != gone.row
    with pytest.raises(StoreError, match="pruned"):
        store.note(gone, status="completed")
    assert store.get(other.row) == other


def test_what_has_moved_on_since_somebody_looked_is_not_pruned(store) -> None:
    record, _ = store.claim(_wanted())
    store.note(record, status="unreachable", job_id="j1")
    looked = store.find()
    assert store.take_over(record)[1]
    store.forget(looked)
    assert [found.job_id for found in store.find()] == ["j1"]


def test_a_take_that_is_there_stands_for_one_that_came_to_nothing(store) -> None:
    first, _ = store.claim(_wanted())
    store.note(first, status="rejected", error="401")
    second, _ = store.claim(_wanted(), fresh=True)
    store.note(second, status="completed")
    assert store.claim(_wanted()) == (second, False)


def test_a_folder_that_was_removed_is_begun_anew(store) -> None:
    store.claim(_wanted())
    shutil.rmtree(store.folder)
    record, ours = store.claim(_wanted())
    assert ours
    assert Store(store.folder).find() == [record]


def test_half_a_character_is_no_reason_to_lose_a_job(store) -> None:
    record, _ = store.claim(_wanted())
    store.note(record, status="failed", error="why \ud800")
    assert store.get(record.row).error == "why ?"


def test_resubmission_is_made_at_once_where_the_holder_has_died(store) -> None:
    _gone(store.folder, "record, _ = store.claim(wanted)\nstore.note(record, sent_at=1.0)")
    record, ours = store.claim(_wanted(), resubmit_uncertain=True)
    assert ours
    assert record.status == "planned"


def _sweeping(store: Store, request: str, **terms: Any) -> tuple[Record, bool]:
    return store.claim(_wanted(request, sweep="cats", expected_cost=0.2), exact=True, **terms)


def test_a_cap_counts_what_is_on_its_way_failed_uncertain_or_pruned_and_not_what_was_never_sent(store) -> None:
    store.keep_sweep("cats", "{}")
    for request, status in {"a": "failed", "b": "uncertain", "c": "rejected", "d": "planned"}.items():
        record, _ = _sweeping(store, request, cap=1.0)
        if status != "planned":
            store.note(record, status=status, error="no")
    assert store.spent("cats") == (pytest.approx(0.6), 0)
    _gone(store.folder, "store.claim(Record('e', 'local', 'local', 'm', 'm', sweep='cats', expected_cost=0.2))")
    assert store.spent("cats") == (pytest.approx(0.6), 0)  # whoever was about to send it is gone
    store.forget([record for record in store.find() if record.status == "failed"])
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
    store.note(first, status=status, error="no")
    again = {"resubmit_uncertain": True, "seen": first.row}
    second, ours = _sweeping(store, "a", **again)
    assert ours
    store.note(second, status=status, error="no")
    late, ours = _sweeping(store, "a", **again)
    assert (late.row, ours) == (second.row, False)


def test_a_commit_that_fails_leaves_nobody_at_the_job(store) -> None:
    with store._database.speaking() as database:
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
    large = _wanted("large", inputs={"prompt": "x" * 10**6})
    ((_, error),) = store.together([lambda: store.claim(large)])
    assert isinstance(error, StoreError)
    assert store._carried == set()


def test_what_is_done_together_fails_apart(store) -> None:
    record, _ = store.claim(_wanted("a"))
    gone = Record("g", "local", "local", "m", "m", row=99)
    ends = store.together([lambda: store.note(gone, status="failed"), lambda: store.note(record, job_id="j1")])
    assert [type(error) for _, error in ends] == [StoreError, type(None)]
    assert store.get(record.row).job_id == "j1"
