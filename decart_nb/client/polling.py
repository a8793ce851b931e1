"""How often jobs are polled: the assumptions from which poll intervals are computed."""

from __future__ import annotations

from dataclasses import dataclass, fields

from .._util.plain_values import is_nonnegative
from .._util.public import public
from .._util.text import short_repr
from ..errors import InvalidInputError
from .duration_estimate import POLL_COST, Estimate

_MINIMA = {"expected": 0.05, "spread": 0.01, "shortest": 0.05, "poll_cost": 1e-6}


@public
@dataclass(frozen=True)
class Polling:
    """How often jobs are polled. What finished jobs of a model have taken soon counts for more than ``expected``.

    Attributes:
        expected: the seconds that a job is expected to take; half of all jobs take longer. At least 0.05.
        spread: the standard deviation of the logarithm of those seconds: 0.1 is precise, 1 a rough guess. At least
            0.01.
        shortest: the minimum seconds between two polls of one job. At least 0.05.
        poll_cost: the delay in seconds, until a finished job is noticed, that is accepted to save one poll. At least
            0.000001.
    """

    expected: float = 20.0
    spread: float = 1.0
    shortest: float = 1.0
    poll_cost: float = POLL_COST

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value, least = getattr(self, name), _MINIMA[name]
            if not is_nonnegative(value) or value < least:
                raise InvalidInputError(
                    f"{name} of Polling must be a number, at least {least:g}, not {short_repr(value)}."
                )

    @property
    def prior(self) -> Estimate:
        """The estimate of a job's duration as long as nothing is known of its model."""
        return Estimate.around(self.expected, self.spread, self.shortest, self.poll_cost)


#: What is assumed of Decart, and of the local queue.
LIVE = Polling()
LOCAL = Polling(expected=2.0, spread=0.8)
