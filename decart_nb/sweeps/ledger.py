"""The counts and the costs of one run of a sweep, behind one lock."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..client.responses import is_safe_to_resubmit
from ..errors import CapReachedError, QueueSubmitError
from ..job.job import Job
from .rows import InputFile, Row
from .selection import Selection, counted_as


@dataclass(frozen=True)
class Tally:
    """A consistent copy of a ledger's counts.

    Attributes:
        counts: how many rows have ended in which state: ``done``, ``reused``, ``invalid``, ``failed``, ``uncertain``,
            or ``passing`` (refused or out of reach, and tried again by the next run).
        shared: of the reused rows, those that ask for the same as a row that this run has made.
        jobs: the jobs in flight, by the numbers of their rows.
        running: how many rows wait for these jobs.
        held_back: how many rows the cap keeps back.
        over_cap: the numbers of these, without those that ask for the same as another.
        cost: what the sweep has spent, and the jobs in flight are expected to cost, in USD; unknown prices count
            nothing.
        cost_unknown: whether there are unknown prices.
        stopped: whether no more rows are submitted.
    """

    counts: Counter[str]
    shared: int
    jobs: dict[int, Job]
    running: int
    held_back: int
    over_cap: frozenset[int]
    cost: float
    cost_unknown: bool
    stopped: bool


class Ledger:
    """Counts the rows of a run by their state, and keeps its budget. Its methods may be called from any thread.

    Args:
        cap: the most that the sweep may cost in its whole life, in USD.

    Attributes:
        made: the requests whose videos this run has made.
        stopped: whether no more rows are submitted.
    """

    def __init__(self, cap: float | None) -> None:
        self._cap = cap
        self._lock = threading.Lock()  # a row leaves one count and enters another in one step
        self.made: set[tuple[str, int]] = set()
        self.stopped = False
        self._rows: Sequence[Row] = ()
        self._counts: Counter[str] = Counter()
        self._copies: Counter[int] = Counter()  # by row, how many others ask for the same
        self._shared = 0
        self._jobs: dict[int, Job] = {}
        self._paid: set[int] = set()  # the rows whose jobs the store had counted before this run
        self._spent, self._unknown = 0.0, 0
        self._reserved = 0.0  # what rows will cost that were refused for the moment, and are made by the next run
        self._learned: dict[tuple[str, str], float] = {}  # what rows have cost, where that was more than expected
        self._priceless: set[str] = set()  # the models that have made a video whose cost is not known even then
        self._held_back: list[int] = []
        self._cheapest_over_cap: float | None = None
        self._may_fit = False  # whether what a rejected row was to cost is available again

    def open(self, rows: Sequence[Row], selection: Selection, spent: tuple[float, int]) -> None:
        """Begin to count.

        Args:
            rows: of the sweep.
            selection: which of them the run submits.
            spent: as :meth:`decart_nb.store.store.Store.spent`.
        """
        with self._lock:
            self._rows, self._paid = rows, selection.paid
            self._spent, self._unknown = spent
            self._copies.update(row.same_as for row in rows if row.same_as is not None)
            for number, state in selection.settled.items():
                self._count(number, state)

    def correct(self, spent: tuple[float, int]) -> None:
        """Replace what was counted as spent by what the store says, which knows of other processes too."""
        with self._lock:
            self._spent, self._unknown = spent

    def begin(self, number: int, job: Job) -> bool:
        """Count a row as running, unless the run was stopped. Return whether it may run."""
        with self._lock:
            if not self.stopped:
                self._jobs[number] = job
            return not self.stopped

    def settle(self, number: int, job: Job) -> None:
        """Count a row whose job has ended, and what it has cost."""
        with self._lock:
            del self._jobs[number]
            if isinstance(job.error, CapReachedError):
                self._hold_back(number)
                return
            self._pay(number, job)
            if job.clip is not None:
                if not job.clip.reused:
                    self.made.add(self._rows[number].key)
                self._count(number, "reused" if job.clip.reused else "done")
            elif job.status != "cancelled":  # such a row waits again
                self._count(number, counted_as(job.status))

    def stop(self) -> tuple[Job, ...]:
        """Let no more rows begin. Return the jobs in flight."""
        with self._lock:
            self.stopped = True
            return tuple(self._jobs.values())

    def tally(self) -> Tally:
        """The counts at this moment."""
        with self._lock:
            costs = [self.cost(self._rows[number]) for number in self._jobs if number not in self._paid]
            return Tally(
                counts=Counter(self._counts),
                shared=self._shared,
                jobs=dict(self._jobs),
                running=self._with_copies(self._jobs),
                held_back=self._with_copies(self._held_back),
                over_cap=frozenset(self._held_back),
                cost=self._spent + sum(cost or 0.0 for cost in costs),
                cost_unknown=self._unknown > 0 or None in costs,
                stopped=self.stopped,
            )

    @property
    def in_flight(self) -> int:
        """How many jobs are in flight."""
        return len(self._jobs)

    # The budget.

    @property
    def cap(self) -> float | None:
        """What the sweep may cost, less what is reserved for rows that were refused for the moment."""
        return None if self._cap is None else self._cap - self._reserved

    def cost(self, row: Row) -> float | None:
        """What a row is expected to cost, in USD: what another one with the same input has cost, or as planned."""
        return self._learned.get(_input_of(row), row.cost)

    def keep_back(self, number: int) -> bool:
        """Keep a row back that costs no less than another one that was over the cap. Return whether it was kept back.

        It spares asking the store for each of thousands of rows.
        """
        with self._lock:
            cost = self.cost(self._rows[number])
            if not cost or self._cheapest_over_cap is None or number in self._paid or cost < self._cheapest_over_cap:
                return False
            self._held_back.append(number)
            return True

    def must_wait(self, number: int) -> bool:
        """Whether a row of unknown cost has to wait, since a cap is set and another one of its model is in flight.

        The others are expected to cost as much as that one, unless its model has no price at all.
        """
        with self._lock:
            row = self._rows[number]
            if (
                self._cap is None
                or number in self._paid
                or row.resolved in self._priceless
                or self.cost(row) is not None
            ):
                return False
            others = (self._rows[other] for other in self._jobs if other not in self._paid)
            return any(other.resolved == row.resolved and self.cost(other) is None for other in others)

    def take_held_back(self) -> list[int]:
        """The rows to try again since a rejected one has cost nothing after all. They are kept back no longer."""
        with self._lock:
            if not self._may_fit or self.stopped:
                return []
            again, self._held_back, self._may_fit = self._held_back, [], False
            return again

    def _hold_back(self, number: int) -> None:
        self._held_back.append(number)
        if cost := self.cost(self._rows[number]):
            self._cheapest_over_cap = min(cost, self._cheapest_over_cap or cost)

    def _pay(self, number: int, job: Job) -> None:
        row = self._rows[number]
        expected, actual = self.cost(row), job.clip.cost if job.clip else None
        if isinstance(job.error, QueueSubmitError) and is_safe_to_resubmit(job.error):
            self._reserved += expected or 0.0
        elif job.status == "rejected":
            self._may_fit, self._cheapest_over_cap = True, None
        if number in self._paid or job.status in ("rejected", "cancelled") or (job.clip and job.clip.reused):
            return
        known = [cost for cost in (expected, actual) if cost is not None]
        self._spent += max(known, default=0.0)
        self._unknown += not known
        if job.clip and not known:
            self._priceless.add(row.resolved)
        if actual is not None and actual > (expected or 0.0):
            self._learned[_input_of(row)] = actual

    # The counts.

    def _count(self, number: int, state: str) -> None:
        self._counts[state] += 1
        self._counts["reused" if state == "done" else state] += self._copies[number]
        self._shared += self._copies[number] * (state == "done")

    def _with_copies(self, numbers: Sequence[int] | dict[int, Job]) -> int:
        return len(numbers) + sum(self._copies[number] for number in numbers if number in self._copies)


def _input_of(row: Row) -> tuple[str, str]:
    """What decides how much video a row makes: its model, and the file that it works on."""
    file = row.files.get("data")
    return row.resolved, file.sha256 if isinstance(file, InputFile) else ""
