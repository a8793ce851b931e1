"""Measures the cost of sweeps beside the official client, and the time of large plans and results.

The official client runs the rows with ``submit_and_poll``, all at once, and writes the videos to files. Each client has
a canned local queue of its own; only the client's process is measured, after one row that imports what loads late. Run
``python -m benchmarks.sweep``, or one part of it with one of these names and an optional number:

``instant``
    2,000 rows of 1 MiB clips, of jobs that are done at once. At most 2 times the official client's wall time, 4 times
    its CPU, and 150 MiB over the idle process.
``long``
    300 rows, of jobs of 30 s. At most the official client's CPU. A sweep begins with few jobs in flight and learns how
    many the queue bears, so its wall time is longer by design.
``plan``
    100,000 rows: a plan within 8 s and 400 MB over the idle process. Of 20,000: 1 s, and results within 0.5 s.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

CLIENTS = ("official decart 0.2.4", "our sweep")
MIB = 2**20
#: A queue that nobody asks: plans and results send nothing.
NOBODY = ("http://127.0.0.1:9", "dct_nobody")


class Figures(NamedTuple):
    """Seconds, CPU seconds, the peak over the idle process in MiB, and the number of rows with a video."""

    wall: float
    cpu: float
    memory: float
    done: int


def main(part: str = "", number: str = "") -> None:
    with tempfile.TemporaryDirectory() as folder:
        if part in ("", "instant"):
            _beside(Path(folder), int(number or 2_000), 0.0)
        if part in ("", "long"):
            _beside(Path(folder), int(number or 300), 30.0)
        if part in ("", "plan"):
            _tables(Path(folder), int(number or 100_000))


def _head(title: str, *columns: str) -> None:
    print(f"{title}\n\n| | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}", flush=True)


# Cells, by both clients.


def _beside(folder: Path, rows: int, seconds: float) -> None:
    import numpy as np

    from decart_nb import media

    draw = np.random.default_rng(1)
    small, canned = folder / "small.mp4", folder / "canned.mp4"
    media.encode(np.zeros((10, 64, 64, 3), np.uint8), small, fps=10)
    media.encode(draw.integers(0, 256, (24, 240, 320, 3), np.uint8), canned, fps=10)
    size = canned.stat().st_size / MIB
    assert 0.95 < size < 1.05, size
    jobs = f"jobs of {seconds:g} s" if seconds else "an instant queue"
    columns = ("wall s", "to the official", "CPU s", "to the official", "peak MiB over idle", "rows done")
    _head(f"{rows:,} rows of {size:.2f} MiB clips, {jobs}", *columns)
    first = None
    for client in CLIENTS:
        now = _figures(client, small, canned, rows, seconds)
        first = first or now
        times = f"{now.wall:.2f} | {now.wall / first.wall:.2f} | {now.cpu:.2f} | {now.cpu / first.cpu:.2f}"
        print(f"| {client} | {times} | {now.memory:.0f} | {now.done:,} |", flush=True)
    print()


def _figures(client: str, small: Path, canned: Path, rows: int, seconds: float) -> Figures:
    from decart_nb.local.queue import LocalQueue
    from tests.environments import environment

    official = client.startswith("official")
    python = environment("decart-0.2.4", "decart==0.2.4") if official else Path(sys.executable)
    durations = itertools.chain([0.0], itertools.repeat(seconds))  # the first job brings in what loads late
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalQueue(
            Path(folder, "queue"), canned=canned, draw_duration=lambda: next(durations), max_unfinished=2 * rows
        ) as queue,
    ):
        answer = _child(python, folder, client, queue.base_url, queue.api_key, small, rows)
        return Figures(*json.loads(answer))


def _child(python: Path | str, folder: Path | str, *words: object) -> str:
    command = [str(python), __file__, "child", *map(str, words)]
    elsewhere = {name: value for name, value in os.environ.items() if name not in ("DECART_BACKEND", "DECART_STORE")}
    elsewhere["PYTHONPATH"] = ""
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=folder, env=elsewhere)
    return answer.stdout.splitlines()[-1]


async def by_client(url: str, key: str, data: str, rows: int) -> Figures:
    """Run the rows with the official client, into files of the working directory."""
    import decart  # type: ignore[import-not-found]  # only where the official client is installed

    model = decart.models.video("lucy-2.5")

    async def one(prompt: str) -> bool:
        result = await client.queue.submit_and_poll({"model": model, "prompt": prompt, "data": data})
        if result.status == "completed":
            Path(f"{prompt}.mp4").write_bytes(result.data)  # noqa: ASYNC240 - as people write it
        return bool(result.status == "completed")

    async with decart.DecartClient(api_key=key, base_url=url) as client:
        await one("first")
        began = _begin()
        ends = await asyncio.gather(*(one(f"prompt {number}") for number in range(rows)), return_exceptions=True)
        return _end(began, ends.count(True))


def by_sweep(url: str, key: str, data: str, rows: int) -> Figures:
    """Run the rows as a sweep, into a store in the working directory."""
    import decart_nb as dnb

    with dnb.connect("live", api_key=key, base_url=url):
        dnb.sweep(model="lucy-2.6", prompt=["first"], data=data).run()  # another model: it learns from what jobs took
        began = _begin()
        sweep = dnb.sweep(model="lucy-2.5", prompt=[f"prompt {number}" for number in range(rows)], data=data)
        results = sweep.run()
        return _end(began, sum(Path(path).stat().st_size > MIB / 2 for path in results.path.dropna()))


# Tables.


def _tables(folder: Path, rows: int) -> None:
    import numpy as np

    from decart_nb import media

    small = folder / "small.mp4"
    media.encode(np.zeros((10, 64, 64, 3), np.uint8), small, fps=10)
    _head(f"{rows:,} rows", "s", "peak MiB over idle")
    asked = [("the plan, with an empty store", "plan"), ("the plan, with every row made", "plan")]
    asked += [("results, after the plan", "results")]
    for number, (title, what) in enumerate(asked):
        if number == 1:
            _child(sys.executable, folder, "fill", small, rows)
        seconds, memory = json.loads(_child(sys.executable, folder, what, small, rows))
        print(f"| {title} | {seconds:.2f} | {memory:.0f} |", flush=True)
    print()


def _axes(small: str, rows: int) -> dict[str, Any]:
    seeds = 50
    prompts = [f"a fox in scene {number}" for number in range(rows // 2 // seeds)]
    return {"model": ["lucy-2.5", "lucy-2.6"], "prompt": prompts, "seed": range(seeds), "data": small}


def of_tables(what: str, small: str, rows: int) -> tuple[float, float]:
    """Seconds of a plan or of results, and how much memory was held at most by then."""
    import decart_nb as dnb

    with dnb.connect("live", api_key=NOBODY[1], base_url=NOBODY[0]):
        before = dnb.sweep(**_axes(small, 200))
        assert len(before.plan) == len(before.results) == 200  # bring in what loads late
        sweep = dnb.sweep(**_axes(small, rows))
        idle, began = _idle(), time.perf_counter()
        table = sweep.plan
        if what == "results":
            began = time.perf_counter()
            table = sweep.results
            assert (table.status == "completed").all()
        assert len(table) == rows
        return time.perf_counter() - began, _memory("VmHWM") - idle


def fill(small: str, rows: int) -> None:
    """Write all rows into the store as completed."""
    import dataclasses

    from decart_nb.store.job_row import Record
    from decart_nb.store.store import Store
    from decart_nb.sweeps.axes import read_axes
    from decart_nb.sweeps.planner import Reader

    with_store = next(Path.cwd().glob("*/store.sqlite3"))
    Store(with_store.parent)  # which brings its tables up to date
    made: list[list[Any]] = []
    names = [column.name for column in dataclasses.fields(Record) if column.name != "row"]
    for number, row in enumerate(Reader(read_axes([], _axes(small, rows)), NOBODY[0], lambda *_: 0.05).read()):
        assert row.model
        assert not row.error
        record = Record(row.request, NOBODY[0], "live", row.resolved, row.model.name, row.take, row.values)
        record.status, record.job_id, record.input_seconds = "completed", f"job-{number}", 1.0
        record.submitted_at = record.created_at
        record.took, record.waited, record.seconds, record.path = 2.0, 0.5, 2.5, f"video-{number}.mp4"
        record.sha256, record.size_bytes = f"{number:064x}", MIB
        record.width, record.height, record.fps, record.duration = 320, 240, 10.0, 2.4
        record.cost = record.expected_cost = 0.05
        record.sweep = "filled"
        values = [getattr(record, name) for name in names]
        made.append([json.dumps(value) if isinstance(value, dict) else value for value in values])
    with sqlite3.connect(with_store) as database:
        places = ", ".join("?" * len(names))
        database.executemany(f"INSERT INTO jobs ({', '.join(names)}) VALUES ({places})", made)


# What a process can tell of itself.


def _begin() -> tuple[float, float, float]:
    return _idle(), time.process_time(), time.perf_counter()


def _end(began: tuple[float, float, float], done: int) -> Figures:
    memory, cpu, wall = began
    return Figures(time.perf_counter() - wall, time.process_time() - cpu, _memory("VmHWM") - memory, done)


def _idle() -> float:
    """Reset the peak, and return the memory of the process in MiB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def _memory(name: str) -> float:
    """A value of ``/proc/self/status``, in MiB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


def _measured(what: str, *words: str) -> Any:
    if what in CLIENTS:
        url, key, data, rows = words
        if what == CLIENTS[0]:
            return asyncio.run(by_client(url, key, data, int(rows)))
        return by_sweep(url, key, data, int(rows))
    small, rows = words
    return fill(small, int(rows)) if what == "fill" else of_tables(what, small, int(rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        print(json.dumps(_measured(*sys.argv[2:])))
    else:
        main(*sys.argv[1:])
