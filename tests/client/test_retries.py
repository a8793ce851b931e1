"""Every retried call reports its retries in one printable line, and their end."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from decart_nb import DecartClient, DecartSDKError
from decart_nb.client import duration_estimate as polling
from decart_nb.client.retry import MIN_PAUSE, Patience
from decart_nb.request.catalogue import models
from decart_nb.request.request import prepare
from tests.scripted import SHORT, answer, close, quick, run, scripted, serving, stall

REQUEST = prepare(models.video("lucy-pro-t2v"), {"prompt": "a cat"})
SOON = polling.Estimate.around(0.01, 0.1, floor=0.01)
WHOLE = httpx.Response(200, content=b"video" * 10)

Call = Callable[[DecartClient, Callable[[str | None], object]], Any]
CALLS: dict[str, tuple[Call, Any]] = {
    "submit": (
        lambda client, told: client.queue.submit_request(REQUEST, on_retry=told),
        {"job_id": "job_1", "status": "pending"},
    ),
    "resolve": (lambda client, told: client.queue.resolve("lucy-latest", on_retry=told), {"model_id": "lucy-2.5"}),
    "wait": (
        lambda client, told: client.queue.wait("job_1", estimate=SOON, on_retry=told),
        {"job_id": "job_1", "status": "completed"},
    ),
    "download": (lambda client, told: client.queue.download("job_1", Path("a.mp4"), on_retry=told), WHOLE),
}
each_call = pytest.mark.parametrize(("call", "good"), CALLS.values(), ids=CALLS)


@each_call
@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (httpx.Response(429), "the queue says that there are too many requests (429), trying again in 1 s"),
        (
            httpx.Response(503, json={"detail": "busy"}),
            "api.decart.ai answers 503, trying again in 1 s",
        ),
        (httpx.ConnectError("\x1b[2J refused"), "no connection to api.decart.ai ([2J refused), trying again in 1 s"),
    ],
    ids=["429", "503", "no connection"],
)
def test_a_pause_is_told_and_its_end(call: Call, good: Any, failure: Any, said: str) -> None:
    client, _ = scripted(failure, failure, good, patience=SHORT)
    heard: list[str | None] = []
    run(client, lambda client: call(client, heard.append))
    assert heard == [said, said, None]


@each_call
def test_who_has_no_trouble_hears_nothing(call: Call, good: Any) -> None:
    client, _ = scripted(good, patience=SHORT)
    heard: list[str | None] = []
    run(client, lambda client: call(client, heard.append))
    assert heard == []


@pytest.mark.parametrize("name", ["submit", "resolve", "download"])
def test_what_ends_badly_is_no_longer_being_retried(name: str) -> None:
    client, _ = scripted(httpx.Response(429), patience=SHORT if name == "submit" else Patience(0.3, 0.3, first=0.1))
    heard: list[str | None] = []
    with pytest.raises(DecartSDKError):
        run(client, lambda client: CALLS[name][0](client, heard.append))
    assert heard[0]
    assert heard[-1] is None


def test_a_file_from_a_url_says_so_too(small_video: Path) -> None:
    request = prepare(models.video("lucy-2.5"), {"prompt": "", "data": "http://files.example/a.mp4?key=secret"})
    client, _ = scripted(httpx.Response(503), httpx.Response(200, content=small_video.read_bytes()), patience=SHORT)
    heard: list[str | None] = []
    run(client, lambda client: client.queue.fetch_inputs(request, on_retry=heard.append))
    assert heard == ["files.example answers 503, trying again in 1 s", None]


def test_a_refused_connection_names_host_and_port_and_the_time() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{nobody.getsockname()[1]}"
        heard: list[str | None] = []
        with pytest.raises(DecartSDKError):
            run(
                quick(f"http://{place}", patience=SHORT),
                lambda client: client.queue.submit_request(REQUEST, on_retry=heard.append),
            )
    assert heard == [f"no connection to {place} (refused), trying again in 1 s"] * 3 + [None]


@pytest.mark.parametrize(
    ("act", "said"), [(stall, "within 0.2 s"), (close, "(the connection broke off)")], ids=["stall", "close"]
)
def test_an_answer_that_does_not_come_is_told(act: Any, said: str) -> None:
    with serving(act, answer(body={"model_id": "lucy-2.5"})) as server:
        heard: list[str | None] = []
        run(
            quick(server.url, patience=SHORT, read=0.2),
            lambda client: client.queue.resolve("lucy-latest", on_retry=heard.append),
        )
    place = server.url.removeprefix("http://")
    assert heard == [f"no answer from {place} {said}, trying again in 1 s", None]


@pytest.mark.parametrize("patience", [Patience(first=0), Patience(longest=0), Patience(first=0, longest=0)], ids=repr)
def test_no_pause_is_shorter_than_the_floor(patience: Patience) -> None:
    assert all(patience.pause(failures) >= MIN_PAUSE for failures in (1, 2, 50))
    assert patience.pause(1, retry_after=0.0) >= MIN_PAUSE
