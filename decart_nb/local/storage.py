"""The local queue's memory: a folder a job, written whole or not at all, so that jobs outlive the process.

Several queues may share one folder, as two notebooks do. Each unfinished job belongs to one of them, and a lock that
the operating system releases when a process ends tells whether its owner is still there.

Whatever is being written lies in ``staging/``, in a folder of its owner's, until it is whole and is renamed. What a
killed process leaves there is removed by the next one that starts. Nothing that lies in the folder is trusted: a record
of another shape is no job, and a file that leads elsewhere is not there.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from .._util.files import atomic_write, os_reason
from ..errors import LocalQueueError

_ID = re.compile(r"[0-9a-f]{32}")
_INPUT = re.compile(r"[a-z][a-z_]{0,63}")
#: Bytes of a record; its longest field is a trajectory.
_MAX_RECORD = 2**22
#: Seconds to wait for another process that is taking a job over.
_LOCK_TIMEOUT = 10.0


@dataclass
class Record:
    """A job: what was asked for, and how far it has come. Times are seconds since the epoch.

    Attributes:
        started: when work on it began, or will.
        ready: when it counts as ended, or will; ``None`` as long as nobody knows.
        error: why it failed.
        attempts: how often a render of it was started and has not ended.
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
    attempts: int = 0

    def is_sound(self) -> bool:
        """Whether every field is of its type: a record is read from a file that anybody may have written."""
        times = (self.created, 0 if self.started is None else self.started, 0 if self.ready is None else self.ready)
        return (
            all(isinstance(text, str) for text in (self.id, self.model, self.owner, self.error or ""))
            and all(isinstance(time, int | float) and math.isfinite(time) for time in times)
            and all(isinstance(number, int) for number in (self.seed, self.attempts))
            and isinstance(self.values, dict)
            and isinstance(self.files, list)
            and all(isinstance(name, str) and _INPUT.fullmatch(name) for name in self.files)
            and bool(_ID.fullmatch(self.id) and _ID.fullmatch(self.owner))
        )

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
        self.root = folder
        self._jobs = folder / "jobs"
        self._owners = folder / "owners"
        self.staging = folder / "staging" / self.me
        self._alive = self._lock(self.me)
        self._opening = threading.Lock()
        try:
            self._open()
            # Links in the way to the folder are its owner's; those inside it are not.
            self._real_jobs = self._jobs.resolve()
        except OSError as cause:
            self.close()
            reason = (
                "another process has been busy with it for long" if isinstance(cause, Timeout) else os_reason(cause)
            )
            raise LocalQueueError(
                f"The local queue cannot keep its jobs in {folder.name}: {reason}. "
                "Choose another folder with store=…, or --folder on the command line.",
                cause=cause,
            ) from None

    def _open(self) -> None:
        for part in (self._jobs, self._owners, self.staging.parent):
            part.mkdir(parents=True, exist_ok=True)
        with self._folder_lock():
            self._alive.acquire()
            self._clear_leftovers()
            self.staging.mkdir()

    def close(self) -> None:
        """Releases the jobs that are not finished: whoever asks for one next takes it over."""
        shutil.rmtree(self.staging, ignore_errors=True)
        self._alive.release()
        with contextlib.suppress(OSError):
            (self._owners / self.me).unlink(missing_ok=True)

    def file(self, job_id: str, name: str) -> Path | None:
        """A job's file under a name; ``None`` unless it is a file in the job's own folder, and no link to another."""
        path = self._real_jobs / job_id / name
        try:
            return path if path.is_file() and path.resolve() == path else None
        except (OSError, RuntimeError):  # links that lead in a circle
            return None

    def video(self, job_id: str) -> Path:
        """Where a job's video is, once it is there."""
        return self._jobs / job_id / "video.mp4"

    def stage(self, name: str) -> Path:
        """An empty folder for what is not whole yet, to be renamed when it is. It goes with this process.

        Raises:
            OSError: it cannot be made.
        """
        with self._opening:
            if not self.staging.is_dir():  # somebody has removed all of it, and the lock that was in it
                self._alive.release()
                self._open()
        place = self.staging / name
        place.mkdir()
        return place

    def add(self, record: Record, files: Mapping[str, Callable[[Path], None]]) -> None:
        """Keeps a new job, whole or not at all.

        Args:
            record: the job.
            files: what writes each of its inputs to a path, by the input's name.

        Raises:
            OSError: it cannot be kept.
        """
        place = self.stage(record.id)
        try:
            for name, write in files.items():
                write(place / name)
            (place / "job.json").write_text(_text(record), encoding="utf-8")
            place.replace(self._jobs / record.id)
        except OSError:
            shutil.rmtree(place, ignore_errors=True)
            raise

    def save(self, record: Record) -> None:
        """Writes a job down anew.

        Raises:
            OSError: it cannot be written.
        """
        with atomic_write(self._jobs / record.id / "job.json", staging=self.staging, fsync=False) as file:
            file.write(_text(record).encode())

    def load(self, job_id: str) -> Record | None:
        """The job of that id, as it was last written down."""
        path = self.file(job_id, "job.json") if _ID.fullmatch(job_id) else None
        try:
            if path is None or path.stat().st_size > _MAX_RECORD:
                return None
            record = Record(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        return record if record.id == job_id and record.is_sound() else None

    def remove(self, job_id: str) -> None:
        """Forgets a job, with its inputs and its video."""
        shutil.rmtree(self._jobs / job_id, ignore_errors=True)

    def ids(self) -> list[str]:
        """All jobs, the oldest first."""
        return oldest_first(self._jobs, _ID)

    @contextlib.contextmanager
    def adopting(self, record: Record) -> Iterator[Record | None]:
        """The unfinished job as it stands, to be taken over in the block; nothing if its owner is still there."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._folder_lock())
                has_ended = stack.enter_context(self._ended(record.owner))
            except Timeout:
                has_ended = False
            # Its owner may have finished it just now, or somebody else may have been quicker.
            current = self.load(record.id) if has_ended else None
            yield current if current and current.ready is None and current.owner == record.owner else None

    def _clear_leftovers(self) -> None:
        """Removes what processes that are gone have left half written."""
        for place in self.staging.parent.iterdir():
            if _ID.fullmatch(place.name):
                with self._ended(place.name) as has_ended:
                    if has_ended:
                        shutil.rmtree(place, ignore_errors=True)

    @contextlib.contextmanager
    def _ended(self, owner: str) -> Iterator[bool]:
        """Whether a process has ended. Its lock is held meanwhile, and removed; the folder lock is held around it."""
        lock = self._lock(owner)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            (self._owners / owner).unlink(missing_ok=True)
            lock.release()

    def _folder_lock(self) -> FileLock:
        """A lock that one process holds at a time, while owners come and go.

        Without it a lock could be removed by one process while another has just opened it.
        """
        return FileLock(self.root / "folder.lock", timeout=_LOCK_TIMEOUT, thread_local=False)

    def _lock(self, owner: str) -> FileLock:
        return FileLock(self._owners / owner, thread_local=False)


def _text(record: Record) -> str:
    return json.dumps(asdict(record))
