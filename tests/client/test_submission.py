"""Submissions are repeated only where the queue has certainly not accepted them. The server counts."""

from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
import pytest

from decart_nb import DecartClient, ModelDefinition, QueueSubmitError, models
from decart_nb.client.responses import was_not_accepted
from decart_nb.client.retry import Patience
from decart_nb.errors import InvalidInputError, JobCancelledError
from decart_nb.local.faults import Faults
from decart_nb.local.queue import LocalQueue
from decart_nb.request.request import prepare
from tests.scripted import PNG, SHORT, answer, close, error_of, quick, reset, run, scripted, serving

TAKEN = {"job_id": "job_1", "status": "pending"}
TEXT = {"model": "lucy-pro-t2v", "prompt": "a cat"}
LARGE = 8 * 2**20


def submit(client: DecartClient) -> Any:
    return client.queue.submit(TEXT)


@pytest.fixture
def large_image(tmp_path: Path) -> Path:
    """More than the buffers on the way hold."""
    path = tmp_path / "large.png"
    path.write_bytes(PNG + bytes(LARGE))
    return path


@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(429),
        httpx.Response(429, html="<html>slow down</html>"),
        httpx.Response(503, json={"detail": "busy"}),
        httpx.Response(503, html="<html>away</html>", headers={"Retry-After": "0"}),
        httpx.Response(429, headers={"Retry-After": "0"}),
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("too slow"),
        httpx.ProxyError("no proxy"),
    ],
    ids=["429", "429 page", "503", "503 Retry-After", "429 Retry-After", "refused", "no connection", "proxy"],
)
def test_a_submission_that_was_certainly_not_taken_is_made_again(failure: Any) -> None:
    client, script = scripted(failure, failure, TAKEN, patience=SHORT)
    assert run(client, submit).job_id == "job_1"
    assert len(script.asked) == 3
    assert script.parts(2)["prompt"].content == b"a cat"


def test_a_refusal_that_breaks_off_is_not_the_services_own() -> None:
    with serving(answer(503, b'{"detail": "bu', length=30), answer(body=TAKEN)) as server:
        error = error_of(QueueSubmitError, quick(server.url, patience=SHORT), submit)
    assert (len(server.asked), error.data["taken"]) == (1, "unknown")


@pytest.mark.parametrize("failure", [httpx.Response(429), httpx.ConnectError("refused")], ids=["429", "refused"])
def test_a_submission_is_repeated_three_times_at_most(failure: Any) -> None:
    client, script = scripted(failure, patience=SHORT)
    error_of(QueueSubmitError, client, submit)
    assert len(script.asked) == 4


REFUSALS = (400, 401, 403, 404, 410, 413, 422)


@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize(
    ("body", "taken"),
    [
        ({"detail": "no"}, "no"),
        ({"detail": [{"loc": ["body", "seed"], "msg": "no integer"}]}, "no"),
        ({"detail": ""}, "unknown"),
        ({"error": "no"}, "unknown"),
        (["no"], "unknown"),
        (None, "unknown"),
        ("<html>no</html>", "unknown"),
    ],
    ids=["text", "list", "empty", "other key", "no object", "nothing", "page"],
)
def test_a_refusal_for_a_reason_of_the_request_is_certain_in_the_services_own_shape(
    status: int, body: Any, taken: str
) -> None:
    response = httpx.Response(status, text=body) if isinstance(body, str) else httpx.Response(status, json=body)
    client, script = scripted(response if body is not None else httpx.Response(status), TAKEN, patience=SHORT)
    error = error_of(QueueSubmitError, client, submit)
    assert (len(script.asked), error.data["taken"], was_not_accepted(error)) == (1, taken, taken == "no")
    assert ("may have been taken" in error.message) is (taken == "unknown")


@pytest.mark.parametrize("status", [301, 307, 402, 405, 408, 409, 418, 425, 451, 499, 500, 501, 502, 504, 520, 599])
def test_what_may_come_from_a_proxy_is_uncertain_whatever_its_body_says(status: int) -> None:
    client, script = scripted(httpx.Response(status, json={"detail": "reset"}, headers={"Retry-After": "0"}), TAKEN)
    error = error_of(QueueSubmitError, client, submit)
    assert (len(script.asked), error.data["taken"]) == (1, "unknown")


@pytest.mark.parametrize(
    "failure",
    [
        *(httpx.Response(status) for status in (400, 401, 403, 404, 408, 410, 413, 422, 500, 502, 504, 303)),
        httpx.Response(200, html="<html>log in</html>"),
        httpx.Response(200, content=b'{"job_id": "'),
        httpx.Response(200, json={"job_id": ["job_1"]}),
        httpx.Response(200, json={"job_id": True}),
        httpx.Response(200, content=b'{"job_id": "\\ud800"}'),
        httpx.Response(200, json={"job_id": "job\x1b[2J"}),
        httpx.Response(200, json={"job_id": "j" * 5000}),
        httpx.Response(503),
        httpx.Response(503, html="<html>away</html>"),
        httpx.ReadTimeout("too slow"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("garbled"),
    ],
    ids=repr,
)
def test_any_other_submission_is_made_once(failure: Any) -> None:
    client, script = scripted(failure, TAKEN, patience=SHORT)
    error = error_of(QueueSubmitError, client, submit)
    assert (len(script.asked), error.data["taken"]) == (1, "unknown")


@pytest.mark.parametrize("act", [close, reset, answer(body=b'{"job_id": "jo', length=30)])
def test_a_submission_whose_answer_is_lost_is_seen_once(act: Any, large_image: Path) -> None:
    with serving(act) as server:
        error = error_of(QueueSubmitError, quick(server.url, patience=SHORT), uploading(large_image))
    assert len(server.asked) == 1
    assert server.asked[0].length > LARGE
    assert error.data["sent"] is True
    assert not was_not_accepted(error)


def unread(connection: socket.socket) -> None:
    """An act: the other side sends, and nobody reads."""
    time.sleep(0.5)


def test_a_submission_without_any_field_may_have_been_taken_too() -> None:
    own = ModelDefinition(name="lucy-9", width=640, height=360, fps=24)
    with serving(close) as server:
        error = error_of(
            QueueSubmitError, quick(server.url, patience=SHORT), lambda client: client.queue.submit(model=own)
        )
    assert (error.data["sent"], len(server.asked)) == (True, 1)


def early_503(connection: socket.socket) -> None:
    """An act: an answer while the other side is still sending."""
    connection.sendall(answer(503, {"detail": "busy"}))
    unread(connection)


def uploading(path: Path) -> Any:
    """Submits a file, and stays until the server has hung up, since a loop that ends before complains."""

    async def upload(client: DecartClient) -> Any:
        try:
            return await client.queue.submit(model="lucy-pro-i2v", prompt="x", data=path)
        finally:
            await asyncio.sleep(0.6)

    return upload


@pytest.mark.parametrize("act", [reset, early_503, answer(503, {"detail": "busy"})])
def test_an_upload_that_is_broken_off_was_not_taken_and_is_made_again_whole(act: Any, large_image: Path) -> None:
    """Whether the early answer is read or lost with the connection: of half a form no server makes a job."""
    with serving(act, answer(body=TAKEN), hasty=1) as server:
        job = run(quick(server.url, patience=SHORT), uploading(large_image))
    assert job.job_id == "job_1"
    assert [asked.length > LARGE for asked in server.asked] == [False, True]


def test_an_early_answer_is_read_while_the_upload_is_still_under_way(large_image: Path) -> None:
    with serving(early_503, hasty=1) as server:
        error = error_of(QueueSubmitError, quick(server.url), uploading(large_image))
    assert error.data["status"] == 503


def test_an_upload_that_stalls_was_not_taken(large_image: Path) -> None:
    with serving(unread, hasty=1) as server:
        error = error_of(QueueSubmitError, quick(server.url, total=0.3), uploading(large_image))
    assert (error.data["sent"], error.data["taken"]) == (False, "no")
    assert was_not_accepted(error)


class Truncating(httpx.AsyncBaseTransport):
    """A network that reads the request's body, and in the meantime truncates the file that is being sent."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for _ in request.stream:
            self._path.write_bytes(PNG)
        return httpx.Response(200, json=TAKEN)


def test_a_file_that_is_truncated_while_it_is_sent_is_named_as_the_cause(large_image: Path) -> None:
    client = DecartClient("dct_x", transport=Truncating(large_image), patience=SHORT)
    request = {"model": "lucy-pro-i2v", "prompt": "x", "data": large_image}
    error = error_of(QueueSubmitError, client, lambda client: client.queue.submit(request))
    assert "an input file cannot be read to its end" in error.message
    assert "network" not in error.message
    assert (error.data["sent"], error.data["taken"]) == (False, "no")


class NoThreads(ThreadPoolExecutor):
    """What an event loop has where the system allows this process no further thread."""

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("can't start new thread")


def test_inputs_that_no_thread_is_left_to_read_are_an_error_of_the_family() -> None:
    async def submit_without_threads(client: DecartClient) -> Any:
        asyncio.get_running_loop().set_default_executor(NoThreads())
        return await client.queue.submit(TEXT)

    client, script = scripted(TAKEN)
    error = error_of(InvalidInputError, client, submit_without_threads)
    assert "can't start new thread" in error.message
    assert not script.asked


def test_bytes_are_sent_again_whole_too() -> None:
    image = PNG + bytes(LARGE)
    with serving(answer(429), answer(body=TAKEN)) as server:
        run(
            quick(server.url, patience=SHORT),
            lambda client: client.queue.submit(model="lucy-pro-i2v", prompt="x", data=image),
        )
    first, second = server.asked
    assert first.length == second.length > LARGE


def test_the_answers_of_a_server_that_is_busy_are_obeyed() -> None:
    client, script = scripted(httpx.Response(429, headers={"Retry-After": "0.4"}), TAKEN, patience=SHORT)
    began = time.monotonic()
    run(client, submit)
    assert 0.4 <= time.monotonic() - began < 2
    assert len(script.asked) == 2


def test_patience_ends_with_the_last_answer_and_not_with_a_pause_that_is_in_vain() -> None:
    client, script = scripted(httpx.Response(429, headers={"Retry-After": "3600"}), patience=SHORT)
    began = time.monotonic()
    error = error_of(QueueSubmitError, client, submit)
    assert time.monotonic() - began < 1
    assert (error.data["status"], error.data["retry_after"], len(script.asked)) == (429, 3600.0, 1)


def test_patience_ends() -> None:
    patience = Patience(submission=0.2, first=0.15, longest=0.15)
    client, script = scripted(httpx.Response(429), patience=patience)
    assert error_of(QueueSubmitError, client, submit).data["status"] == 429
    assert 2 <= len(script.asked) <= 3


def test_a_certificate_that_is_not_trusted_will_not_be_trusted_the_next_time() -> None:
    forged = httpx.ConnectError("no certificate")
    place = SimpleNamespace(host="queue.test", port=443, ssl=True, is_ssl=True)
    forged.__cause__ = aiohttp.ClientConnectorCertificateError(place, ValueError("forged"))  # type: ignore[arg-type]
    client, script = scripted(forged, TAKEN, patience=SHORT)
    error = error_of(QueueSubmitError, client, submit)
    assert (error.data["sent"], error.data["taken"], len(script.asked)) == (False, "no", 1)


REQUEST = prepare(models.video("lucy-pro-t2v"), {"prompt": "a cat"})


def test_whoever_keeps_books_hears_of_every_attempt_and_every_pause() -> None:
    client, script = scripted(httpx.Response(429), httpx.ConnectError("refused"), TAKEN, patience=SHORT)
    heard: list[Any] = []

    async def before_each() -> None:
        heard.append(("attempt", len(script.asked)))

    async def before_pause(error: QueueSubmitError, seconds: float) -> None:
        heard.append((error.data.get("status"), 0 < seconds <= 0.05))

    async def main(client: DecartClient) -> None:
        await client.queue.submit_request(REQUEST, before_each=before_each, before_pause=before_pause)

    run(client, main)
    assert heard == [("attempt", 0), (429, True), ("attempt", 1), (None, True), ("attempt", 2)]


@pytest.mark.parametrize(("hook", "sent"), [("before_each", 0), ("before_pause", 1)])
def test_what_a_hook_raises_ends_the_submission(hook: str, sent: int) -> None:
    client, script = scripted(httpx.Response(429), TAKEN, patience=SHORT)

    async def withdrawn(*_: Any) -> None:
        raise JobCancelledError("withdrawn")

    with pytest.raises(JobCancelledError):
        run(client, lambda client: client.queue.submit_request(REQUEST, **{hook: withdrawn}))
    assert len(script.asked) == sent


def test_uploads_wait_for_one_another_and_text_does_not(small_image: Path) -> None:
    under_way, most, texts = 0, 0, 0
    full, go = asyncio.Event(), asyncio.Event()

    async def handler(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most, texts
        if b"filename" not in await request.aread():
            texts += 1
            return httpx.Response(200, json=TAKEN)
        under_way += 1
        most = max(most, under_way)
        if under_way == 16:
            full.set()
        await go.wait()
        under_way -= 1
        return httpx.Response(200, json=TAKEN)

    async def main(client: DecartClient) -> None:
        options = {"model": "lucy-pro-i2v", "prompt": "x", "data": small_image}
        uploads = [asyncio.ensure_future(client.queue.submit(options)) for _ in range(40)]
        await asyncio.gather(*(client.queue.submit(TEXT) for _ in range(40)))
        await full.wait()
        go.set()
        await asyncio.gather(*uploads)

    run(DecartClient("dct_x", transport=httpx.MockTransport(handler)), main)
    assert (texts, most) == (40, 16)


def test_of_a_queue_that_goes_wrong_every_job_is_accounted_for(tmp_path: Path, small_video: Path) -> None:
    faults = Faults.parse("429:0.15,503:0.15,reset-before:0.1,reset-after:0.1,malformed:0.1,500:0.1,502:0.1,seed:3")
    with LocalQueue(tmp_path / "queue", canned=small_video, draw_duration=lambda: 0.0, faults=faults) as queue:
        client = DecartClient(queue.api_key, queue.base_url, patience=SHORT)

        async def main(client: DecartClient) -> list[Any]:
            return await asyncio.gather(*(submit(client) for _ in range(60)), return_exceptions=True)

        ends = run(client, main)
        taken = queue.jobs.stats.as_dict()["submissions"]
        drawn = queue.jobs.stats.as_dict()["faults"]
    ids = [end.job_id for end in ends if not isinstance(end, QueueSubmitError)]
    uncertain = [end for end in ends if isinstance(end, QueueSubmitError) and not was_not_accepted(end)]
    assert len(ids) == len(set(ids))
    assert len(ids) + len(uncertain) == len(ends), "what certainly was not taken was made again until it was"
    lost = drawn["reset-after"] + drawn["malformed"]
    assert taken == len(ids) + lost
    # A connection that is reset before the request has gone out is certain; often enough it has.
    assert lost <= len(uncertain) - drawn["500"] - drawn["502"] <= lost + drawn["reset-before"]
    assert drawn["429"] + drawn["503"] > 5
