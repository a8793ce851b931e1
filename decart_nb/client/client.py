"""Decart's queue over the wire: async, on httpx, in the names of Decart's own SDK.

It knows no notebook and no store. Code written for the SDK runs on it with the import changed::

    from decart_nb import DecartClient, models

    async with DecartClient() as client:
        result = await client.queue.submit_and_poll(
            {"model": models.video("lucy-2.5"), "prompt": "…", "data": "in.mp4"}
        )
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import os
import weakref
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from .._util.copying import LivesHere
from .._util.plain_values import is_nonnegative
from .._util.public import public
from .._util.text import short_repr
from .._version import __version__
from ..errors import DecartSDKError, InvalidAPIKeyError, InvalidInputError, NotPicklableError
from .addresses import checked_url, endpoint_of, host_and_port
from .bodies import ACCEPT_ENCODING, UploadBody
from .failures import describe_failure, is_before_sending, is_without_connection, reason_for, unwrap_cause
from .queue import Queue
from .responses import http_error, transport_error
from .retry import Patience

BASE_URL = "https://api.decart.ai"

_Way = Literal["in", "up", "down"]
#: So many files may be on their way at once: in from elsewhere, up to the queue, and down from it. More would not be
#: faster, and each has its buffers.
_AT_ONCE = 16


@public
@dataclass(frozen=True)
class Timeout:
    """How long to wait, in seconds.

    Attributes:
        connect: for a connection.
        read: for the next bytes of an answer, and for the server to take the next bytes of an upload.
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


@public
class DecartClient(LivesHere):
    """A client of Decart's API, for any asyncio loop.

    Args:
        api_key: the key; ``DECART_API_KEY`` in the environment unless given.
        base_url: where the service is.
        integration: a word about the caller, sent behind this package's name.
        timeout: how long to wait for the server; a plain number is the total.
        patience: how long to go on with what does not work yet.
        trust_env: whether the environment's proxies (``HTTPS_PROXY`` and its like) and certificates (``SSL_CERT_FILE``,
            ``SSL_CERT_DIR``) are used. This machine is never asked through a proxy.
        transport: what carries the requests, in place of the network. Tests come in here.

    Raises:
        InvalidAPIKeyError: there is no key.
        InvalidBaseURLError: the address is not an http(s) URL.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str = BASE_URL,
        integration: str | None = None,
        *,
        timeout: Timeout | float | None = None,
        patience: Patience | None = None,
        trust_env: bool = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        if api_key is not None and not isinstance(api_key, str):
            raise InvalidAPIKeyError("api_key must be text.")
        api_key = (api_key or os.environ.get("DECART_API_KEY", "")).strip()
        if not api_key:
            raise InvalidAPIKeyError
        if not (api_key.isascii() and api_key.isprintable()):
            raise InvalidAPIKeyError("The API key has characters that no key has; copy it again.")
        self.api_key = api_key
        self.base_url = checked_url(base_url, BASE_URL)
        if integration and not (isinstance(integration, str) and integration.isascii() and integration.isprintable()):
            raise InvalidInputError("integration goes into a header: it must be plain ASCII, in one line.")
        self.integration = integration
        self.timeout = _checked_timeout(timeout)
        if patience is not None and not isinstance(patience, Patience):
            raise InvalidInputError(f"patience must be a decart_nb.Patience, not {short_repr(patience)}.")
        self.patience = patience or Patience()
        self.queue = Queue(self)
        self._transport = transport
        self._trust_env = trust_env
        # Connections belong to a loop, and a client in a notebook outlives many an asyncio.run().
        self._pools: dict[asyncio.AbstractEventLoop, _Pool] = {}
        self._turns: dict[_Way, weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore]] = {
            "in": weakref.WeakKeyDictionary(),
            "up": weakref.WeakKeyDictionary(),
            "down": weakref.WeakKeyDictionary(),
        }

    def __repr__(self) -> str:
        return f"<DecartClient of {self.base_url}>"

    def _not_picklable(self) -> Exception:
        return NotPicklableError(
            "A client has open connections and a key and cannot be pickled: make a DecartClient in each process."
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @functools.cached_property
    def endpoint(self) -> str:
        """What results of this queue are found by: its address, whichever of its host's names was given."""
        return endpoint_of(self.base_url)

    @property
    def is_open(self) -> bool:
        """Whether there are connections to close."""
        return bool(self._pools)

    async def close(self) -> None:
        """Closes the connections. The client may be used again: it opens new ones."""
        while self._pools:
            loop, pool = self._pools.popitem()
            if loop is asyncio.get_running_loop() or loop.is_closed():
                await pool.client.aclose()
            else:
                asyncio.run_coroutine_threadsafe(pool.client.aclose(), loop)

    async def _connections(self) -> httpx.AsyncClient:
        """What fetches from other addresses, by the same engine."""
        return (await self._pool()).client

    async def _pool(self) -> _Pool:
        loop = asyncio.get_running_loop()
        ended = [self._pools.pop(other) for other in tuple(self._pools) if other.is_closed()]
        for pool in ended:
            if self._transport is None:  # the caller's own goes on with the next loop
                await pool.client.aclose()
        if loop not in self._pools:
            wait = httpx.Timeout(self.timeout.read, connect=self.timeout.connect, pool=None)
            headers = {"User-Agent": self._user_agent(), "Accept-Encoding": ACCEPT_ENCODING}
            engine = self._transport or _engine(trust_env=self._trust_env)
            # What the environment says is the engine's business, which the caller's own transport need not know.
            client = httpx.AsyncClient(headers=headers, timeout=wait, transport=engine, trust_env=False)
            self._pools[loop] = _Pool(self, engine, client)
        return self._pools[loop]

    def _turn(self, way: _Way) -> asyncio.Semaphore:
        """What a file or a video waits for before it takes to the wire; polls and mere text never wait."""
        return self._turns[way].setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE))

    def _user_agent(self) -> str:
        return f"decart_nb/{__version__}{' ' + self.integration if self.integration else ''}"

    @contextlib.asynccontextmanager
    async def _call(
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
        """One request and its answer, not yet read. Whatever goes wrong is raised as an error of our own."""
        pool: _Pool | None = None
        body: UploadBody | None = None
        answered, within = False, min(within, self.timeout.total)
        try:
            pool = await self._pool()
            # Straight to the engine: cookies, redirects and authentication have no part in this, and cost as much CPU
            # as the rest of the call.
            made = pool.request if headers or content else pool.question
            request = made(method, path, headers=headers, **content)
            if content.get("files"):
                request.stream = body = UploadBody(request.stream)
            async with asyncio.timeout(within):
                response = await pool.engine.handle_async_request(request)
                answered, response.request = True, request
                async with contextlib.aclosing(response):
                    if response.is_success:
                        yield response
                        return
                    refused = await http_error(error, doing, response, is_whole=body.close if body else _all_of_it)
        except DecartSDKError:
            raise
        except Exception as cause:  # noqa: BLE001 - codecs, threads, memory: a caller hears of one family of errors
            root = body.failure if body and body.failure else unwrap_cause(cause)
            if body is not None:
                sent = body.close() and not is_without_connection(root)
            else:
                sent = answered or not is_before_sending(root)
            proxy = pool.proxy_for(self.base_url) if pool else None
            raise self._transport_error(error, doing, root, sent=sent, within=within, proxy=proxy) from None
        raise refused

    def _transport_error(
        self,
        error: type[DecartSDKError],
        doing: str,
        cause: BaseException,
        *,
        sent: bool,
        within: float,
        proxy: str | None,
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
            proxy=proxy,
        )


class _Pool:
    """The connections of one event loop, and the requests that go over them.

    Attributes:
        engine: what carries the requests to the queue.
        client: what fetches from other addresses, by the same engine; it does not know the key.
        question: as :meth:`request`, made once: a job is asked for many times, each time in the same words.
    """

    def __init__(self, owner: DecartClient, engine: httpx.AsyncBaseTransport, client: httpx.AsyncClient) -> None:
        self.engine = engine
        self.client = client
        base_url = owner.base_url
        self._url = functools.lru_cache(maxsize=64)(lambda path: httpx.URL(base_url + path))
        self._headers = client.headers.copy()
        self._headers["X-API-KEY"] = owner.api_key  # in no variable that a traceback might show
        self._extensions = {"timeout": client.timeout.as_dict(), "proxy": self.proxy_for(base_url)}
        self.question = functools.lru_cache(maxsize=4096)(self.request)

    def request(self, method: str, path: str, *, headers: Any = None, **content: Any) -> httpx.Request:
        """A request to the queue."""
        request = httpx.Request(method, self._url(path), headers=self._headers, extensions=self._extensions, **content)
        request.headers.update(headers or {})
        return request

    def proxy_for(self, url: str) -> str | None:
        """The proxy by way of which an address is asked, in a few words, if there is one that is known."""
        named = getattr(self.engine, "proxy_for", None)  # the caller's own transport tells nothing
        return named(httpx.URL(url)) if named else None


def _all_of_it() -> bool:
    return True


def _engine(*, trust_env: bool) -> httpx.AsyncBaseTransport:
    # Imported on the first request, since it costs as much as httpx itself.
    from .engine import Engine

    return Engine(trust_env=trust_env)


def _checked_timeout(timeout: Timeout | float | None) -> Timeout:
    if isinstance(timeout, Timeout):
        return timeout
    return Timeout() if timeout is None else Timeout(total=timeout)
