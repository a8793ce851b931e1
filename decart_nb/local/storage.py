"""Persistent storage of the local queue: one folder for each job, written atomically, so that jobs outlive the process.

Several queues may share one folder, as two notebooks do. Each unfinished job is owned by one of them. An owner holds a
lock file, which the operating system releases when its process ends.

Files are written to the owner's folder in ``staging/`` and renamed when they are complete. What a killed process leaves
there is removed by the next one that starts. The folder's content is not trusted: a job file with wrong fields is
ignored, and so is a link that leads out of the job's folder.
"""

from __future__ import annotations

import contextlib
import filecmp
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
from .._util.process_lock import ProcessLock
from ..errors import LocalQueueError

_ID = re.compile(r"[0-9a-f]{32}")
_INPUT = re.compile(r"[a-z][a-z_]{0,63}")
#: Maximum size of a job file, in bytes; the longest field is a trajectory.
_MAX_RECORD = 2**22
#: Seconds to wait for the folder lock.
_LOCK_TIMEOUT = 10.0


@dataclass
class LocalJob:
    """A job of the local queue, as it is stored. Times are seconds since the epoch.

    Attributes:
        started: when processing began or will begin.
        ready: when the job ended or will end; ``None`` while that is not known.
        error: why it failed, or will fail.
        attempts: how many renders were started without coming to an end.
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

    def is_valid(self) -> bool:
        """Whether every field has its type: the file that it was read from is not trusted."""
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

    def has_ended(self, now: float) -> bool:
        """Whether it has completed or failed by that time."""
        return self.ready is not None and self.ready <= now

    def status(self, now: float | None = None) -> str:
        """``pending``, ``processing``, ``completed`` or ``failed``."""
        now = time.time() if now is None else now
        if self.has_ended(now):
            return "failed" if self.error else "completed"
        return "processing" if self.started is not None and now >= self.started else "pending"


def oldest_first(folder: Path, names: re.Pattern[str]) -> list[str]:
    """The entries of a folder whose names match, the oldest first. Entries may be removed meanwhile."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if names.fullmatch(entry.name):
                with contextlib.suppress(FileNotFoundError):
                    found.append((entry.stat().st_mtime, entry.name))
    return [name for _, name in sorted(found)]


class Storage:
    """The folder of jobs, and this process's claim on the jobs that it owns.

    Args:
        folder: created if it does not exist.

    Attributes:
        owner_id: names this process in the jobs that it owns.
        root: the folder.
        staging: where this process writes files until they are complete.

    Raises:
        LocalQueueError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.owner_id = uuid.uuid4().hex
        self.root = folder
        self._jobs = folder / "jobs"
        self._owners = folder / "owners"
        self.staging = folder / "staging" / self.owner_id
        self._lock: ProcessLock | None = None
        self._opening = threading.Lock()
        try:
            self._open()
            # Links on the path to the folder are allowed; links inside it are not.
            self._real_jobs = self._jobs.resolve()
        except OSError as cause:
            self.close()
            reason = "another process has locked it for too long" if isinstance(cause, Timeout) else os_reason(cause)
            raise LocalQueueError(
                f"The local queue cannot keep its jobs in {folder.name}: {reason}. "
                "Choose another folder with store=…, or --folder on the command line.",
                cause=cause,
            ) from None

    def _open(self) -> None:
        for part in (self._jobs, self.staging.parent):
            part.mkdir(parents=True, exist_ok=True)
        with self._folder_lock():
            self._lock = ProcessLock(self._owners, name=self.owner_id)
            self._clear_leftovers(self._lock)
            self.staging.mkdir()

    def close(self) -> None:
        """Releases the unfinished jobs of this process: the next queue that is asked for one takes it over."""
        shutil.rmtree(self.staging, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()

    def file(self, job_id: str, name: str) -> Path | None:
        """The path of a job's file; ``None`` unless it is a regular file in the job's own folder, and no link."""
        path = self._real_jobs / job_id / name
        try:
            return path if path.is_file() and path.resolve() == path else None
        except (OSError, RuntimeError):  # links that form a loop
            return None

    def video(self, job_id: str) -> Path:
        """The path of a job's finished video."""
        return self._jobs / job_id / "video.mp4"

    def share_video(self, job_id: str, copy: Path) -> None:
        """Replaces a job's finished video by a hard link to a copy of it, so that both take up the space of one.

        Either of them can be removed or replaced, and the other stays. Where there can be no link, nothing changes.

        Args:
            job_id: the job's.
            copy: the copy. A file with another content is left alone.
        """
        video = self.file(job_id, "video.mp4") if _ID.fullmatch(job_id) else None
        if video is None:
            return
        link = self.staging / f"{job_id}.link"
        with contextlib.suppress(OSError):  # one of them is gone, or the drive has no hard links
            if not video.samefile(copy) and filecmp.cmp(video, copy, shallow=False):
                try:
                    os.link(copy, link)
                    link.replace(video)
                finally:
                    link.unlink(missing_ok=True)

    def remove_inputs(self, record: LocalJob) -> None:
        """Removes the input files of a job that has ended, which nothing reads again."""
        for name in record.files:
            with contextlib.suppress(OSError):
                (self._jobs / record.id / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def stage(self, target: Path) -> Iterator[Path]:
        """Context manager for a folder that appears whole: a new one in staging, which is renamed at the block's end.

        Args:
            target: the folder's path from then on. If the block raises, the folder is removed.

        Raises:
            OSError: it cannot be created or renamed.
        """
        with self._opening:
            if not self.staging.is_dir():  # the whole folder was removed, and the lock file with it
                if self._lock is not None:
                    self._lock.close()
                self._open()
        staged = self.staging / target.name
        staged.mkdir()
        try:
            yield staged
            staged.replace(target)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise

    def add(self, record: LocalJob, files: Mapping[str, Callable[[Path], None]]) -> None:
        """Stores a new job atomically.

        Args:
            record: the job.
            files: input name → a function that writes the file to a path.

        Raises:
            OSError: it cannot be stored.
        """
        with self.stage(self._jobs / record.id) as staged:
            for name, write in files.items():
                write(staged / name)
            (staged / "job.json").write_text(_text(record), encoding="utf-8")

    def save(self, record: LocalJob) -> None:
        """Updates a stored job.

        Raises:
            OSError: it cannot be written.
        """
        with atomic_write(self._jobs / record.id / "job.json", staging=self.staging, fsync=False) as file:
            file.write(_text(record).encode())

    def load(self, job_id: str) -> LocalJob | None:
        """The stored job of that id; ``None`` if there is none, or its file is not valid."""
        path = self.file(job_id, "job.json") if _ID.fullmatch(job_id) else None
        try:
            if path is None or path.stat().st_size > _MAX_RECORD:
                return None
            record = LocalJob(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        return record if record.id == job_id and record.is_valid() else None

    def remove(self, job_id: str) -> None:
        """Deletes a job, with its inputs and its video."""
        shutil.rmtree(self._jobs / job_id, ignore_errors=True)

    def ids(self) -> list[str]:
        """The ids of all jobs, the oldest first."""
        return oldest_first(self._jobs, _ID)

    @contextlib.contextmanager
    def claim(self, record: LocalJob) -> Iterator[LocalJob | None]:
        """Context manager for taking a job over: its current state, or ``None`` if it ended or its owner is alive."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._folder_lock())
                owner_ended = self._lock is not None and not self._lock.is_alive(record.owner)
            except Timeout:
                owner_ended = False
            # Its owner may just have finished it, or another queue may have taken it over first.
            current = self.load(record.id) if owner_ended else None
            yield current if current and current.ready is None and current.owner == record.owner else None

    def _clear_leftovers(self, lock: ProcessLock) -> None:
        """Removes the staging folders of processes that have ended."""
        for staging in self.staging.parent.iterdir():
            if _ID.fullmatch(staging.name) and not lock.is_alive(staging.name):
                shutil.rmtree(staging, ignore_errors=True)

    def _folder_lock(self) -> FileLock:
        """The lock under which a process starts to use the folder or takes a job over; one process at a time."""
        return FileLock(self.root / "folder.lock", timeout=_LOCK_TIMEOUT, thread_local=False)


def _text(record: LocalJob) -> str:
    return json.dumps(asdict(record))
