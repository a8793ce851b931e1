"""Retry limits, back-off, and the one retry loop of the client."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from typing import TypeVar

from .._util.plain_values import is_nonnegative
from .._util.public import public
from .._util.text import short_repr
from ..errors import DecartSDKError, InvalidInputError

_T = TypeVar("_T")

#: Called before a pause with a phrase that says what failed and when the next attempt is, and with ``None`` when the
#: retries have ended.
OnRetry = Callable[[str | None], object]

#: The minimum seconds between two attempts, whatever the patience.
MIN_PAUSE = 0.05
#: The jitter's own generator: the module's is left to the user, so that a seeded notebook stays reproducible.
JITTER = random.SystemRandom()


@public
@dataclass(frozen=True)
class Patience:
    """Retry limits and back-off, in seconds. A call with a limit of 0 is made once.

    Attributes:
        submission: the limit of a submission that the queue has certainly not accepted, which is repeated three times
            at most; and of what comes before it, fetching input files from URLs and resolving the model's name.
        download: the limit of a download since its last progress.
        lag: the limit of a download that answers 404, 409 or 410 although the job is completed: servers may lag behind.
        first: the upper bound of the first pause; each further one is twice as long, of a submission six times.
        longest: the upper bound of every pause. Retry-After is respected beyond it; no pause is shorter than 0.05 s.
    """

    submission: float = 60.0
    download: float = 600.0
    lag: float = 30.0
    first: float = 1.0
    longest: float = 30.0

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            if not is_nonnegative(value := getattr(self, name)):
                raise InvalidInputError(f"{name} of Patience must be seconds, from 0 on, not {short_repr(value)}.")

    def pause(self, failures: int, retry_after: float | None = None, *, growth: float = 2.0) -> float:
        """Return the seconds until the next attempt, with random jitter.

        Args:
            failures: the number of attempts that have failed in a row.
            retry_after: the server's Retry-After, in seconds.
            growth: factor between two pauses.
        """
        pause = min(self.longest, self.first * growth ** min(failures - 1, 30)) * JITTER.uniform(0.5, 1.0)
        if retry_after is not None:
            pause = max(pause, retry_after + JITTER.uniform(0.0, self.first))
        return max(pause, MIN_PAUSE)


class RetryState:
    """The state of one retried call: its failures in a row, and since when it has failed.

    Args:
        patience: the back-off.
        on_retry: called before each pause, and when the call works again.
        growth: factor between two pauses.

    Attributes:
        failures: the number of attempts that have failed in a row.
        retry_line: reports them.
    """

    def __init__(self, patience: Patience, on_retry: OnRetry | None = None, *, growth: float = 2.0) -> None:
        self._patience = patience
        self.retry_line = RetryLine(on_retry)
        self._growth = growth
        self._failing_since = 0.0
        self.failures = 0

    def reset(self) -> None:
        """Note progress: back-off and time limit start anew with the next failure."""
        self.failures = 0
        self.retry_line.clear()

    def exclude(self, seconds: float) -> None:
        """Do not count a time in which nothing was attempted towards the limit."""
        self._failing_since += seconds

    def next_delay(self, error: DecartSDKError, limit: float) -> float:
        """Record a failure, and return the seconds until the next attempt.

        Args:
            error: the failure.
            limit: the seconds after the first failure in which attempts may begin.

        Raises:
            DecartSDKError: ``error`` itself, where the next attempt would begin after the limit.
        """
        now = time.monotonic()
        if not self.failures:
            self._failing_since = now
        self.failures += 1
        seconds = self._patience.pause(self.failures, error.data.get("retry_after"), growth=self._growth)
        if now - self._failing_since + seconds > limit:
            raise error
        self.retry_line.say(error, seconds)
        return seconds

    async def run(
        self,
        attempt: Callable[[], Awaitable[_T]],
        limit: Callable[[DecartSDKError], float | None],
        pause: Callable[[DecartSDKError, float], Awaitable[object]] | None = None,
    ) -> _T:
        """Call an attempt until it succeeds.

        Args:
            attempt: makes one attempt.
            limit: the limit that a failure has, as for :meth:`next_delay`; ``None`` where it must not be retried.
            pause: awaits the delay after a failure; :func:`asyncio.sleep` by default.

        Raises:
            DecartSDKError: the last failure, where it must not be retried or its limit has passed.
        """
        try:
            while True:
                try:
                    return await attempt()
                except DecartSDKError as error:
                    if (most := limit(error)) is None:
                        raise
                    delay = self.next_delay(error, most)
                    waiting = pause(error, delay) if pause else asyncio.sleep(delay)
                await waiting  # outside of the handler, so that what it raises has no context
        finally:
            self.retry_line.clear()


class RetryLine:
    """Reports retries to a callback, and their end only if a retry was reported.

    Args:
        on_retry: the callback.
    """

    def __init__(self, on_retry: OnRetry | None) -> None:
        self._on_retry = on_retry
        self._reported = False

    def say(self, error: DecartSDKError, seconds: float) -> None:
        """Report a failure, and the seconds until the next attempt."""
        if self._on_retry:
            self._reported = True
            self._on_retry(f"{error.data.get('problem', 'it did not work')}, trying again in {max(1.0, seconds):.0f} s")

    def clear(self) -> None:
        """Report that the retries have ended, if one was reported."""
        if self._on_retry and self._reported:
            self._reported = False
            self._on_retry(None)
