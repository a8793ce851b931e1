"""How long to go on with what does not work yet, and how long to wait in between."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, fields

from .._util.plain_values import is_nonnegative
from .._util.public import public
from .._util.text import short_repr
from ..errors import DecartSDKError, InvalidInputError

#: Called before a pause with what does not work and when it is tried again, as part of a sentence, and with ``None``
#: when it works again.
OnRetry = Callable[[str | None], object]

#: The least seconds between two state, whatever the pauses are set to.
LEAST_PAUSE = 0.05


@public
@dataclass(frozen=True)
class Patience:
    """For how long a call is made again that has failed for a passing reason, in seconds. With 0 it is made once.

    Attributes:
        submission: a submission that the queue has certainly not taken, which is repeated three times at most; before
            it, the fetching of a file from its address, and the question what the model's name means today.
        download: a download of which nothing more comes.
        lag: a download that is refused as too early, or unknown, although the job is completed: not every server may
            have heard of that yet.
        first: the first pause, at most; every further one is twice as long,
        longest: up to this. A server that says when to come back is obeyed, whatever these say, and no pause is
            shorter than a twentieth of a second.
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
        """Seconds until the next attempt: drawn, so that what failed at once does not come back at once.

        Args:
            failures: how many state have failed in a row.
            retry_after: what the server asked for, in seconds.
            growth: how many times as long each pause is as the one before.
        """
        pause = min(self.longest, self.first * growth ** min(failures - 1, 30)) * random.uniform(0.5, 1.0)
        if retry_after is not None:
            pause = max(pause, retry_after + random.uniform(0.0, self.first))
        return max(pause, LEAST_PAUSE)


class RetryState:
    """The state at one thing, since it was begun or since it last got on.

    Args:
        patience: how long the pauses between them are.
        on_retry: told of each pause, and when it works again.
        growth: how many times as long each pause is as the one before.

    Attributes:
        failures: how many state have failed in a row.
        retry_line: what is told of them.
    """

    def __init__(self, patience: Patience, on_retry: OnRetry | None = None, *, growth: float = 2.0) -> None:
        self._patience = patience
        self.retry_line = RetryLine(on_retry)
        self._growth = growth
        self._since = 0.0
        self.failures = 0

    def reset(self) -> None:
        """Something was achieved: patience begins anew."""
        self.failures = 0
        self.retry_line.clear()

    def exclude(self, seconds: float) -> None:
        """Leaves a time in which nothing was attempted out of the account."""
        self._since += seconds

    def next_delay(self, error: DecartSDKError, limit: float) -> float:
        """Seconds to wait after an attempt that ended so.

        Args:
            error: what it ended with.
            limit: for how many seconds there may be state after the first that failed.

        Raises:
            DecartSDKError: that error, if the next attempt would come too late.
        """
        now = time.monotonic()
        if not self.failures:
            self._since = now
        self.failures += 1
        seconds = self._patience.pause(self.failures, error.data.get("retry_after"), growth=self._growth)
        if now - self._since + seconds > limit:
            self.retry_line.clear()
            raise error
        self.retry_line.say(error, seconds)
        return seconds


class RetryLine:
    """What somebody is told of something that is being retried.

    Args:
        on_retry: who is told.
    """

    def __init__(self, on_retry: OnRetry | None) -> None:
        self._on_retry = on_retry
        self._said = False

    def say(self, error: DecartSDKError, seconds: float) -> None:
        """Tells what does not work, and in how many seconds it is tried again."""
        if self._on_retry:
            self._said = True
            self._on_retry(f"{error.data.get('problem', 'it did not work')}, trying again in {max(1.0, seconds):.0f} s")

    def clear(self) -> None:
        """Tells that it works again, or is over, to who has heard that it does not."""
        if self._on_retry and self._said:
            self._said = False
            self._on_retry(None)
