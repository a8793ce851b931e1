"""Names of files as tables and exports show them: without the folders of this machine."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Any, TypeVar

from ..request.models import FILE_INPUTS

_Value = TypeVar("_Value", bound=Hashable)
_FILE_COLUMNS = {*FILE_INPUTS, "path"}
_ABSOLUTE = re.compile(r"/|~|\\\\|[A-Za-z]:[\\/]|file:")
#: The end of a path under which a store keeps an input that had no path of its own, such as an array: a digest.
_KEPT = re.compile(r"(?:^|[\\/])inputs[\\/][0-9a-f]{64}(\.\w+)?$")
_KINDS = {
    **dict.fromkeys((".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v"), "a video"),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".heic", ".heif"), "an image"),
}


def without_folder(name: str, value: Any) -> Any:
    """A value; of what names a file, only the file's name, since a folder of this machine concerns nobody else."""
    if isinstance(value, os.PathLike):
        value = os.fsdecode(value)
    elif not isinstance(value, str) or name == "prompt" or (name not in _FILE_COLUMNS and not _ABSOLUTE.match(value)):
        return value
    address = value.split("?")[0] if "://" in value else value
    return re.split(r"[\\/]", address.rstrip("\\/"))[-1] or name


def shown_name(name: str, value: Any) -> Any:
    """A value with :func:`without_folder`; of a file that had no name when it was given, what it is."""
    found = _KEPT.search(value) if isinstance(value, str) and name != "prompt" else None
    if found is None:
        return without_folder(name, value)
    return f"{_KINDS.get((found[1] or '').lower(), 'a file')} given in memory"


def distinct_names(
    values: Iterable[_Value], shorten: Callable[[_Value], str], *, taken: Collection[str] = ()
) -> dict[_Value, str]:
    """The short names of values. Different values have different names: ``in.mp4`` and ``in.mp4 (2)``.

    Args:
        values: what is named.
        shorten: gives a value's name, which others may have too.
        taken: names that no value may have.
    """
    names: dict[_Value, str] = {}
    used = {*taken}
    counts: Counter[str] = Counter()
    for value in values:
        if value in names:
            continue
        plain = short = shorten(value)
        while short in used:
            counts[plain] = max(1, counts[plain]) + 1
            short = f"{plain} ({counts[plain]})"
        names[value] = short
        used.add(short)
    return names
