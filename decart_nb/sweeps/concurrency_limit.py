"""How many jobs of a model may be in flight at once: a number that learns what the service bears."""

from __future__ import annotations

import math

from ..errors import DecartSDKError

#: So many at first; twice as many after each round, until the service says that there are too many.
START = 32
_TOO_MANY = 429


class AdaptiveLimit:
    """A ceiling on the jobs of one model in flight.

    It goes up in rounds: one is over when the service has begun to work on the job that made the number full, and so on
    those before it. The ceiling doubles from round to round until the first 429, and grows by one a round from then on.
    A 429 halves it, once for all that were in flight together. It grows only while it is what holds jobs back. A
    server's own trouble (5xx) stops the growth for a round, and cuts nothing.

    Attributes:
        limit: how many there may be.
    """

    def __init__(self) -> None:
        self.limit = START
        self._last = 0  # the latest number that was given
        self._inside: set[int] = set()
        self._due = START  # the number with which the round is over
        self._cut = 0  # the latest number when it was cut
        self._doubles = True
        self._full = False

    @property
    def in_flight(self) -> int:
        """How many there are."""
        return len(self._inside)

    def can_admit(self) -> bool:
        """Whether one more may begin. To be asked only if there is one more."""
        self._full = self.in_flight >= self.limit
        return not self._full

    def admit(self) -> int:
        """Lets one in. Returns its number, for the calls below."""
        self._last += 1
        self._inside.add(self._last)
        return self._last

    def on_rejected(self, number: int, error: DecartSDKError) -> None:
        """Hears that a submission was not taken."""
        if error.data.get("status") != _TOO_MANY:
            self._due = self._last + self.limit
        elif number > self._cut:  # those that began before the last cut were on their way already
            self.limit = max(1, min(self.limit, self.in_flight) // 2)
            self._doubles, self._cut, self._due = False, self._last, self._last + self.limit

    def is_probing(self, number: int) -> bool:
        """Whether it grows as soon as the service works on that job."""
        return self._full and number >= self._due

    def on_started(self, number: int) -> bool:
        """Hears that the service works on a job, or has ended it. Returns whether there is room for more since."""
        if not self.is_probing(number):
            return False
        self.limit += self.limit if self._doubles else 1
        self._due = self._last + (self.limit - self.in_flight if self._doubles else self.limit)
        return True

    def release(self, number: int) -> None:
        """Hears that a job is in flight no more, whatever came of it; once or more."""
        self._inside.discard(number)


def rounds(jobs: int) -> int:
    """How many rounds so many jobs take from the beginning, if nothing objects: an estimate."""
    return math.ceil(math.log2(jobs / START + 1))
