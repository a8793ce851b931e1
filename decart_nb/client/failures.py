"""Classifies and describes failures below HTTP: exceptions of httpx, aiohttp and the operating system."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import sys
from collections.abc import Iterable
from typing import Any

import httpx

from .._util.text import printable

_MAX_REASON_LENGTH = 200
#: Errors of the operating system about this process, not about the peer.
_OWN_ERRNOS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})


class CannotSend(Exception):
    """A request cannot be sent with the present settings. The message is the reason, as a phrase."""


def is_transport_error(cause: BaseException) -> bool:
    """Whether an exception was raised by httpx or aiohttp, and not by our own code around them."""
    if isinstance(cause, (httpx.HTTPError, httpx.InvalidURL, CannotSend)) or type(cause) is TimeoutError:
        return True
    return type(cause).__module__.partition(".")[0] == "aiohttp"


def unwrap_cause(cause: Exception) -> BaseException:
    """The aiohttp exception that an httpx exception was raised from, if any; else the exception itself."""
    # httpx-aiohttp maps any broken connection to a connect time-out; the exception it was raised from is exact.
    origin = cause.__cause__
    return origin if origin is not None and type(origin).__module__.startswith("aiohttp") else cause


def is_without_connection(cause: BaseException | None) -> bool:
    """Whether no connection was established, so that no request was sent."""
    no_connection = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)
    if isinstance(cause, (*no_connection, httpx.UnsupportedProtocol, httpx.InvalidURL, CannotSend)):
        return True
    aiohttp = _aiohttp()
    if not aiohttp:
        return False
    return isinstance(
        cause, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError)
    )


def is_before_sending(cause: BaseException) -> bool:
    """Whether a request without a body was certainly not sent: codecs, threads and descriptors fail before that."""
    if is_without_connection(cause):
        return True
    return isinstance(cause, (UnicodeError, RuntimeError, OSError)) and not is_transport_error(cause)


def is_unknown_host(cause: BaseException | None) -> bool:
    """Whether DNS says that the host does not exist, as opposed to DNS being out of reach."""
    reason = _os_error(cause)
    return isinstance(reason, socket.gaierror) and reason.errno == socket.EAI_NONAME


def is_permanent(cause: BaseException | None) -> bool:
    """Whether the next attempt would fail too: an invalid address, an untrusted certificate, a full disk."""
    if isinstance(cause, (CannotSend, httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects)):
        return True
    if isinstance(cause, (UnicodeError, OSError)) and not is_transport_error(cause):
        return True
    aiohttp = _aiohttp()
    return bool(aiohttp) and isinstance(cause, (aiohttp.ClientConnectorCertificateError, aiohttp.InvalidURL))


def reason_for(cause: BaseException, secrets: Iterable[str] = ()) -> str:
    """The reason for a failure, as a short printable phrase."""
    said = _phrase(cause) or printable(str(cause), limit=_MAX_REASON_LENGTH, secrets=secrets)
    return said.rstrip(".") or type(cause).__name__


def describe_failure(cause: BaseException, host: str, *, seconds: float, secrets: Iterable[str] = ()) -> str:
    """Describe a failure for the retry line, as a phrase that names the host.

    Args:
        cause: the exception.
        host: the host and port.
        seconds: the time-out that applied.
        secrets: texts that must not be shown.
    """
    if is_without_connection(cause):
        return f"no connection to {host} ({reason_for(cause, secrets)})"
    if isinstance(cause, (TimeoutError, httpx.TimeoutException)):
        return f"no answer from {host} within {seconds:g} s"
    return f"no answer from {host} ({reason_for(cause, secrets)})"


def _phrase(cause: BaseException) -> str | None:
    """The reason for exceptions that have a phrase of our own, in place of another library's message."""
    aiohttp = _aiohttp()
    if isinstance(cause, (TimeoutError, httpx.TimeoutException)):
        return "it took too long"
    if aiohttp and isinstance(cause, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not trusted: {_tls_reason(cause.certificate_error)}"
    if aiohttp and isinstance(cause, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {cause.status}"
    if aiohttp and isinstance(cause, aiohttp.ClientConnectorError):
        return _os_phrase(cause.os_error)
    if aiohttp and isinstance(cause, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        return "the connection broke off"
    if aiohttp and isinstance(cause, (aiohttp.ClientPayloadError, aiohttp.http_exceptions.PayloadEncodingError)):
        return "the answer broke off"
    if aiohttp and isinstance(cause, (aiohttp.ClientResponseError, aiohttp.http_exceptions.HttpProcessingError)):
        return "the response is not valid HTTP"
    if isinstance(cause, httpx.TooManyRedirects):
        return "it redirects too often"
    if isinstance(cause, MemoryError):
        return "there is not enough memory"
    if isinstance(cause, UnicodeError):
        return "the address has a host that cannot be one"
    if isinstance(cause, OSError):
        return _os_phrase(cause)
    return None


def _os_phrase(cause: BaseException) -> str | None:
    if isinstance(cause, socket.gaierror):
        return "there is no such host" if is_unknown_host(cause) else "the host's name could not be looked up"
    if isinstance(cause, ssl.SSLError):
        return f"no secure connection: {_tls_reason(cause)}"
    if isinstance(cause, ConnectionRefusedError):
        return "refused"
    if isinstance(cause, OSError) and cause.errno in _OWN_ERRNOS:
        return f"this process has no more room for it: {os.strerror(cause.errno or 0).lower()}"
    if isinstance(cause, OSError) and cause.errno is not None:
        return os.strerror(cause.errno).lower() if cause.errno > 0 else cause.strerror
    return None


def _tls_reason(cause: Any) -> str:
    said = getattr(cause, "verify_message", None) or getattr(cause, "reason", None) or type(cause).__name__
    return printable(str(said).replace("_", " "), limit=_MAX_REASON_LENGTH)


def _os_error(cause: BaseException | None) -> BaseException | None:
    return cause if isinstance(cause, OSError) and not is_transport_error(cause) else getattr(cause, "os_error", None)


def _aiohttp() -> Any:
    """The module aiohttp, if a request has imported it."""
    return sys.modules.get("aiohttp")
