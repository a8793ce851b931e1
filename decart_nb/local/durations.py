"""How long a canned job takes: drawn from a distribution that is named as ``KIND:NUMBERS``."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from ..errors import LocalQueueError

#: kind → the names of its numbers, for messages; all are seconds but σ and SHARE.
KINDS = {
    "fixed": ("SECONDS",),
    "uniform": ("LEAST", "MOST"),
    "exponential": ("MEAN",),
    "lognormal": ("MEDIAN", "SIGMA"),
    "bimodal": ("SHORT", "LONG", "SHARE_OF_LONG"),
}

_LARGEST_EXPONENT = 50.0


def usage() -> str:
    """All kinds with their numbers, as a person types them."""
    return ", ".join(f"{kind}:{','.join(numbers)}" for kind, numbers in KINDS.items())


def durations(text: str, rng: random.Random | None = None) -> Callable[[], float]:
    """What draws durations, in seconds.

    Args:
        text: such as ``lognormal:30,0.25``.
        rng: where chance comes from.

    Raises:
        LocalQueueError: the text names no distribution.
    """
    draw = rng or random.Random()
    kind, _, rest = text.partition(":")
    try:
        numbers = [float(number) for number in rest.split(",")]
    except ValueError:
        numbers = []
    good = all(math.isfinite(number) and number >= 0 for number in numbers)
    if kind == "bimodal" and len(numbers) == 3:
        good = good and numbers[2] <= 1
    if kind not in KINDS or len(numbers) != len(KINDS[kind]) or not good:
        raise LocalQueueError(f"{text!r} is no distribution of durations; give one of {usage()}.")
    match kind:
        case "fixed":
            return lambda: numbers[0]
        case "uniform":
            return lambda: draw.uniform(*numbers)
        case "exponential":
            return lambda: draw.expovariate(1 / numbers[0]) if numbers[0] else 0.0
        case "lognormal":
            return lambda: numbers[0] * math.exp(min(draw.gauss(0, numbers[1]), _LARGEST_EXPONENT))
        case _:
            return lambda: numbers[1] if draw.random() < numbers[2] else numbers[0]
