"""How many jobs of a model may be in flight at once: a number that learns what the service bears."""

from __future__ import annotations

import math

from .errors import DecartSDKError

#: So many at first; twice as many after each round of them, until the service says that there are too many.
START = 32
_TOO_MANY = 429


class Gate:
    """A ceiling on the jobs of one model in flight.

    It doubles from round to round until the first 429, and grows by one a round from then on. A 429 halves it, once for
    all that were in flight together. It grows only while it is what holds jobs back. A server's own trouble (5xx) stops
    the growth for a round, and cuts nothing.

    Attributes:
        in_flight: how many there are.
    """

    def __init__(self) -> None:
        self.in_flight = 0
        self._limit = float(START)
        self._doubles = True
        self._full = False
        self._muted = 0
        self._episode = 0

    @property
    def limit(self) -> int:
        """How many there may be."""
        return int(self._limit)

    def opens(self) -> bool:
        """Whether one more may begin. To be asked only if there is one more."""
        self._full = self.in_flight >= self.limit
        return not self._full

    def begin(self) -> int:
        """Lets one in. Returns which episode it belongs to, for the calls below."""
        self.in_flight += 1
        return self._episode

    def refused(self, episode: int, error: DecartSDKError) -> None:
        """Hears that a submission was not taken."""
        if error.data.get("status") != _TOO_MANY:
            self._muted = self.limit
        elif episode == self._episode:  # those that began before the last cut were on their way already
            self._limit = max(1.0, min(self._limit, self.in_flight) / 2)
            self._doubles = False
            self._episode += 1

    def end(self, episode: int) -> None:
        """Hears that one has ended."""
        self.in_flight -= 1
        if self._muted:
            self._muted -= 1
        elif self._full and episode == self._episode:
            self._limit += 1.0 if self._doubles else 1.0 / self._limit


def rounds(jobs: int, ceiling: int | None = None) -> int:
    """How many rounds so many jobs take from the beginning, if nothing objects: an estimate."""
    count, limit = 0, START
    while jobs > 0:
        limit = min(limit, ceiling or limit)
        if limit == ceiling:
            return count + math.ceil(jobs / limit)
        jobs, limit, count = jobs - limit, 2 * limit, count + 1
    return count
