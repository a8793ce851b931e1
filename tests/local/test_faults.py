"""Faults on demand: each does what its name says, as often as it is told to, and no count goes wrong over it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from decart_nb.errors import LocalQueueError
from decart_nb.local import faults
from decart_nb.local.faults import HITS, Faults
from decart_nb.local.queue import LocalQueue
from tests.local.wire import ORDER, PROMPT, calling, followed, status, submitted, talk

_NO_JOB = "0" * 32
_SUBMISSION = ("POST", "/v1/jobs/lucy-pro-t2v")
_POLL = ("GET", f"/v1/jobs/{_NO_JOB}")
_DOWNLOAD = ("GET", f"/v1/jobs/{_NO_JOB}/content")
_CALLS = [_SUBMISSION, _POLL, _DOWNLOAD]


@pytest.fixture
def faulty(tmp_path, small_video):
    """A maker of queues with such faults, each with a client; their jobs are over at once unless told otherwise."""
    with contextlib.ExitStack() as stack:

        def make(text: str, lasting: Mapping[str, float] | None = None, **more) -> tuple[LocalQueue, httpx.Client]:
            more = {"canned": small_video, "draw_duration": lambda: 0.0} | more
            faults = replace(Faults.parse(text), **(lasting or {}))
            queue = stack.enter_context(LocalQueue(tmp_path / "q", faults=faults, **more))
            return queue, stack.enter_context(talk(queue))

        yield make


def asked(http: httpx.Client, call: tuple[str, str]) -> httpx.Response:
    method, path = call
    return http.request(method, path, data=PROMPT if method == "POST" else None)


@contextlib.contextmanager
def asking(queue: LocalQueue, call: tuple[str, str]):
    """A bare connection on which that call has been made."""
    method, path = call
    body = b"prompt=A+harbour" if method == "POST" else b""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{queue.port}\r\nX-API-KEY: {queue.api_key}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", queue.port), timeout=10) as connection:
        connection.sendall(head.encode() + body)
        yield connection


def counted(queue: LocalQueue) -> tuple[int, int]:
    """How many submissions were counted, and how many jobs are there."""
    return queue.jobs.stats.as_dict()["submissions"], len(queue.jobs.storage.ids())


@pytest.mark.parametrize(
    ("name", "code", "after", "kind"),
    [
        ("429", 429, None, "application/json"),
        ("429-retry-after", 429, "1", "application/json"),
        ("500", 500, None, "application/json"),
        ("502", 502, None, "text/html; charset=utf-8"),
        ("503", 503, None, "application/json"),
        ("503-bare", 503, None, "text/html; charset=utf-8"),
        ("408", 408, None, "text/html; charset=utf-8"),
        ("409", 409, None, "text/html; charset=utf-8"),
        ("425", 425, None, "text/html; charset=utf-8"),
        ("499", 499, None, "text/html; charset=utf-8"),
    ],
)
def test_a_refusal_is_answered_to_any_call_and_nothing_is_done(faulty, name, code, after, kind):
    queue, http = faulty(f"{name}:1")
    for call in _CALLS:
        answer = asked(http, call)
        assert (answer.status_code, answer.headers.get("retry-after")) == (code, after)
        assert answer.headers["content-type"] == kind
        assert answer.text
    assert counted(queue) == (0, 0)
    stats = http.get("/stats").json()
    assert (stats["polls"], stats["downloads"], stats["faults"]) == (0, 0, {name: 3})


@pytest.mark.parametrize("status", [408, 502, 503])
def test_a_gateway_s_page_after_the_job_was_taken(faulty, status):
    queue, http = faulty(f"taken-{status}:1")
    answer = asked(http, _SUBMISSION)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert counted(queue) == (1, 1)
    assert [asked(http, call).status_code for call in (_POLL, _DOWNLOAD)] == [404, 404]


def test_what_is_taken_is_what_the_list_says(faulty):
    for number, name in enumerate(name for name, hit in HITS.items() if "submission" in hit and name != "stall"):
        queue, http = faulty(f"{name}:1")
        before = counted(queue)[1]
        with contextlib.suppress(httpx.TransportError):
            asked(http, _SUBMISSION)
        assert counted(queue)[1] - before == (name in faults.TAKEN), (number, name)


def test_a_malformed_answer_is_no_json_and_its_submission_is_taken(faulty):
    queue, http = faulty("malformed:1")
    for call in _CALLS:
        answer = asked(http, call)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        with pytest.raises(ValueError, match="Unterminated string"):
            answer.json()
    assert counted(queue) == (1, 1)


@pytest.mark.parametrize(("name", "taken"), [("reset-before", 0), ("reset-after", 3)])
def test_a_reset_is_one_and_its_submission_is_taken_or_not(faulty, caplog, name, taken):
    queue, http = faulty(f"{name}:1")
    for call in _CALLS * 3:
        with asking(queue, call) as connection, pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert counted(queue) == (taken, taken)
    assert http.get("/stats").json()["faults"] == {name: 9}
    assert not caplog.records


@pytest.mark.parametrize(("name", "taken"), [("reset-before", 0), ("reset-after", 1)])
def test_a_reset_meets_a_large_upload_too(faulty, name, taken):
    queue, http = faulty(f"{name}:1")
    with pytest.raises(httpx.TransportError):
        http.post("/v1/jobs/lucy-pro-i2v", data=PROMPT, files={"data": bytes(2**24)})
    assert counted(queue) == (taken, taken)


@pytest.mark.parametrize("name", ["reset-after", "stall", "malformed"])
def test_a_submission_that_would_be_refused_is_not_taken(faulty, name):
    queue, http = faulty(f"{name}:1")
    with contextlib.suppress(httpx.TransportError):
        http.post("/v1/jobs/lucy-pro-t2v", data={"prompt": ""}, timeout=0.3)
    assert queue.jobs.stats.faults == {name: 1}
    assert counted(queue) == (0, 0)


def test_a_stalled_call_gets_no_answer_and_its_submission_is_taken(faulty):
    queue, http = faulty("stall:1")
    for call in _CALLS:
        with asking(queue, call) as connection:
            connection.settimeout(0.3)
            with pytest.raises(TimeoutError):
                connection.recv(1)
            assert http.get("/stats").status_code == 200  # only that call waits
    assert counted(queue) == (1, 1)


def test_a_stalled_call_ends_with_the_queue(faulty, caplog):
    queue, _ = faulty("stall:1")
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(asking(queue, call)) for call in _CALLS]
        while queue.jobs.stats.faults["stall"] < 3:
            time.sleep(0.01)
        queue.stop()
        for connection in connections:
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
    assert not queue.running
    assert not caplog.records  # a call that has to be cancelled is an error in the log


def test_a_stalled_call_that_nobody_gives_up_ends_in_a_reset(faulty):
    queue, _ = faulty("stall:1", lasting={"stall": 0.2})
    with asking(queue, _POLL) as connection, pytest.raises(ConnectionResetError):
        connection.recv(1)


def test_a_cut_download_ends_in_the_middle(faulty, small_video, caplog):
    queue, http = faulty("cut:1")
    job_id = submitted(http)
    assert status(http, job_id) == "completed"
    with asking(queue, ("GET", f"/v1/jobs/{job_id}/content")) as connection, connection.makefile("rb") as stream:
        head, _, body = stream.read().partition(b"\r\n\r\n")
    video = small_video.read_bytes()
    assert f"content-length: {len(video)}" in head.decode().lower()
    assert body == video[: len(video) // 2]
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        http.get(f"/v1/jobs/{job_id}/content")
    assert queue.jobs.stats.as_dict()["downloads"] == 2
    assert not caplog.records


def test_a_video_of_many_chunks_is_cut_in_the_middle(faulty, tmp_path):
    (tmp_path / "long.mp4").write_bytes(bytes(range(256)) * 4096)
    queue, http = faulty("cut:1", canned=tmp_path / "long.mp4")
    path = f"/v1/jobs/{submitted(http)}/content"
    with asking(queue, ("GET", path)) as connection, connection.makefile("rb") as stream:
        assert stream.read().partition(b"\r\n\r\n")[2] == bytes(range(256)) * 2048


def test_a_job_is_not_known_early_and_then_it_is(faulty):
    _, http = faulty("404:1", lasting={"early": 1.0})
    job_id, early = submitted(http), []
    while (answer := http.get(f"/v1/jobs/{job_id}")).status_code != 200:
        early.append((answer.status_code, answer.json()["detail"]))
    assert set(early) == {(404, "Job not found")}
    assert answer.json()["status"] == "completed"
    assert http.get("/stats").json()["faults"] == {"404": len(early)}


def test_a_job_of_another_queue_is_known_at_once(faulty):
    _, first = faulty("failed:0")
    job_id = submitted(first)
    _, second = faulty("404:1")
    assert status(second, job_id) == "completed"


def test_a_failed_job_fails_at_its_end_and_stays_failed(faulty):
    queue, http = faulty("failed:1", draw_duration=lambda: 0.6)
    job_id = submitted(http)
    assert followed(http, job_id) == [*ORDER[:2], "failed"]
    assert http.get(f"/v1/jobs/{job_id}").json()["error"] == "the local queue was told to fail it."
    assert http.get(f"/v1/jobs/{job_id}/content").status_code == 409
    assert http.get("/stats").json()["faults"] == {"failed": 1}
    queue.stop()
    _, later = faulty("failed:0")
    assert status(later, job_id) == "failed"
    assert followed(later, submitted(later))[-1] == "completed"


def test_a_job_that_is_rendered_fails_at_its_end_too(faulty):
    _, http = faulty("failed:1", canned=None)
    job_id = submitted(http, data=PROMPT | {"resolution": "480p"})
    assert followed(http, job_id)[-2:] == ["processing", "failed"]
    assert "told to fail" in http.get(f"/v1/jobs/{job_id}").json()["error"]


def test_what_is_no_call_of_a_job_is_left_alone(faulty):
    queue, http = faulty("500:1")
    assert http.post("/v1/models/resolve", json={"model": "lucy-latest"}).status_code == 200
    file_id = http.post("/v1/files", files={"file": b"1"}).json()["id"]
    assert http.get(f"/v1/files/{file_id}").status_code == 200
    assert http.delete(f"/v1/files/{file_id}").status_code == 204
    assert http.delete("/v1/jobs/lucy-pro-t2v").status_code == 405
    with calling(queue.base_url, "dct_wrong") as stranger:
        assert {asked(stranger, call).status_code for call in _CALLS} == {401}
    assert http.get("/stats").json()["faults"] == {"500": 0}


def test_every_call_meets_what_its_number_is_due(faulty):
    text = "429:0.2,500:0.1,seed:7"
    _, http = faulty(text)
    codes = {"submission": [], "poll": [], "download": []}
    for _ in range(100):
        for call, seen in zip(_CALLS, codes.values(), strict=True):
            seen.append(asked(http, call).status_code)
    plan, otherwise = Faults.parse(text), {"submission": "200", "poll": "404", "download": "404"}
    due = {call: [int(plan.fault_for(call, number) or otherwise[call]) for number in range(100)] for call in codes}
    assert codes == due
    assert len({tuple(code in (429, 500) for code in seen) for seen in codes.values()}) == 3  # each sort its own
    every = Counter(code for seen in codes.values() for code in seen)
    assert http.get("/stats").json()["faults"] == {"429": every[429], "500": every[500]}


def test_many_at_once_are_counted_exactly(faulty):
    queue, _ = faulty("reset-before:0.2,reset-after:0.2,malformed:0.1,429:0.1,seed:3")
    clients = threading.local()

    def submit(_: int) -> str:
        clients.http = getattr(clients, "http", None) or open_ones.enter_context(talk(queue))
        try:
            answer = asked(clients.http, _SUBMISSION)
        except httpx.TransportError:
            return "reset"
        return "malformed" if answer.text == '{"job_id": "' else str(answer.status_code)

    with contextlib.ExitStack() as open_ones, ThreadPoolExecutor(16) as pool:
        seen = Counter(pool.map(submit, range(400)))
    met = queue.jobs.stats.faults
    assert seen["429"] == met["429"] > 0
    assert seen["malformed"] == met["malformed"] > 0
    assert seen["reset"] == met["reset-before"] + met["reset-after"]
    taken = 400 - met["429"] - met["reset-before"]
    assert counted(queue) == (taken, taken)
    assert seen["200"] == taken - met["reset-after"] - met["malformed"]


def drawn(text: str, call: faults.Call = "poll", count: int = 5000) -> list[str | None]:
    plan = Faults.parse(text)
    return [plan.fault_for(call, number) for number in range(count)]


def test_shares_are_what_was_asked_for():
    shares = Counter(drawn("429:0.05,reset-after:0.2,stall:0.01"))
    assert shares["429"] / 5000 == pytest.approx(0.05, abs=0.015)
    assert shares["reset-after"] / 5000 == pytest.approx(0.2, abs=0.03)
    assert shares["stall"] / 5000 == pytest.approx(0.01, abs=0.007)


def test_a_seed_repeats_and_another_does_not():
    assert drawn("429:0.5,seed:1") == drawn("429:0.5,seed:1")
    assert drawn("429:0.5,seed:1") != drawn("429:0.5,seed:2")
    # And so it does in every process.
    assert "".join("x" if fault else "." for fault in drawn("429:0.5,seed:7", count=24)) == "xx.x..xxxx...x.x.xx.xxxx"


@pytest.mark.parametrize("name", HITS)
def test_a_fault_hits_what_it_hits_and_nothing_else(name):
    calls = ("submission", "early poll", "poll", "download", "job")
    assert {call for call in calls if Faults({name: 1}).fault_for(call, 0)} == set(HITS[name])
    assert not any(Faults({name: 0}).fault_for(call, number) for call in calls for number in range(100))


def test_rates_that_fill_a_call_leave_none_without_a_fault():
    plan = Faults(dict.fromkeys(list(HITS)[:9], 1 / 9) | {"failed": 1})
    assert all(plan.fault_for("poll", number) for number in range(1000))
    assert Faults.parse("404:0.6,cut:0.6,failed:0.6")  # these never meet


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("429:0.05,reset-after:0.02,seed:7", Faults({"429": 0.05, "reset-after": 0.02}, 7)),
        (" 500 : 1 , cut:0 ", Faults({"500": 1, "cut": 0})),
        ("seed:-3", Faults({}, -3)),
    ],
)
def test_a_text_is_read(text, expected):
    assert Faults.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "There is no fault ''."),
        ("492:0.1", "There is no fault '492'. Did you mean"),
        ("reset:0.1", "Did you mean reset-after or reset-before?"),
        ("Stall:0.1", "Did you mean stall?"),
        ("429:0.1,", "There is no fault ''."),
        ("rest-after:often", "There is no fault 'rest-after'."),
        ("gremlins:0.1", f"The faults are {', '.join(HITS)}."),
        ("429", "The rate of 429 must be a number from 0 to 1."),
        ("429:often", "The rate of 429"),
        ("429:-0.1", "The rate of 429"),
        ("429:1.1", "The rate of 429"),
        ("429:nan", "The rate of 429"),
        ("429:0.1,429:0.2", "429 is given twice in '429:0.1,429:0.2'."),
        ("429:0.1,seed:x", "The seed of the faults must be a whole number, not 'x'."),
        ("429:0.1,seed:1.5", "The seed of the faults"),
        ("429:0.1,seed:", "The seed of the faults"),
        ("429:0.6,500:0.5", "Faults of one submission exclude one another: their rates add up to 1.1, over 1."),
        ("429:0.6,cut:0.5", "Faults of one download exclude one another"),
        ("429:0.6,404:0.5", "Faults of one early poll exclude one another"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(text, sentence):
    with pytest.raises(LocalQueueError) as caught:
        Faults.parse(text)
    assert sentence in str(caught.value)


def test_the_table_tells_of_every_fault():
    assert [name for name in HITS if f"\n``{name}`` " not in faults.__doc__] == []
