"""Local input files: only finite ones are opened, and a change during reading is detected.

Only regular files are opened, since reading others may block forever. The exception is a pipe of this process, such as
standard input, which is read once, to its end.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import selectors
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from .._util.files import os_reason
from .._util.text import one_line, printable

#: Maximum size of an input in bytes: more than a service accepts, and less than what fills a disk.
MAX_INPUT_BYTES = 4 * 2**30
_CHUNK = 2**20
#: Bytes that stay free on the disk while a stream of unknown size is copied.
_SPARE = 64 * 2**20
#: Seconds without data after which reading from a pipe fails.
_SILENCE = 30.0
_PAUSES = (0.05, 0.2)
#: Seconds after which another content has another time: file systems count it in steps.
_SETTLED = 2.0
_MAX_SHOWN_LENGTH = 200
_OWN_PIPE = re.compile(r"/dev/stdin|/dev/fd/\d+|/proc/(self|thread-self|\d+)/fd/\d+")
_NO_FILES: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe, which may never end"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device, which has no end"),
    (stat.S_ISBLK, "a device"),
)
_T = TypeVar("_T")


class UnusableFileError(Exception):
    """A value cannot be sent as a file. The message is the end of a sentence that begins with the input's name."""


class FileChangedError(OSError):
    """A file was changed or replaced while it was read."""


class LocalFile:
    """A regular file that can be read only as long as it is unchanged.

    Args:
        path: the file.

    Attributes:
        path: the file.
        size: in bytes.
        identity: tells this file, as it is now, from all others; ``None`` if it was written a moment ago.

    Raises:
        UnusableFileError: it is no file that can be an input.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            found = path.stat()
        except FileNotFoundError:
            looked = "" if path.is_absolute() else " The path is relative to the working directory."
            what = "is a link to what is not there" if path.is_symlink() else "is not there: no file"
            raise UnusableFileError(f"{what} {display_path(path)}.{looked}") from None
        except (OSError, ValueError) as error:
            raise UnusableFileError(f"cannot be read: {display_path(path)} ({_reason(error)}).") from None
        for is_kind, what in _NO_FILES:
            if is_kind(found.st_mode):
                raise UnusableFileError(f"is {what}: {display_path(path)}. Give one file.")
        self.size = found.st_size
        if not self.size:  # also what /proc has, whose size is not known
            raise UnusableFileError(f"is empty: {one_line(path.name)} has no bytes.")
        if self.size > MAX_INPUT_BYTES:
            raise UnusableFileError(f"{_too_large(self.size)}: {display_path(path)}.")
        self._state = _state(found)
        self.identity = (*self._state, found.st_ctime_ns) if found.st_ctime < time.time() - _SETTLED else None

    def open(self) -> BinaryIO:
        """Open the file for reading; the caller closes it.

        Raises:
            FileChangedError: it has changed; reading from the stream may raise it too.
        """
        return cast("BinaryIO", io.BufferedReader(_Steady(self.path, self._state, self.size)))


class _Steady(io.FileIO):
    """A raw file that raises :class:`FileChangedError` at its end if it has changed since."""

    def __init__(self, path: Path, state: tuple[int, ...], size: int) -> None:
        self._state, self._size = state, size
        super().__init__(path, "rb", opener=_open)
        try:
            self._check()
        except FileChangedError:
            self.close()
            raise

    def readinto(self, buffer: Any) -> int | None:
        count = super().readinto(buffer)
        if not count:
            self._check(at_end=True)
        return count

    def readall(self) -> bytes:
        content = super().readall()
        self._check(at_end=True)
        return content

    def _check(self, *, at_end: bool = False) -> None:
        if _state(os.fstat(self.fileno())) != self._state or (at_end and self.tell() < self._size):
            raise FileChangedError(0, "it has changed while it was read")


def read_unchanged(read: Callable[[], _T]) -> _T:
    """Call a function that reads a file, again after a pause if the file changes meanwhile.

    Raises:
        UnusableFileError: the file keeps changing, or cannot be read.
    """
    for pause in (*_PAUSES, None):
        try:
            return read()
        except FileChangedError:
            if pause is None:
                raise UnusableFileError("is being written while it is read; try again when it is finished.") from None
            time.sleep(pause)
        except OSError as error:
            raise UnusableFileError(f"cannot be read: {_reason(error)}.") from None
    raise AssertionError


def copy_to_temporary(stream: Any, most: int = MAX_INPUT_BYTES) -> Path:
    """Copy the rest of a binary stream to a temporary file, which the caller removes.

    Raises:
        UnusableFileError: the stream is longer than ``most`` bytes, or does not fit on the disk.
        TypeError: the stream does not return bytes.
    """
    handle, name = tempfile.mkstemp(prefix="decart_nb-")
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as target:
            count = 0
            while chunk := stream.read(_CHUNK):
                count += len(memoryview(chunk))
                if count > most:
                    raise UnusableFileError(f"{_too_large(None, most)}.")
                if count > _SPARE and count % (16 * _CHUNK) < _CHUNK and shutil.disk_usage(path.parent).free < _SPARE:
                    raise UnusableFileError("does not fit on the disk of temporary files; give a smaller one.")
                target.write(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def own_pipe(path: Path) -> BinaryIO | None:
    """Open a pipe of this process, such as ``/dev/stdin`` or ``<(…)``; ``None`` for any other path.

    Reading fails if no data arrives for 30 seconds. The caller closes it.
    """
    if not _OWN_PIPE.fullmatch(str(path)):
        return None
    with contextlib.suppress(OSError):
        if stat.S_ISFIFO(path.stat().st_mode):
            return cast("BinaryIO", _Pipe(path))
    return None


class _Pipe(io.FileIO):
    """A pipe whose reads time out."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "rb", opener=_open)

    def read(self, size: int | None = -1) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno(), selectors.EVENT_READ)
            if not selector.select(_SILENCE):
                raise OSError(0, f"nothing has come through the pipe for {_SILENCE:.0f} s")
        return super().read(size) or b""


def read_bytes(path: Path, most: int) -> bytes:
    """Read a regular file, or a pipe of this process, as a whole.

    Raises:
        UnusableFileError: it is neither, or it is longer than ``most`` bytes.
    """

    def read() -> bytes:
        if (pipe := own_pipe(path)) is None:
            file = LocalFile(path)
            if file.size > most:
                raise UnusableFileError(f"{_too_large(file.size, most)}: {display_path(path)}.")
            with file.open() as stream:
                return stream.read()
        content = b""
        with pipe:
            while chunk := pipe.read(_CHUNK):
                content += chunk
                if len(content) > most:
                    raise UnusableFileError(f"{_too_large(None, most)}: {display_path(path)}.")
        if not content:
            raise UnusableFileError(f"is empty: nothing has come through {display_path(path)}.")
        return content

    return read_unchanged(read)


def display_path(path: Path) -> str:
    """A path for a message: one line, shortened if it is long, and below the working directory relative to it."""
    with contextlib.suppress(OSError, ValueError):  # the working directory may be gone
        path = path.relative_to(Path.cwd())
    return one_line(str(path), limit=_MAX_SHOWN_LENGTH + 1)


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _state(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _too_large(size: int | None, most: int = MAX_INPUT_BYTES) -> str:
    has = "does not end" if size is None else f"has {size / 2**20:,.0f} MiB"
    return f"{has}; at most {most / 2**20:,.0f} MiB are read"


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeError):
        return "its name has half of a character in it (a lone surrogate)"
    return printable(os_reason(error), limit=_MAX_SHOWN_LENGTH)
