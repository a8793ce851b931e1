"""Distributions of job durations for the local queue, written as ``KIND:NUMBERS``."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from ..errors import LocalQueueError

#: kind → the names of its parameters, for messages; all are in seconds but SIGMA and SHARE_OF_LONG.
KINDS = {
    "fixed": ("SECONDS",),
    "uniform": ("LEAST", "MOST"),
    "exponential": ("MEAN",),
    "lognormal": ("MEDIAN", "SIGMA"),
    "bimodal": ("SHORT", "LONG", "SHARE_OF_LONG"),
}

_MAX_EXPONENT = 50.0


def usage() -> str:
    """All kinds with their parameters, for the command line's help."""
    return ", ".join(f"{kind}:{','.join(numbers)}" for kind, numbers in KINDS.items())


def durations(text: str, rng: random.Random | None = None) -> Callable[[], float]:
    """A function that draws a duration, in seconds, from the distribution that a text names.

    Args:
        text: such as ``lognormal:30,0.25``.
        rng: the random generator to draw from; a new one unless passed.

    Raises:
        LocalQueueError: the text names no distribution.
    """
    rng = rng or random.Random()
    kind, _, rest = text.partition(":")
    try:
        numbers = [float(number) for number in rest.split(",")]
    except ValueError:
        numbers = []
    good = all(math.isfinite(number) and number >= 0 for number in numbers)
    if kind == "bimodal" and len(numbers) == 3:
        good = good and numbers[2] <= 1
    if kind not in KINDS or len(numbers) != len(KINDS[kind]) or not good:
        raise LocalQueueError(f"{text!r} is not a distribution of durations; give one of {usage()}.")
    match kind:
        case "fixed":
            return lambda: numbers[0]
        case "uniform":
            return lambda: rng.uniform(*numbers)
        case "exponential":
            return lambda: rng.expovariate(1 / numbers[0]) if numbers[0] else 0.0
        case "lognormal":
            return lambda: numbers[0] * math.exp(min(rng.gauss(0, numbers[1]), _MAX_EXPONENT))
        case _:
            return lambda: numbers[1] if rng.random() < numbers[2] else numbers[0]
