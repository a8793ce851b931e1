"""``DecartClient``: an async client of Decart's queue on httpx, with the names of Decart's own SDK.

Code written for the SDK runs on it with the import changed::

    from decart_nb import DecartClient, models

    async with DecartClient() as client:
        result = await client.queue.submit_and_poll(
            {"model": models.video("lucy-2.5"), "prompt": "…", "data": "in.mp4"}
        )
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import TracebackType
from typing import Self

import httpx

from .._util.cached import Cached
from .._util.copying import ProcessLocal
from .._util.public import public
from .._util.text import short_repr
from ..errors import InvalidAPIKeyError, InvalidInputError, NotPicklableError
from .addresses import checked_url, endpoint_of
from .queue import Queue
from .retry import Patience
from .transport import Timeout, Transport

BASE_URL = "https://api.decart.ai"
_key_hint: Callable[[], str | None] | None = None


def set_key_hint(hint: Callable[[], str | None]) -> None:
    """Sets what the error for a missing key says.

    Args:
        hint: returns the message, or ``None`` for the usual one.
    """
    global _key_hint
    _key_hint = hint


@public
class DecartClient(ProcessLocal):
    """An async client of Decart's API. It can be used on any asyncio loop, and on several.

    Args:
        api_key: the key; ``DECART_API_KEY`` in the environment by default.
        base_url: the address of the service.
        integration: the name of the calling program, appended to the User-Agent.
        timeout: the time-outs of each call; a number is the total in seconds.
        patience: retry limits and back-off.
        trust_env: whether the environment's proxies (``HTTPS_PROXY`` and its like) and certificates (``SSL_CERT_FILE``,
            ``SSL_CERT_DIR``) are used. Loopback addresses are never reached through a proxy.
        transport: an httpx transport to send the requests with, in place of the network; for tests.

    Attributes:
        queue: the calls for jobs.

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
        self.api_key = _checked_key(api_key)
        self.base_url = checked_url(base_url, BASE_URL)
        if integration and not (isinstance(integration, str) and integration.isascii() and integration.isprintable()):
            raise InvalidInputError("integration goes into a header: it must be plain ASCII, in one line.")
        self.integration = integration
        self.timeout = _checked_timeout(timeout)
        if patience is not None and not isinstance(patience, Patience):
            raise InvalidInputError(f"patience must be a decart_nb.Patience, not {short_repr(patience)}.")
        self.patience = patience or Patience()
        self._transport = Transport(
            self.base_url,
            self.api_key,
            self.timeout,
            integration=integration,
            trust_env=trust_env,
            engine=transport,
        )
        self.queue = Queue(self._transport, self.patience)

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

    @Cached
    def endpoint(self) -> str:
        """The address in a canonical form, the same for all names of one host. Stored results are found by it."""
        return endpoint_of(self.base_url)

    @property
    def is_open(self) -> bool:
        """Whether there are connections to close."""
        return self._transport.is_open

    async def close(self) -> None:
        """Close the connections. The client can be used again: it opens new ones."""
        await self._transport.aclose()


def _checked_key(api_key: str | None) -> str:
    if api_key is not None and not isinstance(api_key, str):
        raise InvalidAPIKeyError("api_key must be text.")
    api_key = (api_key or os.environ.get("DECART_API_KEY", "")).strip()
    if not api_key:
        raise InvalidAPIKeyError(_key_hint() if _key_hint else None)
    if not (api_key.isascii() and api_key.isprintable()):
        raise InvalidAPIKeyError("The API key has characters that no key has; copy it again.")
    return api_key


def _checked_timeout(timeout: Timeout | float | None) -> Timeout:
    if isinstance(timeout, Timeout):
        return timeout
    return Timeout() if timeout is None else Timeout(total=timeout)
