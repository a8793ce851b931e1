"""The client over real sockets: streaming both ways, little memory, one client in many event loops."""

from __future__ import annotations

import asyncio
import gc
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from decart_nb import DecartClient, QueueStatusError
from decart_nb.local.queue import LocalQueue
from tests.scripted import KEY, PNG, answer, error_of, parts, quick, run, serving, stall

TAKEN = {"job_id": "job_1", "status": "pending"}
TEXT = {"model": "lucy-pro-t2v", "prompt": "a cat"}
LARGE = 64 * 2**20


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    """How many bytes Python has held at once since the test began."""
    gc.collect()
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_a_job_goes_all_the_way_over_a_real_queue(canned_queue: LocalQueue, small_video: Path, tmp_path: Path) -> None:
    client = DecartClient(canned_queue.api_key, canned_queue.base_url + "/")
    told: list[str] = []
    options = {"model": "lucy-2.5", "prompt": "", "data": small_video, "enhance_prompt": False}

    async def all_the_way(client: DecartClient) -> Path:
        job = await client.queue.submit(options)
        end = await client.queue.wait(job.job_id, on_status_change=lambda status: told.append(status.status))
        assert end.status == "completed"
        return (await client.queue.download(job.job_id, tmp_path / "a.mp4")).path

    assert run(client, all_the_way).read_bytes() == small_video.read_bytes()
    assert told[-1] == "completed"
    assert set(told[:-1]) <= {"pending", "processing"}


def test_the_body_on_the_wire_has_its_length_and_its_parts(small_image: Path) -> None:
    with serving(answer(body=TAKEN)) as server:
        options = {"model": "lucy-pro-i2v", "prompt": "grün", "data": small_image, "seed": 7, "resolution": "480p"}
        run(quick(server.url), lambda client: client.queue.submit(options))
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/v1/jobs/lucy-pro-i2v")
    assert asked.headers["x-api-key"] == KEY
    assert asked.headers["user-agent"].startswith("decart_nb/")
    assert asked.headers["content-length"] == str(len(asked.body))
    assert "transfer-encoding" not in asked.headers
    sent = parts(asked.headers["content-type"], asked.body)
    assert sent["data"].content == small_image.read_bytes()
    assert {name: sent[name].content for name in sent if name != "data"} == {
        "prompt": "grün".encode(),
        "seed": b"7",
        "resolution": b"480p",
    }


def test_a_large_upload_is_streamed(tmp_path: Path, peak: Callable[[], int]) -> None:
    path = tmp_path / "large.png"
    with path.open("wb") as stream:
        stream.write(PNG)
        stream.truncate(LARGE)
    with serving(answer(body=TAKEN)) as server:
        options = {"model": "lucy-pro-i2v", "prompt": "x", "data": path}
        run(quick(server.url, total=60), lambda client: client.queue.submit(options))
    assert server.asked[0].length > LARGE
    assert peak() < LARGE / 4


def large_answer(connection: socket.socket) -> None:
    connection.sendall(answer(length=LARGE))
    for _ in range(LARGE // 2**16):
        connection.sendall(bytes(2**16))


def test_a_large_download_is_streamed(tmp_path: Path, peak: Callable[[], int]) -> None:
    with serving(large_answer) as server:
        run(quick(server.url, total=60), lambda client: client.queue.download("job_1", tmp_path / "a.mp4"))
    assert (tmp_path / "a.mp4").stat().st_size == LARGE
    assert peak() < LARGE / 4


def test_a_large_url_input_is_streamed_in_and_out(peak: Callable[[], int]) -> None:
    def large_image(connection: socket.socket) -> None:
        connection.sendall(answer(length=LARGE, Connection="close") + PNG)
        connection.sendall(bytes(2**16 - len(PNG)))
        for _ in range(LARGE // 2**16 - 1):
            connection.sendall(bytes(2**16))

    with serving(large_image, answer(body=TAKEN)) as server:
        options = {"model": "lucy-pro-i2v", "prompt": "x", "data": f"{server.url}/large.png"}
        run(quick(server.url, total=60), lambda client: client.queue.submit(options))
    assert [asked.method for asked in server.asked] == ["GET", "POST"]
    assert server.asked[1].length > LARGE
    assert peak() < LARGE / 4


def test_a_download_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    half_way: list[bool] = []

    def in_two(connection: socket.socket) -> None:
        connection.sendall(answer(body=b"1" * 10**6, length=2 * 10**6))
        until = time.monotonic() + 5
        while not list(tmp_path.glob("a.mp4.*.part")) and time.monotonic() < until:
            time.sleep(0.01)
        half_way.extend((len(list(tmp_path.glob("a.mp4.*.part"))) == 1, target.exists()))
        connection.sendall(b"2" * 10**6)

    with serving(in_two) as server:
        run(quick(server.url), lambda client: client.queue.download("job_1", target))
    assert half_way == [True, False]
    assert target.read_bytes() == b"1" * 10**6 + b"2" * 10**6
    assert list(tmp_path.iterdir()) == [target]


def test_a_download_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    def half(connection: socket.socket) -> None:
        connection.sendall(answer(body=b"1" * 1000, length=2000))
        stall(connection)

    async def given_up(client: DecartClient) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.queue.download("job_1", tmp_path / "a.mp4"), 0.3)

    with serving(half) as server:
        run(quick(server.url), given_up)
    assert list(tmp_path.iterdir()) == []


def test_a_url_input_is_fetched_over_redirects_without_the_key_and_sent_with_its_name(small_video: Path) -> None:
    with (
        serving(answer(302, Location="/real/my%20clip.mp4"), answer(body=small_video.read_bytes()), keep=True) as files,
        serving(answer(body=TAKEN)) as queue,
    ):
        options = {"model": "lucy-2.5", "prompt": "", "data": f"{files.url}/my%20clip.mp4?size=large"}
        run(quick(queue.url), lambda client: client.queue.submit(options))
    assert [asked.path for asked in files.asked] == ["/my%20clip.mp4?size=large", "/real/my%20clip.mp4"]
    assert all(KEY not in str(asked.headers) for asked in files.asked)
    sent = parts(queue.asked[0].headers["content-type"], queue.asked[0].body)["data"]
    assert (sent.filename, sent.media_type) == ("my clip.mp4", "video/mp4")
    assert sent.content == small_video.read_bytes()


def test_a_redirect_of_the_queue_does_not_carry_the_key_elsewhere() -> None:
    with serving(answer(body={"job_id": "job_1", "status": "completed"})) as elsewhere:
        with serving(answer(307, Location=f"{elsewhere.url}/v1/jobs/job_1")) as queue:
            error = error_of(QueueStatusError, quick(queue.url), lambda client: client.queue.status("job_1"))
        assert error.data["status"] == 307
        assert not elsewhere.asked


def test_one_client_serves_one_loop_after_another() -> None:
    with serving(answer(body=TAKEN), keep=True) as server:
        client = quick(server.url)
        jobs = [run(client, lambda client: client.queue.submit(TEXT)) for _ in range(3)]
    assert [job.job_id for job in jobs] == ["job_1"] * 3
    assert len(server.asked) == 3


FORGETFUL = """
import asyncio, gc, sys
from decart_nb import DecartClient, QueueStatusError

client = DecartClient("dct_key", sys.argv[1])
for _ in range(3):
    print(asyncio.run(client.queue.status("job_1")).status)
asyncio.run(client.close())
gc.collect()
"""


@pytest.fixture(scope="module")
def forgotten() -> subprocess.CompletedProcess[str]:
    """A process of its own: what a dead loop leaves behind complains only when it is collected."""
    with serving(answer(body=TAKEN), keep=True) as server:
        command = [sys.executable, "-c", FORGETFUL, server.url]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_client_works_in_every_loop(forgotten: subprocess.CompletedProcess[str]) -> None:
    assert forgotten.stdout.split() == ["pending"] * 3


def test_a_closed_client_leaves_nothing_open_in_the_loops_it_has_outlived(
    forgotten: subprocess.CompletedProcess[str],
) -> None:
    assert forgotten.stderr == ""


def test_a_closed_client_opens_new_connections_when_it_is_used_again() -> None:
    with serving(answer(body=TAKEN), keep=True) as server:

        async def again(client: DecartClient) -> None:
            for _ in range(3):
                await client.queue.submit(TEXT)
                await client.close()

        run(quick(server.url), again)
    assert len(server.asked) == 3


def test_two_hundred_jobs_at_once_are_all_taken() -> None:
    with serving(answer(body=TAKEN), keep=True) as server:

        async def many(client: DecartClient) -> None:
            await asyncio.gather(*(client.queue.submit(TEXT) for _ in range(200)))

        run(quick(server.url, total=30), many)
    assert len(server.asked) == 200
