"""Failures of calls: each is one clear error of our own family, on real sockets where sockets matter."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from decart_nb import DecartClient, InvalidInputError, QueueResultError, QueueStatusError, QueueSubmitError
from decart_nb.local.queue import LocalQueue
from tests.scripted import KEY, answer, close, drip, error_of, quick, reset, scripted, serving, stall

TEXT = {"model": "lucy-pro-t2v", "prompt": "a cat"}


def submit(client: DecartClient) -> Any:
    return client.queue.submit(TEXT)


def status(client: DecartClient) -> Any:
    return client.queue.status("job_1")


def result(client: DecartClient) -> Any:
    return client.queue.result("job_1")


CALLS = [
    (submit, QueueSubmitError, "submit job"),
    (status, QueueStatusError, "get job status"),
    (result, QueueResultError, "get job content"),
]
each_call = pytest.mark.parametrize(("call", "kind", "doing"), CALLS, ids=["submit", "status", "result"])
ANSWERED = CALLS[:2]


@each_call
@pytest.mark.parametrize(
    ("code", "body", "advice"),
    [
        (400, '{"detail":"Cannot read the image"}', ""),
        (401, '{"detail":"Invalid API key"}', "DECART_API_KEY"),
        (403, "", "may not"),
        (404, '{"detail":"Job not found"}', ""),
        (410, '{"detail":"Gone"}', ""),
        (413, '{"detail":"Too large"}', "too large"),
        (422, '{"detail":[{"loc":["body","seed"],"msg":"no integer"}]}', ""),
        (429, "slow down", "Too many requests"),
        (500, "Internal Server Error", "try again later"),
        (503, "<html>away</html>", "try again later"),
        (301, "", ""),
    ],
)
def test_a_refusal_is_told_with_its_status_and_body(
    call: Any, kind: Any, doing: str, code: int, body: str, advice: str
) -> None:
    client, script = scripted(httpx.Response(code, text=body))
    error = error_of(kind, client, call)
    assert error.message.startswith(f"Failed to {doing}: {code} - {body}")
    assert advice in error.message
    assert error.data["status"] == code
    assert len(script.asked) == 1, "nothing is repeated by itself"


MODEL_404, MODEL_410 = "has no model of that name", "The model is retired"


@pytest.mark.parametrize(
    ("call", "kind", "not_found", "gone"),
    [
        (submit, QueueSubmitError, MODEL_404, MODEL_410),
        (lambda client: client.queue.resolve("lucy-latest"), QueueStatusError, MODEL_404, MODEL_410),
        (status, QueueStatusError, None, "has this job no longer"),
        (result, QueueResultError, None, "has this video no longer"),
    ],
    ids=["submit", "resolve", "status", "result"],
)
def test_what_is_not_there_is_what_was_asked_for(call: Any, kind: Any, not_found: str | None, gone: str) -> None:
    advice = {MODEL_404, MODEL_410, "has this job no longer", "has this video no longer"}
    for code, words in ((404, not_found), (410, gone)):
        client, _ = scripted(httpx.Response(code))
        message = error_of(kind, client, call).message
        assert {told for told in advice if told in message} == ({words} if words else set())


@each_call
def test_a_long_refusal_is_cut(call: Any, kind: Any, doing: str) -> None:
    client, _ = scripted(httpx.Response(500, text="<p>\n  sorry  </p>" * 5000))
    message = error_of(kind, client, call).message
    assert len(message) < 600
    assert "\n  sorry" not in message


@each_call
@pytest.mark.parametrize("code", [200, 404])
def test_of_an_answer_without_an_end_no_more_is_read_than_tells_what_it_is(
    call: Any, kind: Any, doing: str, code: int
) -> None:
    read = 0

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            nonlocal read
            while True:
                read += 2**14
                yield b"<" * 2**14

    client, _ = scripted(httpx.Response(code, stream=Endless()))
    error_of(kind, client, call)
    assert read < 2**18


@each_call
def test_a_server_that_repeats_the_key_does_not_get_it_shown(call: Any, kind: Any, doing: str) -> None:
    client, _ = scripted(httpx.Response(401, json={"detail": f"{KEY} is no key of ours"}))
    assert "is no key of ours" in error_of(kind, client, call).message


@pytest.mark.parametrize(("call", "kind", "doing"), ANSWERED, ids=["submit", "status"])
@pytest.mark.parametrize(
    "body",
    [
        b"<!doctype html><title>Log in</title>",
        b'{"job_id": "job_1", "sta',
        b"",
        b"null",
        b'["job_1"]',
        b"\xff\xfe\x00",
        b"{}",
        b"[" * 100_000,
    ],
    ids=["page", "half", "empty", "null", "list", "binary", "no keys", "deep"],
)
def test_an_answer_that_cannot_be_read_is_told_as_that(call: Any, kind: Any, doing: str, body: bytes) -> None:
    client, script = scripted(httpx.Response(200, content=body))
    error = error_of(kind, client, call)
    assert error.message.startswith(f"Failed to {doing}: 200 - the answer is ")
    assert ("a web page" in error.message) is body.startswith(b"<")
    assert "base_url" in error.message
    assert (error.data["status"], error.data["sent"]) == (200, True)
    assert len(script.asked) == 1


@each_call
def test_a_wrong_key_is_told_by_a_real_queue(call: Any, kind: Any, doing: str, canned_queue: LocalQueue) -> None:
    error = error_of(kind, quick(canned_queue.base_url), call)
    assert error.message.startswith(f"Failed to {doing}: 401 - ")
    assert "The API key was refused" in error.message


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def full() -> Iterator[str]:
    """An address that leaves everybody waiting for a connection: its backlog is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@each_call
def test_a_refused_connection_was_certainly_not_sent(call: Any, kind: Any, doing: str, nobody: str) -> None:
    error = error_of(kind, quick(nobody), call)
    assert error.message.startswith(f"Failed to {doing}: no answer from {nobody} (")
    assert "Check the address and the network" in error.message
    assert error.data["sent"] is False
    assert "status" not in error.data
    assert isinstance(error.cause, Exception)


@each_call
def test_a_connection_that_never_comes_was_certainly_not_sent(call: Any, kind: Any, doing: str, full: str) -> None:
    error = error_of(kind, quick(full, connect=0.2), call)
    assert "(it took too long)" in error.message
    assert error.data["sent"] is False


@each_call
@pytest.mark.parametrize("act", [close, reset])
def test_a_connection_lost_after_the_request_may_have_been_heard(call: Any, kind: Any, doing: str, act: Any) -> None:
    with serving(act) as server:
        error = error_of(kind, quick(server.url), call)
    assert error.message.startswith(f"Failed to {doing}: no answer from {server.url} (")
    assert error.data["sent"] is True
    if call is submit:
        assert "may have been taken" in error.message
        assert len(server.asked) == 1, "a submission is never repeated by itself"


def test_a_submission_over_a_connection_that_dies_is_not_repeated_either() -> None:
    """A kept connection that the server has closed meanwhile is where HTTP libraries repeat requests."""
    with serving(answer(body={"job_id": "job_1", "status": "pending"}), close, keep=True) as server:

        async def twice(client: DecartClient) -> None:
            await client.queue.submit(TEXT)
            await client.queue.submit(TEXT)

        error = error_of(QueueSubmitError, quick(server.url), twice)
    assert error.data["sent"] is True
    assert len(server.asked) == 2


@each_call
@pytest.mark.parametrize(("act", "patience"), [(stall, {"read": 0.2}), (drip, {"total": 0.3})], ids=["read", "total"])
def test_an_answer_that_does_not_come_or_does_not_end_is_left_in_time(
    call: Any, kind: Any, doing: str, act: Any, patience: dict[str, float]
) -> None:
    began = time.monotonic()
    with serving(act) as server:
        error = error_of(kind, quick(server.url, **patience), call)
    assert "(it took too long)" in error.message
    assert error.data["sent"] is True
    assert time.monotonic() - began < 1.5


@each_call
@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x00\xff\xfe\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        answer(body=b"not gzip", Content_Encoding="gzip"),
        answer(body=b'{"job_id": "job_1", "status": "pending"', length=100),
    ],
    ids=["ssh", "tls", "length", "header", "chunks", "gzip", "truncated"],
)
def test_what_is_no_whole_http_answer_is_one_clear_error(call: Any, kind: Any, doing: str, raw: bytes) -> None:
    with serving(raw) as server:
        error = error_of(kind, quick(server.url), call)
    assert error.message.startswith(f"Failed to {doing}: ")
    assert error.data["sent"] is True


@pytest.mark.parametrize("act", [answer(body=b"x" * 5000, length=9000), answer(404, "no"), close])
def test_a_download_that_fails_leaves_nothing_behind(act: Any, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    with serving(act) as server:
        error_of(QueueResultError, quick(server.url), lambda client: client.queue.download("job_1", folder / "a.mp4"))
    assert list(folder.iterdir()) == []


def test_a_download_that_fails_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"from before")
    with serving(answer(body=b"x" * 5000, length=9000)) as server:
        error_of(QueueResultError, quick(server.url), lambda client: client.queue.download("job_1", path))
    assert path.read_bytes() == b"from before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("where", ["no/such/folder/a.mp4", "a-file/a.mp4", "a-folder", "/proc/a.mp4", "n" * 300])
def test_a_place_that_cannot_be_written_is_named(where: str, tmp_path: Path) -> None:
    (tmp_path / "a-file").write_bytes(b"")
    (tmp_path / "a-folder").mkdir()
    client, _ = scripted(httpx.Response(200, content=b"video"))
    error = error_of(QueueResultError, client, lambda client: client.queue.download("job_1", tmp_path / where))
    assert f"cannot be written to {Path(where).name}" in error.message
    assert str(tmp_path) not in error.message
    assert "job_1" in error.message
    assert "can still be fetched" in error.message
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(("a", "n"))) == [
        "a-file",
        "a-folder",
    ]


def with_data(url: str) -> Callable[[DecartClient], Any]:
    return lambda client: client.queue.submit({"model": "lucy-pro-i2v", "prompt": "x", "data": url})


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (answer(404, "gone"), "the server answered 404"),
        (answer(500), "the server answered 500"),
        (answer(302, Location="/again", Connection="close"), ""),
        (answer(body=b"x" * 50, length=90), ""),
        (close, ""),
        (answer(body=b"<html>a page</html>"), "must be an image"),
        (answer(body=b""), "is empty"),
    ],
    ids=["404", "500", "loop", "truncated", "closed", "page", "empty"],
)
def test_a_url_that_gives_no_file_is_an_invalid_input(act: Any, words: str) -> None:
    with serving(act) as server:
        error = error_of(InvalidInputError, quick(server.url), with_data(f"{server.url}/a.png?token=secret"))
    assert error.message.startswith("Invalid inputs for lucy-pro-i2v: data ")
    assert words in error.message
    assert error.data["fields"] == ["data"]
    assert "secret" not in error.message
    assert {asked.method for asked in server.asked} == {"GET"}, "nothing is submitted"


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://exa mple/a.png", "https://host:99999/a.png"])
def test_a_url_that_is_none_is_an_invalid_input(url: str, nobody: str) -> None:
    assert error_of(InvalidInputError, quick(nobody), with_data(url)).data["fields"] == ["data"]


def test_a_url_at_which_nobody_listens_is_an_invalid_input(nobody: str) -> None:
    address = nobody.replace("http://", "http://me:password@") + "/a.png"
    error = error_of(InvalidInputError, quick(nobody), with_data(address))
    assert "data cannot be fetched from" in error.message
    assert "password" not in error.message


def test_a_file_that_has_gone_since_it_was_read_is_an_invalid_input(small_image: Path, tmp_path: Path) -> None:
    from decart_nb import models
    from decart_nb.request.request import prepare

    path = tmp_path / "a.png"
    path.write_bytes(small_image.read_bytes())
    request = prepare(models.video("lucy-pro-i2v"), {"prompt": "x", "data": path})
    path.unlink()
    client, script = scripted({"job_id": "job_1"})
    error = error_of(InvalidInputError, client, lambda client: client.queue.submit_request(request))
    assert "data cannot be read any more" in error.message
    assert not script.asked
