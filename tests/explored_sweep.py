"""A sweep in memory whose rows are made at once, and raters that are functions: explorations without videos."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

from decart_nb.adaptive.exploration import Exploration
from decart_nb.adaptive.options import Options
from decart_nb.job.clip import Clip
from decart_nb.store.store import Store
from decart_nb.sweeps.progress import Progress
from tests.rating_tables import results


class PaidStore(Store):
    """A store that is told what a sweep has cost."""

    paid = 0.0

    def spent(self, sweep: str) -> tuple[float, int]:
        return self.paid, 0


class ExploredSweep:
    """A sweep with a row for each combination of values, each of which costs 0.10.

    Args:
        store: keeps the votes.
        axes: the values.

    Attributes:
        begun: the rows that each run was given.
        fails: the rows whose jobs fail.
        digests: of the video of each row.
        hold: whether runs stay under way until :meth:`make`.
        error: why the next run cannot begin.
    """

    name = account = "made-up"

    def __init__(self, store: PaidStore, **axes: Any) -> None:
        self.table = results(**axes)
        self.digests = self.table["sha256"].tolist()
        self.table[["status", "sha256", "path", "job_id", "take"]] = ["planned", None, None, None, 0]
        self.runner = SimpleNamespace(store=store, payment="rehearsed", backend="local")
        self.begun: list[list[int]] = []
        self.fails: set[int] = set()
        self.hold, self.over, self.cancelled = False, True, False
        self.error: Exception | None = None
        self.observers: list[Callable[[Any], object]] = []
        self.rows = [SimpleNamespace(cost=0.1, same_as=None, error="") for _ in range(len(self.table))]

    @property
    def results(self) -> pd.DataFrame:
        return self.table.copy()

    @property
    def progress(self) -> Progress:
        done = int(self.table["status"].eq("completed").sum())
        return Progress(
            len(self.table), done=done, running=0 if self.over else len(self.begun[-1]), stopped=self.cancelled
        )

    def observe(self, observer: Callable[[Any], object]) -> Callable[[], None]:
        self.observers.append(observer)
        return lambda: self.observers.remove(observer)

    def cancel(self) -> None:
        self.cancelled = True
        if not self.over:
            self._end()

    def begin(self, *, only: Collection[int]) -> None:
        """Begin a run of some rows."""
        self.begun.append(sorted(only))
        self.over = self.cancelled = False  # of another run
        if not self.hold:  # from another thread, as a run does
            threading.Thread(target=self.make, args=[self.begun[-1]]).start()

    def make(self, rows: Collection[int]) -> None:
        """Make rows, and end the run if these are all of it."""
        if self.error is None:
            for row in rows:
                self.table.loc[row, ["path", "sha256", "job_id"]] = [f"{row}.mp4", self.digests[row], f"j{row}"]
                self.table.loc[row, "status"] = "failed" if row in self.fails else "completed"
                self.runner.store.paid += self.rows[row].cost
        if {*self.begun[-1]} <= {*self.table.index[self.table["status"].ne("planned")]} or self.error:
            self._end()
        else:
            self._tell()

    @property
    def made(self) -> int:
        """How many rows have a video."""
        return int(self.table["status"].eq("completed").sum())

    def _end(self) -> None:
        self.over = True
        self._tell()

    def _tell(self) -> None:
        for observer in tuple(self.observers):
            observer(self)

    def explored(self, **options: Any) -> Exploration:
        """An exploration that has not begun."""
        usual = {"budget": 100.0, "rater": prefers("a")}
        return Exploration(self, self.rows, self.begin, Options(**usual | options))  # type: ignore[arg-type]


def explored_sweep(folder: Path, models: Collection[str] = ("a", "b"), prompts: int = 20) -> ExploredSweep:
    """A sweep of some models and prompts."""
    return ExploredSweep(PaidStore(folder), model=[*models], prompt=[f"p{number}" for number in range(prompts)])


def prefers(*models: str, asked: list[frozenset[str]] | None = None) -> Callable[[Clip, Clip], str]:
    """A rater who prefers one model to another as they are listed, and calls a pair a tie if neither is.

    Args:
        models: the best first.
        asked: gets the digests of each pair.
    """

    def judge(left: Clip, right: Clip) -> str:
        if asked is not None:
            asked.append(frozenset((left.sha256, right.sha256)))
        ranks = [models.index(clip.model) if clip.model in models else len(models) for clip in (left, right)]
        return "tie" if ranks[0] == ranks[1] else "left" if ranks[0] < ranks[1] else "right"

    return judge
