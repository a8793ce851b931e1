"""Validation of numeric arguments, such as frames per second."""

from __future__ import annotations

import contextlib
import math
from numbers import Real
from typing import Any

from .._util.plain_values import is_flag, is_scalar
from .._util.text import short_repr
from ..errors import InvalidInputError


def finite_number(
    name: str,
    value: Any,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
) -> float:
    """Convert an argument to a finite ``float``. NumPy scalars are numbers; booleans and text are not.

    Args:
        name: of the argument.
        value: of the argument.
        at_least: inclusive minimum.
        above: exclusive minimum.
        at_most: inclusive maximum.

    Raises:
        InvalidInputError: it is not a number, is infinite or NaN, or is out of range; the message gives the range.
    """
    number = math.nan
    if is_scalar(value) and not isinstance(value, Real):
        value = value.item()
    if isinstance(value, Real) and not is_flag(value):
        with contextlib.suppress(OverflowError):
            number = float(value)
    if (
        math.isfinite(number)
        and (at_least is None or number >= at_least)
        and (above is None or number > above)
        and (at_most is None or number <= at_most)
    ):
        return number
    bounds = (("at least", at_least), ("more than", above), ("at most", at_most))
    wanted = " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
    raise InvalidInputError(
        f"{name} must be a finite number{wanted and f', {wanted}'}, not {short_repr(value)}.", {"fields": [name]}
    )
