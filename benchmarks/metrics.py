"""Measures metrics: ten of them for many clips, beside the decoding of these clips alone and ffmpeg-quality-metrics.

The clips are five seconds of 720p: four different ones with the grain of a camera, and copies with digests of their
own. All rows but the peer's use two threads, with a clip on each. The peer is measured where it is installed and there
is an ``ffmpeg`` that it takes. Run ``python -m benchmarks.metrics``, with a number of clips if not 300.

Aims: ten metrics take at most 1.3 times the wall time of decoding the clips once; a second ``measure`` takes under 1 s.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import decart_nb as dnb
from decart_nb import media
from decart_nb.media.timed_frames import timed_frames
from decart_nb.metrics.builtin import DEFAULT

SOURCES, SECONDS, FPS = 4, 5, 24
#: Standard deviation of the grain, in levels of 255: it makes a bit rate as of a video of a camera.
GRAIN = 5.0
THREADS = 2
#: How many clips are decoded, and then measured, at a time.
BATCH = 6


def write_clip(path: Path, number: int) -> None:
    """Write a clip: the sample, that is panned over, with grain."""
    frames = [*media.frames(dnb.sample())]
    random = np.random.default_rng(number)
    grain = [random.normal(0, GRAIN, frames[0].shape).astype(np.int16) for _ in range(8)]

    def frame(at: int) -> media.RGB:
        picture = np.roll(frames[at % len(frames)], 3 * at + 200 * number, axis=1)
        return np.asarray(np.clip(picture + grain[at % len(grain)], 0, 255), np.uint8)

    media.encode((frame(at) for at in range(SECONDS * FPS)), path, fps=FPS, crf=23)


def copies(folder: Path, count: int) -> list[Path]:
    """Clips with digests of their own: the same videos with an empty box behind them."""
    sources = [folder / f"source-{number}.mp4" for number in range(SOURCES)]
    for number, source in enumerate(sources):
        write_clip(source, number)
    paths = []
    for number in range(count):
        path = folder / f"{number:04}.mp4"
        free = number.to_bytes(8, "big")
        path.write_bytes(sources[number % SOURCES].read_bytes() + (8 + len(free)).to_bytes(4, "big") + b"free" + free)
        paths.append(path)
    return paths


def results(paths: list[Path]) -> pd.DataFrame:
    """A table of results with these clips."""
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    shown = [str(path) for path in paths]
    return pd.DataFrame({"model": "lucy-2.5", "status": "completed", "path": shown, "sha256": digests})


def decode(path: Path) -> None:
    for _ in timed_frames(path):
        pass


def to_rgb(path: Path) -> None:
    for _ in media.frames(path):
        pass


def on_threads(function: Callable[[Path], None], paths: list[Path]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(function, paths))


class Times:
    """Wall and CPU times of several batches, in seconds."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def add(self, function: Callable[[], object]) -> None:
        """Run something, and add its times."""
        wall, cpu = time.perf_counter(), time.process_time()
        function()
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)

    def show(self, label: str, count: int, base: Times | None = None) -> None:
        """Print the times of a clip, and the median ratio to the same batches of another row."""
        wall, cpu = (1000 * sum(times) / count for times in (self.wall, self.cpu))
        ratios = ""
        if base is not None:
            both = ((self.wall, base.wall), (self.cpu, base.cpu))
            medians = [statistics.median(one / other for one, other in zip(*two, strict=True)) for two in both]
            ratios = "".join(f"{median:8.2f}" for median in medians)
        print(f"{label:44}{wall:8.0f}{cpu:8.0f}{ratios}", flush=True)


def measure_many(paths: list[Path]) -> None:
    count = len(paths)
    rate = sum(path.stat().st_size for path in paths) / count / SECONDS / 125_000
    print(f"{count} clips of {SECONDS} s, 1280×720 at {FPS} fps, {rate:.1f} Mbit/s; milliseconds a clip, × decoding\n")
    print(f"{'':44}{'wall':>8}{'CPU':>8}{'wall':>8}{'CPU':>8}")
    on_threads(decode, paths[:THREADS])  # what is loaded on first use is loaded
    dnb.measure(paths[0])
    plain, rgb, measured = Times(), Times(), Times()
    for begin in range(0, count, BATCH):  # in turns, so that other work on the machine slows all of them down
        batch = paths[begin : begin + BATCH]
        plain.add(lambda batch=batch: on_threads(decode, batch))  # type: ignore[misc]
        measured.add(results(batch).decart.measure)
        rgb.add(lambda batch=batch: on_threads(to_rgb, batch))  # type: ignore[misc]
    plain.show("decoding", count)
    rgb.show("decoding to RGB, as clip.frames()", count, plain)
    measured.show(f"measure: {len(DEFAULT)} metrics", count, plain)
    again = Times()
    table = results(paths)
    again.add(table.decart.measure)
    print(f"measure again, all {count} clips: {again.wall[0]:.3f} s")


def measure_peer(paths: list[Path]) -> None:
    reference, *others = paths[:SOURCES]
    pairs = results(others)
    print(f"\nSSIM and PSNR of {len(others)} pairs\n")
    ours = Times()
    ours.add(lambda: pairs.decart.measure(["kept_ssim", "kept_psnr"], against=reference))
    ours.show("measure", len(others))
    try:
        peer: Any = importlib.import_module("ffmpeg_quality_metrics")
    except ImportError:
        print("ffmpeg-quality-metrics: not measured, since it is not installed")
        return

    def compare() -> None:
        for path in others:
            peer.FfmpegQualityMetrics(str(reference), str(path)).calculate(["ssim", "psnr"])

    try:
        theirs = Times()
        theirs.add(compare)
        theirs.show("ffmpeg-quality-metrics (its CPU is ffmpeg's)", len(others))
    except (OSError, RuntimeError) as error:
        print(f"ffmpeg-quality-metrics: not measured, since its ffmpeg has failed: {str(error).splitlines()[-1]}")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    with tempfile.TemporaryDirectory() as folder:
        paths = copies(Path(folder), max(count, SOURCES))
        dnb.connect("local", store=Path(folder) / "runs")
        measure_many(paths[:count])
        measure_peer(paths)


if __name__ == "__main__":
    main()
