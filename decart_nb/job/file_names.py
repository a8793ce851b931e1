"""Names of files as tables and exports show them: without the folders of this machine."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from ..request.models import FILE_INPUTS

_FILE_COLUMNS = {*FILE_INPUTS, "path"}
_ABSOLUTE = re.compile(r"/|~|\\\\|[A-Za-z]:[\\/]|file:")
#: A path from the root, a drive or the home directory, in a text; not the path of a URL, and not a single slash.
_PATH_IN_TEXT = re.compile(r"(?<![\w:/.\\])(?:~|[A-Za-z]:)?[\\/](?:[^\s\\/'\"<>|]+[\\/])+[^\s\\/'\"<>|:,;]*")


def without_folder(name: str, value: Any) -> Any:
    """A value; of what names a file, only the file's name, since a folder of this machine concerns nobody else."""
    if isinstance(value, os.PathLike):
        value = os.fsdecode(value)
    elif not isinstance(value, str) or name == "prompt" or (name not in _FILE_COLUMNS and not _ABSOLUTE.match(value)):
        return value
    address = value.split("?")[0] if "://" in value else value
    return re.split(r"[\\/]", address.rstrip("\\/"))[-1] or name


def without_folders(text: str) -> str:
    """A text in which each absolute path is only the file's name, such as an error's sentence."""
    return _PATH_IN_TEXT.sub(lambda found: re.split(r"[\\/]", found[0].rstrip("\\/"))[-1], text)


def short_names(name: str, values: Sequence[Any]) -> list[Any]:
    """The values of a column, with :func:`without_folder`. Different ones stay different: ``in.mp4 (2)``."""
    shown: dict[Any, Any] = {}
    taken: set[Any] = set()
    for value in values:
        if not isinstance(value, str) or value in shown:
            continue
        plain = short = without_folder(name, value)
        count = 1
        while short in taken:
            short = f"{plain} ({(count := count + 1)})"
        shown[value] = short
        taken.add(short)
    return [shown[value] if isinstance(value, str) else value for value in values]
