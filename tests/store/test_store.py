"""Claims of the store: what is written stays, nobody takes what another is at, and nothing is submitted twice."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from collections import Counter

import pytest

from decart_nb.store.store import Store
from tests.records import claim_in_sweep, run_and_end, wanted


def test_a_job_goes_from_intent_to_file_and_is_found_again(store, tmp_path) -> None:
    record, ours = store.claim(
        wanted(inputs={"prompt": "a", "seed": 1}, files={"data": {"sha256": "x", "filename": "y"}})
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
    assert again.claim(wanted()) == (found, False)


@pytest.mark.parametrize("status", ["failed", "rejected", "cancelled"])
def test_what_came_to_nothing_is_tried_anew_and_remembered(store, status) -> None:
    first, _ = store.claim(wanted())
    store.update(first, status=status, error="why")
    second, ours = store.claim(wanted())
    assert ours
    assert second.row != first.row
    assert store.refreshed(first).error == "why"


def test_a_fresh_take_is_the_next_one(store) -> None:
    takes = [store.claim(wanted(), fresh=fresh)[0].take for fresh in (True, True, False, True)]
    assert takes == [0, 1, 0, 2]


def test_what_a_holder_is_at_nobody_else_takes(store) -> None:
    record, _ = store.claim(wanted())
    other = Store(store.folder)  # a kernel of its own, as far as the store can tell
    assert other.holder != store.holder
    assert other.claim(wanted()) == (record, False)
    assert other.take_over(record)[1] is False
    assert store.orphaned("local") == other.orphaned("local") == []


def test_an_intent_that_was_never_sent_is_taken_over_from_the_dead(store) -> None:
    run_and_end(store.folder, "store.claim(wanted)")
    (left,) = store.orphaned("local")
    record, ours = store.claim(wanted())
    assert ours
    assert (record.row, record.status, record.holder) == (left.row, "planned", store.holder)


def test_what_nobody_here_is_at_any_more_is_not_waited_for(store) -> None:
    record, _ = store.claim(wanted())
    assert store.claim(wanted())[1] is False
    store.release(record)  # whoever was at it has come to grief
    again, ours = store.claim(wanted())
    assert (again.key, ours) == (record.key, True)


def test_a_submission_that_was_cut_off_is_uncertain_and_left_alone_until_asked(store) -> None:
    run_and_end(store.folder, "record, _ = store.claim(wanted)\nstore.update(record, sent_at=1.0)")
    record, ours = store.claim(wanted())
    assert not ours
    assert record.status == "uncertain"
    assert "nobody knows" in record.error
    assert store.claim(wanted())[1] is False
    again, ours = store.claim(wanted(), resubmit=["uncertain"])
    assert ours
    assert again.row != record.row
    assert store.refreshed(record).status == "uncertain"  # it may have been paid for: that is not forgotten
    assert store.orphaned("local") == []  # but nobody asks about it any more


def test_a_submitted_job_is_resumed_by_its_id(store) -> None:
    run_and_end(
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
                print(f"{{number}}\\n", end="", flush=True)  # in one piece: several write at once
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


def test_processes_take_over_each_job_of_the_dead_once(store) -> None:
    run_and_end(
        store.folder,
        """
        for number in range(40):
            store.enqueue(Record(f"enqueued {number}", "local", "local", "m", "m"))
            record, _ = store.claim(Record(f"sent {number}", "local", "local", "m", "m"))
            store.update(record, status="pending", job_id=f"j{number}")
        """,
    )
    rows = {record.row for record in store.find()}
    script = f"""
    import sys
    from pathlib import Path
    from decart_nb.store.job_row import Record
    from decart_nb.store.store import Store
    store = Store(Path({str(store.folder)!r}))
    sent = [store.find(request=f"sent {{number}}")[0] for number in range(40)]
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(40):
        record, ours = store.take_over(sent[number])
        if ours:
            print(record.row, flush=True)
        print(store.enqueue(Record(f"enqueued {{number}}", "local", "local", "m", "m")).row, flush=True)
    print("done", flush=True)
    sys.stdin.read()  # whoever ends is taken over from
    """
    command, pipe = [sys.executable, "-c", textwrap.dedent(script)], subprocess.PIPE
    running = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(3)]
    assert [process.stdout.readline() for process in running] == ["ready\n"] * 3
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    taken: Counter[int] = Counter()
    for process in running:
        taken.update(int(line) for line in iter(process.stdout.readline, "done\n"))
    for process in running:
        process.communicate(timeout=30)
    assert {row: taken[row] for row in rows} == dict.fromkeys(rows, 1)
    assert len(rows) == 80


def test_how_many_requests_stand_at_once(store) -> None:
    for request, ends in {"a": ["failed", "planned"], "b": ["failed", "cancelled"], "c": ["cancelled"]}.items():
        for status in ends:
            record, _ = store.claim(wanted(request))
            if status != "planned":
                store.update(record, status=status, error=f"{status} {request}")
    told = {
        ("a", 0): ("a", 0, "planned", "failed a"),
        ("b", 0): ("b", 0, "failed", "failed b"),
        ("c", 0): ("c", 0, "cancelled", "cancelled c"),
    }
    assert store.latest_by_request(["a", "b", "c"], ["error"]) == told
    for number in range(20):
        store.claim(wanted(f"other{number}"))
    assert store.latest_by_request(["a", "b", "c"], ["error"]) == told
    assert store.latest_by_request([], ["error"]) == {}


def test_durations_are_those_of_the_model_at_that_queue(store) -> None:
    for number, seconds in enumerate((3.0, None, 5.0)):
        record, _ = store.claim(wanted(f"r{number}", input_seconds=2.0))
        store.update(record, status="completed", took=seconds)
    assert store.durations("lucy-2.5", "local") == [(3.0, 2.0), (5.0, 2.0)]
    assert store.durations("lucy-2.5", "elsewhere") == []


def test_only_the_latest_durations_are_given_the_oldest_first(store) -> None:
    def completed(seconds: float) -> None:
        record, _ = store.claim(wanted(f"r{seconds}"))
        store.update(record, status="completed", took=seconds)

    store.batch([lambda seconds=float(number): completed(seconds) for number in range(60)])
    assert [took for took, _ in store.durations("lucy-2.5", "local")] == [float(number) for number in range(10, 60)]


def test_what_has_moved_on_since_somebody_looked_is_not_pruned(store) -> None:
    record, _ = store.claim(wanted())
    store.update(record, status="unreachable", job_id="j1")
    looked = store.find()
    assert store.take_over(record)[1]
    store.delete(looked)
    assert [found.job_id for found in store.find()] == ["j1"]


def test_a_take_that_is_there_stands_for_one_that_came_to_nothing(store) -> None:
    first, _ = store.claim(wanted())
    store.update(first, status="rejected", error="401")
    second, _ = store.claim(wanted(), fresh=True)
    store.update(second, status="completed")
    assert store.claim(wanted()) == (second, False)


def test_resubmission_is_made_at_once_where_the_holder_has_died(store) -> None:
    run_and_end(store.folder, "record, _ = store.claim(wanted)\nstore.update(record, sent_at=1.0)")
    record, ours = store.claim(wanted(), resubmit=["uncertain"])
    assert ours
    assert record.status == "planned"


@pytest.mark.parametrize("status", ["failed", "uncertain"])
def test_what_has_ended_badly_since_it_was_seen_is_not_made_again(store, status) -> None:
    first, _ = claim_in_sweep(store, "a")
    store.update(first, status=status, error="no")
    again = {"resubmit": ["uncertain"], "seen": (first.row, first.key)}
    second, ours = claim_in_sweep(store, "a", **again)
    assert ours
    store.update(second, status=status, error="no")
    late, ours = claim_in_sweep(store, "a", **again)
    assert (late.row, ours) == (second.row, False)
