"""The ticks of a numeric axis: round numbers within a range of values, and where they are on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_MAX_TICKS = 6
#: Beyond the outermost values, in parts of their distance.
_MARGIN = 0.06
#: Values that are no further apart than this part of them are the same to a picture.
_SAME = 1e-9
#: The least margin: smaller numbers have too few digits to be divided into steps.
_MIN_MARGIN = 1e-306
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MAX_DECIMALS, _LARGE = 6, 1e6


@dataclass(frozen=True)
class Ticks:
    """A linear axis.

    Attributes:
        low, high: the values at its ends.
        values: of the ticks.
        labels: a text for each tick.
    """

    low: float
    high: float
    values: list[float]
    labels: list[str]

    def place(self, value: float) -> float:
        """Where a value is, from 0 at the low end to 1 at the high one."""
        return (value - self.low) / (self.high - self.low)


def ticks_of(values: Sequence[float]) -> Ticks:
    """An axis that holds all values.

    Args:
        values: at least one, all of them finite, and their distance as well.
    """
    least, most = min(values), max(values)
    margin = _MARGIN * (most - least)
    if margin <= _SAME * max(abs(least), abs(most)):
        margin = abs(most) / 10
    if margin < _MIN_MARGIN:
        margin = 0.5
    low, high = least - margin, most + margin
    power = 10.0 ** math.floor(math.log10((high - low) / _MAX_TICKS))
    step = next(power * factor for factor in _STEPS if power * factor * _MAX_TICKS >= (high - low) * (1 - _SAME))
    numbers = [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]
    decimals = next((count for count in range(_MAX_DECIMALS) if round(step, count) == step), _MAX_DECIMALS)
    plain = decimals < _MAX_DECIMALS and max(abs(low), abs(high)) < _LARGE
    return Ticks(low, high, numbers, [f"{number:.{decimals}f}" if plain else f"{number:.7g}" for number in numbers])
