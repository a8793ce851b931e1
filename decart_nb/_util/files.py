"""Atomic file writes that survive a crash, and the operating system's reason for a failure."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

#: Bytes of a target's name that still leave room for the ending of a temporary file's name.
_MAX_STEM_LENGTH = 200


class PartialFile:
    """A temporary file that takes the name of its target on :meth:`commit`; see :func:`partial_file`.

    Attributes:
        path: the temporary file.
        stream: the open file, for reading and writing.
        is_committed: whether the target has been replaced with it.
    """

    def __init__(self, path: Path, target: Path, stream: BinaryIO) -> None:
        self.path = path
        self.stream = stream
        self.is_committed = False
        self._target = target

    def commit(self, *, fsync: bool = True, fsync_name: bool = True) -> None:
        """Replace the target with the temporary file.

        Args:
            fsync: whether the content is flushed to the disk.
            fsync_name: whether the directory is flushed too, after the content.

        Raises:
            OSError: it cannot be written; the target is unchanged.
        """
        self.stream.flush()
        if fsync:
            os.fsync(self.stream.fileno())
        self.path.replace(self._target)
        self.is_committed = True
        if fsync and fsync_name:
            fsync_directory(self._target.parent)


@contextlib.contextmanager
def partial_file(target: Path, *, staging: Path | None = None) -> Iterator[PartialFile]:
    """Open a temporary file that is removed at the end unless it was committed.

    Args:
        target: the file that is created or replaced on commit.
        staging: a directory on the same file system for the temporary file; the target's own by default.

    Raises:
        OSError: it cannot be created.
    """
    stem = target.name if len(os.fsencode(target.name)) <= _MAX_STEM_LENGTH else ""
    path = (staging or target.parent) / f"{stem}.{secrets.token_hex(16)}.part"
    partial: PartialFile | None = None
    try:
        with path.open("x+b") as stream:
            partial = PartialFile(path, target, stream)
            yield partial
    finally:
        if partial is None or not partial.is_committed:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_write(target: Path, *, staging: Path | None = None, fsync: bool = True) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces the target when the block ends without an error.

    Args:
        target: the file that is created or replaced.
        staging: a directory on the same file system for the temporary file; the target's own by default.
        fsync: whether the content and the directory are flushed to the disk.

    Raises:
        OSError: it cannot be written; the target is unchanged.
    """
    with partial_file(target, staging=staging) as partial:
        yield partial.stream
        partial.commit(fsync=fsync)


def fsync_directory(directory: Path) -> None:
    """Flush a directory's entries to the disk, on systems that support it."""
    with contextlib.suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def os_reason(error: BaseException) -> str:
    """The reason for a failed system call, without the path; another error's text, or its type's name."""
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
