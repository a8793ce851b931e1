"""Connections that say nothing, or too little: closed in time, bounded in number, and no descriptor is lost to them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import select
import socket
import subprocess
import sys
import threading
import time
import warnings

import pytest
import uvicorn
from starlette.responses import JSONResponse

from decart_nb.local.connections import Connection, ConnectionLimits, Listener, Server, default_connection_limit
from decart_nb.local.queue import LocalQueue
from tests.local.wire import PROMPT, calling, followed, submitted, talk


@pytest.fixture
def limited(tmp_path, small_video):
    """A maker of queues whose connections are held to such limits."""
    with contextlib.ExitStack() as stack:

        def make(**limits) -> LocalQueue:
            options = {"canned": small_video, "limits": ConnectionLimits(**limits)}
            return stack.enter_context(LocalQueue(tmp_path / "q", **options))

        yield make


def opened(queue: LocalQueue, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", queue.port), timeout=10)
    try:
        connection.sendall(sent)
    except OSError:
        connection.close()
        raise
    return connection


def is_closed(connection: socket.socket, within: float) -> bool:
    """Whether the other side closes it in time, whatever it says before that."""
    while select.select([connection], [], [], within)[0]:
        try:
            if not connection.recv(2**16):
                return True
        except ConnectionResetError:
            return True
    return False


def answered(connection: socket.socket, body: bytes = b"}") -> bytes:
    """The status line of an answer that ends so."""
    said = connection.recv(2**16)
    while not said.endswith(body):
        said += connection.recv(2**16)
    return said.partition(b"\r\n")[0]


def sends_until_closed(connection: socket.socket, piece: bytes) -> None:
    """Sends a piece again and again, until the other side closes the connection."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        connection.sendall(piece)
        time.sleep(0.05)


def until(true, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(true())


def head(queue: LocalQueue, call: str = "GET /stats", *lines: str) -> bytes:
    own = [f"{call} HTTP/1.1", f"Host: 127.0.0.1:{queue.port}", f"X-API-KEY: {queue.api_key}"]
    return "\r\n".join([*own, *lines, "", ""]).encode()


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET / HTTP/1.1\r\nX-A: ", b"\r\n\r\n"])
def test_a_head_that_does_not_come_is_not_waited_for(limited, sent):
    queue = limited(head_timeout=0.4)
    with opened(queue, sent) as connection:
        assert is_closed(connection, 10)


def test_a_head_that_comes_letter_by_letter_is_not_waited_for_either(limited):
    queue = limited(head_timeout=0.5)
    with opened(queue) as connection, pytest.raises(OSError, match=r"reset|Broken pipe"):
        sends_until_closed(connection, b"G")


def test_a_second_head_is_held_to_the_same(limited):
    queue = limited(head_timeout=0.5)
    with opened(queue, head(queue)) as connection:
        assert answered(connection) == b"HTTP/1.1 200 OK"
        connection.sendall(b"GET /sta")
        assert is_closed(connection, 10)


@pytest.mark.parametrize("body", [b"", b"--x"])
def test_a_body_that_does_not_come_is_not_waited_for(limited, body):
    queue = limited(head_timeout=0.5)
    lines = ["Content-Type: multipart/form-data; boundary=x", "Content-Length: 100000"]
    with opened(queue, head(queue, "POST /v1/files", *lines) + body) as connection:
        assert is_closed(connection, 10)


def test_a_body_that_comes_slowly_but_surely_is_waited_for(limited):
    queue = limited(head_timeout=0.5)
    form = b"prompt=" + b"a" * 900 + b"&x=" + b"a" * 5000
    lines = ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(form)}"]
    with opened(queue, head(queue, "POST /v1/jobs/lucy-pro-t2v", *lines)) as connection:
        for start in range(0, len(form), 200):  # for 1.5 s
            connection.sendall(form[start : start + 200])
            time.sleep(0.05)
        assert answered(connection) == b"HTTP/1.1 200 OK"


def test_a_job_that_is_waited_for_in_silence_is_none_of_it(limited):
    queue = limited(head_timeout=0.3)
    with talk(queue) as http:
        job_id = submitted(http)
        time.sleep(1)
        assert followed(http, job_id)[-1] == "completed"


def test_strangers_take_no_more_than_their_share_and_the_oldest_goes_first(limited):
    queue = limited(max_connections=16)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(opened(queue)) for _ in range(40)]
        assert [is_closed(one, 5 if number < 28 else 0) for number, one in enumerate(silent)] == [True] * 28 + [
            False
        ] * 12
        with talk(queue) as http:
            assert http.get("/stats").status_code == 200


def test_callers_with_the_key_keep_their_connections_while_strangers_come(limited):
    queue = limited(max_connections=16)
    with contextlib.ExitStack() as stack:
        own = [stack.enter_context(opened(queue, head(queue))) for _ in range(4)]
        assert all(answered(one) == b"HTTP/1.1 200 OK" for one in own)
        for _ in range(60):
            stack.enter_context(opened(queue))
        for one in own:
            one.sendall(head(queue))
            assert answered(one) == b"HTTP/1.1 200 OK"


def test_with_the_key_too_there_are_no_more_than_so_many(limited):
    queue = limited(max_connections=8)
    with contextlib.ExitStack() as stack:
        ones = []
        for _ in range(30):
            ones.append(stack.enter_context(opened(queue, head(queue))))
            assert answered(ones[-1]) == b"HTTP/1.1 200 OK"
        assert until(lambda: sum(not is_closed(one, 0) for one in ones) <= 8)


def test_a_crowd_of_strangers_does_not_keep_a_job_from_being_made(limited):
    queue = limited(max_connections=32)
    stop = threading.Event()

    def crowd() -> None:
        with contextlib.ExitStack() as stack:
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    stack.enter_context(opened(queue, b"GET / HTTP/1.1\r\nX-A: "))
                time.sleep(0.002)

    strangers = threading.Thread(target=crowd)
    strangers.start()
    try:
        for _ in range(5):
            with talk(queue) as http:
                assert followed(http, submitted(http))[-1] == "completed"
    finally:
        stop.set()
        strangers.join()


_CROWDED = """
import contextlib, os, resource, socket, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
from decart_nb.local.queue import LocalQueue
with LocalQueue(Path(sys.argv[1]), canned=Path(sys.argv[2])) as queue:
    print(queue.base_url, queue.api_key, flush=True)
    for line in sys.stdin:
        print(len(os.listdir("/proc/self/fd")), flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_a_thousand_silent_connections_leave_the_process_its_descriptors(tmp_path, small_video):
    command = [sys.executable, "-c", _CROWDED, str(tmp_path / "q"), str(small_video)]
    with (
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as owner,
        contextlib.ExitStack() as stack,
    ):
        url, key = owner.stdout.readline().split()
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        for _ in range(600):
            stack.enter_context(socket.create_connection(address, timeout=10))
        owner.stdin.write("?\n")
        owner.stdin.flush()
        assert int(owner.stdout.readline()) < 80
        with calling(url, key) as http:
            assert http.post("/v1/jobs/lucy-pro-t2v", data=PROMPT).status_code == 200
        _, errors = owner.communicate(timeout=20)
    assert errors == ""


def test_the_share_of_descriptors_has_bounds():
    assert 8 <= default_connection_limit() <= 1024
    assert default_connection_limit(most=8) == 8


class _Knocked(Server):
    """A server to which somebody connects just before it stops, so many turns of its loop before that."""

    def __init__(self, turns: int) -> None:
        self.listener = Listener(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.bind(("127.0.0.1", 0))
        self.caller = socket.socket()
        self.turns = turns
        config = uvicorn.Config(_answer, http=Connection, lifespan="off", log_config=None)
        super().__init__(config, self.listener, ConnectionLimits())

    async def on_tick(self, counter: int) -> bool:
        if counter == 0:
            return await super().on_tick(counter)
        self.caller.connect(self.listener.getsockname())
        self.caller.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(self.turns):
            await asyncio.sleep(0)
        return True


async def _answer(scope, receive, send) -> None:
    await JSONResponse({})(scope, receive, send)


@pytest.mark.parametrize("turns", range(6))
def test_a_call_that_comes_in_while_the_queue_stops_leaves_no_connection_open(caplog, turns):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        server = _Knocked(turns)
        with server.caller, asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(server.serve(sockets=[server.listener]))
        del server, runner
        gc.collect()
    assert [str(one.message) for one in caught if one.category is ResourceWarning] == []
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_caller_that_does_not_read_does_not_hold_up_the_end(tmp_path):
    (tmp_path / "long.mp4").write_bytes(bytes(2**24))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with LocalQueue(tmp_path / "q", canned=tmp_path / "long.mp4") as queue, talk(queue) as http:
            job_id = submitted(http)
            deaf = opened(queue, head(queue, f"GET /v1/jobs/{job_id}/content"))
            assert deaf.recv(1)
            began = time.monotonic()
        assert time.monotonic() - began < 10
        deaf.close()
        gc.collect()
    assert [str(one.message) for one in caught if one.category is ResourceWarning] == []
