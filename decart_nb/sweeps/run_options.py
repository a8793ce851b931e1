"""The arguments of a run, checked: the cap on its cost, and the most jobs in flight."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from .._util.interface_names import step
from .._util.plain_values import is_flag, is_nonnegative
from .._util.text import short_repr
from ..errors import InvalidInputError


def checked_cost(cap: Any, name: str = "") -> float | None:
    """A cap in USD, or ``None``.

    Args:
        cap: the amount.
        name: of the argument; ``max_cost`` unless given.

    Raises:
        InvalidInputError: it is no amount.
    """
    if cap is not None and not is_nonnegative(cap):
        raise InvalidInputError(f"{name or step('max_cost')} must be USD, as a number from 0, not {short_repr(cap)}.")
    return None if cap is None else float(cap)


def checked_count(count: Any, name: str = "", of: str = "jobs") -> int | None:
    """A whole number from 1, or ``None``.

    Args:
        count: the number.
        name: of the argument; ``concurrency`` unless given.
        of: what is counted.

    Raises:
        InvalidInputError: it is no such number.
    """
    if count is not None and (is_flag(count) or not isinstance(count, Integral) or count < 1):
        raise InvalidInputError(
            f"{name or step('concurrency')} must be a whole number of {of} from 1, not {short_repr(count)}."
        )
    return None if count is None else int(count)
