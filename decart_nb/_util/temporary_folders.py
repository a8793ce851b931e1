"""Temporary folders that are removed with an object, and not by a process that was forked in between."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from pathlib import Path


def temporary_folder(owner: object, prefix: str) -> Path:
    """Make a temporary folder that is removed with an object, or at the end of this process.

    Args:
        owner: the object.
        prefix: what the folder's name begins with.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    weakref.finalize(owner, _remove, folder, os.getpid())
    return folder


def _remove(folder: Path, process: int) -> None:
    """Remove a folder in the process that made it; a forked child runs this finalizer too."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
