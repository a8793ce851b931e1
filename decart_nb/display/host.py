"""Where we run: a notebook's kernel, IPython in a terminal, or plain Python; and whether somebody is there."""

from __future__ import annotations

import sys
from typing import Any


def shell() -> Any | None:
    """IPython's shell, if this is one. IPython is not imported to find out: who is in it has imported it."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def kernel_shell() -> Any | None:
    """The shell of a notebook's kernel, which can show more than text."""
    current = shell()
    return current if getattr(current, "kernel", None) is not None else None


def a_person_is_there() -> bool:
    """Whether a question would be answered: in IPython, unless a notebook is run headless (papermill, nbconvert)."""
    current = shell()
    if current is None:
        return False
    kernel = getattr(current, "kernel", None)
    # Headless runners tell the kernel, with each cell, that there is no standard input.
    return bool(kernel is None or getattr(kernel, "_allow_stdin", False))
