"""The runs of sweeps: what stops them, what goes wrong, and that each cell is paid for once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import decart_nb as dnb
from decart_nb.local.faults import Faults
from decart_nb.local.queue import LocalQueue
from decart_nb.store.store import Store
from decart_nb.sweeps.concurrency_limit import START
from tests import sweeping
from tests.held_queue import HeldQueue
from tests.sweeping import T2V, connected, ended, failing, kernel, kill_at, same, statuses, steps, wait_until

pytestmark = [pytest.mark.usefixtures("live"), pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")]


@pytest.fixture
def slow_queue(tmp_path: Path, small_video: Path) -> Iterator[LocalQueue]:
    """A queue that takes a while for each job; the session is connected to it."""
    with LocalQueue(tmp_path / "slow", canned=small_video, draw_duration=lambda: 0.6) as queue:
        connected(queue)
        yield queue


def taken(queue: LocalQueue) -> Counter[int]:
    """How often each seed was taken by a queue."""
    return Counter(queue.jobs.storage.load(job_id).seed for job_id in queue.jobs.storage.ids())


# Others at it too.


def test_the_same_sweep_from_two_kernels_at_once_submits_each_cell_once(canned_queue, submitted) -> None:
    ended(*[kernel(canned_queue, sweeping.make, "a", 40) for _ in range(2)])
    assert submitted() == 40
    assert set(taken(canned_queue).values()) == {1}
    assert dnb.sweep(model=T2V, prompt="a", seed=range(40)).run()["reused"].all()
    assert submitted() == 40


def test_two_sweeps_at_once_and_two_sessions_share_what_they_have_in_common(canned_queue, submitted) -> None:
    first = dnb.sweep(model=T2V, prompt=["a", "b"], seed=range(5)).start()
    second = connected(canned_queue).sweep(model=T2V, prompt=["b", "c"], seed=range(5)).start()
    assert not first.over
    wait_until(lambda: first.over and second.over)
    assert submitted() == 15
    for sweep in (first, second):
        assert statuses(sweep.results) == {"completed": 10}
        assert (sweep.progress.done + sweep.progress.reused, sweep.progress.running) == (10, 0)
    assert sum((sweep.results["reused"] == False).sum() for sweep in (first, second)) == 15  # noqa: E712


def test_a_sweep_that_runs_is_not_begun_twice(submitted) -> None:
    sweep = dnb.sweep(model=T2V, prompt="a", seed=range(5)).start()
    with pytest.raises(dnb.InvalidInputError, match="is running already"):
        sweep.run()
    wait_until(lambda: sweep.over)
    assert submitted() == 5


# Kernels that end.


def test_a_sweep_that_is_killed_again_and_again_resumes_with_each_cell_submitted_once(tmp_path, small_video) -> None:
    cells, kills, draw = 80, 8, random.Random(5)
    with LocalQueue(tmp_path / "queue", canned=small_video, draw_duration=lambda: draw.uniform(0.05, 0.3)) as queue:
        for killed in range(kills):
            # Each kill leaves at most four cells alone, and with them two steps each.
            until = steps(queue) + draw.uniform(0, max(0, 2 * cells - 8 * kills - steps(queue)) / (kills - killed))
            kill_at(until, kernel(queue, sweeping.make, "a", cells, concurrency=4), queue, draw)

        connected(queue)
        sweep = dnb.sweep(model=T2V, prompt="a", seed=range(cells), name="a")
        table = sweep.run()
        assert set(table["status"]) <= {"completed", "uncertain"}
        uncertain = table[table["status"] == "uncertain"]
        assert len(uncertain) <= 4 * kills
        assert uncertain["error"].str.contains("nobody knows").all()
        assert set(taken(queue).values()) == {1}
        assert set(table.loc[table["status"] == "completed", "seed"]) <= set(taken(queue))
        assert sweep.progress.failed == len(uncertain)
        assert ("retry(uncertain=True)" in sweep.progress.note) == (len(uncertain) > 0)
        store = Store(Path("decart_runs"))
        assert sweep.progress.cost == pytest.approx(store.spent("a")[0]) == pytest.approx(0.2 * cells)
        for path in table["path"].dropna():
            assert Path(path).read_bytes() == small_video.read_bytes()

        before = sweeping.submitted(queue)
        assert statuses(sweep.retry(uncertain=True)) == {"completed": cells}
        assert sweeping.submitted(queue) == before + len(uncertain)
        assert statuses(dnb.sweep.load("a").results) == {"completed": cells}


def test_a_kernel_that_dies_leaves_its_cells_to_another_that_is_at_the_same_sweep(slow_queue) -> None:
    dying = kernel(slow_queue, sweeping.make, "a", 30, concurrency=6)
    wait_until(lambda: sweeping.submitted(slow_queue) >= 8)
    sweep = dnb.sweep(model=T2V, prompt="a", seed=range(30), name="a").start(concurrency=4)
    wait_until(lambda: sweep.progress.running > 0)
    dying.kill()
    dying.join()
    dying.close()
    wait_until(lambda: sweep.over)
    counted = statuses(sweep.results)
    assert counted["completed"] + counted.get("uncertain", 0) == 30
    assert set(taken(slow_queue).values()) == {1}
    assert sweep.progress.cost == pytest.approx(Store(Path("decart_runs")).spent("a")[0])


# A service in trouble.


def test_429s_at_a_fifth_of_all_calls_slow_it_and_lose_nothing(tmp_path, small_video) -> None:
    faults = Faults({"429": 0.2}, seed=4)
    with LocalQueue(tmp_path / "busy", canned=small_video, draw_duration=lambda: 0.1, faults=faults) as queue:
        connected(queue)
        table = dnb.sweep(model=T2V, prompt="a", seed=range(25)).run()
        assert statuses(table) == {"completed": 25}
        assert set(taken(queue).values()) == {1}
        assert sweeping.submitted(queue) == 25
        assert queue.jobs.fault_schedule.fault_counts["429"] > 0


def test_more_begin_as_soon_as_the_queue_works_on_those_before_and_not_when_they_end(tmp_path, small_video) -> None:
    with HeldQueue(tmp_path / "wide", small_video) as queue:
        connected(queue)
        sweep = dnb.sweep(model=T2V, prompt="a", seed=range(3 * START)).start()
        wait_until(lambda: (queue.begin(), sweep.results["job_id"].notna().all())[1])
        assert not sweep.results["status"].eq("completed").any()
        while not sweep.over:
            queue.finish()
            time.sleep(0.1)
        assert statuses(sweep.results) == {"completed": 3 * START}


def test_the_time_left_is_told_when_something_has_ended_and_not_before(tmp_path, small_video) -> None:
    with HeldQueue(tmp_path / "held", small_video) as queue:
        connected(queue)
        before = dnb.sweep(model=T2V, prompt="a", seed=range(3)).start()
        wait_until(lambda: (queue.finish(), before.over)[1])
        sweep = dnb.sweep(model=T2V, prompt="b", seed=range(9)).start()
        wait_until(lambda: (queue.begin(), [job.status for job in sweep.progress.jobs] == ["processing"] * 9)[1])
        assert sweep.progress.seconds_left is None
        queue.finish(*[str(job.id) for job in sweep.progress.jobs[:6]])
        wait_until(lambda: sweep.progress.done == 6)
        assert sweep.progress.seconds_left > 0
        wait_until(lambda: (queue.finish(), sweep.over)[1])
        assert sweep.progress.seconds_left is None


def test_a_ceiling_is_kept(tmp_path, small_video) -> None:
    with LocalQueue(tmp_path / "small", canned=small_video, draw_duration=lambda: 0.1, max_unfinished=6) as queue:
        connected(queue, patience=dnb.Patience(submission=0.0))  # what is too much, is rejected
        table = dnb.sweep(model=[T2V, "lucy-2.5"], prompt="a", data=small_video, seed=range(6)).run(concurrency=3)
        assert statuses(table) == {"completed": 12}


def test_rows_that_share_a_clip_go_together(canned_queue, small_video, tmp_path) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(small_video.read_bytes() + b"\0" * 8)
    sweep = dnb.sweep(model="lucy-2.5", prompt=["a", "b", "c"], data=[small_video, other])
    shown = [os.path.relpath(path) for path in (small_video, other)]
    assert list(sweep.plan["data"]) == shown * 3
    table = sweep.run(concurrency=1)
    assert list(table.sort_values("submitted_at")["data"]) == [shown[0]] * 3 + [shown[1]] * 3


# What has failed.


def test_what_has_failed_is_left_alone_until_it_is_retried_and_its_error_stands_until_it_is_made(
    canned_queue, submitted
) -> None:
    dnb.sweep(model=T2V, prompt="good").run()
    sweep = dnb.sweep(model=T2V, prompt=["good", "bad", "worse"])
    with failing(canned_queue):
        table = sweep.run()
        assert list(table["status"]) == ["completed", "failed", "failed"]
        assert table["error"][1:].str.contains("told to fail it").all()
        assert "retry()" in sweep.progress.note
        assert sweep.progress.failed == 2
    again = sweep.run()
    same(again, table)
    assert submitted() == 3
    retried = sweep.retry()
    assert list(retried["status"]) == ["completed"] * 3
    assert retried["error"].isna().all()
    assert retried["job_id"][0] == table["job_id"][0]
    assert submitted() == 5
    assert sweep.retry()["reused"].all()
    assert submitted() == 5


def test_while_it_is_made_again_the_old_error_stands(slow_queue) -> None:
    sweep = dnb.sweep(model=T2V, prompt="a")
    with failing(slow_queue):
        error = sweep.run()["error"][0]
    thread = threading.Thread(target=sweep.retry)
    thread.start()
    wait_until(lambda: sweeping.submitted(slow_queue) == 2)
    during = sweep.results
    thread.join()
    assert during["status"][0] in ("planned", "pending", "processing")
    assert during["error"][0] == error
    assert sweep.results["error"].isna().all()


def test_a_retry_that_was_stopped_leaves_what_has_failed_as_it_was(slow_queue) -> None:
    sweep = dnb.sweep(model=T2V, prompt="a", seed=range(30))
    with failing(slow_queue):
        sweep.run()
    thread = threading.Thread(target=sweep.retry, kwargs={"concurrency": 4})
    thread.start()
    wait_until(lambda: sweeping.submitted(slow_queue) > 30)
    sweep.cancel()
    thread.join()
    table = sweep.results
    assert set(table["status"]) == {"completed", "failed"}
    assert table.loc[table["status"] == "failed", "error"].str.contains("told to fail it").all()
    before = sweeping.submitted(slow_queue)
    same(sweep.run(), table, but=["reused"])
    assert sweeping.submitted(slow_queue) == before


def test_what_was_perhaps_taken_is_retried_only_when_asked(canned_queue, submitted) -> None:
    ended(kernel(canned_queue, sweeping.cut_off, "a"))
    connected(canned_queue)
    sweep = dnb.sweep(model=T2V, prompt=["a", "b"])
    assert list(sweep.run()["status"]) == ["uncertain", "completed"]
    assert list(sweep.retry()["status"]) == ["uncertain", "completed"]
    assert "retry(uncertain=True)" in sweep.progress.note
    assert submitted() == 1
    assert list(sweep.retry(uncertain=True)["status"]) == ["completed", "completed"]
    assert submitted() == 2


# Stopping it.


def test_a_cancelled_sweep_fetches_what_it_has_submitted_and_goes_on_when_run_again(slow_queue) -> None:
    sweep = dnb.sweep(model=T2V, prompt="a", seed=range(30))
    assert sweep.start(concurrency=4) is sweep
    wait_until(lambda: sweeping.submitted(slow_queue) >= 6)
    assert not sweep.over
    sweep.cancel()
    wait_until(lambda: sweep.over)
    made = sweeping.submitted(slow_queue)
    assert 6 <= made <= 10
    assert statuses(sweep.results) == {"completed": made, "planned": 30 - made}
    assert "running it again goes on" in sweep.progress.note
    assert sweep.progress.waiting == 30 - made
    table = sweep.run(concurrency=30)
    assert statuses(table) == {"completed": 30}
    assert table["reused"].sum() == made
    assert set(taken(slow_queue).values()) == {1}
    sweep.cancel()  # there is nothing to stop


@pytest.mark.parametrize("again", [False, True], ids=["run", "retry"])
def test_an_interrupted_sweep_loses_nothing_and_goes_on_when_run_again(slow_queue, again) -> None:
    sweep = dnb.sweep(model=T2V, prompt="a", seed=range(30))

    def interrupt() -> None:
        wait_until(lambda: sweeping.submitted(slow_queue) >= 5)
        assert sweep.blocks_main_thread
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt, match="submits no more"):
        (sweep.retry if again else sweep.run)(concurrency=4)
    thread.join()
    assert not sweep.blocks_main_thread
    wait_until(lambda: sweep.over)
    made = sweeping.submitted(slow_queue)
    assert made < 30
    assert statuses(sweep.results) == {"completed": made, "planned": 30 - made}
    table = sweep.run()
    assert statuses(table) == {"completed": 30}
    assert set(taken(slow_queue).values()) == {1}


def test_one_that_is_awaited_can_be_cancelled(slow_queue) -> None:
    sweep = dnb.sweep(model=T2V, prompt="a", seed=range(30))

    async def stopped() -> None:
        waiting = asyncio.ensure_future(sweep.start(concurrency=4))
        await asyncio.to_thread(wait_until, lambda: sweeping.submitted(slow_queue) > 0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(stopped())
    wait_until(lambda: sweep.over)
    assert sweeping.submitted(slow_queue) < 30
    assert set(statuses(sweep.results)) == {"completed", "planned"}


# How it goes.


def test_results_are_there_at_any_moment_and_onlookers_hear_at_most_ten_times_a_second(slow_queue) -> None:
    sweep = dnb.sweep(model=T2V, prompt="a", seed=range(12), name="named")
    heard: list[tuple[float, Any, bool, int]] = []

    def observe(seen: Any) -> None:
        completed = (seen.results["status"] == "completed").sum()
        heard.append((time.monotonic(), seen.progress, seen.over, completed))

    def broken(seen: Any) -> None:
        raise RuntimeError("An onlooker of somebody's own.")

    forget, _ = sweep.observe(observe), sweep.observe(broken)
    sweep.start()
    seen = sweep.results
    assert list(seen.columns) == list(sweep.results.columns)
    assert len(seen) == 12
    wait_until(lambda: sweep.over)
    wait_until(lambda: bool(heard) and heard[-1][2])
    moments = [moment for moment, _, over, _ in heard if not over]
    # On a busy machine, one may come late, and the next one in time.
    assert len(moments) <= 10 * (moments[-1] - moments[0]) + 2
    for _, progress, over, completed in heard:
        parts = (progress.done, progress.reused, progress.running, progress.waiting, progress.failed)
        assert sum(parts) + progress.invalid + progress.held_back == progress.total == 12
        assert progress.done <= completed
        assert len(progress.jobs) == progress.running
        assert not (over and progress.running)
    assert any(progress.running for _, progress, _, _ in heard)
    assert heard[-1][1].done == 12
    forget()
    forget()
    count = len(heard)
    sweep.run()
    assert len(heard) == count


def test_a_sweep_whose_store_is_gone_says_so(submitted) -> None:
    sweep = dnb.sweep(model=T2V, prompt="a")
    (Path("decart_runs") / "store.sqlite3").unlink()
    for beside in Path("decart_runs").glob("store.sqlite3-*"):
        beside.unlink()
    (Path("decart_runs") / "store.sqlite3").write_bytes(b"no database" * 100)
    with pytest.raises(dnb.StoreError, match="cannot be used"):
        sweep.run()
    assert submitted() == 0
