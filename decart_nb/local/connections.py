"""Connection limits of the local queue: how many may be open, and how slow each may be.

The queue runs inside a notebook's kernel, which has few file descriptors. Callers without the key must not be able to
use them all.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

#: Minimum rate at which a request body must arrive, in bytes a second.
_MIN_RATE = 1024.0
#: Seconds that a caller may leave a response unread.
_UNREAD_TIMEOUT = 60.0
#: Seconds that a connection which has sent the key may be idle: much longer than clients keep one, so that a submission
#: of a busy machine does not meet a connection that is being closed.
KEEP_ALIVE = 60.0
#: Seconds that running calls may continue when the server stops.
_SHUTDOWN_TIMEOUT = 1.0
_MAX_CONNECTIONS = 1024


def default_connection_limit(most: int = _MAX_CONNECTIONS) -> int:
    """A quarter of the process's file descriptors, at least 8 and at most 1024.

    Args:
        most: another upper bound.
    """
    if sys.platform == "win32":  # which has no such limit
        return most
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most if soft == resource.RLIM_INFINITY else max(8, min(most, soft // 4))


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits on connections.

    Attributes:
        max_connections: how many may be open.
        head_timeout: seconds in which a request's head must be complete, also that of the first request; a body must
            bring at least a kilobyte a second over every such span.
    """

    max_connections: int = field(default_factory=default_connection_limit)
    head_timeout: float = 15.0

    @property
    def max_unauthenticated(self) -> int:
        """How many connections may be open without having sent the key."""
        return max(1, self.max_connections * 3 // 4)


class Listener(socket.socket):
    """A listening socket that limits how many accepted sockets are open.

    Attributes:
        max_open: how many of the accepted sockets may be open.
    """

    max_open: int
    _accepted: frozenset[socket.socket] = frozenset()

    def accept(self) -> tuple[socket.socket, Any]:
        """Accepts a connection.

        Raises:
            BlockingIOError: too many are open; asyncio tries again in the next iteration of the loop.
        """
        if self.count() >= self.max_open:
            raise BlockingIOError
        connection, address = super().accept()
        self._accepted |= {connection}
        return connection, address

    def count(self) -> int:
        """How many accepted sockets are open."""
        self._accepted = frozenset(one for one in self._accepted if one.fileno() >= 0)
        return len(self._accepted)

    def close_all(self) -> None:
        """Closes this process's copies of the socket and of all accepted sockets, as a forked child must."""
        for one in (*self._accepted, self):
            one.close()


class Connections(ServerState):
    """The open connections of one server.

    Args:
        limits: limits on them.
    """

    connections: set[Connection]  # type: ignore[assignment]  # all of them are made by Server below

    def __init__(self, limits: ConnectionLimits) -> None:
        super().__init__()
        self.limits = limits

    def evict_for(self, newcomer: Connection) -> None:
        """Closes a connection if there are too many: first those without the key, then idle ones, then the oldest."""
        open_ones = [one for one in self.connections if not one.transport.is_closing()]
        unauthenticated = [one for one in open_ones if not one.authenticated]
        if len(unauthenticated) > self.limits.max_unauthenticated:
            candidates = unauthenticated
        elif len(open_ones) > self.limits.max_connections:
            # Of those that have sent the key, only idle ones are closed. If there is none, the new one is closed.
            candidates = [one for one in open_ones if not (one.authenticated and one.busy)]
        else:
            return
        others = (one for one in candidates if one is not newcomer)
        oldest = min(others, key=lambda one: (one.authenticated, one.busy, one.idle_since), default=newcomer)
        oldest.transport.abort()

    def close_overdue(self) -> None:
        """Closes the connections on which the client has been too slow."""
        now = time.monotonic()
        for one in [one for one in self.connections if one.check_overdue(now)]:
            one.transport.abort()

    def abort_all(self) -> None:
        """Aborts every connection; running calls see a disconnected client."""
        for one in list(self.connections):
            one.transport.abort()


class Connection(H11Protocol):
    """An HTTP/1.1 connection with time-outs. Every ASGI scope has it as ``scope["state"]["connection"]``.

    Attributes:
        authenticated: whether a request on it has sent the key.
        idle_since: when it was opened, or its last response was complete.
    """

    server_state: Connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """asyncio: the connection is open."""
        super().connection_made(transport)
        self.authenticated = False
        self.idle_since = time.monotonic()
        self.app_state = self.app_state | {"connection": self}
        self._restart_window(self.idle_since)
        self._unread_since: float | None = None
        self._head_began = False
        self.server_state.evict_for(self)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes were received."""
        self._window_bytes += len(data)
        self._head_began = True
        super().data_received(data)

    def on_response_complete(self) -> None:
        """uvicorn: the response is complete, though perhaps not the request."""
        self.idle_since = time.monotonic()
        self._head_began = False
        super().on_response_complete()

    def pause_writing(self) -> None:
        """asyncio: the client reads more slowly than the server writes."""
        self._unread_since = time.monotonic()
        super().pause_writing()

    def resume_writing(self) -> None:
        """asyncio: the client has caught up."""
        self._unread_since = None
        super().resume_writing()

    @property
    def busy(self) -> bool:
        """Whether a request has been received whose response is not complete."""
        return self.cycle is not None and not self.cycle.response_complete

    def _restart_window(self, now: float) -> None:
        """Begins a new span in which the bytes of a request's body are counted."""
        self._window_began, self._window_bytes = now, 0

    def check_overdue(self, now: float) -> bool:
        """Returns whether the client has been too slow to send or to read, and starts to count anew at a span's end.

        Args:
            now: the monotonic clock's time, in seconds.
        """
        span = self.server_state.limits.head_timeout
        if self._unread_since is not None and now - self._unread_since > _UNREAD_TIMEOUT:
            return True
        if not self.busy:
            self._restart_window(now)
            is_idle = self.authenticated and not self._head_began
            return now - self.idle_since > (KEEP_ALIVE if is_idle else span)
        if not self.cycle.more_body or self.flow.read_paused:
            self._restart_window(now)  # the client is not what is slow
        elif now - self._window_began > span:
            slow = self._window_bytes < _MIN_RATE * span
            self._restart_window(now)
            return slow
        return False


class Server(uvicorn.Server):
    """uvicorn's server with limits on its connections.

    Args:
        config: uvicorn's; its protocol is :class:`Connection` or a subclass.
        listener: the socket that it accepts on.
        limits: limits on connections.
    """

    def __init__(self, config: uvicorn.Config, listener: Listener, limits: ConnectionLimits) -> None:
        super().__init__(config)
        self.server_state: Connections = Connections(limits)
        self._listener = listener
        listener.max_open = limits.max_connections + 8  # those beyond the limit are being closed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._exit = asyncio.Event()

    def exit(self) -> None:
        """Ends :meth:`serve`, from any thread."""
        self.should_exit = True
        with contextlib.suppress(RuntimeError):  # the loop is closed
            if self._loop:
                self._loop.call_soon_threadsafe(self._exit.set)

    async def main_loop(self) -> None:
        """uvicorn: a tick ten times a second. Its own loop takes up to a tenth of a second longer to exit."""
        self._loop, counter = asyncio.get_running_loop(), 0
        while not await self.on_tick(counter):
            counter += 1
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await self._exit.wait()

    async def on_tick(self, counter: int) -> bool:
        """uvicorn: called ten times a second; closes slow connections."""
        self.server_state.close_overdue()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops listening, waits up to a second for running calls, and closes every connection."""
        self._listener.max_open = 0
        await _loop_iterations()  # sockets accepted just now become connections, which are closed below
        late = asyncio.get_running_loop().call_later(_SHUTDOWN_TIMEOUT, self.server_state.abort_all)
        await super().shutdown(sockets)
        late.cancel()
        self.server_state.abort_all()
        await _loop_iterations()


async def _loop_iterations() -> None:
    """Runs the event loop three times: to accept, to create the transport, and to call its protocol."""
    for _ in range(3):
        await asyncio.sleep(0)
