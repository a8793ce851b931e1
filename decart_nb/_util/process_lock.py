"""Lock files that show which of the processes that share a folder are still alive."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import uuid
from pathlib import Path

from filelock import FileLock, Timeout

_TIMEOUT = 30.0
_NAME = re.compile("[0-9a-f]{32}")


class ProcessLock:
    """A lock file that this process holds until it ends, under a unique name in a folder of such files.

    The operating system releases the lock when the process ends. A lock file is removed only by whoever holds its lock.

    Args:
        folder: the folder of lock files; those of processes that have ended are removed.
        name: the name to lock; a new one by default.

    Attributes:
        name: identifies the process to the others.

    Raises:
        NotADirectoryError: the folder is a symbolic link, so that removing files could delete foreign ones.
        OSError: the lock file cannot be created.
    """

    def __init__(self, folder: Path, *, name: str | None = None) -> None:
        self._folder = folder
        self._process = os.getpid()
        if folder.is_symlink():
            raise NotADirectoryError(f"{folder.parent.name}/{folder.name} is a link; a store's own folders must not be")
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            self.name = name or uuid.uuid4().hex
            self._lock = self._lock_of(self.name)
            self._lock.acquire(timeout=_TIMEOUT)
            self._file = _identity(self._lock.lock_file)
            if self._file is not None:
                break
            self._lock.release()  # another process has removed the file between its creation and its locking
        try:
            for other in {path.stem for path in folder.iterdir()}:
                self.is_alive(other)
        except OSError:  # such as: too many open files
            self.close()
            raise

    @property
    def is_inherited(self) -> bool:
        """Whether the lock belongs to the process that this one was forked from."""
        return self._process != os.getpid()

    @property
    def is_visible(self) -> bool:
        """Whether the lock file is still the one that was locked, so that other processes see the lock."""
        return _identity(self._lock.lock_file) == self._file

    def is_alive(self, name: str | None) -> bool:
        """Whether the process of that name is alive. If it is not, its lock file and staging folder are removed."""
        if name is None or name == self.name:
            return name is not None
        if not _NAME.fullmatch(name):
            return False
        lock = self._lock_of(name)
        try:
            with lock.acquire(timeout=0), contextlib.suppress(OSError):
                # Under the lock: a process that has just created the file and waits for the lock then sees it gone.
                Path(lock.lock_file).unlink()
        except Timeout:
            return True
        except FileNotFoundError:  # the folder was removed
            return False
        shutil.rmtree(self._staging_of(name), ignore_errors=True)
        return False

    @property
    def staging(self) -> Path:
        """A folder for incomplete files. After this process has ended, another one removes it."""
        staging = self._staging_of(self.name)
        with contextlib.suppress(OSError):  # writing to it will raise
            if not staging.is_dir():
                staging.mkdir(parents=True, exist_ok=True)
        return staging

    def close(self) -> None:
        """Remove the lock file and release the lock."""
        with contextlib.suppress(OSError):
            Path(self._lock.lock_file).unlink()
        self._lock.release()

    def _lock_of(self, name: str) -> FileLock:
        return FileLock(self._folder / name, thread_local=False)

    def _staging_of(self, name: str) -> Path:
        return self._folder / f"{name}.staging"


def _identity(path: str) -> tuple[int, int] | None:
    """The device and the number of a file, which another file of that name does not have."""
    try:
        found = Path(path).lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
