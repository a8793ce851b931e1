"""Checks of a request before its body is read: Host, Origin, API key and size."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Iterable

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Maximum size of a JSON body, in bytes; a thousand model names take a third of it.
MAX_JSON = 2**16
#: The calls that have a body: uploads, and the JSON call.
_UPLOAD_PATHS = re.compile(r"/v1/(jobs/[^/]+|files)")
_RESOLVE_PATH = "/v1/models/resolve"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:@/]+))(?::(\d{1,5}))?", re.IGNORECASE)


class Guard:
    """ASGI middleware that refuses requests for other hosts, from web pages, without the key, or with too large a body.

    A web page must not reach the queue, even one whose name was made to resolve to this machine (DNS rebinding):
    ``Host`` must be an address of this server, and an ``Origin`` one of its own. No CORS header is ever sent.

    Args:
        app: the wrapped application.
        api_key: the key that every call must send as ``X-API-KEY``.
        host: the address that the server listens on.
        port: the port that it listens on.
        max_upload: the largest body of a submission or an upload, in bytes.
    """

    def __init__(self, app: ASGIApp, api_key: str, host: str, port: int, max_upload: int) -> None:
        self._app = app
        self._key = api_key.encode()
        self._names = {*_LOOPBACK, host.lower()}
        # A server on all addresses is reached by any of them. Only names can be made to point here by somebody else.
        self._any_address = host in ("0.0.0.0", "::")  # noqa: S104 - compared only
        self._port = port
        self._max_upload = max_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, or answer it with the reason for which it is refused."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope["headers"])
        if refusal is None:
            # Connections that have sent the key are closed last when there are too many.
            scope["state"]["connection"].authenticated = True
            limit = self._body_limit(scope["method"], scope["path"])
            declared = _single_header(scope["headers"], b"content-length") or b"0"
            if int(declared) <= limit:  # h11 has refused what is no number
                await self._app(scope, _limited(receive, limit), send)
                return
            refusal = 413, _too_large(limit)
        status, detail = refusal
        await JSONResponse({"detail": detail}, status)(scope, receive, send)

    def _refusal(self, headers: list[tuple[bytes, bytes]]) -> tuple[int, str] | None:
        """The status and the reason with which a request is refused, or ``None``."""
        if not self._is_own(_single_header(headers, b"host")):
            return 421, "The local queue does not listen on this address. Use its own, or start it with --host ADDRESS."
        for name, value in headers:
            if name == b"origin" and not self._is_own(value.partition(b"://")[2] if value[:4] == b"http" else None):
                return 403, "The local queue answers no other web page. Call it from a program."
            if name == b"upgrade" and value.strip().lower() == b"websocket":
                return 403, "The local queue speaks plain HTTP, no WebSocket."
        if not hmac.compare_digest(_single_header(headers, b"x-api-key") or b"", self._key):
            return 401, "Invalid API key"
        return None

    def _is_own(self, authority: bytes | None) -> bool:
        """Whether a host and port, as in ``Host``, are this server's."""
        parts = _AUTHORITY.fullmatch((authority or b"").decode("latin-1").strip())
        if parts is None or int(parts[3] or 80) != self._port:
            return False
        name = (parts[1] or parts[2]).lower()
        return name in self._names or (self._any_address and _is_address(name))

    def _body_limit(self, method: str, path: str) -> int:
        """The maximum size of a call's body, in bytes."""
        if method == "POST" and path == _RESOLVE_PATH:
            return min(MAX_JSON, self._max_upload)
        return self._max_upload if method == "POST" and _UPLOAD_PATHS.fullmatch(path) else 0


def _limited(receive: Receive, limit: int) -> Receive:
    """An ASGI ``receive`` that raises once a body exceeds the limit: a chunked body does not declare its length."""
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return limited


def _too_large(limit: int) -> str:
    return f"The request is larger than {limit} bytes." if limit else "This call takes no body."


def _single_header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """A header's value, if the request has it exactly once."""
    found = [value for key, value in headers if key == name]
    return found[0] if len(found) == 1 else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
