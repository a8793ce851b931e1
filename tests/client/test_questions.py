"""Calls that cost nothing are retried: resolving a model's name, and fetching files from URLs."""

from __future__ import annotations

import errno
import socket
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
import pytest

from decart_nb import DecartClient, InvalidInputError, QueueStatusError, models
from decart_nb.request.request import prepare
from decart_nb.request.uploads import Upload
from tests.scripted import NONE, SHORT, answer, close, error_of, quick, reset, run, scripted, serving, stall

MEANT = answer(body={"model_id": "lucy-2.5"})
PASSING = [
    *(answer(status) for status in (408, 425, 429, 500, 502, 503, 504)),
    answer(429, Retry_After="0"),
    answer(body=b'{"model_id": "lu', length=30),
    reset,
    close,
    stall,
]
IDS = ["408", "425", "429", "500", "502", "503", "504", "Retry-After", "cut off", "reset", "closed", "stalled"]


def resolve(client: DecartClient) -> Any:
    return client.queue.resolve("lucy-latest")


def fetch(url: str, model: str = "lucy-2.5") -> Any:
    request = prepare(models.video(model), {"prompt": "x", "data": url})
    return lambda client: client.queue.fetch_inputs(request)


@pytest.mark.parametrize("act", [*PASSING, answer(body="<html>a proxy</html>")], ids=[*IDS, "page"])
def test_the_meaning_of_a_name_is_asked_for_until_it_is_told(act: Any) -> None:
    with serving(act, act, MEANT) as server:
        assert run(quick(server.url, patience=SHORT, read=0.2), resolve) == "lucy-2.5"
    assert [asked.path for asked in server.asked] == ["/v1/models/resolve"] * 3


@pytest.mark.parametrize("act", PASSING, ids=IDS)
def test_a_file_elsewhere_is_fetched_until_it_is_here(act: Any, small_video: Path) -> None:
    with serving(act, act, answer(body=small_video.read_bytes())) as files:
        request = run(quick("http://127.0.0.1:9", patience=SHORT, read=0.2), fetch(f"{files.url}/a.mp4"))
    assert len(files.asked) == 3
    upload = request.files["data"]
    assert isinstance(upload, Upload)
    assert (upload.filename, upload.size) == ("a.mp4", small_video.stat().st_size)


def test_of_a_file_that_was_cut_off_nothing_is_left_in_the_next_attempt(small_video: Path) -> None:
    content = small_video.read_bytes()
    with serving(answer(body=content[:500], length=len(content)), answer(body=content)) as files:
        request = run(quick("http://127.0.0.1:9", patience=SHORT), fetch(f"{files.url}/a.mp4"))
    with request.files["data"].open() as stream:
        assert stream.read() == content


def test_a_server_that_comes_up_late_is_waited_for(small_video: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        error = error_of(InvalidInputError, quick(url), fetch(f"{url}/a.mp4"))
        assert "status" not in error.data
        error_of(QueueStatusError, quick(url), resolve)
    refused = httpx.ConnectError("refused")
    client, script = scripted(refused, refused, httpx.Response(200, content=small_video.read_bytes()), patience=SHORT)
    run(client, fetch("http://files.test/a.mp4"))
    client, script = scripted(refused, refused, {"model_id": "lucy-2.5"}, patience=SHORT)
    assert run(client, resolve) == "lucy-2.5"
    assert len(script.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_a_refusal_stops_at_once(status: int) -> None:
    with serving(answer(status), MEANT) as server:
        assert error_of(QueueStatusError, quick(server.url, patience=SHORT), resolve).data["status"] == status
        assert len(server.asked) == 1
    with serving(answer(status), MEANT) as server:
        error = error_of(InvalidInputError, quick(server.url, patience=SHORT), fetch(f"{server.url}/a.mp4"))
        assert (error.data["fields"], error.data["status"], len(server.asked)) == (["data"], status, 1)


@pytest.mark.parametrize("call", [resolve, fetch("http://files.test/a.mp4")], ids=["resolve", "fetch"])
def test_whoever_says_when_to_come_back_is_obeyed(call: Any, small_video: Path) -> None:
    busy = httpx.Response(429, headers={"Retry-After": "0.4"})
    end = {"model_id": "x"} if call is resolve else httpx.Response(200, content=small_video.read_bytes())
    client, script = scripted(busy, end, patience=SHORT)
    began = time.monotonic()
    run(client, call)
    assert time.monotonic() - began >= 0.4
    assert len(script.asked) == 2
    client, script = scripted(httpx.Response(503, headers={"Retry-After": "3600"}), end, patience=SHORT)
    kind = QueueStatusError if call is resolve else InvalidInputError
    assert error_of(kind, client, call).data["retry_after"] == 3600
    assert len(script.asked) == 1


def test_patience_ends() -> None:
    client, script = scripted(httpx.Response(502), patience=NONE)
    error_of(QueueStatusError, client, resolve)
    assert len(script.asked) == 1
    with serving(answer(502)) as files:
        error = error_of(InvalidInputError, quick("http://127.0.0.1:9"), fetch(f"{files.url}/a.mp4"))
    assert "the server answered 502" in error.message
    assert len(files.asked) == 1


def test_what_was_fetched_and_is_not_what_the_model_takes_is_fetched_once(small_video: Path) -> None:
    with serving(answer(body=small_video.read_bytes())) as files:
        error = error_of(
            InvalidInputError, quick("http://127.0.0.1:9", patience=SHORT), fetch(f"{files.url}/a", "lucy-pro-i2v")
        )
    assert "must be an image" in error.message
    assert len(files.asked) == 1


PLACE = SimpleNamespace(host="files.test", port=443, ssl=True, is_ssl=True)


@pytest.mark.parametrize(
    "root",
    [
        aiohttp.ClientConnectorCertificateError(PLACE, ValueError("forged")),  # type: ignore[arg-type]
        aiohttp.ClientConnectorDNSError(PLACE, socket.gaierror(socket.EAI_NONAME, "unknown")),  # type: ignore[arg-type]
    ],
    ids=["certificate", "name"],
)
def test_a_place_that_cannot_be_trusted_or_is_nowhere_is_asked_once(root: Exception) -> None:
    lost = httpx.ConnectError("no")
    lost.__cause__ = root
    client, script = scripted(lost, patience=SHORT)
    error_of(InvalidInputError, client, fetch("https://files.test/a.mp4"))
    assert len(script.asked) == 1


def test_redirects_without_an_end_are_followed_once() -> None:
    with serving(answer(302, Location="/again", Connection="close")) as files:
        error_of(InvalidInputError, quick("http://127.0.0.1:9", patience=SHORT), fetch(f"{files.url}/a.mp4"))
    assert len(files.asked) < 30


def test_a_disk_without_room_is_told_at_once(monkeypatch: pytest.MonkeyPatch, small_video: Path) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    request = prepare(models.video("lucy-2.5"), {"prompt": "x", "data": "http://files.test/a.mp4"})
    client, script = scripted(httpx.Response(200, content=small_video.read_bytes()), patience=SHORT)
    monkeypatch.setattr("tempfile.mkstemp", full)  # a disk that is full takes a file system of its own
    error = error_of(InvalidInputError, client, lambda client: client.queue.fetch_inputs(request))
    assert "no space left on device" in error.message.lower()
    assert len(script.asked) == 1
