"""IPython's shells, as tests make them by the dozen in one process."""

from __future__ import annotations

import atexit
import sys
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


def new_shell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    """A shell without a history. It puts its notebook's module in the place of ours, which is put back."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}), ipython_dir=str(folder / "ipython"))
    atexit.unregister(shell.atexit_operations)  # for each shell, they take half a second at the end of the process
    shell.Completer.backslash_combining_completions = False  # IPython 7 reads all of Unicode's names, in each shell
    return shell
