"""Files of the user's machine: only what has an end is opened, and what changes while it is read is noticed.

What is no regular file is never opened for reading, since that may wait for ever. The one exception is a pipe of this
process, such as standard input, which is read once, to its end.
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

#: The most bytes that are read of any input: far more than a service takes, and less than what fills a disk.
MAX_INPUT_BYTES = 4 * 2**30
_CHUNK = 2**20
#: So much of the disk is left free by a copy whose size is not known beforehand.
_SPARE = 64 * 2**20
#: So long a pipe may say nothing, in seconds.
_SILENCE = 30.0
_PAUSES = (0.05, 0.2)
_LONGEST_SHOWN = 200
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
    """Why a value cannot be sent as a file: the end of a sentence that begins with the input's name."""


class FileChangedError(OSError):
    """A file that became another while it was read."""


class LocalFile:
    """A regular file as it is now. It can be read only as long as it stays that.

    Args:
        path: the file.

    Attributes:
        path: the file.
        size: in bytes.

    Raises:
        UnusableFileError: it is no file that can be an input.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            found = path.stat()
        except FileNotFoundError:
            looked = "" if path.is_absolute() else " The path is relative to the notebook's working directory."
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

    def open(self) -> BinaryIO:
        """A stream over the file, which the caller closes.

        Raises:
            FileChangedError: it is no longer the same; reading may raise that too.
        """
        return cast("BinaryIO", io.BufferedReader(_Steady(self.path, self._state, self.size)))


class _Steady(io.FileIO):
    """The bytes of a file. It fails at their end where the file has become another since."""

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
    """What a function makes of a file. It is called again where the file has changed meanwhile, and then given up.

    Raises:
        UnusableFileError: the file does not come to rest, or cannot be read.
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
    """Copies the rest of a binary stream to a temporary file, which the caller removes.

    Raises:
        UnusableFileError: it has more than so many bytes, or the disk has no room for it.
        TypeError: it gives no bytes.
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
    """A stream over a pipe that this process was given, as ``/dev/stdin`` or ``<(…)`` name one; else ``None``.

    It ends where the pipe does, and fails when nothing comes for long. The caller closes it.
    """
    if not _OWN_PIPE.fullmatch(str(path)):
        return None
    with contextlib.suppress(OSError):
        if stat.S_ISFIFO(path.stat().st_mode):
            return cast("BinaryIO", _Pipe(path))
    return None


class _Pipe(io.FileIO):
    """A pipe that does not wait for ever."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "rb", opener=_open)

    def read(self, size: int | None = -1) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno(), selectors.EVENT_READ)
            if not selector.select(_SILENCE):
                raise OSError(0, f"nothing has come through the pipe for {_SILENCE:.0f} s")
        return super().read(size) or b""


def read_bytes(path: Path, most: int) -> bytes:
    """The content of a file, or of a pipe of this process, that is not large.

    Raises:
        UnusableFileError: it is no such file, or it has more than so many bytes.
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
    """A path as a person may read it, in one line."""
    return one_line(str(path), limit=_LONGEST_SHOWN + 1)


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _state(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _too_large(size: int | None, most: int = MAX_INPUT_BYTES) -> str:
    has = "does not end" if size is None else f"has {size / 2**20:,.0f} MiB"
    return f"{has}; at most {most / 2**20:,.0f} MiB are read"


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeError):
        return "its name has half of a character in it"
    return printable(os_reason(error), limit=_LONGEST_SHOWN)
