"""A local queue whose jobs begin and end when a test says so."""

from __future__ import annotations

import time
from pathlib import Path

from decart_nb.local.queue import LocalQueue


class HeldQueue(LocalQueue):
    """A local queue whose jobs end only when a test ends them."""

    def __init__(self, folder: Path, canned: Path) -> None:
        super().__init__(folder, canned=canned, draw_duration=lambda: 3600.0)

    def begin(self) -> None:
        """Start all queued jobs."""
        for record in map(self.jobs.get, self.jobs.storage.ids()):
            assert record
            record.started = min(record.started or time.time(), time.time())

    def finish(self, *job_ids: str, error: str | None = None) -> None:
        """End running jobs, all unless some are named: successfully, or with an error."""
        now = time.time()
        for record in map(self.jobs.get, job_ids or self.jobs.storage.ids()):
            assert record
            assert record.ready
            if record.ready > now:
                record.error, record.ready = error, now
