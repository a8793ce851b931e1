"""How money is written: estimates say that they are, and what the local queue rehearses is not said to be paid."""

from __future__ import annotations

from typing import Literal

_CENT = 0.01

#: What becomes of a job's cost: it is billed, or computed from prices given to the local queue, or there is none.
Payment = Literal["paid", "rehearsed", "free"]


def usd(amount: float) -> str:
    """An amount that somebody gave, such as a cap."""
    return f"${amount:g}" if 0 < amount < _CENT else f"${amount:,.2f}"


def about(amount: float) -> str:
    """An estimate above zero: ``about $0.84``."""
    return f"about ${amount:,.2f}" if amount >= _CENT / 2 else "under $0.01"


def estimate(amount: float, payment: Payment) -> str:
    """An estimate above zero, and whether it is only rehearsed."""
    return f"{about(amount)}{', rehearsed' * (payment != 'paid')}"
