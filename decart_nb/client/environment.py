"""Reads proxy and certificate settings from the environment, as httpx and curl do.

``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, in capitals or not; ``SSL_CERT_FILE`` and
``SSL_CERT_DIR``. Loopback addresses are never reached through a proxy.
"""

from __future__ import annotations

import base64
import functools
import ipaddress
import os
import ssl
import urllib.request
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import httpx
from yarl import URL

from .._util.text import printable
from .addresses import DEFAULT_PORTS, host_and_port, is_this_machine
from .failures import CannotSend


class Proxy(NamedTuple):
    """A proxy from the environment.

    Attributes:
        url: its address, without name and password.
        headers: its name and password, if it has any.
    """

    url: URL
    headers: dict[str, str]


class Proxies:
    """The proxies of the environment, looked up by URL. The environment is read once.

    Args:
        trust_env: whether the environment is read at all.
    """

    def __init__(self, *, trust_env: bool = True) -> None:
        found = urllib.request.getproxies() if trust_env else {}
        self._by_scheme = {scheme: found[scheme] for scheme in ("http", "https", "all") if found.get(scheme)}
        self._exceptions = [rule.strip().lower() for rule in found.get("no", "").split(",") if rule.strip()]
        self._named = functools.lru_cache(maxsize=256)(self._look_up)

    def shown(self, url: httpx.URL) -> str | None:
        """The proxy for a URL as text without its password; ``None`` without a proxy."""
        found = self._named(url.scheme, url.host, url.port)
        return None if found is None else f"{host_and_port(_with_scheme(found[1]))} ({found[0].upper()}_PROXY)"

    def usable(self, url: httpx.URL) -> Proxy | None:
        """The proxy for a URL, or ``None``.

        Raises:
            CannotSend: the environment names a proxy that cannot be used.
        """
        found = self._named(url.scheme, url.host, url.port)
        return None if found is None else _proxy(*found)

    def _look_up(self, scheme: str, host: str, port: int | None) -> tuple[str, str] | None:
        if not self._by_scheme or is_this_machine(host):
            return None
        if any(_matches(rule, scheme, host.lower(), port) for rule in self._exceptions):
            return None
        name = scheme if scheme in self._by_scheme else "all"
        return (name, self._by_scheme[name]) if name in self._by_scheme else None


def _proxy(name: str, address: str) -> Proxy:
    try:
        parts = urlsplit(_with_scheme(address))
        url = URL.build(scheme=parts.scheme, host=parts.hostname or "", port=parts.port)
        if not parts.hostname:
            raise ValueError
    except ValueError:
        raise CannotSend(
            f"{name.upper()}_PROXY in the environment is not the address of a proxy; correct or unset it"
        ) from None
    if parts.scheme not in DEFAULT_PORTS:
        raise CannotSend(
            f"{name.upper()}_PROXY in the environment names a proxy of the kind {printable(parts.scheme, limit=20)}, "
            "and only http and https are supported; name another, or unset it"
        )
    if not parts.username:
        return Proxy(url, {})
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return Proxy(url, {"Proxy-Authorization": f"Basic {base64.b64encode(login).decode()}"})


def _with_scheme(address: str) -> str:
    return address if "://" in address else f"http://{address}"


def _matches(rule: str, scheme: str, host: str, port: int | None) -> bool:
    """Whether an entry of ``NO_PROXY`` matches a URL."""
    if rule == "*":
        return True
    kind, separator, rest = rule.rpartition("://")
    if separator and kind not in ("all", scheme):
        return False
    if _is_in_network(rest, host):
        return True
    name, colon, number = rest.rpartition(":")
    if colon and number.isdecimal() and (name[:1] == "[" or ":" not in name):
        if int(number) != (port or DEFAULT_PORTS.get(scheme)):
            return False
        rest = name
    rest = rest.strip("[]").removeprefix("*")
    host = host.strip("[]").removesuffix(".")
    return host == rest or host.endswith(rest if rest[:1] == "." else f".{rest}")


def _is_in_network(rule: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")) in ipaddress.ip_network(rule.strip("[]"), strict=False)
    except ValueError:
        return False


def tls_context(*, trust_env: bool = True) -> ssl.SSLContext:
    """The SSL context for TLS connections.

    Args:
        trust_env: whether ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` are used.

    Raises:
        CannotSend: the environment names certificates that cannot be read.
    """
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if trust_env and (path := os.environ.get(variable)):
            try:
                if variable == "SSL_CERT_FILE":
                    return ssl.create_default_context(cafile=path)
                if not Path(path).is_dir():
                    raise FileNotFoundError
                return ssl.create_default_context(capath=path)
            except (OSError, ValueError) as cause:  # an SSLError is an OSError
                what = "is not there" if isinstance(cause, FileNotFoundError) else "cannot be read as certificates"
                name = printable(Path(path).name, limit=100)
                raise CannotSend(
                    f"{variable} in the environment names {name}, which {what}; correct or unset it"
                ) from None
    return httpx.create_ssl_context(trust_env=False)
