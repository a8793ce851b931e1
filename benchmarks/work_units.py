"""Measures units of work that decode videos: on threads, as without a cluster, on processes, and on Dask.

Run with ``python -m benchmarks.work_units``.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from distributed import Client, LocalCluster

from decart_nb import media
from decart_nb._util.cores import usable_cores
from decart_nb._util.work_units import run_units

CLIPS = 12
FRAMES = 50
ROUNDS = 3

Units = Mapping[str, tuple[Any, ...]]
Run = Callable[[Callable[..., Any], Units], object]


def write_clip(path: Path, number: int) -> None:
    """Write two seconds of 720p: coloured squares that move."""
    squares = np.random.default_rng(number).integers(0, 255, (90, 160, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    media.encode((np.roll(squares, 4 * step, 1) for step in range(FRAMES)), path, fps=25)


def poster(path: Path, _: int) -> int:
    return len(media.thumbnail(path))


def difference(path: Path, _: int) -> float:
    """The mean difference of consecutive frames, by NumPy."""
    frames = (frame[..., 1].astype(np.int16) for frame in media.frames(path))
    before, total = next(frames), 0.0
    for frame in frames:
        total += float(np.abs(frame - before).mean())
        before = frame
    return total


def small_copy(path: Path, _: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.mp4"
        media.encode(media.frames(path, fps=25, within=(320, 180)), copy, fps=25, crf=8)
        return copy.stat().st_size


def nothing(path: Path, _: int) -> None:
    """What remains is the cost of a unit itself."""


@contextmanager
def processes(workers: int) -> Iterator[Run]:
    """A pool of processes of the standard library, started and warm."""
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield lambda function, units: list(pool.map(function, *zip(*units.values(), strict=True)))


@contextmanager
def cluster(workers: int) -> Iterator[Run]:
    """A Dask cluster of worker processes on this machine, started and warm."""
    with (
        LocalCluster(workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as started,
        Client(started) as client,
    ):
        yield lambda function, units: list(run_units(function, units, client=client))


def main() -> None:
    workers = usable_cores()
    work = {"posters": (poster, 8), "frames by NumPy": (difference, 1), "small copies": (small_copy, 1)}
    with tempfile.TemporaryDirectory() as folder, processes(workers) as on_processes, cluster(workers) as on_dask:
        clips = [Path(folder) / f"{number}.mp4" for number in range(CLIPS)]
        for number, clip in enumerate(clips):
            write_clip(clip, number)
        ways: dict[str, Run] = {
            "one thread": lambda function, units: list(run_units(function, units, limit=1)),
            "threads": lambda function, units: list(run_units(function, units)),
            "processes": on_processes,
            "Dask": on_dask,
        }
        print(f"{CLIPS} clips of {FRAMES} frames of 1280×720, {workers} workers; seconds, the best of {ROUNDS}")
        print(" " * 24, *(f"{name:>12}" for name in ways))
        for name, (function, times) in {**work, "1,000 that do nothing": (nothing, 1000 // CLIPS)}.items():
            units = {f"{clip.stem}-{turn}": (clip, turn) for clip in clips for turn in range(times)}
            best = dict.fromkeys(ways, float("inf"))
            for _ in range(ROUNDS):
                for way, run in ways.items():
                    began = time.perf_counter()
                    run(function, units)
                    best[way] = min(best[way], time.perf_counter() - began)
            print(f"{name:24}", *(f"{seconds:12.2f}" for seconds in best.values()), flush=True)


if __name__ == "__main__":
    main()
