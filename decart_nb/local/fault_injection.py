"""The faults, done: between the queue's door and its calls, and down to the connection."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .connections import Connection
from .faults import TAKEN, Call
from .worker import Jobs

#: Seconds after its submission in which a job may be unknown.
EARLY = 2.0
#: Seconds without an answer: more than a client waits.
STALL = 300.0
_PATH = re.compile(r"/v1/jobs/([^/]+)(/content)?")


def _page(status: int) -> Response:
    """What something in front of the service answers."""
    return HTMLResponse(f"<html><body><h1>{status}</h1></body></html>", status)


_ANSWERS = {
    "429": JSONResponse({"detail": "Too many requests"}, 429),
    "429-retry-after": JSONResponse({"detail": "Too many requests"}, 429, {"Retry-After": "1"}),
    "500": JSONResponse({"detail": "Internal Server Error"}, 500),
    "502": _page(502),
    "503": JSONResponse({"detail": "Service Unavailable"}, 503),
    "503-bare": _page(503),
    "408": _page(408),
    "409": _page(409),
    "425": _page(425),
    "499": _page(499),
    "taken-408": _page(408),
    "taken-502": _page(502),
    "taken-503": _page(503),
    "404": JSONResponse({"detail": "Job not found"}, 404),
    "malformed": Response('{"job_id": "', media_type="application/json"),
}


class Saboteur:
    """Lets each call through, or does to it what is drawn for it."""

    def __init__(self, app: ASGIApp, jobs: Jobs) -> None:
        self._app = app
        self._jobs = jobs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A call, as the server hands it on."""
        call = self._call(scope)
        fault = call and self._jobs.lots.draw(call)
        if call == "submission" and fault in TAKEN:
            await self._app(scope, receive, _unheard)
        if not fault:
            await self._app(scope, receive, send)
        elif fault in _ANSWERS:
            await _ANSWERS[fault](scope, receive, send)
        elif fault == "cut":
            await self._app(scope, receive, _Half(send))
            await _connection(scope).close()
        elif fault == "stall":
            await _connection(scope).stall()
        else:
            await _connection(scope).reset()

    def _call(self, scope: Scope) -> Call | None:
        path = _PATH.fullmatch(scope["path"])
        match scope["method"], path and path.groups():
            case "POST", (_, None):
                return "submission"
            case "GET", (job_id, None):
                return "early poll" if self._jobs.age(job_id) < EARLY else "poll"
            case "GET", (_, _):
                return "download"
        return None


async def _unheard(message: Message) -> None:
    """Takes an answer, and tells nobody."""


class _Half:
    """Sends half of what an answer says that it has."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._left = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._left = int(dict(message["headers"])[b"content-length"]) // 2
        else:
            body = message.get("body", b"")[: self._left]
            self._left -= len(body)
            message = {**message, "body": body, "more_body": True}
        await self._send(message)


class Breakable(Connection):
    """A connection that can be broken from within a call."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """The other side has come."""
        super().connection_made(transport)
        self._lost = asyncio.Event()
        self._ending = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side has gone, or was sent away."""
        super().connection_lost(exc)
        self._lost.set()
        self._ending.set()

    def shutdown(self) -> None:
        """The server is about to stop."""
        self._ending.set()
        super().shutdown()

    async def close(self) -> None:
        """Closes it in good order, whatever the answer still lacks."""
        self.transport.close()
        await self._lost.wait()  # until then the server would take the silence for a mistake of ours

    async def reset(self) -> None:
        """Breaks it off: the other side is sent a TCP reset."""
        if not self.transport.is_closing():
            never_linger = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, never_linger)
            self.transport.abort()
        await self._lost.wait()

    async def stall(self) -> None:
        """Says nothing until the other side or the server gives up."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), STALL)
        await self.reset()


def _connection(scope: Scope) -> Breakable:
    state: dict[str, Any] = scope["state"]
    connection = state["connection"]
    assert isinstance(connection, Breakable)
    return connection
