"""The place of a mirror: an fsspec address, or a folder of this machine outside the store."""

from __future__ import annotations

import os
from pathlib import Path

from .._util.files import os_reason
from .._util.paths import relative_path
from .._util.remote_storage import RemoteStorage
from .._util.text import printable
from ..errors import InvalidInputError
from ..job.destinations import destination
from ..job.provenance import as_path
from ..store.mirror import Mirrored, mirror
from ..store.store import Store


def mirror_store(store: Store, address: str | os.PathLike[str]) -> Mirrored:
    """Copy what is new in a store to a mirror; see :func:`decart_nb.store.mirror.mirror`.

    Args:
        store: the store.
        address: an fsspec address, or the path of a folder.

    Raises:
        InvalidInputError: it is neither, or a folder of a store.
        StoreError: the mirror is not complete; the same call goes on.
    """
    target = destination(address)
    if not isinstance(target, RemoteStorage):
        target = _folder(store, as_path(target))
    return mirror(store, target)


def _folder(store: Store, folder: Path) -> RemoteStorage:
    try:
        real, working = folder.resolve(), store.folder.resolve()
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{printable(folder.name)} cannot be a folder: {os_reason(error)}.") from None
    if real.is_relative_to(working) or working.is_relative_to(real):
        raise InvalidInputError("A mirror cannot be in the store's own folder, or around it: name another folder.")
    return RemoteStorage.local(folder, relative_path(folder))
