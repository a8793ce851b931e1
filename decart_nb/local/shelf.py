"""The local queue's memory: a folder a job, written whole or not at all, so that jobs outlive the process.

Several queues may share one shelf, as two notebooks in a folder do. Each unfinished job belongs to one of them, and
a lock that the operating system lets go of when a process ends tells whether its owner is still there.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ..errors import LocalQueueError

_ID = re.compile(r"[0-9a-f]{32}")


@dataclass
class Record:
    """A job: what was asked for, and how far it has come. Times are seconds since the epoch.

    Attributes:
        started: when work on it began, or will.
        ready: when it counts as ended, or will; ``None`` as long as nobody knows.
        error: why it failed.
    """

    id: str
    model: str
    values: dict[str, Any]
    files: list[str]
    seed: int
    owner: str
    created: float
    started: float | None = None
    ready: float | None = None
    error: str | None = None

    def status(self, now: float | None = None) -> str:
        """``pending``, ``processing``, ``completed`` or ``failed``."""
        now = time.time() if now is None else now
        if self.ready is not None and now >= self.ready:
            return "failed" if self.error else "completed"
        return "processing" if self.started is not None and now >= self.started else "pending"


def oldest_first(folder: Path, names: re.Pattern[str]) -> list[str]:
    """What lies in a folder under such names, the oldest first; others may be removing some of it."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if names.fullmatch(entry.name):
                with contextlib.suppress(FileNotFoundError):
                    found.append((entry.stat().st_mtime, entry.name))
    return [name for _, name in sorted(found)]


class Shelf:
    """The folder.

    Args:
        folder: made if it is not there.

    Raises:
        LocalQueueError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.me = uuid.uuid4().hex
        self._jobs = folder / "jobs"
        self._owners = folder / "owners"
        try:
            self._jobs.mkdir(parents=True, exist_ok=True)
            self._owners.mkdir(exist_ok=True)
            self._alive = self._lock(self.me)
            self._alive.acquire()
        except OSError as cause:
            raise LocalQueueError(
                f"The local queue cannot keep its jobs in {folder.name}: {cause.strerror or cause}. "
                "Choose another folder with store=…, or --folder on the command line.",
                cause=cause,
            ) from None

    def close(self) -> None:
        """Lets go of the jobs that are not finished: whoever asks for one next takes it over."""
        self._alive.release()
        (self._owners / self.me).unlink(missing_ok=True)

    def folder(self, job_id: str) -> Path:
        """Where a job's inputs and its video lie."""
        return self._jobs / job_id

    def video(self, job_id: str) -> Path:
        """Where a job's video is, once it is there."""
        return self.folder(job_id) / "video.mp4"

    def add(self) -> str:
        """A new job's id, and its folder."""
        job_id = uuid.uuid4().hex
        self.folder(job_id).mkdir(parents=True)
        return job_id

    def save(self, record: Record) -> None:
        """Writes a job down."""
        target = self.folder(record.id) / "job.json"
        partial = target.with_suffix(f".{self.me[:8]}")
        partial.write_text(json.dumps(asdict(record)), encoding="utf-8")
        partial.replace(target)

    def load(self, job_id: str) -> Record | None:
        """The job of that id, as it was last written down."""
        if not _ID.fullmatch(job_id):
            return None
        try:
            return Record(**json.loads((self.folder(job_id) / "job.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def remove(self, job_id: str) -> None:
        """Forgets a job, with its inputs and its video."""
        shutil.rmtree(self.folder(job_id), ignore_errors=True)

    def ids(self) -> list[str]:
        """All jobs, the oldest first."""
        return oldest_first(self._jobs, _ID)

    @contextlib.contextmanager
    def adopting(self, record: Record) -> Iterator[Record | None]:
        """The unfinished job as it stands, to be taken over in the block; nothing if its owner is still there."""
        lock = self._lock(record.owner)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield None
            return
        try:
            # Its owner may have finished it just now, or somebody else may have been quicker.
            current = self.load(record.id)
            yield current if current and current.ready is None and current.owner == record.owner else None
        finally:
            lock.release()
            (self._owners / record.owner).unlink(missing_ok=True)

    def _lock(self, owner: str) -> FileLock:
        return FileLock(self._owners / owner, thread_local=False)
