"""Interpretation of file inputs as local paths, URLs or fsspec addresses, and their form for display."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from .._util import addresses
from .._util.paths import relative_path
from .._util.remote_storage import RemoteStorage
from .._util.text import one_line, printable, short_repr
from .local_files import UnusableFileError, display_path

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://|(data|blob|file):", re.IGNORECASE)
#: An address of any scheme may contain a password.
_ADDRESS = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
#: Characters stripped from pasted paths: white space, invisible marks, quotation marks.
_AROUND = " \t\r\n\v\f\u00a0\ufeff\u200b\u200e\u200f\u202a\u202b\u202c\u2066\u2069\"'`“”‘’«»"
_ADVICE = {
    "data": "base64.b64decode of what follows its comma gives bytes, which are taken",
    "blob": "it is known to one page of a browser alone; save the file, and give its path",
}


@dataclass(frozen=True)
class RemoteFile:
    """A file behind a URL, which is downloaded when the request is sent."""

    url: str

    @property
    def shown(self) -> str:
        """The URL without user name, password and query, which may be secret."""
        return redacted_url(self.url)


def locate(value: str | os.PathLike[Any]) -> Path | RemoteFile | RemoteStorage:
    """Parse a text or a path as a local path, a URL or an fsspec address. Nothing is opened.

    Raises:
        UnusableFileError: it is neither; the message suggests what may have been meant.
    """
    text = path_text(value)
    if text is None:
        raise UnusableFileError(f"is {short_repr(value)}, which gives no path; give the path as text.")
    if not text:
        raise UnusableFileError("is an empty text; give a path or an address.")
    if text == "-":
        return Path("/dev/stdin")
    if is_url(text):
        return RemoteFile(_checked(text))
    found = _SCHEME.match(text)
    scheme = (found[1] or found[2]).lower() if found else ""
    if scheme == "file":
        return _path_of_url(text)
    path = Path(text)
    if addresses.is_storage_address(text) and not _is_there(path):
        return storage_at(text)
    if scheme and not _is_there(path):
        known = ", ".join(addresses.PACKAGES)
        advice = _ADVICE.get(scheme, f"download the file and give its path, or give an address of http, https, {known}")
        raise UnusableFileError(f"is an address of the kind {scheme}:, which is not fetched; {advice}.")
    try:
        path = path.expanduser()
    except (RuntimeError, ValueError):  # for a ~name of nobody, or of what is no name
        raise UnusableFileError(f"cannot be read: {display_path(path)}; this machine has no such user.") from None
    if not _is_there(path) and (meant := _meant(text)):
        raise UnusableFileError(f"names no file as it is written. Did you mean {meant}?")
    return path


def storage_at(address: str) -> RemoteStorage:
    """What an fsspec address names. Nothing is opened.

    Raises:
        UnusableFileError: it is not sound.
    """
    if fault := addresses.fault_of(address):
        raise UnusableFileError(fault)
    return RemoteStorage(address)


def path_text(value: Any) -> str | None:
    """A path or URL as text; ``None`` if a value is neither a text nor a path."""
    if not isinstance(value, (str, os.PathLike)):
        return None
    try:
        return os.fsdecode(os.fspath(value))
    except Exception:  # noqa: BLE001 - whatever somebody's own __fspath__ does
        return None


def is_url(text: str) -> bool:
    """Whether a text is an http(s) URL."""
    return text[:8].lower().startswith(("http://", "https://"))


def is_remote(text: str) -> bool:
    """Whether a text is an http(s) URL or an fsspec address."""
    return is_url(text) or addresses.is_storage_address(text)


def display_location(text: str) -> str:
    """A path or URL for tables: in one line, encodable as UTF-8, and without secrets."""
    address = text.strip(_AROUND)
    return redacted_url(address) if _ADDRESS.match(address) else one_line(text)


def table_location(text: str) -> str:
    """A path or URL as a column of files has it: as :func:`display_location`, and relative to the working directory."""
    address = text.strip(_AROUND)
    if address[:5].lower() == "file:":
        try:
            text = str(_path_of_url(address))
        except UnusableFileError:
            return display_location(text)
    return display_location(relative_path(text) if Path(text).is_absolute() else text)


def redacted_url(url: str) -> str:
    """A URL without user name, password and query; it ends with ``?…`` if it had any of them."""
    url = re.sub(":/+", "://", url, count=1)  # of which pathlib makes one
    if addresses.is_storage_address(url):
        return addresses.shown_address(url)
    try:
        address = urlsplit(url)
        user, _, host = address.netloc.rpartition("@")
    except ValueError:
        return f"{url.partition('://')[0]}://…"
    cut = addresses.CUT if user or address.query or addresses.is_redacted(url) else ""
    return printable(f"{address.scheme}://{host}{address.path}{cut}", limit=300)


def _checked(url: str) -> str:
    stripped = url.strip(_AROUND)
    if re.search(r"[\s\x00-\x1f\x7f]", url):
        meant = f"Did you mean {redacted_url(stripped)!r}?" if stripped != url else "A blank in an address is %20."
        raise UnusableFileError(f"is an address with blanks in it: {redacted_url(url)!r}. {meant}")
    if addresses.is_redacted(url):
        raise UnusableFileError(
            f"was at {redacted_url(url)}, of which the password or the query is not kept, and the store has no copy of "
            "the file. Give the whole address again."
        )
    try:
        address = urlsplit(url)
        host = (address.hostname or "").rstrip(".")
        for label in host.split("."):
            label.encode("idna").decode("idna")
        if host and address.port != 0:
            return url
    except ValueError:
        pass
    raise UnusableFileError(f"is not an address that a file can be fetched from: {redacted_url(url)}.")


def _path_of_url(text: str) -> Path:
    rest = text[len("file:") :]
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        if host.lower() not in ("", "localhost", "127.0.0.1"):
            raise UnusableFileError(
                f"is a file of another machine, {printable(host, limit=60)}; give a file of this one."
            )
        rest = slash + path
    return Path(unquote(rest, errors="surrogateescape"))


def _is_there(path: Path) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:  # a NUL
        return False


def _meant(text: str) -> str | None:
    """A suggestion for a text that names no file; ``None`` if there is none."""
    if re.match(r"https?:/[^/]", text, re.IGNORECASE) or addresses.without_pathlib(text) != text:
        # What pathlib makes of an address.
        return f"{redacted_url(text)!r}, as text and not as a Path"
    stripped = text.strip(_AROUND)
    if not stripped or stripped == text:
        return None
    return f"{display_location(stripped)!r}, without what stands around it"
