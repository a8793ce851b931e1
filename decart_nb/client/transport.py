"""HTTP calls to one queue: address, key, time-outs and connections. It knows no jobs."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import weakref
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from .._util.plain_values import is_nonnegative
from .._util.public import public
from .._util.text import short_repr
from .._version import __version__
from ..errors import DecartSDKError, InvalidInputError
from .addresses import host_and_port
from .bodies import ACCEPT_ENCODING, UploadBody
from .failures import describe_failure, is_before_sending, is_without_connection, reason_for, unwrap_cause
from .responses import http_error, input_file_error, transport_error

Direction = Literal["fetch", "upload", "download"]
#: Concurrent file transfers in each direction. More would not be faster, and each has its buffers.
_MAX_TRANSFERS = 16


@public
@dataclass(frozen=True)
class Timeout:
    """Time-outs of a client's calls, in seconds.

    Attributes:
        connect: for a connection.
        read: for the next bytes of an answer, and for the server to accept the next bytes of an upload.
        total: for one call, from its first byte to its last.
    """

    connect: float = 10.0
    read: float = 60.0
    total: float = 600.0

    def __post_init__(self) -> None:
        for name in ("connect", "read", "total"):
            value = getattr(self, name)
            if not is_nonnegative(value) or not value:
                given = f"{name} is {short_repr(value)}"
                raise InvalidInputError(
                    f"timeout must be seconds above 0, or a Timeout(connect=…, read=…, total=…); {given}."
                )


class Transport:
    """Sends HTTP requests to one queue, and fetches files from other addresses without the key.

    Connections belong to an event loop; a transport keeps a set for each loop it is used on, and opens it on first use.

    Args:
        base_url: the queue's address, as :func:`~decart_nb.client.addresses.checked_url` returns it.
        api_key: the key. It is sent to ``base_url`` only.
        timeout: of each call.
        integration: appended to the User-Agent.
        trust_env: whether the environment's proxies and certificates are used.
        engine: the httpx transport that carries the requests; aiohttp's connections by default.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        timeout: Timeout,
        *,
        integration: str | None = None,
        trust_env: bool = True,
        engine: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url
        self.api_key = api_key
        self.timeout = timeout
        self._user_agent = f"decart_nb/{__version__}{' ' + integration if integration else ''}"
        self._trust_env = trust_env
        self._engine = engine
        self._connections: dict[asyncio.AbstractEventLoop, _Connections] = {}
        self._limits = {
            direction: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]()
            for direction in ("fetch", "upload", "download")
        }

    @property
    def is_open(self) -> bool:
        """Whether there are connections to close."""
        return bool(self._connections)

    async def aclose(self) -> None:
        """Close the connections of all event loops. The transport can be used again: it opens new ones."""
        while self._connections:
            loop, connections = self._connections.popitem()
            if loop is asyncio.get_running_loop() or loop.is_closed():
                await connections.client.aclose()
            else:
                asyncio.run_coroutine_threadsafe(connections.client.aclose(), loop)

    def limit(self, direction: Direction) -> asyncio.Semaphore:
        """The semaphore that limits file transfers in one direction. Polls and requests without files need none."""
        return self._limits[direction].setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_MAX_TRANSFERS))

    async def foreign_client(self) -> httpx.AsyncClient:
        """The httpx client for other addresses: the same engine, without the key."""
        return (await self._open()).client

    def proxy_for(self, url: str) -> str | None:
        """The proxy that requests to a URL go through on this loop, as text without its password; ``None`` without."""
        connections = self._connections.get(asyncio.get_running_loop())
        return connections.proxy_for(url) if connections else None

    @contextlib.asynccontextmanager
    async def call(
        self,
        error: type[DecartSDKError],
        doing: str,
        method: str,
        path: str,
        *,
        within: float = math.inf,
        headers: Any = None,
        **content: Any,
    ) -> AsyncIterator[httpx.Response]:
        """Send one request, and yield the successful response with its body unread.

        Args:
            error: the class of the errors.
            doing: what the call is for, in their messages.
            method, path: of the request; the path is relative to ``base_url``.
            within: the time-out in seconds, if that is less than the total of ``timeout``.
            headers, content: as for :class:`httpx.Request`.

        Raises:
            DecartSDKError: of the class ``error``; the status is not 2xx, or there is no whole response.
        """
        body: UploadBody | None = None
        answered, within = False, min(within, self.timeout.total)
        try:
            connections = await self._open()
            # Straight to the engine: cookies, redirects and authentication have no part in this, and cost as much CPU
            # as the rest of the call.
            made = connections.request if headers or content else connections.cached_request
            request = made(method, path, headers=headers, **content)
            if content.get("files"):
                request.stream = body = UploadBody(request.stream)
            async with asyncio.timeout(within):
                response = await connections.engine.handle_async_request(request)
                answered, response.request = True, request
                async with contextlib.aclosing(response):
                    if response.is_success:
                        yield response
                        return
                    refused = await http_error(error, doing, response, body_sent=body.close if body else None)
        except DecartSDKError:
            raise
        except Exception as cause:  # noqa: BLE001 - codecs, threads, memory: a caller hears of one family of errors
            if body is not None and body.failure is not None:
                reason = reason_for(body.failure, [self.api_key])
                raise input_file_error(error, doing, body.failure, reason) from None
            root = unwrap_cause(cause)
            if body is not None:
                sent = body.close() and not is_without_connection(root)
            else:
                sent = answered or not is_before_sending(root)
            raise self._transport_error(error, doing, root, sent=sent, within=within) from None
        raise refused

    async def _open(self) -> _Connections:
        loop = asyncio.get_running_loop()
        ended = [self._connections.pop(other) for other in tuple(self._connections) if other.is_closed()]
        for connections in ended:
            if self._engine is None:  # the caller's own goes on with the next loop
                await connections.client.aclose()
        if loop not in self._connections:
            engine = self._engine or _aiohttp_engine(trust_env=self._trust_env)
            self._connections[loop] = _Connections(self, engine, self._user_agent)
        return self._connections[loop]

    def _transport_error(
        self, error: type[DecartSDKError], doing: str, cause: BaseException, *, sent: bool, within: float
    ) -> DecartSDKError:
        secrets = [self.api_key]
        seconds = within if type(cause) is TimeoutError else self.timeout.read
        return transport_error(
            error,
            doing,
            self.base_url,
            cause,
            sent=sent,
            reason=reason_for(cause, secrets),
            problem=describe_failure(cause, host_and_port(self.base_url), seconds=seconds, secrets=secrets),
            proxy=self.proxy_for(self.base_url),
        )


class _Connections:
    """The connections of one event loop.

    Attributes:
        engine: carries the requests to the queue.
        client: fetches from other addresses with the same engine; it does not know the key.
        cached_request: :meth:`request` with a cache, for the polls: a job's are all the same.
    """

    def __init__(self, owner: Transport, engine: httpx.AsyncBaseTransport, user_agent: str) -> None:
        self.engine = engine
        wait = httpx.Timeout(owner.timeout.read, connect=owner.timeout.connect, pool=None)
        headers = {"User-Agent": user_agent, "Accept-Encoding": ACCEPT_ENCODING}
        # The environment's proxies are the engine's business; the caller's own engine need not know of them.
        self.client = httpx.AsyncClient(headers=headers, timeout=wait, transport=engine, trust_env=False)
        base_url = owner.base_url
        self._url = functools.lru_cache(maxsize=64)(lambda path: httpx.URL(base_url + path))
        self._headers = self.client.headers.copy()
        self._headers["X-API-KEY"] = owner.api_key  # in no variable that a traceback might show
        self._extensions = {"timeout": self.client.timeout.as_dict(), "proxy": self.proxy_for(base_url)}
        self.cached_request = functools.lru_cache(maxsize=4096)(self.request)

    def request(self, method: str, path: str, *, headers: Any = None, **content: Any) -> httpx.Request:
        """Make a request to the queue, with the key."""
        request = httpx.Request(method, self._url(path), headers=self._headers, extensions=self._extensions, **content)
        request.headers.update(headers or {})
        return request

    def proxy_for(self, url: str) -> str | None:
        """The proxy that requests to a URL go through, as text without its password; ``None`` where none is known."""
        shown = getattr(self.engine, "proxy_for", None)  # the caller's own engine may not have it
        return shown(httpx.URL(url)) if shown else None


def _aiohttp_engine(*, trust_env: bool) -> httpx.AsyncBaseTransport:
    # Imported on the first request, since it costs as much as httpx itself.
    from .engine import Engine

    return Engine(trust_env=trust_env)
