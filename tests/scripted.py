"""Servers that do as they are told: over httpx's own transport, and as raw bytes over a loopback socket."""

from __future__ import annotations

import asyncio
import contextlib
import email.policy
import json
import socket
import struct
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from email.parser import BytesParser
from typing import Any

import httpx
import pytest

from decart_nb import DecartClient, DecartSDKError
from decart_nb.client.retry import Patience
from decart_nb.client.transport import Timeout

KEY = "dct_very_secret_key"
#: One attempt and no more; and many, with hardly a pause in between.
NONE = Patience(submission=0, download=0)
SHORT = Patience(submission=5.0, download=5.0, lag=5.0, first=0.01, longest=0.05)
#: A whole image: what follows it in a file is not looked at.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)
_KEPT_BODY = 2**20


@dataclass(frozen=True)
class Part:
    """One part of a multipart body, as a server sees it."""

    filename: str | None
    media_type: str | None
    content: bytes


def parts(content_type: str, body: bytes) -> dict[str, Part]:
    """A multipart body taken apart by the standard library, which shares nothing with httpx."""
    assert content_type.startswith("multipart/form-data")
    whole = b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body
    message = BytesParser(policy=email.policy.HTTP).parsebytes(whole)
    return {
        str(part.get_param("name", header="content-disposition")): Part(
            part.get_filename(), part.get("content-type"), part.get_payload(decode=True)
        )
        for part in message.iter_parts()
    }


@dataclass
class Asked:
    """A request that a scripted server has read; of a long body only the beginning is kept."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    length: int = 0


def answer(status: int = 200, body: Any = b"", length: int | None = None, **headers: str) -> bytes:
    """An HTTP answer as bytes; a body that is neither bytes nor text is sent as JSON."""
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class ScriptedServer:
    """Reads each request whole and answers it with the next of its acts; the last one goes on for ever.

    Args:
        acts: bytes are sent, and the connection closed; a callable gets the socket, and what it does is the answer.
        keep: whether connections stay open after an act that is bytes.
        hasty: of how many requests, from the first, only the head is read before they are answered.
        port: of another server that has stopped, in whose place this one answers; a free one by default.
    """

    def __init__(
        self, *acts: bytes | Callable[[socket.socket], None], keep: bool = False, hasty: int = 0, port: int = 0
    ) -> None:
        self.asked: list[Asked] = []
        self._acts, self._keep, self._hasty = list(acts), keep, hasty
        self._connections: list[socket.socket] = []
        self._socket = socket.create_server(("127.0.0.1", port))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def stop(self) -> None:
        for one in (self._socket, *self._connections):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            self._connections.append(connection)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream, contextlib.suppress(OSError):
            while (asked := _read(stream, whole=len(self.asked) >= self._hasty)) is not None:
                act = self._acts.pop(0) if len(self._acts) > 1 else self._acts[0]
                self.asked.append(asked)
                if isinstance(act, bytes):
                    connection.sendall(act)
                    if self._keep:
                        continue
                else:
                    act(connection)
                return


def reset(connection: socket.socket) -> None:
    """An act: the connection is torn down without an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close(connection: socket.socket) -> None:
    """An act: the connection is closed in order, and without an answer."""
    connection.shutdown(socket.SHUT_WR)


def stall(connection: socket.socket) -> None:
    """An act: no answer, until the other side has gone or the server stops."""
    while connection.recv(1024):
        pass


def drip(connection: socket.socket) -> None:
    """An act: an answer that goes on for ever, a byte at a time."""
    connection.sendall(answer(length=10**6))
    while True:
        connection.sendall(b" ")
        time.sleep(0.02)


def _read(stream: Any, *, whole: bool = True) -> Asked | None:
    first = stream.readline().split()
    if len(first) < 2:
        return None
    headers = {}
    while line := stream.readline().strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    asked = Asked(first[0].decode(), first[1].decode(), headers)
    left = int(headers.get("content-length", 0)) if whole else 0
    while left and (chunk := stream.read(min(left, 2**16))):
        left -= len(chunk)
        asked.length += len(chunk)
        if len(asked.body) < _KEPT_BODY:
            asked.body += chunk
    return asked


@dataclass
class Script:
    """A handler for ``httpx.MockTransport``: each request is answered with the next of the answers, then the last."""

    answers: list[Any]
    asked: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        now = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(now, Exception):
            raise now
        return now if isinstance(now, httpx.Response) else httpx.Response(200, json=now)

    def parts(self, number: int = 0) -> dict[str, Part]:
        return parts(self.asked[number].headers["content-type"], self.asked[number].content)


def scripted(*answers: Any, **options: Any) -> tuple[DecartClient, Script]:
    """A client whose requests a script answers: with JSON, an ``httpx.Response`` or an exception each."""
    script = Script(list(answers))
    return DecartClient(KEY, transport=httpx.MockTransport(script), **({"patience": NONE} | options)), script


def run(client: DecartClient, do: Callable[[DecartClient], Awaitable[Any]]) -> Any:
    """Lets a client do something in a loop of its own, and closes it."""

    async def main() -> Any:
        async with client:
            return await do(client)

    return asyncio.run(main())


def error_of(kind: type[DecartSDKError], client: DecartClient, do: Callable[[DecartClient], Coroutine[Any, Any, Any]]):
    """The error that something ends with: of that kind, without a word about the key, httpx or aiohttp."""
    with pytest.raises(DecartSDKError) as caught:
        run(client, do)
    error = caught.value
    assert type(error) is kind, error
    assert error.__suppress_context__ or error.__context__ is None
    shown = "".join(traceback.format_exception(error))
    for word in (KEY, "site-packages/httpx", "site-packages/aiohttp", "httpx.", "aiohttp.", "During handling"):
        assert word not in shown.replace(__file__, ""), shown
    return error


def quick(url: str, *, patience: Patience = NONE, **limits: float) -> DecartClient:
    """A client that does not wait for long."""
    timeout = Timeout(**({"connect": 2.0, "read": 2.0, "total": 5.0} | limits))
    return DecartClient(KEY, url, timeout=timeout, patience=patience)


@contextlib.contextmanager
def serving(
    *acts: bytes | Callable[[socket.socket], None], keep: bool = False, hasty: int = 0, port: int = 0
) -> Iterator[ScriptedServer]:
    server = ScriptedServer(*acts, keep=keep, hasty=hasty, port=port)
    try:
        yield server
    finally:
        server.stop()
