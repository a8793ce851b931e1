"""The plan of a sweep in one line: how many rows of which sort, how much video, what it costs, how long it may take."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..client.duration_estimate import Estimate
from ..job import money
from ..job.money import Payment
from .concurrency_limit import rounds
from .rows import Cell

#: How long a job of a model may take, with so many seconds of video to work on.
Expected = Callable[[str, float | None], Estimate]


def totals_of(cells: Sequence[Cell], states: Sequence[str], expected: Expected, payment: Payment = "paid") -> str:
    """The plan in one line."""
    count = {state: states.count(state) for state in dict.fromkeys(states)}
    new = [cell for cell, state in zip(cells, states, strict=True) if state == "new"]
    parts = [f"{len(cells):,} row{'s' * (len(cells) != 1)}"]
    parts += [f"{number:,} {state}" for state, number in count.items()]
    if new:
        seconds = sum(cell.seconds or 0.0 for cell in new)
        more = "+" if any(cell.seconds is None for cell in new) else ""
        parts.append(f"{seconds:,.0f}{more} s of video to make")
        known = sum(cell.cost or 0.0 for cell in new)
        unknown = sum(cell.cost is None for cell in new)
        if known or not unknown:
            parts.append(money.estimate(known, payment) if known else "no cost")
        if unknown:
            parts.append(f"{unknown:,} of unknown cost")
        parts.append(_duration(new, expected))
    return " · ".join(parts)


def _duration(new: Sequence[Cell], expected: Expected) -> str:
    """How long it may take, from what such jobs took before: all at once, or in rounds of ever more."""
    by_model: dict[str, list[Cell]] = {}
    for cell in new:
        by_model.setdefault(cell.resolved, []).append(cell)
    low = high = 0.0
    for model, cells in by_model.items():
        usual = expected(model, cells[0].input_seconds).usual
        low, high = max(low, usual[0]), max(high, rounds(len(cells)) * usual[1])
    return f"perhaps {_time(low)} to {_time(high)}"


def _time(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 100 else f"{round(seconds / 60):,} min"
