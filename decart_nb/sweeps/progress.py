"""The progress of a sweep: counts, costs, the time left, and a note to the user."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from .._util.interface_names import step
from ..job.job import Job
from ..job.money import Payment, usd
from .ledger import Tally

#: So many jobs have to have ended before their rate tells how long the others take.
_ENOUGH = 3
#: So many job ids are named in a note.
_NAMED = 3


@dataclass(frozen=True)
class Progress:
    """The progress of a sweep at one moment. Each row counts in one of ``done`` to ``held_back``.

    Attributes:
        total: rows.
        done: made by this run, and stored.
        reused: stored before this run began, or made by this run for another row with the same request.
        shared: of those, the ones that this run has made for another row.
        running: in flight.
        waiting: not submitted yet.
        failed: failed, rejected, uncertain or unreachable.
        invalid: rows that would be refused, and are not sent.
        held_back: rows over the cap, which are not submitted.
        stopped: whether the user has stopped the run.
        payment: whether costs are paid; see :data:`decart_nb.job.money.Payment`.
        cost: an estimate in USD of what this sweep has spent in its whole life; unknown prices count nothing.
        cost_unknown: whether any of it had no known price.
        cap: the most that may be spent, in USD, if there is one.
        seconds_left: an estimate, if there is one.
        jobs: those in flight.
        rows: the numbers of these jobs' rows, in the same order.
        over_cap: the numbers of rows that are held back.
        note: a message to the user, such as that the cap was reached; may be empty.
    """

    total: int
    done: int = 0
    reused: int = 0
    shared: int = 0
    running: int = 0
    waiting: int = 0
    failed: int = 0
    invalid: int = 0
    held_back: int = 0
    stopped: bool = False
    payment: Payment = "paid"
    cost: float = 0.0
    cost_unknown: bool = False
    cap: float | None = None
    seconds_left: float | None = None
    jobs: tuple[Job, ...] = ()
    rows: tuple[int, ...] = ()
    over_cap: frozenset[int] = frozenset()
    note: str = ""


class TimeLeft:
    """Estimates how many seconds a run still takes, from its own rate. Before a job of it has ended, it tells nothing.

    As long as more jobs are being made than have ended, the rate says little: then it goes by how long such jobs were
    made before, if there were any.
    """

    def __init__(self) -> None:
        self._began = self._latest = time.monotonic()
        self._ended = 0
        self._usual: float | None = None

    def on_estimate(self, seconds: float) -> None:
        """Take into account in how many seconds a job of one of its models is usually made, at most."""
        self._usual = max(self._usual or 0.0, seconds)

    def on_started(self) -> None:
        """Take into account that the queue has begun to make a job."""
        self._latest = time.monotonic()

    def on_ended(self) -> None:
        """Take into account that a job has ended."""
        self._ended += 1

    def estimate(self, made: int, waiting: int) -> float | None:
        """The seconds left; ``None`` where that is not known.

        Args:
            made: how many jobs are being made.
            waiting: how many rows wait, here or in the queue.
        """
        now = time.monotonic()
        if not self._ended:
            return None
        if self._ended >= max(_ENOUGH, made):
            return (made + waiting) * (now - self._began) / self._ended
        if self._usual is None or not made:
            return None
        left = self._usual * (1 + waiting / made) - (now - self._latest)
        return left if left > 0 else None  # jobs take longer than usual, so nothing is known


def note_of(tally: Tally, waiting: int, *, cap: float | None, error: str, unrecorded: Sequence[str]) -> str:
    """What the user should know of a run, as sentences.

    Args:
        tally: its counts.
        waiting: how many rows have not begun.
        cap: the most that the sweep may cost, in USD.
        error: why the run could not begin.
        unrecorded: the ids of jobs that were submitted and that the store could not save.
    """
    parts = [error] if error else []
    if unrecorded:
        more = f" and {len(unrecorded) - _NAMED:,} more in .results" * (len(unrecorded) > _NAMED)
        keep = ", ".join(unrecorded[:_NAMED]) + more
        parts.append(f"The store could not save what was submitted: keep {keep}; {step('attach to any')} fetches it.")
    if (held := tally.held_back) and cap is not None:
        rows, stay = ("1 row is", "stays") if held == 1 else (f"{held:,} rows are", "stay")
        parts.append(f"{rows} kept back by {step('max_cost=')}{usd(cap)}, and {stay} planned.")
    if tally.counts["failed"]:
        parts.append(f"Failed rows are submitted again only by {step('retry')}.")
    if tally.counts["passing"]:
        parts.append("What was refused or is out of reach is tried again by the next run.")
    if tally.counts["uncertain"]:
        parts.append(f"Rows that may have been submitted are submitted again only by {step('retry uncertain')}.")
    if tally.counts["invalid"]:
        parts.append(f"{step('plan')} says why rows are invalid.")
    if tally.stopped and waiting:
        parts.append("It was stopped; running it again goes on.")
    return " ".join(parts)
