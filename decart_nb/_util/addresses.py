"""File addresses that fsspec opens, such as ``s3://bucket/in.mp4``: which are taken, and how they are shown.

The schemes come from a list. What fsspec would also open, such as another address inside an archive
(``zip://in.mp4::s3://…``), a file that names others, or a program's own scheme, is refused: an address may come from
somebody's table. http(s) is not among them: such files are fetched by :mod:`decart_nb.client.remote_files`, without
credentials.
"""

from __future__ import annotations

import re

from .text import printable

#: The package that a scheme needs beside fsspec; empty where it needs none.
PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "hf": "huggingface_hub",
    "oci": "ocifs",
    "oss": "ossfs",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "memory": "",
}
#: Those whose writes appear as whole objects or not at all.
OBJECT_STORES = frozenset(PACKAGES) - {"sftp", "ssh", "memory"}
#: Those in which a container's name stands where others have a user's: ``abfs://container@account/in.mp4``.
_CONTAINER_FIRST = ("az", "abfs", "abfss")
#: A drive of Windows (``C://``) has one letter.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
_URL = re.compile(r"[a-z][a-z0-9+.-]+://[^\s\"'<>()\[\]{}]+", re.IGNORECASE)
#: What pathlib makes of an address.
_MANGLED = re.compile(r"([a-z][a-z0-9+.-]+):/(?!/)", re.IGNORECASE)
#: The end of an address of which something is not shown.
CUT = "?…"
#: How Amazon's names of access points begin, which have colons in them.
_ARN = "arn:"
_ODD_PORT = re.compile(r":(?!\d*$)")
_MAX_SHOWN_LENGTH = 300


def scheme_of(text: str) -> str | None:
    """The scheme of an address, in lower case; ``None`` of a text without ``scheme://``."""
    found = _SCHEME.match(text)
    return found[1].lower() if found else None


def is_storage_address(text: str) -> bool:
    """Whether a text is an address that fsspec opens for this package."""
    return scheme_of(text) in PACKAGES


def without_pathlib(text: str) -> str:
    """The address of which pathlib has made ``s3:/bucket``; any other text as it is."""
    found = _MANGLED.match(text)
    return text.replace(":/", "://", 1) if found and found[1].lower() in PACKAGES else text


def fault_of(address: str) -> str | None:
    """Why an address is not opened, as the end of a sentence; ``None`` of a sound one."""
    shown = shown_address(address)
    if is_redacted(address):
        return f"was at {shown}, of which the password or the query is not kept. Give the whole address again."
    if "::" in address:
        return f"is a chain of addresses ({shown}), which is not followed; give the address of the file itself."
    if _is_odd(_parts(address)[0]):
        return f"is {shown}, with a colon in its first part; credentials belong into the environment."
    if not address.isprintable() or address != address.strip():
        return f"is an address with characters in it that cannot be seen: {shown!r}."
    if file_name(address) in ("", ".", ".."):
        return f"is {shown}, which names no file."
    return None


def file_name(address: str) -> str:
    """The last part of an address's path. A key is not percent-encoded, so nothing is decoded."""
    return address.partition("://")[2].partition("?")[0].rstrip("/").rpartition("/")[2]


def has_query(address: str) -> bool:
    """Whether an address has a query, such as ``?versionId=1``."""
    return bool(_parts(address)[3])


def has_secrets(address: str) -> bool:
    """Whether an address has what must not be shown: a user's name or password, or a query."""
    _, user, _, query = _parts(address)
    return bool(user or query)


def without_secrets(text: str) -> str:
    """A text of somebody else's in which all URLs are without user name, password and query."""
    return _URL.sub(lambda found: shown_address(found[0]), text)


def is_redacted(address: str) -> bool:
    """Whether secrets were removed from an address by :func:`shown_address`."""
    return address.endswith(CUT)


def shown_address(address: str) -> str:
    """An address without user name, password and query; it ends with ``?…`` if it had any of them."""
    host, user, path, query = _parts(address)
    scheme = address.partition(":")[0].lower()
    if _is_odd(host):
        return f"{scheme}://…"
    cut = CUT if user or query or is_redacted(address) else ""
    return printable(f"{scheme}://{host}{path}{cut}", limit=_MAX_SHOWN_LENGTH)


def _is_odd(host: str) -> bool:
    """Whether what looks like a host may be a user with a password that has a slash in it."""
    return bool(_ODD_PORT.search(host)) and not host.startswith(_ARN)


def _parts(address: str) -> tuple[str, str, str, str]:
    """The host, the user with the password, the path, and the query."""
    scheme, _, rest = address.partition("://")
    authority, slash, path = rest.partition("/")
    user, _, host = authority.rpartition("@")
    if scheme.lower() in _CONTAINER_FIRST and ":" not in user:
        user, host = "", authority
    place, _, query = f"{host}{slash}{path}".partition("?")
    host, slash, path = place.partition("/")
    return host, user, f"{slash}{path}", query
