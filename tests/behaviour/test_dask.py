"""Work on a Dask cluster of two worker processes: the same as on this machine, also when one of them is killed."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask.config
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster

import decart_nb as dnb
from decart_nb import ClusterError, InvalidInputError, media
from decart_nb._util.work_units import run_units
from decart_nb.store.store import Store
from tests.export.galleries import make_table
from tests.metric_clips import moving, table, write

_WORKERS = 2
_ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """Two worker processes of one thread each, on loopback, without a dashboard."""
    settings = {
        "distributed.scheduler.allowed-failures": 1,  # the killed worker, and one more
        "distributed.worker.multiprocessing-method": "forkserver",  # which imports for all workers that are started
    }
    with dask.config.set(settings):
        cluster = LocalCluster(
            n_workers=_WORKERS,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            local_directory=str(tmp_path_factory.mktemp("dask")),
        )
        yield cluster
        cluster.close(timeout=30)


@pytest.fixture
def client(cluster: LocalCluster) -> Iterator[Client]:
    client = Client(cluster)
    client.wait_for_workers(_WORKERS, timeout=60)  # one may have been killed
    yield client
    client.close(timeout=30)


def _wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def square(number: int, folder: str, seconds: float = 0.0) -> int:
    """A unit that leaves a file each time it is run, named by its number and the process."""
    Path(folder, f"{number} {os.getpid()} {uuid.uuid4()}").touch()
    time.sleep(seconds)
    if number == 13:
        raise ValueError("thirteen")
    return number * number


def runs_in(folder: Path) -> list[tuple[int, int]]:
    """The number and the process of each run."""
    return [(int(number), int(pid)) for number, pid, _ in (path.name.split() for path in folder.iterdir())]


def runs_of_those_that_are_left(client: Client, folder: Path) -> Counter[int]:
    """How often each number was run by the workers that are left: what others had made may have gone with them."""
    left = {*client.run(os.getpid).values()}
    return Counter(number for number, pid in runs_in(folder) if pid in left)


def tasks_run(client: Client) -> Counter[str]:
    """How many tasks the cluster has finished, by the name of their function."""

    def count(dask_scheduler: Any) -> dict[str, int]:
        return {name: prefix.state_counts["memory"] for name, prefix in dask_scheduler.task_prefixes.items()}

    return Counter({name.rpartition(".")[2]: count for name, count in client.run_on_scheduler(count).items()})


def test_units_run_once_each_on_the_workers_and_an_exception_is_that_of_its_own_unit(client, tmp_path) -> None:
    units = {f"{number:064x}": (number, str(tmp_path)) for number in range(40)}
    results = dict(run_units(square, units, client=client))
    error = results.pop(f"{13:064x}")
    assert isinstance(error, ValueError)
    assert str(error) == "thirteen"
    assert results == {f"{number:064x}": number * number for number in range(40) if number != 13}
    runs = runs_in(tmp_path)
    assert sorted(number for number, _ in runs) == list(range(40))
    assert {pid for _, pid in runs} == {*client.run(os.getpid).values()}
    _wait_for(lambda: not client.futures)


@pytest.mark.parametrize("end", ["closed", "interrupted"])
def test_of_many_units_the_cluster_holds_few_and_drops_them_at_an_early_end(client, tmp_path, end) -> None:
    units = {str(number): (number, str(tmp_path), 0.1) for number in range(100_000)}
    results = run_units(square, units, client=client, limit=20)
    next(results)
    assert len(client.futures) <= 20
    if end == "closed":
        results.close()
    else:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            list(results)
    _wait_for(lambda: not client.futures and not any(client.processing().values()))
    assert len(runs_in(tmp_path)) < 20


def test_a_killed_worker_loses_nothing_and_nothing_else_is_computed_twice(client, tmp_path) -> None:
    units = {f"{number:064x}": (number, str(tmp_path), 0.03) for number in range(100, 160)}
    results = run_units(square, units, client=client)
    before = dict(next(results) for _ in range(10))
    killed = runs_in(tmp_path)[0][1]
    os.kill(killed, signal.SIGKILL)
    after = dict(results)
    assert {**before, **after} == {f"{number:064x}": number * number for number in range(100, 160)}
    runs = runs_in(tmp_path)
    assert max(runs_of_those_that_are_left(client, tmp_path).values()) == 1
    count = Counter(number for number, _ in runs)
    assert max(count.values()) <= 2
    assert all(count[int(key, 16)] == 1 for key in before)


def test_metrics_are_the_same_as_without_dask_when_a_worker_is_killed_in_the_middle(client, tmp_path) -> None:
    folder = tmp_path / "measured"
    folder.mkdir()

    @dnb.metric("test_mean")
    def mean(frames):
        values = [float(frame.mean()) for frame in frames]
        Path(folder, f"{round(1000 * values[0])} {os.getpid()} {uuid.uuid4()}").touch()
        time.sleep(0.1)
        return sum(values)

    names = ["motion", "flicker", "sharpness", "cuts", "kept_ssim", "test_mean"]
    clips = [write(tmp_path / f"{number}.mp4", moving(6, 1 + number, number)) for number in range(16)]
    asked = table(*map(os.path.relpath, clips))  # a worker has another working directory
    here = asked.decart.measure(names, against=clips[0])
    assert len(runs_in(folder)) == len(clips)
    for path in folder.iterdir():
        path.unlink()

    def kill() -> None:
        _wait_for(lambda: len(runs_in(folder)) >= 4)
        os.kill(runs_in(folder)[0][1], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    dnb.connect("local")  # the values go into its store
    there = asked.decart.measure(names, against=clips[0], client=client)
    thread.join()
    pd.testing.assert_frame_equal(there, here, check_exact=True)
    runs = runs_in(folder)
    assert len({number for number, _ in runs}) == len(clips)
    assert max(runs_of_those_that_are_left(client, folder).values()) == 1
    again = asked.decart.measure(names, against=clips[0], client=client)
    pd.testing.assert_frame_equal(again, here, check_exact=True)
    assert runs_in(folder) == runs


def test_a_unit_that_kills_each_worker_is_an_error_of_its_own(client, tmp_path) -> None:
    units = {"good": (0,), "bad": (1,)}
    results = dict(run_units(_end_process, units, client=client))
    assert results["good"] == 0
    assert isinstance(results["bad"], ClusterError)
    assert "workers that had this unit of work died" in results["bad"].message


def _end_process(status: int) -> int:
    if status:
        os._exit(status)
    return status


def test_a_cluster_that_can_no_longer_be_reached_ends_the_work_with_one_error(cluster, tmp_path) -> None:
    client = Client(cluster)
    client.wait_for_workers(1, timeout=60)
    results = run_units(square, {str(number): (number, str(tmp_path), 0.1) for number in range(50)}, client=client)
    next(results)
    client.close(timeout=30)
    with pytest.raises(ClusterError, match="can no longer be reached"):
        list(results)


def test_a_relative_path_is_read_on_workers_in_another_folder(client, tmp_path) -> None:
    Path("here.txt").write_text("content")
    assert dict(run_units(Path.read_text, {"a": (Path("here.txt"),)}, client=client)) == {"a": "content"}


@contextlib.contextmanager
def only_here(path: Path) -> Iterator[Path]:
    """A path by which this process reads a file, and any other process reads nothing."""
    with path.open("rb") as file:
        number = fcntl.fcntl(file, fcntl.F_DUPFD, 700)
    try:
        yield Path(f"/proc/self/fd/{number}")
    finally:
        os.close(number)


@_ON_LINUX
def test_a_file_that_a_worker_does_not_see_is_an_error_that_says_what_to_give_it(client, tmp_path) -> None:
    (tmp_path / "mine").write_text("content")
    (tmp_path / "other").write_text("of another machine")
    with only_here(tmp_path / "mine") as path:
        units = {"a": (path,)}
        assert dict(run_units(Path.read_text, units)) == {"a": "content"}
        error = dict(run_units(Path.read_text, units, client=client))["a"]
        assert isinstance(error, ClusterError)
        assert error.message.startswith("The worker tcp://127.0.0.1:")
        assert f" cannot read fd/{path.name}; give it the store's folder under the same path" in error.message
        client.run(_open_as, str(tmp_path / "other"), int(path.name))
        try:
            error = dict(run_units(Path.read_text, units, client=client))["a"]
        finally:
            client.run(os.close, int(path.name))
        assert isinstance(error, ClusterError)
        assert f"has another file under the path of fd/{path.name}; give it the store's folder" in error.message


@_ON_LINUX
def test_such_a_file_is_the_error_of_its_row_which_is_not_kept_and_ends_an_export(client, tmp_path) -> None:
    dnb.connect("local")
    seen = write(tmp_path / "seen.mp4", moving(6))
    with only_here(write(tmp_path / "mine.mp4", moving(6, 5))) as path:
        asked = table(seen, path)
        there = asked.decart.measure("motion", client=client)
        assert there["motion"].notna().tolist() == [True, False]
        assert "give it the store's folder" in there["measure_error"][1]
        with pytest.raises(ClusterError, match="give it the store's folder"):
            asked.decart.contact_sheet("sheet.png", client=client)
        with pytest.raises(ClusterError, match="give it the store's folder"):
            asked.decart.to_html("gallery", client=client)
        with pytest.raises(ClusterError, match="give it the store's folder"):
            asked.decart.grid_video("grid.mp4", client=client)
        assert not Path("sheet.png").exists()
        assert not Path("grid.mp4").exists()
        here = asked.decart.measure("motion")
        assert here["motion"].notna().all()
        assert "measure_error" not in here


def _open_as(path: str, number: int) -> None:
    opened = os.open(path, os.O_RDONLY)
    os.dup2(opened, number)
    os.close(opened)


def test_a_file_that_is_nowhere_is_the_error_of_the_unit_as_without_dask(client, tmp_path) -> None:
    units = {"a": (tmp_path / "gone.mp4",)}
    here = dict(run_units(media.thumbnail, units))["a"]
    there = dict(run_units(media.thumbnail, units, client=client))["a"]
    assert type(there) is type(here) is dnb.MediaError
    assert there.message == here.message


def test_a_client_that_cannot_be_waited_for_is_refused(cluster) -> None:
    async def make() -> None:
        async with Client(cluster.scheduler_address, asynchronous=True) as client:
            run_units(square, {}, client=client)

    with pytest.raises(InvalidInputError, match="is asynchronous"):
        asyncio.run(make())
    client = Client(cluster)
    client.close(timeout=30)
    with pytest.raises(InvalidInputError, match="is closed"):
        run_units(square, {}, client=client)


def test_exports_and_posters_are_the_same_as_without_dask_and_are_made_on_the_workers(client, tmp_path) -> None:
    table = make_table(tmp_path / "made")
    before = tasks_run(client)
    files = []
    for name, options in (("here", {}), ("there", {"client": client})):
        table.decart.to_html(f"{name}/gallery", **options)
        table.decart.to_html(f"{name}/page.html", single_file=True, **options)
        table.decart.contact_sheet(f"{name}/sheet.png", **options)
        files.append({path.relative_to(name): path.read_bytes() for path in Path(name).rglob("*") if path.is_file()})
    assert files[0] == files[1]
    assert len(files[0]) == 13
    done = tasks_run(client) - before
    assert done == {"_made": 8, "_frame": 4}


def test_a_grid_video_from_the_workers_copies_looks_the_same(client, tmp_path) -> None:
    table = make_table(tmp_path / "made")
    before = tasks_run(client)
    here, there = (
        np.array([*media.frames(table.decart.grid_video(f"{len(options)}.mp4", **options))], int)
        for options in ({}, {"client": client})
    )
    assert here.shape == there.shape
    assert np.abs(here - there).mean() < 1
    assert tasks_run(client) - before == {"_small_copy": 4}


def test_a_grid_has_its_posters_made_on_the_workers_and_stored_here(client, tmp_path) -> None:
    store = Store(dnb.connect("local").store)
    table = make_table(tmp_path / "made")
    before = tasks_run(client)
    table.decart.grid(client=client)
    stored = [store.files.poster(digest).read_bytes() for digest in table["sha256"]]
    assert stored == [media.thumbnail(path) for path in map(Path, table["path"])]
    assert tasks_run(client) - before == {"_made": 4}
    table.decart.grid(client=client)
    assert tasks_run(client) - before == {"_made": 4}
