"""An adaptive limit on the jobs of one model in flight, which rises until the service pushes back."""

from __future__ import annotations

from ..errors import DecartSDKError

#: The limit at first. It doubles with each round until the first 429.
START = 32
_TOO_MANY = 429


class AdaptiveLimit:
    """A limit on the jobs of one model in flight.

    The limit grows in rounds. A round ends when the service starts the job that filled the limit. The limit doubles
    with each round until the first 429, and grows by one a round from then on. A 429 halves it, once for all jobs that
    were in flight together. It grows only while jobs wait for it. A server error (5xx) stops the growth for a round.

    Attributes:
        limit: the most jobs in flight at the moment.
    """

    def __init__(self) -> None:
        self.limit = START
        self._last = 0  # the number of the latest job
        self._inside: set[int] = set()
        self._due = START  # the number of the job that ends the round
        self._cut = 0  # the number of the latest job when the limit was last halved
        self._doubles = True
        self._full = False

    @property
    def in_flight(self) -> int:
        """The number of jobs in flight."""
        return len(self._inside)

    def can_admit(self) -> bool:
        """Whether another job may start. Call it only if there is one: it records whether the limit is reached."""
        self._full = self.in_flight >= self.limit
        return not self._full

    def admit(self) -> int:
        """Count a job that starts. Return its number, for the methods below."""
        self._last += 1
        self._inside.add(self._last)
        return self._last

    def on_rejected(self, number: int, error: DecartSDKError) -> None:
        """Handle the rejection of a job's submission."""
        if error.data.get("status") != _TOO_MANY:
            self._due = self._last + self.limit
        elif number > self._cut:  # those that began before the last cut were on their way already
            self.limit = max(1, min(self.limit, self.in_flight) // 2)
            self._doubles, self._cut, self._due = False, self._last, self._last + self.limit

    def is_probing(self, number: int) -> bool:
        """Whether the limit grows as soon as the service starts this job."""
        return self._full and number >= self._due

    def on_started(self, number: int) -> bool:
        """Handle that the service has started or ended a job. Return whether the limit has grown."""
        if not self.is_probing(number):
            return False
        self.limit += self.limit if self._doubles else 1
        self._due = self._last + (self.limit - self.in_flight if self._doubles else self.limit)
        return True

    def release(self, number: int) -> None:
        """Count a job as ended, whatever its result. It may be called more than once."""
        self._inside.discard(number)
