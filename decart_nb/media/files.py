"""Reading and writing of media files, with one :class:`~decart_nb.errors.MediaError` for whatever the disk refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from .._util import files
from ..errors import MediaError


@contextmanager
def open_file(path: Path) -> Iterator[BufferedReader]:
    """Open a file for reading.

    Raises:
        MediaError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield file
    except (OSError, ValueError) as cause:
        raise MediaError(f"{path.name} cannot be read: {reason(cause)}.", cause=cause) from None


@contextmanager
def write_errors(target: Path) -> Iterator[None]:
    """Turn an operating system's error while a file is written into a :class:`MediaError` that names the file."""
    try:
        yield
    except (OSError, ValueError) as cause:
        where = target.parent.name or target.parent
        raise MediaError(f"{target.name} cannot be saved in {where}: {reason(cause)}.", cause=cause) from None


@contextmanager
def atomic_write(target: Path, *, staging: Path | None = None, fsync: bool = True) -> Iterator[BinaryIO]:
    """Open a file for writing, as :func:`decart_nb._util.files.atomic_write`.

    Raises:
        MediaError: it cannot be written; the target is unchanged.
    """
    with write_errors(target), files.atomic_write(target, staging=staging, fsync=fsync) as file:
        yield file


def reason(cause: Exception) -> str:
    """The reason for a failure, in lower case and without the path."""
    text = files.os_reason(cause)
    return text[:1].lower() + text[1:]
