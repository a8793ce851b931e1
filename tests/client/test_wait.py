"""Waiting for a job: what ends it, what does not, and the status callbacks."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from decart_nb import DecartClient, QueueStatusError
from decart_nb.client.duration_estimate import Estimate
from decart_nb.client.responses import JobStatusResponse
from decart_nb.client.retry import Patience
from tests.scripted import KEY, error_of, run, scripted

TAKEN = {"job_id": "job_1", "status": "pending"}
WORKING = {"job_id": "job_1", "status": "processing"}
DONE = {"job_id": "job_1", "status": "completed"}
FAILED = {"job_id": "job_1", "status": "failed"}
VIDEO = httpx.Response(200, content=b"video")
#: Some hundredths of a second, so that the waiting is over soon; how often is asked is the scheduler's own business.
QUICK = Estimate.around(0.02, 0.5, floor=0.01)
TEXT: dict[str, Any] = {"model": "lucy-pro-t2v", "prompt": "a cat"}


def waited(client: DecartClient, **options: Any) -> JobStatusResponse:
    return run(client, lambda client: client.queue.wait("job_1", estimate=QUICK, **options))


def failing(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(
        status, json={"detail": "not now"}, headers={n.replace("_", "-"): v for n, v in headers.items()}
    )


def test_submit_and_poll_tells_each_status_and_returns_what_became_of_the_job() -> None:
    told: dict[str, list[tuple[str, str]]] = {"dict": [], "keyword": [], "failed": []}

    def teller(name: str) -> Any:
        return lambda status: told[name].append((status.job_id, status.status))

    async def one(client: DecartClient, *options: Any, **more: Any) -> Any:
        async with client:
            return await client.queue.submit_and_poll(*options, **more)

    async def main() -> list[Any]:
        clients = [scripted(TAKEN, *answers)[0] for answers in ([WORKING, DONE, VIDEO], [DONE, VIDEO], [FAILED])]
        return await asyncio.gather(
            one(clients[0], {**TEXT, "on_status_change": teller("dict")}),
            one(clients[1], TEXT, on_status_change=teller("keyword")),
            one(clients[2], **TEXT, on_status_change=teller("failed")),
        )

    in_dict, by_keyword, failed = asyncio.run(main())
    assert told["dict"] == [("job_1", "pending"), ("job_1", "processing"), ("job_1", "completed")]
    assert told["keyword"] == [("job_1", "pending"), ("job_1", "completed")]
    assert told["failed"] == [("job_1", "pending"), ("job_1", "failed")]
    for result in (in_dict, by_keyword):
        assert (result.status, result.data, result.job_id) == ("completed", b"video", "job_1")
    assert (failed.status, failed.job_id) == ("failed", "job_1")
    assert failed.error, "also a failure without a reason is told in words"


@pytest.mark.parametrize(
    "where",
    [
        {"error": "too dark"},
        {"reason": "too dark"},
        {"message": "too dark"},
        {"detail": "too dark"},
        {"error": {"message": "too dark", "code": 7}},
        {"error": {"detail": "too dark"}},
        {"error": None, "message": "too dark"},
    ],
    ids=str,
)
def test_a_failed_jobs_reason_is_found_wherever_the_service_puts_it(where: dict[str, Any]) -> None:
    client, _ = scripted(FAILED | where)
    end = waited(client)
    assert (end.status, end.reason) == ("failed", "too dark")


def test_an_unknown_status_keeps_the_wait_going_and_is_told() -> None:
    client, script = scripted(TAKEN, {"status": "in_review", "job_id": "job_1", "queue": 5}, WORKING, DONE)
    told: list[str] = []
    assert waited(client, on_status_change=lambda status: told.append(status.status)).status == "completed"
    assert told == ["pending", "in_review", "processing", "completed"]
    assert {(asked.method, asked.url.path) for asked in script.asked} == {("GET", "/v1/jobs/job_1")}


PASSING = {
    "404 right after the submission": failing(404),
    "408": failing(408),
    "425": failing(425),
    "429": failing(429),
    "500": failing(500),
    "503": failing(503),
    "504 with a web page": httpx.Response(504, html="<html>Bad gateway</html>"),
    "200 with a web page": httpx.Response(200, html="<html>Please log in</html>"),
    "half a JSON": httpx.Response(200, content=b'{"status": "comp'),
    "JSON of another kind": httpx.Response(200, json=["completed"]),
    "JSON without a status": httpx.Response(200, json={"job_id": "job_1"}),
    "reset": httpx.ReadError("connection reset"),
    "refused": httpx.ConnectError("connection refused"),
    "too slow": httpx.ReadTimeout("too slow"),
    "garbled": httpx.RemoteProtocolError("illegal header line"),
}


def test_a_poll_that_fails_for_a_passing_reason_fails_nothing() -> None:
    async def one(failure: Any) -> str:
        client, _ = scripted(failure, DONE)
        async with client:
            return (await client.queue.wait("job_1", estimate=QUICK)).status

    async def main() -> list[Any]:
        return await asyncio.gather(*map(one, PASSING.values()), return_exceptions=True)

    assert dict(zip(PASSING, asyncio.run(main()), strict=True)) == dict.fromkeys(PASSING, "completed")


@pytest.mark.parametrize("status", [400, 401, 403, 410, 422])
def test_a_poll_that_fails_for_a_lasting_reason_is_raised_at_once(status: int) -> None:
    client, script = scripted(failing(status), DONE)
    error = error_of(QueueStatusError, client, lambda client: client.queue.wait("job_1", estimate=QUICK))
    assert error.data["status"] == status
    assert len(script.asked) == 1


def test_the_queue_is_asked_again_when_it_said_it_would_answer() -> None:
    answers = failing(429, retry_after="0.3"), failing(503, retry_after="0"), DONE
    client, _ = scripted(*answers, patience=Patience(first=0.1))
    began = time.monotonic()
    assert waited(client).status == "completed"
    assert 0.3 <= time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        ("0.5", 0.5, 0.5),
        ("-3", 0, 0),
        # From when the tests were collected, which may be a while ago.
        (formatdate(time.time() + 36_000, usegmt=True), 30_000, 36_000),
        (formatdate(time.time() - 3600, usegmt=True), 0, 0),
    ],
    ids=["whole", "fraction", "negative", "date to come", "date gone by"],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str, low: float, high: float) -> None:
    client, _ = scripted(failing(429, retry_after=header))
    error = error_of(QueueStatusError, client, lambda client: client.queue.status("job_1"))
    assert low <= error.data["retry_after"] <= high


@pytest.mark.parametrize("header", ["soon", "", "nan", "inf"])
def test_a_retry_after_that_says_nothing_is_none(header: str) -> None:
    client, _ = scripted(failing(429, retry_after=header))
    error = error_of(QueueStatusError, client, lambda client: client.queue.status("job_1"))
    assert "retry_after" not in error.data


def test_many_jobs_are_waited_for_together() -> None:
    polls: dict[str, int] = {}

    def handler(request: httpx.Request) -> httpx.Response:
        job_id = request.url.path.rpartition("/")[2]
        polls[job_id] = polls.get(job_id, 0) + 1
        return httpx.Response(200, json={"job_id": job_id, "status": "completed" if polls[job_id] > 2 else "pending"})

    client = DecartClient(KEY, transport=httpx.MockTransport(handler))
    ids = [f"job_{number}" for number in range(50)]

    async def all_of_them(client: DecartClient) -> list[JobStatusResponse]:
        return await asyncio.gather(*(client.queue.wait(job_id, estimate=QUICK) for job_id in ids))

    assert [end.job_id for end in run(client, all_of_them)] == ids
    assert polls == dict.fromkeys(ids, 3)
