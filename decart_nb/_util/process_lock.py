"""Lock files that show which processes that work on a store are still alive."""

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


class Holder:
    """The lock of this process in a folder that several work on; the operating system releases it when it ends.

    Args:
        folder: where the lock files are; those of processes that have ended are cleared away.

    Attributes:
        name: the process's, which no other has.

    Raises:
        NotADirectoryError: the folder is a link, so that clearing it could remove somebody else's files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = os.getpid()
        self._has_desk = False
        if folder.is_symlink():
            raise NotADirectoryError(f"{folder.parent.name}/{folder.name} is a link; a store's own folders must not be")
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            self.name = uuid.uuid4().hex
            self._lock = FileLock(folder / self.name)
            self._lock.acquire(timeout=_TIMEOUT)
            self._file = _file_at(self._lock.lock_file)
            if self._file is not None:
                break
            self._lock.release()  # another has taken it for a dead one's, right before it was locked
        for other in {path.stem for path in folder.iterdir()}:
            self.is_there(other)

    @property
    def is_inherited(self) -> bool:
        """Whether it is that of the process that this one was forked from."""
        return self._process != os.getpid()

    @property
    def is_visible(self) -> bool:
        """Whether others see the lock: somebody may have removed its file."""
        return _file_at(self._lock.lock_file) == self._file

    def is_there(self, name: str | None) -> bool:
        """Whether the process of that name still lives."""
        if name is None or name == self.name:
            return name is not None
        if not _NAME.fullmatch(name):
            return False
        lock = FileLock(self._folder / name)
        try:
            with lock.acquire(timeout=0), contextlib.suppress(OSError):
                # Under the lock, so that whoever begins under that name sees it gone. Nobody takes it again.
                Path(lock.lock_file).unlink()
        except Timeout:
            return True
        except FileNotFoundError:  # the folder was removed
            return False
        shutil.rmtree(self._desk_of(name), ignore_errors=True)
        return False

    @property
    def desk(self) -> Path:
        """A folder for what is not whole yet."""
        desk = self._desk_of(self.name)
        if not self._has_desk or not desk.is_dir():
            with contextlib.suppress(OSError):  # whoever writes there will tell
                desk.mkdir(parents=True, exist_ok=True)
                self._has_desk = True
        return desk

    def close(self) -> None:
        """Release the lock; the name is given up."""
        self._lock.release()

    def _desk_of(self, name: str) -> Path:
        return self._folder / f"{name}.desk"


def _file_at(path: str) -> tuple[int, int] | None:
    """The device and the number of a file, which another one of its name does not have."""
    try:
        found = Path(path).lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
