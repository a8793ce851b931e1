"""Where we run, and what differs there. Each difference is a function of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any


def current_shell() -> Any | None:
    """IPython's shell, if this is one. IPython is not imported to find out: who is in it has imported it."""
    ipython = sys.modules.get("IPython")
    current = ipython.get_ipython() if ipython is not None else None
    return None if current is None or _is_of_parent(current) else current


def in_forked_worker() -> bool:
    """Whether this process was forked from a notebook's kernel, as a multiprocessing worker is.

    It has a copy of the kernel's shell, but the sockets to the frontend are its parent's: what is shown there ends up
    in the server's log.
    """
    ipython = sys.modules.get("IPython")
    return ipython is not None and _is_of_parent(ipython.get_ipython())


def _is_of_parent(shell: Any) -> bool:
    session = getattr(getattr(shell, "kernel", None), "session", None)
    return getattr(session, "pid", os.getpid()) != os.getpid()


def kernel_shell() -> Any | None:
    """The shell of a notebook's kernel, which can show more than text."""
    current = current_shell()
    return current if getattr(current, "kernel", None) is not None else None


def is_interactive() -> bool:
    """Whether a question would be answered: in IPython, unless a notebook is run headless (papermill, nbconvert)."""
    current = current_shell()
    if current is None:
        return in_marimo()
    kernel = getattr(current, "kernel", None)
    # Headless runners tell the kernel, with each cell, that there is no standard input.
    return bool(kernel is None or getattr(kernel, "_allow_stdin", False))


def in_vscode(shell: Any) -> bool:
    """Whether the notebook is open in VS Code, which names its file in the notebook's own variables."""
    return "__vsc_ipynb_file__" in getattr(shell, "user_ns", {})


def in_colab() -> bool:
    """Whether this is Google Colab, whose kernel brings a package of its own."""
    return "google.colab" in sys.modules


def in_marimo() -> bool:
    """Whether this is a marimo notebook: there is no IPython in it."""
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())


def cell_id(shell: Any) -> str:
    """A name of the running cell that is the same in its next run, where the frontend tells one."""
    metadata = (shell.get_parent() or {}).get("metadata", {}) if hasattr(shell, "get_parent") else {}
    return str(metadata.get("cellId") or f"run {shell.execution_count}")


def served_folder(shell: Any) -> Path | None:
    """The folder from which the frontend resolves what an output refers to: the notebook's own, in Jupyter.

    VS Code and Colab resolve nothing: their outputs live on another origin than the files.
    """
    if in_vscode(shell) or in_colab():
        return None
    notebook = Path(os.environ.get("JPY_SESSION_NAME", ""))  # set by Jupyter Server 2
    return notebook.parent if notebook.is_absolute() and notebook.is_file() else Path.cwd()
