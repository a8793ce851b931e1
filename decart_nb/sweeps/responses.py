"""Waiting for the answers to submissions under way, after a sweep was cancelled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sweep import Sweep

_TIMEOUT = 10.0


def await_responses(sweep: Sweep) -> None:
    """Wait until each job of a cancelled sweep has an id or was withdrawn, for at most 10 s.

    Without an id, a job's submission stays uncertain; and until it is withdrawn, its cost is reserved.
    """
    until = time.monotonic() + _TIMEOUT
    while any(job.id is None and not job.done for job in sweep.progress.jobs) and time.monotonic() < until:
        time.sleep(0.05)
