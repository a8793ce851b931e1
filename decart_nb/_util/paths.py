"""Paths as people read them: relative to where the code runs, so that no path of the machine is shown."""

from __future__ import annotations

import os
from pathlib import Path


def relative_path(path: str | os.PathLike[str]) -> str:
    """A path relative to the working directory, which leads to the same file from there.

    Args:
        path: absolute or relative; a relative one is returned as it is.
    """
    path = Path(path)
    if not path.is_absolute():
        return str(path)
    try:
        return os.path.relpath(path)
    except (OSError, ValueError):  # the working directory is gone, or on another drive
        return path.name
