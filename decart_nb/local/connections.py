"""The local queue's connections: how many there may be, and how long each may take over what it has to say.

It runs inside a notebook's kernel, whose file descriptors are few. Whoever connects without the key must not be able
to take them all.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

#: Slower than this a body does not come over any connection that is worth keeping.
_LEAST_RATE = 1024.0
#: Seconds for which a caller may leave the answer unread.
_UNREAD_SECONDS = 60.0
#: Seconds for which calls under way may go on when the server stops.
_ENDING_SECONDS = 1.0


def descriptor_share(most: int = 256) -> int:
    """How many connections the process can spare descriptors for: a quarter of its own, and at most so many."""
    if sys.platform == "win32":  # which knows no such limit
        return most
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most if soft == resource.RLIM_INFINITY else max(8, min(most, soft // 4))


@dataclass(frozen=True)
class Limits:
    """What connections are held to.

    Attributes:
        most: how many may be open.
        head_seconds: seconds in which a request's head must be whole, also the first one's; for every such span of
            time a body must bring a kilobyte a second.
    """

    most: int = field(default_factory=descriptor_share)
    head_seconds: float = 15.0

    @property
    def most_unauthenticated(self) -> int:
        """How many of them may be open by callers that have not shown the key."""
        return max(1, self.most * 3 // 4)


class Listener(socket.socket):
    """A listening socket that knows what it has accepted, and accepts no more than there is room for.

    Attributes:
        most: how many of the accepted sockets may be open.
    """

    most: int
    _accepted: frozenset[socket.socket] = frozenset()

    def accept(self) -> tuple[socket.socket, Any]:
        """Accepts a connection.

        Raises:
            BlockingIOError: there is no room for one now; asyncio tries again in its next turn.
        """
        if self.count() >= self.most:
            raise BlockingIOError
        connection, address = super().accept()
        self._accepted |= {connection}
        return connection, address

    def count(self) -> int:
        """How many of the accepted sockets are open."""
        self._accepted = frozenset(one for one in self._accepted if one.fileno() >= 0)
        return len(self._accepted)

    def close_all(self) -> None:
        """Closes the socket and all that it has accepted, in this process alone: a fork's copies of them."""
        for one in (*self._accepted, self):
            one.close()


class Connections(ServerState):
    """The open connections of one server.

    Args:
        limits: what they are held to.
    """

    connections: set[Connection]  # type: ignore[assignment]  # all of them are made by Server below

    def __init__(self, limits: Limits) -> None:
        super().__init__()
        self.limits = limits

    def make_room(self, newcomer: Connection) -> None:
        """Closes a connection where there are too many: idle ones without the key first, and of these the oldest."""
        standing = [one for one in self.connections if not one.transport.is_closing()]
        unauthenticated = [one for one in standing if not one.authenticated]
        if len(unauthenticated) > self.limits.most_unauthenticated:
            candidates = unauthenticated
        elif len(standing) > self.limits.most:
            # Of those that have shown the key only an idle one may go. If there is none, the newcomer goes.
            candidates = [one for one in standing if not (one.authenticated and one.busy)]
        else:
            return
        others = (one for one in candidates if one is not newcomer)
        oldest = min(others, key=lambda one: (one.authenticated, one.busy, one.idle_since), default=newcomer)
        oldest.transport.abort()

    def close_overdue(self) -> None:
        """Closes the connections that have kept the server waiting for too long."""
        now = time.monotonic()
        for one in [one for one in self.connections if one.is_overdue(now)]:
            one.transport.abort()

    def abort_all(self) -> None:
        """Closes every connection at once; a call on it hears that its caller has gone."""
        for one in list(self.connections):
            one.transport.abort()


class Connection(H11Protocol):
    """One connection. Every call finds it as ``connection`` in its scope's state.

    Attributes:
        authenticated: whether a call on it has shown the key.
        idle_since: when it was opened, or its last answer was complete.
    """

    server_state: Connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """The other side has come."""
        super().connection_made(transport)
        self.authenticated = False
        self.idle_since = time.monotonic()
        self.app_state = self.app_state | {"connection": self}
        self._window_began, self._window_bytes = self.idle_since, 0
        self._unread_since: float | None = None
        self.server_state.make_room(self)

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        self._window_bytes += len(data)
        super().data_received(data)

    def on_response_complete(self) -> None:
        """An answer is complete, though perhaps not the request."""
        self.idle_since = time.monotonic()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The other side does not read as fast as it is answered."""
        self._unread_since = time.monotonic()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The other side has read on."""
        self._unread_since = None
        super().resume_writing()

    @property
    def busy(self) -> bool:
        """Whether a request's head is whole, and its answer is not."""
        return self.cycle is not None and not self.cycle.response_complete

    def is_overdue(self, now: float) -> bool:
        """Whether the other side has been waited for too long.

        Args:
            now: the monotonic clock's time, in seconds.
        """
        span = self.server_state.limits.head_seconds
        if self._unread_since is not None and now - self._unread_since > _UNREAD_SECONDS:
            return True
        if not self.busy:
            self._window_began, self._window_bytes = now, 0
            return now - self.idle_since > span
        if not self.cycle.more_body or self.flow.read_paused:
            self._window_began, self._window_bytes = now, 0  # it is not the other side that is slow
        elif now - self._window_began > span:
            slow = self._window_bytes < _LEAST_RATE * span
            self._window_began, self._window_bytes = now, 0
            return slow
        return False


class Server(uvicorn.Server):
    """uvicorn's server, on a listener of ours, with limits on its connections.

    Args:
        config: uvicorn's; its protocol is :class:`Connection` or one made of it.
        listener: where it accepts.
        limits: what its connections are held to.
    """

    def __init__(self, config: uvicorn.Config, listener: Listener, limits: Limits) -> None:
        super().__init__(config)
        self.server_state: Connections = Connections(limits)
        self._listener = listener
        listener.most = limits.most + 8  # those beyond the limit are being closed

    async def on_tick(self, counter: int) -> bool:
        """Looks after the connections, ten times a second."""
        self.server_state.close_overdue()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops listening, lets the calls under way end for a second, and closes every connection."""
        self._listener.most = 0
        await _loop_iterations()  # what was accepted just now becomes a connection, or it would be left open
        late = asyncio.get_running_loop().call_later(_ENDING_SECONDS, self.server_state.abort_all)
        await super().shutdown(sockets)
        late.cancel()
        self.server_state.abort_all()
        await _loop_iterations()


async def _loop_iterations() -> None:
    """Lets the loop do what is due, and what follows from that: accept, make a transport, tell its protocol."""
    for _ in range(3):
        await asyncio.sleep(0)
