"""Fault injection: ASGI middleware that replaces responses, and connections that can be closed, reset or stalled."""

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
from .worker import JobQueue

_PATH = re.compile(r"/v1/jobs/([^/]+)(/content)?")


def _page(status: int) -> Response:
    """A response with an HTML page, such as a gateway in front of the service sends."""
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


class FaultMiddleware:
    """ASGI middleware that passes each request on, or applies the fault that the schedule picks for it.

    Args:
        app: the application that requests are passed on to.
        jobs: the job queue, which has the schedule of faults.
    """

    def __init__(self, app: ASGIApp, jobs: JobQueue) -> None:
        self._app = app
        self._jobs = jobs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI request."""
        call = self._call_type(scope)
        fault = call and self._jobs.fault_schedule.next_fault(call)
        if call == "submission" and fault in TAKEN:
            await self._app(scope, receive, _discard)  # the job is accepted, and its response lost
        if not fault:
            await self._app(scope, receive, send)
        elif fault in _ANSWERS:
            await _ANSWERS[fault](scope, receive, send)
        elif fault == "cut":
            await self._app(scope, receive, _HalfBody(send))
            await _connection(scope).close()
        elif fault == "stall":
            await _connection(scope).stall(self._jobs.fault_schedule.faults.stall)
        else:
            await _connection(scope).reset()

    def _call_type(self, scope: Scope) -> Call | None:
        """The type of call that a request is; ``None`` if faults do not affect it."""
        path = _PATH.fullmatch(scope["path"])
        match scope["method"], path and path.groups():
            case "POST", (_, None):
                return "submission"
            case "GET", (job_id, None):
                return "early poll" if self._jobs.age(job_id) < self._jobs.fault_schedule.faults.early else "poll"
            case "GET", (_, _):
                return "download"
        return None


async def _discard(message: Message) -> None:
    """An ASGI ``send`` that drops the response."""


class _HalfBody:
    """An ASGI ``send`` that passes on the first half of the ``Content-Length`` of a body, and leaves the body open."""

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


class FaultyConnection(Connection):
    """A connection that a request handler can close, reset or stall."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """asyncio: the connection is open."""
        super().connection_made(transport)
        self._lost = asyncio.Event()
        self._ending = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is closed."""
        super().connection_lost(exc)
        self._lost.set()
        self._ending.set()

    def shutdown(self) -> None:
        """uvicorn: the server is stopping."""
        self._ending.set()
        super().shutdown()

    async def close(self) -> None:
        """Closes the connection normally, also before the response is complete."""
        self.transport.close()
        await self._lost.wait()  # a handler that returned earlier would make uvicorn log an incomplete response

    async def reset(self) -> None:
        """Aborts the connection with a TCP reset."""
        if not self.transport.is_closing():
            linger = struct.pack("ii", 1, 0)  # on, for 0 seconds: closing the socket sends a reset
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.transport.abort()
        await self._lost.wait()

    async def stall(self, seconds: float) -> None:
        """Sends nothing until the client or the server ends the connection or a timeout passes, and then resets it.

        Args:
            seconds: the timeout.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
        await self.reset()


def _connection(scope: Scope) -> FaultyConnection:
    """The connection of a request."""
    state: dict[str, Any] = scope["state"]
    connection = state["connection"]
    assert isinstance(connection, FaultyConnection)
    return connection
