"""Writing to standard output and standard error, which may be missing, closed, full, or not UTF-8.

Write errors are not raised: the first one is recorded, and decides the command's exit status.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

from .files import os_reason
from .text import printable_lines

#: The exit status of a command whose output pipe was closed: 128 + SIGPIPE.
_BROKEN_PIPE_STATUS = 141


class StandardStream:
    """A standard stream, looked up in :mod:`sys` on each call, since notebooks and tests replace it.

    Args:
        name: ``stdout`` or ``stderr``.

    Attributes:
        error: the first write error.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.error: OSError | None = None

    @property
    def encoding(self) -> str:
        """The stream's encoding."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write text, with escapes for characters that the encoding lacks. Returns the number of characters."""
        stream = self._stream
        try:
            if stream is not None:
                stream.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
        except (OSError, ValueError) as error:  # ValueError: it is closed
            self._failed(error)
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        try:
            if self._stream is not None:
                self._stream.flush()
        except (OSError, ValueError) as error:
            self._failed(error)

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        try:
            return self._stream is not None and bool(self._stream.isatty())
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        """The stream's file descriptor.

        Raises:
            OSError: it has none.
        """
        try:
            return int(self._stream.fileno())
        except (AttributeError, ValueError) as error:
            raise OSError(errno.EBADF, str(error)) from None

    @property
    def _stream(self) -> Any:
        return getattr(sys, self._name)

    def _failed(self, error: OSError | ValueError) -> None:
        if self.error is None:
            self.error = error if isinstance(error, OSError) else OSError(errno.EBADF, os.strerror(errno.EBADF))


stdout = StandardStream("stdout")
stderr = StandardStream("stderr")


def say(text: str, stream: StandardStream = stdout) -> bool:
    """Print lines of text without control characters and terminal escapes.

    Args:
        text: one or more lines.
        stream: the stream to print to.

    Returns:
        Whether no write to the stream has failed so far. A missing stream does not fail.
    """
    stream.write(f"{printable_lines(text)}\n")
    stream.flush()
    return stream.error is None


def exit_status(status: int) -> int:
    """Flush the output and return the command's exit status, which is an error if output was lost.

    Args:
        status: the command's own exit status.
    """
    for stream in (stdout, stderr):
        stream.flush()
        if stream.error is not None:
            _discard(stream)  # otherwise Python flushes again at exit and prints a traceback
    error = stdout.error
    if error is None:
        return status
    if error.errno == errno.EPIPE:
        return _BROKEN_PIPE_STATUS
    say(f"decart-nb: standard output could not be written: {os_reason(error)}.", stderr)
    return status or 1


def _discard(stream: StandardStream) -> None:
    try:
        descriptor = stream.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, descriptor)
        finally:
            os.close(null)
    except OSError:
        return  # there is nothing behind it that Python would try to write to
