"""What a person sees who runs a program in a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable, Sequence


def seen(command: Sequence[str], columns: int = 100, *, status: int = 0, typed: Callable[[], bytes] = bytes) -> str:
    """What a terminal gets from Python.

    Args:
        command: what follows ``python``.
        columns: how wide the terminal is.
        status: what the program is expected to end with.
        typed: is asked, whenever something is shown, what is typed then.
    """
    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (24, columns))
    # A session of its own, whose terminal this becomes: only then is Ctrl-C more than a sign.
    adopted = (
        "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", adopted, sys.executable, *command],
        stdout=child,
        stderr=child,
        stdin=child,
        start_new_session=True,
    )
    os.close(child)
    shown = b""
    while True:
        try:
            chunk = os.read(parent, 4096)
        except OSError:  # Linux's word for: the other side has hung up
            break
        if not chunk:
            break
        shown += chunk
        os.write(parent, typed())
    os.close(parent)
    assert process.wait(60) == status, shown.decode()
    return shown.decode()
