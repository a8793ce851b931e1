"""Free disk space, looked at before and while something is written whose size nobody vouches for."""

from __future__ import annotations

import shutil
from pathlib import Path

#: What is left free: so many bytes, or that share of a small disk.
RESERVE = 200 * 2**20
_SHARE = 0.05
#: Bytes after which the disk is looked at again.
_STEP = 4 * 2**20


class DiskSpaceError(OSError):
    """A disk would have too little space left; the text is the end of a sentence."""


class DiskSpace:
    """The space on the disk of one folder, for one file that is written to it.

    Args:
        folder: where the file is written.
        copies: how many times the file will be there at once.
    """

    def __init__(self, folder: Path, *, copies: int = 1) -> None:
        self._folder = folder
        self._copies = copies
        self._written = self._checked_at = 0

    def require(self, size: int) -> None:
        """Looks whether so many bytes have room.

        Raises:
            DiskSpaceError: they have not.
        """
        self._check(size * self._copies)

    def add(self, size: int) -> None:
        """Counts bytes that are about to be written, and looks now and then whether there is room for more.

        Raises:
            DiskSpaceError: there is not.
        """
        self._written += size
        if self._written - self._checked_at >= _STEP:
            self._checked_at = self._written
            self._check(size + self._written * (self._copies - 1))

    def _check(self, wanted: int) -> None:
        try:
            disk = shutil.disk_usage(self._folder)
        except OSError:
            return  # not every file system tells; the next write will
        reserve = min(RESERVE, int(disk.total * _SHARE))
        if disk.free - wanted < reserve:
            raise DiskSpaceError(
                f"it needs {_mebibytes(wanted)} more, and of the {_mebibytes(disk.free)} that the disk has free, "
                f"{_mebibytes(reserve)} are left alone; make room"
            )


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
