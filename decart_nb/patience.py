"""How long to go on with what does not work yet, and how long to wait in between."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, fields

from .errors import DecartSDKError, InvalidInputError
from .values import is_number, shown


@dataclass(frozen=True)
class Patience:
    """For how long a call is made again that has failed for a passing reason, in seconds. With 0 it is made once.

    Attributes:
        submission: a submission that the queue has certainly not taken; before it, the fetching of a file from its
            address, and the question what the model's name means today.
        download: a download of which nothing more comes.
        lag: a download that is refused as too early, or unknown, although the job is completed: not every server may
            have heard of that yet.
        first: the first pause, at most; every further one is twice as long,
        longest: up to this. A server that says when to come back is obeyed, whatever these say.
    """

    submission: float = 60.0
    download: float = 600.0
    lag: float = 30.0
    first: float = 1.0
    longest: float = 30.0

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            if not is_number(value := getattr(self, name)):
                raise InvalidInputError(f"{name} of Patience must be seconds, from 0 on, not {shown(value)}.")

    def pause(self, failures: int, retry_after: float | None = None) -> float:
        """Seconds until the next attempt: drawn, so that what failed at once does not come back at once.

        Args:
            failures: how many attempts have failed in a row.
            retry_after: what the server asked for, in seconds.
        """
        pause = min(self.longest, self.first * 2.0 ** min(failures - 1, 30)) * random.uniform(0.5, 1.0)
        return pause if retry_after is None else max(pause, retry_after + random.uniform(0.0, self.first))


class Attempts:
    """The attempts at one thing, since it was begun or since it last got on.

    Args:
        patience: how long the pauses between them are.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self.got_on()

    def got_on(self) -> None:
        """Something was achieved: patience begins anew."""
        self._failures = 0

    def pause(self, error: DecartSDKError, limit: float) -> float:
        """Seconds to wait after an attempt that ended so.

        Args:
            error: what it ended with.
            limit: for how many seconds there may be attempts after the first that failed.

        Raises:
            DecartSDKError: that error, if the next attempt would come too late.
        """
        now = time.monotonic()
        if not self._failures:
            self._since = now
        self._failures += 1
        seconds = self._patience.pause(self._failures, error.data.get("retry_after"))
        if now - self._since + seconds > limit:
            raise error
        return seconds
