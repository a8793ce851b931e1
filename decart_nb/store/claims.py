"""Claims of this process on jobs: its lock file, and the jobs that it is running."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from .._util.process_lock import ProcessLock
from ..errors import StoreError
from .job_row import UNDER_WAY, Record, new_key
from .jobs import JobTable


class ClaimLostError(StoreError):
    """Another process has taken a job over before it was sent. Nothing was sent."""


class Claims:
    """Which jobs this process has claimed, and whether the holders of others are still alive.

    Args:
        folder: where the lock files of all processes are.
        jobs: the table of jobs.
        on_rollback: calls something if the transaction that is under way is rolled back.
    """

    def __init__(self, folder: Path, jobs: JobTable, on_rollback: Callable[[Callable[[], object]], object]) -> None:
        self._folder, self._jobs, self._on_rollback = folder, jobs, on_rollback
        self._lock: ProcessLock | None = None
        self._inherited: list[ProcessLock] = []
        self._former: set[str] = set()  # names that this process had before, and that rows still have
        self._running: dict[str, Record] = {}  # by their keys

    @property
    def lock(self) -> ProcessLock:
        """The lock of this process, by whose name the others know it."""
        assert self._lock is not None
        return self._lock

    def holds(self, record: Record) -> bool:
        """Whether this process is running a job."""
        return record.key in self._running

    def is_held(self, record: Record) -> bool:
        """Whether this process, or another one that is alive, is running a job."""
        return self._is_held(record, self.lock.is_alive)

    def orphans(self, records: list[Record]) -> list[Record]:
        """Those of many jobs that no process is running."""
        is_alive = functools.cache(self.lock.is_alive)  # once for each process
        return [record for record in records if not self._is_held(record, is_alive)]

    def _is_held(self, record: Record, is_alive: Callable[[str | None], bool]) -> bool:
        return self.holds(record) if record.holder == self.lock.name else is_alive(record.holder)

    def take(self, record: Record) -> Record:
        """Claim a job with a new token; the caller stores it."""
        record.holder, record.claim = self.lock.name, new_key()
        self._running[record.key] = record
        self._on_rollback(lambda: self._running.pop(record.key, None))
        return record

    def drop(self, record: Record) -> None:
        """Release a claim, unless another part of this process has claimed the job since."""
        if (running := self._running.get(record.key)) is not None and running.claim in (record.claim, None):
            del self._running[record.key]

    def renew_lock(self) -> None:
        """Take a new lock where somebody has removed the file of the old one: the others see no other lock."""
        if not self.lock.is_visible:
            before, self._lock = self.lock, ProcessLock(self._folder)
            before.close()
            self._former.add(before.name)
            for record in self._running.values():
                record.holder = self._lock.name
        former, self._former = self._former, set()
        self._on_rollback(lambda: self._former.update(former))
        for name in former:
            self._jobs.change_holder(name, self.lock.name)

    def close(self) -> None:
        """Remove the lock, unless this process is running jobs. The next transaction takes a new one."""
        if not self._running and not self.lock.is_inherited:
            self.lock.close()

    def open(self) -> bool:
        """Take a lock in a database that this process has not had open before.

        Returns:
            Whether this process was forked from another one: the claims are that one's.
        """
        before, self._lock = self._lock, ProcessLock(self._folder)
        if before is None:
            return False
        if before.is_inherited:
            # Kept: its end would release the lock of the process that this one was forked from.
            self._inherited.append(before)
            self._running = {}
        else:
            before.close()  # not earlier: the new lock would have removed what has come into the staging folder
        return before.is_inherited

    def insert_running(self) -> None:
        """Insert the jobs that this process is running, in a database that does not have them."""
        for record in self._running.values():
            if record.status in UNDER_WAY:
                record.holder = self.lock.name
                self._jobs.write_whole(record, record.claim)
