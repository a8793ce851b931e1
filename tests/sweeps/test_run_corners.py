"""The corners of sweeps' runs: others at the same rows, a store that cannot write, and what changes after the plan."""

from __future__ import annotations

import contextlib
import inspect
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import decart_nb as dnb
from decart_nb import media
from decart_nb.local.faults import Faults
from decart_nb.local.queue import LocalQueue
from tests.scripted import answer, serving
from tests.sweeping import T2V, connected, failing, wait_until

pytestmark = [pytest.mark.usefixtures("live"), pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")]


@pytest.fixture
def silent_address() -> Iterator[str]:
    """The address of a file at a server that takes connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/clip.mp4"


def t2v(seeds: int, **options: Any) -> Any:
    return dnb.sweep(model=T2V, prompt="a", seed=range(seeds), **options)


# Others at it too.


def test_a_row_that_fails_while_another_run_waits_for_it_is_paid_once(canned_queue, submitted) -> None:
    with failing(canned_queue):
        first, second = t2v(6), t2v(6)
        first.start(concurrency=1)
        second.start(concurrency=1)
        wait_until(lambda: first.over and second.over)
    assert submitted() == 6
    for sweep in (first, second):
        assert sweep.results["status"].eq("failed").all()
        assert sweep.progress.cost == pytest.approx(1.2)
    with failing(canned_queue):
        second.retry()
    assert submitted() == 12


# The store.


@pytest.fixture
def full_disk(tmp_path: Path) -> Callable[[bool], None]:
    """What fills the disk, and makes room again: while it is full, no id can be written down."""

    def fill(is_full: bool) -> None:
        full = "BEFORE UPDATE OF job_id ON jobs BEGIN SELECT RAISE(ABORT, 'The disk is full'); END"
        with contextlib.closing(sqlite3.connect(tmp_path / "decart_runs" / "store.sqlite3")) as database:
            database.execute(f"CREATE TRIGGER full {full}" if is_full else "DROP TRIGGER full")

    return fill


def test_an_id_that_the_store_cannot_take_is_told_and_its_job_is_fetched_by_the_next_run(full_disk, submitted) -> None:
    full_disk(True)
    sweep = t2v(2)
    table = sweep.run()
    assert submitted() == 2
    assert table["status"].eq("unreachable").all()
    assert table["error"].str.contains("The disk is full").all()
    ids = set(table["job_id"])
    assert len(ids) == 2
    assert all(one in sweep.progress.note for one in ids)
    assert sweep.plan["plan"].eq("in flight").all()

    full_disk(False)
    table = sweep.run()
    assert table["status"].eq("completed").all()
    assert set(table["job_id"]) == ids
    assert submitted() == 2
    assert sweep.progress.note == ""


# The cap.


def test_a_price_that_is_unknown_only_when_the_name_has_moved_is_refused_under_a_cap(
    canned_queue, submitted, small_video
) -> None:
    def sweep() -> Any:
        return dnb.sweep(model="lucy-vton-latest", prompt="a", data=small_video)

    assert sweep().run()["status"].tolist() == ["completed"]

    canned_queue.stop()
    with serving(answer(body={"model_id": "lucy-vton-9"}), port=canned_queue.port):
        again = sweep()
        assert again.plan["plan"].tolist() == ["reused"]
        with pytest.raises(dnb.InvalidInputError, match="What lucy-vton-latest will cost is not known"):
            again.run(max_cost=1.0)
        assert submitted() == 1
        assert again.plan["plan"].tolist() == ["reused"]  # it did not begin


def test_what_costs_as_much_as_what_was_kept_back_is_kept_back_without_asking(submitted) -> None:
    sweep = t2v(500)
    statements: list[str] = []
    with sweep.runner.store.database.connection() as database:
        database.set_trace_callback(statements.append)
    table = sweep.run(max_cost=1.0)
    assert table["status"].value_counts().to_dict() == {"planned": 495, "completed": 5}
    refused = statements.count("ROLLBACK TO work")  # each claim that was over the cap
    assert 0 < refused < 55
    assert sweep.progress.held_back == 495


def test_the_note_tells_the_cap_as_money(submitted) -> None:
    sweep = t2v(2)
    sweep.run(max_cost=0.1)
    assert "max_cost=$0.10," in sweep.progress.note
    sweep.run(max_cost=0.0025)
    assert "max_cost=$0.0025," in sweep.progress.note


# Its beginning.


def test_one_that_is_cancelled_while_it_begins_is_over_at_once(submitted, silent_address) -> None:
    sweep = dnb.sweep(model="lucy-2.5", prompt="a", data=silent_address, seed=range(2))
    sweep.start()
    time.sleep(0.3)
    assert not sweep.over
    sweep.cancel()
    wait_until(lambda: sweep.over, 2.0)
    assert "running it again goes on" in sweep.progress.note
    sweep.start()
    sweep.cancel()
    wait_until(lambda: sweep.over, 2.0)
    assert submitted() == 0


def test_one_that_cannot_begin_says_why() -> None:
    hasty = dnb.Patience(submission=0.1, download=0.1, first=0.05, longest=0.1)
    dnb.connect("live", api_key="k", base_url="http://127.0.0.1:9", prices={}, patience=hasty)
    sweep = dnb.sweep(model="lucy-latest", prompt="a", data=np.zeros((2, 48, 64, 3), np.uint8)).start()
    wait_until(lambda: sweep.over)
    with pytest.raises(dnb.QueueStatusError) as caught:
        sweep.run()
    assert sweep.progress.note.startswith(caught.value.message)
    assert caught.value.message in repr(sweep)


# What is told.


def test_whatever_thread_looks_every_row_counts_once(submitted) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        sweep = t2v(60).start()
        wrong = []
        while not sweep.over:
            now = sweep.progress
            parts = (now.done, now.reused, now.running, now.waiting, now.failed, now.invalid, now.held_back)
            if sum(parts) != now.total or min(parts) < 0:
                wrong.append(parts)
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []
    assert sweep.progress.done == 60


def test_after_a_run_the_plan_reads_the_files_once_more(submitted, small_video) -> None:
    shutil.copy(small_video, "in.mp4")
    sweep = dnb.sweep(model="lucy-2.5", prompt="a", data="in.mp4", seed=[1, 2])
    sweep.run()
    before = sweep.results["path"].tolist()
    media.encode(np.full((12, 48, 64, 3), 30, np.uint8), Path("in.mp4"), fps=10)
    other = dnb.sweep(model="lucy-2.5", prompt="a", data="in.mp4", seed=[1, 2])
    assert other.plan["plan"].eq("new").all()
    assert sweep.results["path"].tolist() == before  # of what has run
    sweep.run()
    assert submitted() == 4
    assert sweep.plan["plan"].eq("reused").all()


def test_tables_are_whole_while_a_run_reads_the_files(submitted) -> None:
    clips = [np.full((8, 48, 64, 3), 20 * number, np.uint8) for number in range(8)]
    sweep = dnb.sweep(model="lucy-2.5", prompt="a", data=clips)
    shown = set(sweep.plan["data"])
    sweep.start()
    while not sweep.over:
        shown |= set(sweep.results["data"])
    assert len(shown) == 8
    assert all(one.startswith("decart_runs/inputs/") for one in shown)


def test_what_was_refused_counts_as_failed_also_where_it_has_not_run(tmp_path, small_video) -> None:
    with LocalQueue(tmp_path / "full", canned=small_video, faults=Faults({"429": 1.0})) as queue:
        connected(queue, patience=dnb.Patience(submission=0.0))
        sweep = t2v(3, name="refused")
        with contextlib.suppress(dnb.DecartSDKError):
            sweep.run()
        now, stored = sweep.progress, dnb.sweep.load("refused").progress
        assert (now.failed, now.waiting) == (stored.failed, stored.waiting) == (3, 0)
        assert ".run() makes" in stored.note


def test_start_takes_what_run_takes_and_nothing_else() -> None:
    start, run = (inspect.signature(method).parameters for method in (dnb.Sweep.start, dnb.Sweep.run))
    assert [*start] == [*run] == ["self", "max_cost", "concurrency", "allow_unknown_cost"]
