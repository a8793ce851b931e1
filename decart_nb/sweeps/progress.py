"""How far a sweep has come: what its live view and its plain forms are made from."""

from __future__ import annotations

from dataclasses import dataclass

from ..job.job import Job
from ..job.money import Payment


@dataclass(frozen=True)
class Progress:
    """A sweep at one moment. Every row counts in exactly one of ``done`` to ``held_back``.

    Attributes:
        total: rows.
        done: made by this run, and stored.
        reused: stored before this run looked, or made by this run for another row that asks for the same.
        shared: of those, the ones that this run has made for another row.
        running: on their way.
        waiting: not begun yet.
        failed: failed, rejected, uncertain or out of reach.
        invalid: rows that would be refused, and were never sent.
        held_back: what the cap kept back.
        stopped: whether nothing more is submitted, because somebody said so.
        payment: what becomes of a cost; see :data:`decart_nb.job.money.Payment`.
        cost: an estimate in USD of what this sweep has spent in its whole life; unknown prices count nothing.
        cost_unknown: whether any of it had no known price.
        cap: the most that may be spent, in USD, if there is one.
        seconds_left: an estimate; ``None`` where nothing can be said.
        jobs: those that are running.
        note: what the person should know, such as that the cap was reached; empty where there is nothing.
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
    note: str = ""
