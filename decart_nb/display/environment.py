"""Detection of the environment: IPython, Jupyter kernels, VS Code, Colab and marimo."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any


def current_shell() -> Any | None:
    """The ``InteractiveShell`` of this process, if any. IPython is looked up, not imported."""
    ipython = sys.modules.get("IPython")
    current = ipython.get_ipython() if ipython is not None else None
    return None if current is None or _belongs_to_parent(current) else current


def in_forked_worker() -> bool:
    """Whether this process was forked from a Jupyter kernel, as a multiprocessing worker is.

    It has a copy of the kernel's shell, but the connection to the frontend belongs to its parent: its outputs would end
    up in the server's log.
    """
    ipython = sys.modules.get("IPython")
    return ipython is not None and _belongs_to_parent(ipython.get_ipython())


def _belongs_to_parent(shell: Any) -> bool:
    session = getattr(getattr(shell, "kernel", None), "session", None)
    return getattr(session, "pid", os.getpid()) != os.getpid()


def kernel_shell() -> Any | None:
    """The shell of a Jupyter kernel, which can show rich output; ``None`` in terminals."""
    current = current_shell()
    return current if getattr(current, "kernel", None) is not None else None


def is_interactive() -> bool:
    """Whether a user can answer prompts: in IPython or marimo, but not in a headless run (papermill, nbconvert)."""
    current = current_shell()
    if current is None:
        return in_marimo()
    kernel = getattr(current, "kernel", None)
    # Headless runners declare, in each execution request, that there is no standard input.
    return bool(kernel is None or getattr(kernel, "_allow_stdin", False))


def in_vscode(shell: Any) -> bool:
    """Whether the notebook is open in VS Code, which stores its path in a variable of the notebook."""
    return "__vsc_ipynb_file__" in getattr(shell, "user_ns", {})


def in_colab() -> bool:
    """Whether this is Google Colab, whose kernel imports its own package."""
    return "google.colab" in sys.modules


def in_marimo() -> bool:
    """Whether this is a marimo notebook, which does not use IPython."""
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())


def cell_id(shell: Any) -> str:
    """The id of the running cell, which later runs share; without one from the frontend, the execution count."""
    metadata = (shell.get_parent() or {}).get("metadata", {}) if hasattr(shell, "get_parent") else {}
    return str(metadata.get("cellId") or f"run {shell.execution_count}")


def served_folder(shell: Any) -> Path | None:
    """The folder against which the frontend resolves relative URLs in outputs: in Jupyter, the notebook's own.

    ``None`` in VS Code and Colab, whose outputs have another origin than the files.
    """
    return None if in_vscode(shell) or in_colab() else notebook_folder()


def notebook_folder() -> Path:
    """The folder in which the notebook lies and its code is run again; without one, the working directory."""
    notebook = Path(os.environ.get("JPY_SESSION_NAME", ""))  # set by Jupyter Server 2
    return notebook.parent if notebook.is_absolute() and notebook.is_file() else Path.cwd()
