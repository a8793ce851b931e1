"""Where a file input is: what a text or a path means, as a file of this machine or as an address."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from .._util.text import one_line, printable, short_repr
from .local_files import UnusableFileError, display_path

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://|(data|blob|file):", re.IGNORECASE)
#: Whatever scheme it has, it may hold a password.
_ADDRESS = re.compile(r"(?!file:)[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
#: What stands around a path that was copied from somewhere: blanks, marks that are not seen, quotation marks.
_AROUND = " \t\r\n\v\f\u00a0\ufeff\u200b\u200e\u200f\u202a\u202b\u202c\u2066\u2069\"'`“”‘’«»"
_ADVICE = {
    "data": "base64.b64decode of what follows its comma gives bytes, which are taken",
    "blob": "it is known to one page of a browser alone; save the file, and give its path",
    "s3": "download it, or give a presigned https address",
    "gs": "download it, or give a signed https address",
    "hf": "huggingface_hub.hf_hub_download gives a path, which is taken",
}
_CUT = "?…"


@dataclass(frozen=True)
class RemoteFile:
    """A file that is to be fetched from a URL when the request is sent."""

    url: str

    @property
    def shown(self) -> str:
        """The address without what may be secret in it: a user's name and password, and the query."""
        return redacted_url(self.url)


def locate(value: str | os.PathLike[Any]) -> Path | RemoteFile:
    """What a text or a path names. Nothing is opened.

    Raises:
        UnusableFileError: it names nothing that can be read; the sentence says what was perhaps meant.
    """
    text = path_text(value)
    if text is None:
        raise UnusableFileError(f"is {short_repr(value)}, which gives no path; give the path as text.")
    if not text:
        raise UnusableFileError("is an empty text; give a path or a URL.")
    if text == "-":
        return Path("/dev/stdin")
    if is_url(text):
        return RemoteFile(_checked(text))
    found = _SCHEME.match(text)
    scheme = (found[1] or found[2]).lower() if found else ""
    if scheme == "file":
        return _path_of_url(text)
    path = Path(text)
    if scheme and not _is_there(path):
        advice = _ADVICE.get(scheme, "download the file and give its path, or give an http(s) address")
        raise UnusableFileError(f"is an address of the kind {scheme}:, which is not fetched; {advice}.")
    try:
        path = path.expanduser()
    except (RuntimeError, ValueError):  # for a ~name of nobody, or of what is no name
        raise UnusableFileError(f"cannot be read: {display_path(path)}; this machine has no such user.") from None
    if not _is_there(path) and (meant := _meant(text)):
        raise UnusableFileError(f"names no file as it is written. Did you mean {meant}?")
    return path


def path_text(value: Any) -> str | None:
    """The text of a path, or of an address; ``None`` where a value is neither."""
    if not isinstance(value, (str, os.PathLike)):
        return None
    try:
        return os.fsdecode(os.fspath(value))
    except Exception:  # noqa: BLE001 - whatever somebody's own __fspath__ does
        return None


def is_url(text: str) -> bool:
    """Whether a text is an address from which files are fetched."""
    return text[:8].lower().startswith(("http://", "https://"))


def display_location(text: str) -> str:
    """A path or an address as tables show it: in one line that UTF-8 can hold, and without what may be secret."""
    address = text.strip(_AROUND)
    return redacted_url(address) if _ADDRESS.match(address) else one_line(text)


def is_redacted(url: str) -> bool:
    """Whether an address has lost what may be secret in it: see :func:`redacted_url`."""
    return url.endswith(_CUT)


def redacted_url(url: str) -> str:
    """An address without what may be secret: name, password and query. Where it had any, it ends with ``?…``."""
    try:
        address = urlsplit(re.sub(":/+", "://", url, count=1))  # of which pathlib makes one
        user, _, host = address.netloc.rpartition("@")
    except ValueError:
        return f"{url.partition('://')[0]}://…"
    cut = _CUT if user or address.query or is_redacted(url) else ""
    return printable(f"{address.scheme}://{host}{address.path}{cut}", limit=300)


def _checked(url: str) -> str:
    stripped = url.strip(_AROUND)
    if re.search(r"[\s\x00-\x1f\x7f]", url):
        meant = f"Did you mean {redacted_url(stripped)!r}?" if stripped != url else "A blank in an address is %20."
        raise UnusableFileError(f"is an address with blanks in it: {redacted_url(url)!r}. {meant}")
    if is_redacted(url):
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
    raise UnusableFileError(f"is no address that a file can be fetched from: {redacted_url(url)}.")


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
    """What was meant by a text that names no file, where that can be told."""
    if re.match(r"https?:/[^/]", text, re.IGNORECASE):  # what pathlib makes of an address
        return f"{redacted_url(text)!r}, as text and not as a Path"
    stripped = text.strip(_AROUND)
    if not stripped or stripped == text:
        return None
    return f"{display_location(stripped)!r}, without what stands around it"
