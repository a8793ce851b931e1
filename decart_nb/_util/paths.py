"""Paths as people read them: without the folders of this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path

#: A path from the root, a drive or the home directory, in a text; not the path of a URL, and not a single slash.
_PATH_IN_TEXT = re.compile(r"(?<![\w:/.\\])(?:~|[A-Za-z]:)?[\\/](?:[^\s\\/'\"<>|]+[\\/])+[^\s\\/'\"<>|:,;]*")


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


def without_folders(text: str) -> str:
    """A text in which each absolute path is only the file's name, such as an error's sentence."""
    return _PATH_IN_TEXT.sub(lambda found: re.split(r"[\\/]", found[0].rstrip("\\/"))[-1], text)
