"""Standard output and standard error, of which either may be missing, closed, full, or of another encoding.

Nothing that is written here fails its caller: what cannot be written is remembered, for a command's exit status.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

from .files import os_reason
from .text import printable_lines

#: What a shell reports of a tool whose reader has gone: 128, and the number of SIGPIPE.
_BROKEN_PIPE_STATUS = 141


class StandardStream:
    """A standard stream of this process, as it is at the time of each call: notebooks and tests replace it.

    Args:
        name: ``stdout`` or ``stderr``.

    Attributes:
        error: the first reason why something could not be written.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.error: OSError | None = None

    @property
    def encoding(self) -> str:
        """The stream's encoding."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Writes text as it is, with escapes for what the encoding lacks. Returns how many characters there were."""
        stream = self._stream
        try:
            if stream is not None:
                stream.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding))
        except (OSError, ValueError) as error:  # ValueError: it is closed
            self._failed(error)
        return len(text)

    def flush(self) -> None:
        """Hands on what was written."""
        try:
            if self._stream is not None:
                self._stream.flush()
        except (OSError, ValueError) as error:
            self._failed(error)

    def isatty(self) -> bool:
        """Whether a person reads it in a terminal."""
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
    """Print lines of text, with nothing in them that a terminal would obey.

    Args:
        text: one line, or several.
        stream: where to.

    Returns:
        Whether everything said there so far was written, as far as is known. It is also where there is no such stream.
    """
    stream.write(f"{printable_lines(text)}\n")
    stream.flush()
    return stream.error is None


def exit_status(status: int) -> int:
    """The exit status of a command that ends now, once its output has been written or was found to be lost.

    Args:
        status: of the command itself.
    """
    for stream in (stdout, stderr):
        stream.flush()
        if stream.error is not None:
            _discard(stream)  # or Python tries once more at its end, and complains
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
