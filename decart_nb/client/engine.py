"""An httpx transport on aiohttp's connections, with the proxies and certificates from the environment.

With hundreds of jobs in flight it takes a fraction of the CPU of httpx's own pool (benchmarks/engine.py).
"""

from __future__ import annotations

import ssl
import weakref
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp.transport import AiohttpResponseStream, map_aiohttp_exceptions
from multidict import CIMultiDict
from yarl import URL

from .bodies import CHUNK_SIZE
from .environment import Proxies, tls_context

#: Keep-alive in seconds, less than the 5 s that are usual for servers: a submission on a connection that the server is
#: closing would be lost, and it would not be known whether it was accepted.
_KEEPALIVE_SECONDS = 4.0
_CONNECTIONS = 100
#: Headers that aiohttp would add.
_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class Engine(httpx.AsyncBaseTransport):
    """Sends httpx's requests over aiohttp's connections, unchanged.

    Args:
        trust_env: whether the environment's proxies and certificates are used.
    """

    def __init__(self, *, trust_env: bool = True) -> None:
        self._trust_env = trust_env
        self._proxies = Proxies(trust_env=trust_env)
        self._session: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | None = None
        # The polls of a job repeat one request.
        self._known: weakref.WeakKeyDictionary[httpx.Request, dict[str, Any]] = weakref.WeakKeyDictionary()

    def proxy_for(self, url: httpx.URL) -> str | None:
        """The proxy for a URL as text without its password; ``None`` without a proxy."""
        return self._proxies.shown(url)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Redirects, cookies and compression are left to httpx.

        Raises:
            CannotSend: a proxy or certificate setting in the environment cannot be used.
            httpx.TransportError: there is no response.
        """
        arguments = self._known.get(request) or self._known.setdefault(request, self._arguments(request))
        with map_aiohttp_exceptions():
            answer = await self._open_session().request(**arguments)
        stream = AiohttpResponseStream(answer)
        stream.CHUNK_SIZE = CHUNK_SIZE  # fewer chunks for a video, each of which costs the same
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=stream, request=request)

    def _arguments(self, request: httpx.Request) -> dict[str, Any]:
        """What aiohttp is called with for a request."""
        if isinstance(request.stream, httpx.ByteStream):
            # httpx gives a redirected GET the old body as a stream, which would go out in chunks, though it is empty.
            request.read()
        try:
            body: Any = request.content or None
        except httpx.RequestNotRead:
            body = request.stream
        proxy = self._proxies.usable(request.url)
        secure = request.url.scheme == "https" or (proxy is not None and proxy.url.scheme == "https")
        timeout = request.extensions.get("timeout", {})
        encoding = request.headers.encoding  # which httpx would find out anew for each
        headers = CIMultiDict(
            (name.decode("ascii"), value.decode(encoding))
            for name, value in request.headers.raw
            if name.lower() != b"transfer-encoding"
        )
        if proxy and request.url.scheme == "http":
            headers.update(proxy.headers)  # for https they are only in the CONNECT request
        unwanted = [name for name in _AUTOMATIC if name not in headers]
        if body is None and "Content-Type" in unwanted:
            unwanted.remove("Content-Type")  # there would be none: without a name to skip, aiohttp copies no headers
        return {
            "method": request.method,
            "url": URL(str(request.url), encoded=True),  # or what is escaped would be escaped in another way
            "headers": headers,
            "skip_auto_headers": unwanted or None,
            "data": body,
            "allow_redirects": False,
            "timeout": aiohttp.ClientTimeout(
                connect=timeout.get("pool"), sock_connect=timeout.get("connect"), sock_read=timeout.get("read")
            ),
            "ssl": self._context() if secure else True,
            "proxy": proxy.url if proxy else None,
            "proxy_headers": proxy.headers if proxy else None,
        }

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS, keepalive_timeout=_KEEPALIVE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:  # on first use: loading certificates takes a while, and may fail
            self._tls = tls_context(trust_env=self._trust_env)
        return self._tls
