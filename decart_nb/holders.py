"""Who works on a folder: each process under a name of its own, as long as it lives."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from pathlib import Path

from filelock import FileLock, Timeout

_PATIENCE = 30.0


class Holder:
    """A process, this one, among those that work on a folder. The operating system lets go of its lock when it ends.

    Args:
        folder: where the locks are; what the dead have left there is cleared.

    Attributes:
        name: the process's, which no other has.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._has_desk = False
        folder.mkdir(exist_ok=True)
        while True:
            self.name = uuid.uuid4().hex
            self._lock = FileLock(folder / self.name)
            self._lock.acquire(timeout=_PATIENCE)
            if Path(self._lock.lock_file).exists():
                break
            self._lock.release()  # another has taken it for a dead one's, right before it was locked
        for other in {path.stem for path in folder.iterdir()}:
            self.is_there(other)

    def is_there(self, name: str | None) -> bool:
        """Whether the process of that name still lives."""
        if name is None or name == self.name:
            return name is not None
        lock = FileLock(self._folder / name)
        try:
            with lock.acquire(timeout=0), contextlib.suppress(OSError):
                # Under the lock, so that whoever begins under that name sees it gone. Nobody takes it again.
                Path(lock.lock_file).unlink()
        except Timeout:
            return True
        shutil.rmtree(self._desk_of(name), ignore_errors=True)
        return False

    @property
    def desk(self) -> Path:
        """A folder for what is not whole yet."""
        desk = self._desk_of(self.name)
        if not self._has_desk:
            with contextlib.suppress(OSError):  # whoever writes there will tell
                desk.mkdir(exist_ok=True)
                self._has_desk = True
        return desk

    def close(self) -> None:
        """Gives the name up."""
        self._lock.release()

    def _desk_of(self, name: str) -> Path:
        return self._folder / f"{name}.desk"
