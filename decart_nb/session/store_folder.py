"""The folder of a session's store: the one that was named, or the one that is found where the code runs.

A store is looked for as git looks for a repository: a folder ``decart_runs`` with a database in the working directory,
or else in the nearest folder above it. The search ends at the home folder, at the edge of the file system, and at a
folder into which everybody may write (``/tmp``); above the working directory, a store that belongs to another user does
not count: what such a store says would be believed, and prompts and inputs would be written into it.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from .._util.addresses import PACKAGES, scheme_of, without_pathlib
from .._util.files import os_reason
from .._util.interface_names import step
from ..errors import InvalidInputError
from ..request.local_files import UnusableFileError
from ..request.locations import locate, path_text, redacted_url
from ..store.store import DATABASE
from .current import current_session

#: The name of a store's folder, unless another one is asked for.
NAME = "decart_runs"
#: The environment variable that names the folder of the store.
VARIABLE = "DECART_STORE"


def find_folder(store: str | os.PathLike[str] | None = None) -> Path:
    """The absolute path of the store's folder. Nothing is created.

    Args:
        store: the folder that was asked for. By default, the store of the current session; else ``DECART_STORE``; else
            the nearest store in or above the working directory; else ``decart_runs`` in the working directory.

    Raises:
        InvalidInputError: it is no path of this machine, or the working directory has been removed.
    """
    if store is None:
        if session := current_session():
            return session.store
        store = os.environ.get(VARIABLE, "").strip() or None
    store = _local_path(store)
    try:
        if store is None:
            start = Path.cwd()
            return _found_from(start) or start / NAME
        folder = Path(store).expanduser().absolute()
        return folder.resolve() if ".." in folder.parts else folder
    except (OSError, TypeError, ValueError, RuntimeError) as cause:
        raise _unusable(store or NAME, cause) from None


def prepare_folder(store: str | os.PathLike[str] | None = None) -> Path:
    """Find the store's folder, create it, and check that it is writable, before anything is paid for.

    Args:
        store: as for :func:`find_folder`.

    Raises:
        InvalidInputError: it cannot be written.
    """
    folder = find_folder(store)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, ValueError) as cause:
        raise _unusable(relative_name(folder) if store is None else store, cause) from None
    return folder


def relative_name(folder: Path) -> str:
    """A store's folder as it is reached from the working directory; its name alone where that shows other paths."""
    try:
        start = Path.cwd()
    except OSError:
        return folder.name
    near = folder.is_relative_to(start) or start.is_relative_to(folder.parent)
    return Path(os.path.relpath(folder, start)).as_posix() if near else folder.name


def _local_path(store: Any) -> Any:
    """The path that a ``file:`` address names; anything else as it is.

    Raises:
        InvalidInputError: it is an address of elsewhere.
    """
    text = path_text(store)
    if text is None:
        return store
    if text[:7].lower() == "file://":
        try:
            return locate(text)
        except UnusableFileError as error:
            raise InvalidInputError(f"store {error}") from None
    address = without_pathlib(text)
    if (scheme := scheme_of(address)) is None or Path(f"{scheme}:").exists():
        return store
    shown, is_place = redacted_url(address), scheme in PACKAGES
    copied = step("mirror", address=shown if is_place else "s3://bucket/runs")
    raise InvalidInputError(
        f"store {shown} is an address, and the store that a session works with is a folder of this machine: give a "
        f"local folder. {copied} copies what is new in it {'there' if is_place else 'to such an address'}."
    )


def _found_from(start: Path) -> Path | None:
    """The nearest store in a folder or above it."""
    if (start / NAME / DATABASE).is_file():
        return start / NAME
    home = _home()
    try:
        device = start.stat().st_dev
        for below, folder in zip((start, *start.parents), start.parents, strict=False):
            status = folder.stat()
            if below == home or status.st_dev != device or _is_shared(status):
                break
            if _is_own_store(folder / NAME):
                return folder / NAME
    except OSError:  # a folder that may not be looked into; git ends there too
        pass
    return None


def _home() -> Path | None:
    try:
        return Path.home().resolve()
    except (OSError, RuntimeError):  # nobody knows where it is
        return None


def _is_shared(folder: os.stat_result) -> bool:
    return hasattr(os, "getuid") and bool(folder.st_mode & stat.S_IWOTH)  # Windows sets that of every folder


def _is_own_store(folder: Path) -> bool:
    """Whether a folder has a store's database, which belongs to this user."""
    try:
        database = (folder / DATABASE).lstat()
    except OSError:
        return False
    return stat.S_ISREG(database.st_mode) and (not hasattr(os, "getuid") or database.st_uid == os.getuid())


def _unusable(store: object, cause: Exception) -> InvalidInputError:
    given = repr(str(store)) if "\0" in str(store) else store
    return InvalidInputError(f"store {given} is not a folder that can be written: {os_reason(cause)}.", {}, cause)
