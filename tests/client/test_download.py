"""Downloads: broken transfers are resumed, what is no video is downloaded again, permanent failures are raised."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import socket
import stat
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from decart_nb import DecartClient, QueueResultError
from decart_nb.client.download import Download
from decart_nb.client.retry import Patience
from decart_nb.errors import MediaError
from decart_nb.local.faults import Faults
from decart_nb.local.queue import LocalQueue
from tests.scripted import SHORT, ScriptedServer, answer, error_of, quick, run, scripted, serving

VIDEO = random.Random(4).randbytes(4 * 2**20)
SMALL = VIDEO[:1000]
WHOLE = httpx.Response(200, content=SMALL)


def fetched(path: Path, **options: Any) -> Callable[[DecartClient], Any]:
    return lambda client: client.queue.download("job_1", path, **options)


def result(client: DecartClient) -> Any:
    return client.queue.result("job_1")


class Breaking(httpx.AsyncByteStream):
    """A body that breaks off."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body
        raise httpx.ReadError("reset")


def broken(at: int, status: int = 200, **headers: str) -> httpx.Response:
    """A video, of which only the beginning comes."""
    lines = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return httpx.Response(
        status, headers=[(b"Content-Length", b"%d" % len(SMALL)), *lines], stream=Breaking(SMALL[:at])
    )


def part(start: int, body: bytes = SMALL, total: Any = None, **headers: str) -> httpx.Response:
    """The rest of a video."""
    place = f"bytes {start}-{len(body) - 1}/{len(body) if total is None else total}"
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(206, headers={"Content-Range": place} | lines, content=body[start:])


@contextlib.contextmanager
def film(*keeps: float, ranges: bool = True) -> Iterator[ScriptedServer]:
    """A real server of a video, which sends such shares of what is asked for, one after another, and then hangs up."""
    shares = list(keeps)

    def act(connection: socket.socket) -> None:
        wanted = server.asked[-1].headers.get("range", "bytes=0-") if ranges else "bytes=0-"
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        rest = VIDEO[start:]
        keep = round(len(rest) * (shares.pop(0) if len(shares) > 1 else shares[0]))
        place = {"Content_Range": f"bytes {start}-{len(VIDEO) - 1}/{len(VIDEO)}"} if start else {}
        head = answer(206 if start else 200, b"", length=len(rest), ETag='"one"', Connection="close", **place)
        connection.sendall(head + rest[:keep])

    with serving(act) as server:
        yield server


def starts(server: ScriptedServer) -> list[int]:
    """From where on each request wanted the video."""
    ranges = [asked.headers.get("range", "bytes=0-") for asked in server.asked]
    return [int(wanted.removeprefix("bytes=").removesuffix("-")) for wanted in ranges]


def test_a_download_that_breaks_off_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with film(0.5, 0.5, 1.0) as server:
        download = run(quick(server.url, patience=SHORT), fetched(path))
    assert download == Download(path, len(VIDEO), hashlib.sha256(VIDEO).hexdigest())
    assert path.read_bytes() == VIDEO
    assert list(tmp_path.iterdir()) == [path]
    first, second, third = starts(server)
    assert first == 0
    assert len(VIDEO) / 4 < second <= len(VIDEO) / 2 < third <= len(VIDEO) * 3 / 4
    assert [asked.headers.get("if-range") for asked in server.asked] == [None, '"one"', '"one"']
    assert {asked.headers["accept-encoding"] for asked in server.asked} == {"identity"}


def test_a_result_in_memory_goes_on_too() -> None:
    with film(0.5, 1.0) as server:
        assert run(quick(server.url, patience=SHORT), result) == VIDEO
    assert starts(server)[1] > len(VIDEO) / 4


def test_a_server_that_knows_no_ranges_is_asked_for_the_whole_again(tmp_path: Path) -> None:
    with film(0.5, 0.9, 1.0, ranges=False) as server:
        run(quick(server.url, patience=SHORT), fetched(tmp_path / "a.mp4"))
    assert (tmp_path / "a.mp4").read_bytes() == VIDEO
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"ETag": '"one"', "Last_Modified": "Tue, 24 Nov 2026 10:00:00 GMT"}, '"one"'),
        ({"ETag": 'W/"one"', "Last_Modified": "Tue, 24 Nov 2026 10:00:00 GMT"}, "Tue, 24 Nov 2026 10:00:00 GMT"),
        ({"ETag": 'W/"one"'}, None),
        ({"ETag": '"\x80"'}, None),
        ({}, None),
    ],
    ids=["strong", "weak", "only weak", "no text", "none"],
)
def test_the_rest_is_asked_for_under_the_condition_that_nothing_has_changed(
    headers: dict[str, str], wanted: str | None
) -> None:
    client, script = scripted(broken(400, **headers), part(400), patience=SHORT)
    assert run(client, result) == SMALL
    asked = script.asked[1].headers
    assert (asked["range"], asked.get("if-range")) == ("bytes=400-", wanted)


OTHER = bytes(reversed(SMALL))


@pytest.mark.parametrize(
    "second",
    [
        httpx.Response(200, content=OTHER),
        httpx.Response(416),
        part(400, OTHER, ETag='"two"'),
        part(400, OTHER, total=1001),
        part(300, OTHER),
        part(500, OTHER),
        httpx.Response(206, content=OTHER[400:]),
        httpx.Response(206, content=OTHER[400:], headers={"Content-Range": "bytes many"}),
    ],
    ids=["whole", "no such range", "other tag", "other length", "earlier place", "later place", "no place", "garbage"],
)
def test_a_video_that_is_another_now_is_fetched_from_its_beginning(second: httpx.Response) -> None:
    client, script = scripted(broken(400, ETag='"one"'), second, httpx.Response(200, content=OTHER), patience=SHORT)
    assert run(client, result) == OTHER
    assert [("range" in asked.headers) for asked in script.asked] == [False, True, False][: len(script.asked)]
    assert len(script.asked) == (2 if second.status_code == 200 else 3)


def test_a_total_that_is_not_known_is_no_other_total() -> None:
    client, script = scripted(broken(400), part(400, total="*"), patience=SHORT)
    assert run(client, result) == SMALL
    assert len(script.asked) == 2


def test_a_page_in_between_does_not_cost_what_has_come() -> None:
    page = httpx.Response(200, html="<html>log in</html>")
    client, script = scripted(broken(400), page, page, part(400), patience=SHORT)
    assert run(client, result) == SMALL
    assert [asked.headers.get("range") for asked in script.asked] == [None] + 3 * ["bytes=400-"]


def test_what_is_compressed_on_the_way_is_not_asked_for_by_range() -> None:
    client, script = scripted(broken(400, Content_Encoding="secret"), WHOLE, patience=SHORT)
    assert run(client, result) == SMALL
    assert "range" not in script.asked[1].headers


PASSING = {
    "refused": httpx.ConnectError("refused"),
    "reset": httpx.ReadError("reset"),
    "too slow": httpx.ReadTimeout("too slow"),
    "garbled": httpx.RemoteProtocolError("garbled"),
    **{str(status): httpx.Response(status) for status in (202, 204, 206, 408, 425, 429, 500, 502, 503, 504)},
    "502 page": httpx.Response(502, html="<html>Bad gateway</html>"),
    "a page": httpx.Response(200, html="<html>log in</html>"),
    "a page that does not say so": httpx.Response(200, content=b"\n<!doctype html>"),
    "half a JSON": httpx.Response(200, content=b'{"detail": "not re', headers={"Content-Type": "video/mp4"}),
    "JSON": httpx.Response(200, json=["later"]),
    "empty": httpx.Response(200),
    "short": httpx.Response(200, content=SMALL[:-1], headers={"Content-Length": "1000"}),
    "long": httpx.Response(200, content=SMALL + b"x", headers={"Content-Length": "1000"}),
}


@pytest.mark.parametrize("failure", PASSING.values(), ids=PASSING)
def test_a_download_that_fails_for_a_passing_reason_fails_nothing(failure: Any, tmp_path: Path) -> None:
    for get in (result, fetched(tmp_path / "a.mp4")):
        client, script = scripted(failure, failure, WHOLE, patience=SHORT)
        run(client, get)
        assert len(script.asked) == 3
    assert (tmp_path / "a.mp4").read_bytes() == SMALL


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 410, 416, 422])
def test_a_download_that_is_refused_for_good_is_told_at_once(status: int, tmp_path: Path) -> None:
    client, script = scripted(httpx.Response(status, json={"detail": "no"}), WHOLE, patience=SHORT)
    error = error_of(QueueResultError, client, fetched(tmp_path / "a.mp4"))
    assert (error.data["status"], len(script.asked)) == (status, 1)
    assert list(tmp_path.iterdir()) == []
    assert ("DECART_API_KEY" in error.message) is (status == 401)


@pytest.mark.parametrize("status", [404, 409, 410])
def test_of_a_job_that_is_completed_a_refusal_may_be_a_server_that_lags_behind(status: int, tmp_path: Path) -> None:
    refusal = httpx.Response(status, json={"detail": "not yet"})
    client, script = scripted(refusal, refusal, WHOLE, patience=replace(SHORT, lag=30.0))
    run(client, fetched(tmp_path / "a.mp4", completed=True))
    assert len(script.asked) == 3
    client, script = scripted(refusal, patience=replace(SHORT, lag=0.5, download=60.0))
    began = time.monotonic()
    error = error_of(QueueResultError, client, fetched(tmp_path / "b.mp4", completed=True))
    assert error.data["status"] == status
    assert time.monotonic() - began < 30, "it lags for a while, and not for as long as a download may take"
    assert len(script.asked) > 2


def test_a_job_that_is_submitted_and_waited_for_may_have_its_video_a_little_late() -> None:
    done = {"job_id": "job_1", "status": "completed"}
    client, _ = scripted(done, done, httpx.Response(404), WHOLE, patience=SHORT)
    end = run(client, lambda client: client.queue.submit_and_poll(model="lucy-pro-t2v", prompt="x"))
    assert end.data == SMALL


def test_the_answers_of_a_server_that_is_busy_are_obeyed() -> None:
    client, script = scripted(httpx.Response(503, headers={"Retry-After": "0.4"}), WHOLE, patience=SHORT)
    began = time.monotonic()
    run(client, result)
    assert 0.4 <= time.monotonic() - began < 2
    assert len(script.asked) == 2


def test_patience_ends_when_nothing_comes_and_not_while_something_does() -> None:
    patience = Patience(download=1.3, first=0.3, longest=0.3)
    inching = [broken(100), *(broken_part(start, start + 100) for start in range(100, 900, 100)), part(900)]
    client, script = scripted(*inching, patience=patience)
    began = time.monotonic()
    assert run(client, result) == SMALL
    assert time.monotonic() - began > 0.4
    assert len(script.asked) == 10
    client, script = scripted(broken(100), *(broken_part(100, 100) for _ in range(20)), patience=patience)
    error_of(QueueResultError, client, result)
    assert 2 < len(script.asked) < 10


def broken_part(start: int, end: int) -> httpx.Response:
    place = {"Content-Range": f"bytes {start}-999/1000"}
    return httpx.Response(206, headers=place, stream=Breaking(SMALL[start:end]))


def test_what_comes_again_and_again_is_no_progress() -> None:
    again = (broken(500, Content_Encoding="secret") for _ in range(20))
    client, script = scripted(*again, patience=Patience(download=1.3, first=0.3, longest=0.3))
    error_of(QueueResultError, client, result)
    assert 2 < len(script.asked) < 10


def test_a_body_that_is_no_video_is_fetched_again(tmp_path: Path) -> None:
    path, seen = tmp_path / "a.mp4", []

    def check(partial: Path) -> None:
        seen.append((partial.parent == tmp_path, partial.name.endswith(".part"), path.exists()))
        if partial.read_bytes() != SMALL:
            raise MediaError("It cannot be decoded.")

    client, script = scripted(*(httpx.Response(200, content=body) for body in (OTHER, VIDEO, SMALL)), patience=SHORT)
    run(client, fetched(path, check=check))
    assert path.read_bytes() == SMALL
    assert seen == [(True, True, False)] * 3
    assert len(script.asked) == 3


def test_a_body_that_comes_twice_and_is_no_video_is_the_services_own(tmp_path: Path) -> None:
    def check(partial: Path) -> None:
        raise MediaError("It cannot be decoded.")

    client, script = scripted(WHOLE, patience=SHORT)
    error = error_of(QueueResultError, client, fetched(tmp_path / "a.mp4", check=check))
    assert "not a video: It cannot be decoded." in error.message
    assert isinstance(error.cause, MediaError)
    assert len(script.asked) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_on_the_disk_before_it_has_its_name_and_then_its_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced, really = tmp_path / "a.mp4", [], os.fsync

    def fsync(handle: int) -> None:
        really(handle)
        synced.append((stat.S_ISDIR(os.fstat(handle).st_mode), os.fstat(handle).st_size, path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)  # only a loss of power would show in which order things are on the disk
    client, _ = scripted(WHOLE)
    run(client, fetched(path))
    file, folder = synced
    assert file == (False, len(SMALL), False)
    assert (folder[0], folder[2]) == (True, True)


def test_downloads_wait_for_one_another_and_polls_for_none_of_them(tmp_path: Path) -> None:
    under_way, most = 0, 0
    full, go = asyncio.Event(), asyncio.Event()

    async def handler(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        if not request.url.path.endswith("/content"):
            return httpx.Response(200, json={"status": "processing"})
        under_way += 1
        most = max(most, under_way)
        if under_way == 16:
            full.set()
        await go.wait()
        under_way -= 1
        return httpx.Response(200, content=SMALL)

    async def main(client: DecartClient) -> None:
        paths = [tmp_path / f"{number}.mp4" for number in range(50)]
        downloads = [asyncio.ensure_future(client.queue.download("job_1", path)) for path in paths]
        await full.wait()
        assert (await client.queue.status("job_1")).status == "processing"
        go.set()
        await asyncio.gather(*downloads)
        assert {path.read_bytes() for path in paths} == {SMALL}

    run(DecartClient("dct_x", transport=httpx.MockTransport(handler)), main)
    assert most == 16


def test_a_download_that_pauses_keeps_nobody_waiting(tmp_path: Path) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if "/busy_" in request.url.path:
            return httpx.Response(503, headers={"Retry-After": "30"})
        return httpx.Response(200, content=SMALL)

    async def main(client: DecartClient) -> None:
        busy = [asyncio.ensure_future(client.queue.result(f"busy_{number}")) for number in range(32)]
        await asyncio.sleep(0.05)
        assert await asyncio.wait_for(client.queue.result("job_1"), 5) == SMALL
        for one in busy:
            one.cancel()
        await asyncio.wait(busy)

    run(DecartClient("dct_x", transport=httpx.MockTransport(handler)), main)


def test_from_a_queue_that_goes_wrong_every_video_comes_whole(tmp_path: Path) -> None:
    canned = tmp_path / "canned.mp4"
    canned.write_bytes(VIDEO)
    wrong = "cut:0.35,reset-before:0.05,429:0.05,502:0.05,503:0.05,malformed:0.1,seed:5"
    with LocalQueue(tmp_path / "queue", canned=canned, draw_duration=lambda: 0.0) as queue:
        client = DecartClient(queue.api_key, queue.base_url)
        ids = run(client, lambda client: asyncio.gather(*(submitted(client) for _ in range(12))))
    with LocalQueue(tmp_path / "queue", canned=canned, faults=Faults.parse(wrong)) as queue:
        client = DecartClient(queue.api_key, queue.base_url, patience=SHORT)

        async def main(client: DecartClient) -> list[Download]:
            return await asyncio.gather(*(client.queue.download(one, tmp_path / f"{one}.mp4") for one in ids))

        downloads = run(client, main)
        drawn = queue.jobs.stats.as_dict()["faults"]
    assert {download.path.read_bytes() == VIDEO for download in downloads} == {True}
    assert {download.sha256 for download in downloads} == {hashlib.sha256(VIDEO).hexdigest()}
    assert drawn["cut"] > 3


async def submitted(client: DecartClient) -> str:
    """A job that is completed."""
    job = await client.queue.submit(model="lucy-pro-t2v", prompt="x")
    assert (await client.queue.wait(job.job_id, just_submitted=False)).status == "completed"
    return job.job_id
