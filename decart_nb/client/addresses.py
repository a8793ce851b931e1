"""Validates and normalizes the addresses of queues, and spells the paths of jobs on them."""

from __future__ import annotations

import functools
import ipaddress
import re
import socket
from urllib.parse import SplitResult, quote, urlsplit

from .._util.text import printable, short_repr
from ..errors import InvalidBaseURLError, InvalidInputError

DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_SHOWN_LENGTH = 200
#: Spellings of an IPv4 address that the C library accepts, such as ``127.1`` and ``0x7f000001``.
_NUMERIC = re.compile(r"(0x[0-9a-f]+|\d+)(\.(0x[0-9a-f]+|\d+)){0,3}")


def checked_url(url: str, like: str) -> str:
    """Validate a base URL, and normalize case, blanks, a default port and trailing slashes.

    Args:
        url: the URL.
        like: an example of a valid one, for the error.

    Raises:
        InvalidBaseURLError: it is not an http(s) URL, or its host is invalid.
    """
    try:
        url = url.strip()
        parts = urlsplit(url)
        # A port out of range is a ValueError. Credentials are refused, since errors would show them.
        host, port = parts.hostname or "", parts.port
        odd = parts.username or parts.query or parts.fragment or not url.isprintable() or " " in url
        good = parts.scheme in DEFAULT_PORTS and _is_a_host(host) and port != 0 and not odd
    except (ValueError, AttributeError, TypeError):  # a UnicodeError is a ValueError
        good = False
    if not good:
        given = printable(str(url).rpartition("@")[2], limit=_MAX_SHOWN_LENGTH)
        raise InvalidBaseURLError(f"Invalid base URL: {given}. It must look like {like}.")
    return f"{parts.scheme}://{_netloc(parts, host)}{parts.path.rstrip('/')}"


def endpoint_of(base_url: str) -> str:
    """The canonical form of a base URL, the same for all names of one host. Stored results are found by it.

    All names and addresses of the loopback interface become ``127.0.0.1``. Connections use the address as it was given,
    since a queue may listen on one of them only.
    """
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{_netloc(parts, _canonical(parts.hostname or ''))}{parts.path}"


def host_and_port(url: str) -> str:
    """The host of a URL, and its port if it is not the default, as printable text."""
    try:
        parts = urlsplit(url)
        return printable(_netloc(parts, parts.hostname or ""), limit=_MAX_SHOWN_LENGTH)
    except ValueError:
        return "an address that cannot be read"


def is_this_machine(host: str) -> bool:
    """Whether a host is a name or an address of the loopback interface."""
    try:
        return ipaddress.ip_address(_canonical(host)).is_loopback
    except ValueError:
        return False


def job_path(job_id: str) -> str:
    """The path of a job, relative to the base URL.

    Raises:
        InvalidInputError: it is no id.
    """
    if not isinstance(job_id, str) or not job_id:
        raise InvalidInputError(f"A job's id must be text that is not empty, not {short_repr(job_id)}.")
    try:
        return f"/v1/jobs/{_quoted(job_id)}"
    except UnicodeError:
        message = f"The job id {job_id!a:.60} has half of a character in it (a lone surrogate)."
        raise InvalidInputError(message) from None


def content_path(job_id: str) -> str:
    """The path of a job's video, relative to the base URL; raises as :func:`job_path`."""
    return f"{job_path(job_id)}/content"


def _is_a_host(host: str) -> bool:
    if ":" in host:  # an IPv6 address, which urlsplit has checked
        return True
    # As the resolver does, which allows one trailing dot, and no empty or long label.
    return bool(host.removesuffix(".").encode("idna"))


def _netloc(parts: SplitResult, host: str) -> str:
    at = f"[{host}]" if ":" in host else host
    return at if parts.port in (None, DEFAULT_PORTS.get(parts.scheme)) else f"{at}:{parts.port}"


def _canonical(host: str) -> str:
    host = host.lower().removesuffix(".")
    if host == "localhost" or host.endswith(".localhost"):
        return "127.0.0.1"
    if _NUMERIC.fullmatch(host):
        try:
            host = socket.inet_ntoa(socket.inet_aton(host))
        except OSError:
            return host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            return host.encode("idna").decode()
        except UnicodeError:
            return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            address = address.ipv4_mapped
        elif address.is_loopback:
            return "127.0.0.1"
    # The unspecified address is often used for a server that listens on all addresses.
    return "127.0.0.1" if address.is_unspecified else str(address)


@functools.lru_cache(maxsize=4096)  # a job is polled many times
def _quoted(job_id: str) -> str:
    if set(job_id) == {"."}:  # which URLs take for this folder, or the one above it
        return "%2E" * len(job_id)
    return quote(job_id, safe="")
