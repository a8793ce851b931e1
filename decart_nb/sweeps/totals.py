"""The summary line of a plan: its rows by state, the seconds of video, the cost and the time it may take."""

from __future__ import annotations

from collections.abc import Sequence

from ..client.duration_estimate import Estimate
from ..job import money
from ..job.money import Payment
from .rows import Row
from .run_time import Past, run_time


def totals_of(
    rows: Sequence[Row], states: Sequence[str], past: Past, prior: Estimate, payment: Payment = "paid"
) -> str:
    """The summary line of a plan.

    Args:
        rows: of the plan.
        states: of each row.
        past, prior: as for :func:`.run_time.run_time`.
        payment: whether costs are paid.
    """
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
        parts.append(_duration(new, past, prior))
    return " · ".join(filter(None, parts))


def _duration(new: Sequence[Row], past: Past, prior: Estimate) -> str:
    """How long the new rows may take, if anything is known of it."""
    by_model: dict[str, list[float | None]] = {}
    for row in new:
        by_model.setdefault(row.resolved, []).append(row.input_seconds)
    match run_time(by_model, past, prior):
        case None:
            return ""
        case low, None:
            return f"{_time(low)} or more"
        case low, high:
            return f"perhaps {_time(low)} to {_time(high)}"


def _time(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 100 else f"{round(seconds / 60):,} min"
