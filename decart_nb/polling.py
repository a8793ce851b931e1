"""When to look again, and how far along a job may be: pure functions of what is known about its model."""

from __future__ import annotations

import math

#: Decart fails a job after ten minutes; a minute on top covers the clocks and the last poll.
DEADLINE = 660.0
#: Seconds between two looks at a job.
INTERVAL = 1.5
LOCAL_INTERVAL = 0.5
#: Right after a submission a job may not have reached every server yet: until then a 404 means nothing.
PROPAGATION = 30.0
#: What a job takes, in seconds, as long as nothing better is known.
USUAL = 30.0
LOCAL_USUAL = 3.0

_LONGEST_PAUSE = 15.0


def pause(interval: float, failures: int = 0, retry_after: float | None = None) -> float:
    """Seconds until the next look.

    Args:
        interval: seconds between two looks that are answered.
        failures: how many looks in a row were not.
        retry_after: what the server asked for, in seconds.
    """
    if retry_after is not None:
        return max(interval, min(DEADLINE, retry_after))
    return interval if not failures else max(interval, min(_LONGEST_PAUSE, 2.0 ** min(failures - 1, 10)))


def progress(elapsed: float, usual: float) -> float:
    """An estimate, from 0 to just under 1, of how much of a job is done: it grows for ever and is never done.

    Args:
        elapsed: seconds since the submission.
        usual: seconds that such a job takes.
    """
    return 0.98 * (1 - math.exp(-1.5 * elapsed / usual))
