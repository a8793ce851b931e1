"""The summary line of a plan: its rows by state, the seconds of video, the cost and the time it may take."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..client.duration_estimate import Estimate
from ..job import money
from ..job.money import Payment
from .concurrency_limit import rounds
from .rows import Row

#: Estimates how long a job takes, by its model and the seconds of its input video.
Expected = Callable[[str, float | None], Estimate]


def totals_of(rows: Sequence[Row], states: Sequence[str], expected: Expected, payment: Payment = "paid") -> str:
    """The summary line of a plan."""
    count = {state: states.count(state) for state in dict.fromkeys(states)}
    new = [row for row, state in zip(rows, states, strict=True) if state == "new"]
    parts = [f"{len(rows):,} row{'s' * (len(rows) != 1)}"]
    parts += [f"{number:,} {state}" for state, number in count.items()]
    if new:
        seconds = sum(row.seconds or 0.0 for row in new)
        more = "+" if any(row.seconds is None for row in new) else ""
        parts.append(f"{seconds:,.0f}{more} s of video to make")
        known = sum(row.cost or 0.0 for row in new)
        unknown = sum(row.cost is None for row in new)
        if known or not unknown:
            parts.append(money.estimate(known, payment) if known else "no cost")
        if unknown:
            parts.append(f"{unknown:,} of unknown cost")
        parts.append(_duration(new, expected))
    return " · ".join(parts)


def _duration(new: Sequence[Row], expected: Expected) -> str:
    """How long the new rows may take, from the durations of earlier jobs: from all at once to round by round."""
    by_model: dict[str, list[Row]] = {}
    for row in new:
        by_model.setdefault(row.resolved, []).append(row)
    low = high = 0.0
    for model, rows in by_model.items():
        usual = expected(model, rows[0].input_seconds).interval
        low, high = max(low, usual[0]), max(high, rounds(len(rows)) * usual[1])
    return f"perhaps {_time(low)} to {_time(high)}"


def _time(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 100 else f"{round(seconds / 60):,} min"
