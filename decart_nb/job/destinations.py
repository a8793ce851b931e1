"""Where copies and exports are written: paths of this machine, and fsspec addresses.

What goes to an address is written into a temporary folder first, as it would be here, and uploaded when it is whole.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .._util.addresses import PACKAGES, has_query, is_storage_address, scheme_of, without_pathlib
from .._util.remote_storage import RemoteStorage, StorageError, upload_all
from .._util.text import printable
from ..errors import InvalidInputError, MediaError
from ..request.local_files import UnusableFileError
from ..request.locations import locate, path_text, redacted_url, storage_at

#: The largest page that is looked at for whether it is a gallery, in bytes.
_MAX_PAGE_BYTES = 2**22


def destination(given: Any) -> Any:
    """What a path or an address names, to be written to.

    Returns:
        A :class:`RemoteStorage` for an fsspec address; a path for another one; what is neither, as it is.

    Raises:
        InvalidInputError: the address is of a kind that is not written to, or is not sound.
    """
    text = path_text(given)
    if text is None:
        return given
    scheme = scheme_of(text)
    try:
        if is_storage_address(text):
            storage = storage_at(text)
            if has_query(text):  # which would become a part of the file's name, or be left out
                raise UnusableFileError(f"has a query, {storage.shown}; leave out what follows the question mark.")
            return storage
        if scheme == "file" or text.lower().startswith("file:/"):
            return locate(text)
    except UnusableFileError as error:
        raise InvalidInputError(f"What is to be written to {error}") from None
    if scheme is not None:
        raise InvalidInputError(
            f"{redacted_url(text)} is an address of the kind {scheme}:, to which nothing is written; give a path, or "
            f"an address of {', '.join(PACKAGES)}."
        )
    if without_pathlib(text) != text:
        raise InvalidInputError(f"{redacted_url(text)} is an address: give it as text, and not as a Path.")
    return given


def write_file(given: Any, write: Callable[[Any], Path]) -> Path | str:
    """Write a file to a path or an address.

    Args:
        given: the path or address. One that ends with ``/`` is a folder; the file then has the name that ``write``
            gives it.
        write: writes to the local path that it is called with, and returns the path of the file.

    Returns:
        The path, or the address without secrets.

    Raises:
        InvalidInputError: as for :func:`destination`.
        MediaError: it cannot be uploaded.
    """
    target = destination(given)
    if not isinstance(target, RemoteStorage):
        return write(target)
    require_package(target)  # before the work begins
    is_folder = target.address.endswith("/")
    with tempfile.TemporaryDirectory(prefix="decart_nb-") as name:
        folder = Path(name)
        written = write(folder if is_folder else folder / target.name)
        place = target.child if is_folder else target.sibling
        _upload([(file, place(file.name)) for file in folder.iterdir()], target)
        return place(written.name).shown


def write_folder(given: Any, write: Callable[[Any], Path], *, page: str, placeholder: str) -> Path | str:
    """Write a folder of files to a path or an address. What is at the address, under other names, stays.

    Args:
        given: the path or address.
        write: writes into the local folder that it is called with, and returns the path of its page. It refuses a
            folder with other files in it: of those at the address, it is shown the page.
        page: the name of the page, which is uploaded last.
        placeholder: what is at an address in place of a new page until the other files are there. ``write`` takes it
            for a page of its own, so that a folder whose upload broke off can be written again.

    Returns:
        The path of the page, or its address without secrets.

    Raises:
        InvalidInputError: as for :func:`destination`, or there are other files at the address.
        MediaError: it cannot be uploaded.
    """
    target = destination(given)
    if not isinstance(target, RemoteStorage):
        return write(target)
    with tempfile.TemporaryDirectory(prefix="decart_nb-") as name:
        folder = Path(name) / "folder" / target.name
        folder.mkdir(parents=True)
        try:
            there = target.files()
            if page in there:
                (folder / page).write_bytes(target.child(page).read(_MAX_PAGE_BYTES))
        except StorageError as error:
            raise _unwritable(target, error) from None
        if there and page not in there:
            raise InvalidInputError(f"{printable(target.shown)} has other files in it: name a new folder.")
        written = write(folder)
        if page not in there:
            first = Path(name) / "placeholder"
            first.write_text(placeholder, encoding="utf-8")
            _upload([(first, target.child(page))], target)
        files = sorted((file for file in folder.rglob("*") if file.is_file()), key=lambda file: file == written)
        pairs = [(file, target.child(file.relative_to(folder).as_posix())) for file in files]
        _upload(pairs[:-1], target)
        _upload(pairs[-1:], target)
        return target.child(page).shown


def require_package(target: RemoteStorage) -> None:
    """Check that the packages of an address are there.

    Raises:
        MediaError: one is missing.
    """
    try:
        target.require_package()
    except StorageError as error:
        raise _unwritable(target, error) from None


def _upload(pairs: list[tuple[Path, RemoteStorage]], target: RemoteStorage) -> None:
    try:
        upload_all(pairs)
    except StorageError as error:
        raise _unwritable(target, error) from None


def _unwritable(target: RemoteStorage, error: StorageError) -> MediaError:
    return MediaError(f"{target.name} cannot be saved at {target.shown}: {error}.")
