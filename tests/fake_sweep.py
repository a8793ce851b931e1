"""A sweep in memory, jobs for it, and the outputs that a notebook would keep."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from decart_nb import Job
from decart_nb.client.duration_estimate import Estimate
from decart_nb.job.table import JOB_COLUMNS, typed
from decart_nb.sweeps.progress import Progress

HALFWAY = Progress(
    24, done=14, reused=3, running=4, waiting=2, failed=1, cost=0.84, cap=5.0, seconds_left=41.0, note="Slowed down."
)


class FakeSweep:
    """A sweep whose state the test sets."""

    def __init__(self, progress: Progress = HALFWAY, name: str = "cats", *, over: bool = False) -> None:
        self.name, self.progress, self.over = name, progress, over
        self.blocks_main_thread = False
        self.cancelled = False
        self.observers: list[Callable[[FakeSweep], object]] = []
        store = SimpleNamespace(folder=Path.cwd() / "decart_runs", find=lambda **_: [])
        self.runner = SimpleNamespace(store=store, payment="free")

    @cached_property
    def results(self) -> pd.DataFrame:
        rows = range(self.progress.total)
        return typed(
            {
                "model": ["lucy-2.5" for _ in rows],
                "prompt": ["a cat" for _ in rows],
                "seed": list(rows),
                **{name: [None for _ in rows] for name in JOB_COLUMNS if name not in ("model", "status")},
                "status": ["planned" for _ in rows],
            }
        )

    def observe(self, observer: Callable[[FakeSweep], object]) -> Callable[[], None]:
        self.observers.append(observer)
        return lambda: observer in self.observers and self.observers.remove(observer)

    def cancel(self) -> None:
        self.cancelled = True
        self.progress = replace(self.progress, stopped=True)

    def tell(self, *, over: bool = False, **changes: Any) -> None:
        if "jobs" in changes:
            changes.setdefault("rows", tuple(range(len(changes["jobs"]))))
        self.progress = replace(self.progress, **changes)
        self.over = over
        for observer in tuple(self.observers):
            observer(self)


class Outputs:
    """Keeps the last output published under each display id, as a notebook does."""

    def __init__(self) -> None:
        self.outputs: dict[str, dict[str, Any]] = {}
        self.published = 0

    def publish(self, data: dict[str, Any], display_id: str, *, update: bool = False) -> None:
        assert (display_id in self.outputs) is update
        self.outputs[display_id] = data
        self.published += 1

    @property
    def html(self) -> str:
        return next(iter(self.outputs.values()))["text/html"]

    @property
    def text(self) -> str:
        return next(iter(self.outputs.values()))["text/plain"]


class Clock:
    """A monotonic clock that the test sets."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def fake_job(number: int = 0, prompt: str = "a cat", *, clock: Callable[[], float] = time.monotonic) -> Job:
    return Job(
        "lucy-2.5",
        {"prompt": prompt, "seed": number},
        estimate=replace(Estimate.around(30.0, 0.25), history=9),
        job_id=f"j{number}",
        clock=clock,
    )
