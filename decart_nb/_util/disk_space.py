"""Checks of the free disk space before and while a file of unknown size is written."""

from __future__ import annotations

import shutil
from pathlib import Path

#: Bytes that stay free; on a small disk, this share of its size.
_RESERVE = 200 * 2**20
_RESERVE_SHARE = 0.05
#: Bytes between two checks.
_STEP = 4 * 2**20


class DiskSpaceError(OSError):
    """Too little disk space would be left. The message is the end of a sentence."""


class DiskSpace:
    """Checks that one file fits on the disk of its folder.

    Args:
        folder: where the file is written.
        copies: how many copies of the file exist at the same time.
    """

    def __init__(self, folder: Path, *, copies: int = 1) -> None:
        self._folder = folder
        self._copies = copies
        self._written = self._checked_at = 0

    def require(self, size: int) -> None:
        """Check that a number of bytes fits on the disk.

        Raises:
            DiskSpaceError: it does not fit.
        """
        self._check(size * self._copies)

    def add(self, size: int) -> None:
        """Count bytes that are about to be written, and check from time to time that they fit.

        Raises:
            DiskSpaceError: they do not fit.
        """
        self._written += size
        if self._written - self._checked_at >= _STEP:
            self._checked_at = self._written
            self._check(size + self._written * (self._copies - 1))

    def _check(self, wanted: int) -> None:
        try:
            disk = shutil.disk_usage(self._folder)
        except OSError:
            return  # not every file system reports it; the next write will fail
        reserve = min(_RESERVE, int(disk.total * _RESERVE_SHARE))
        if disk.free - wanted < reserve:
            raise DiskSpaceError(
                f"it needs {_mebibytes(wanted)} more, and of the {_mebibytes(disk.free)} that the disk has free, "
                f"{_mebibytes(reserve)} stay reserved; free some disk space"
            )


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
