"""Response bodies: one content coding, decompressed in bounded chunks, and nothing else."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from typing import Any

import httpx
import pytest

from decart_nb import DecartClient, QueueResultError, QueueStatusError, QueueSubmitError
from tests.scripted import SHORT, error_of, run, scripted

STATUS = json.dumps({"job_id": "job_1", "status": "completed"}).encode()
TEXT = {"model": "lucy-pro-t2v", "prompt": "a cat"}


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def packed(body: bytes, coding: str, status: int = 200) -> httpx.Response:
    """An answer whose body httpx has not looked at."""
    return httpx.Response(status, headers={"Content-Encoding": coding}, stream=httpx.ByteStream(body))


def status(client: DecartClient) -> Any:
    return client.queue.status("job_1")


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (gzip.compress(STATUS), "gzip"),
        (gzip.compress(STATUS), " GZip "),
        (gzip.compress(STATUS), "x-gzip"),
        (gzip.compress(STATUS[:10]) + gzip.compress(STATUS[10:]), "gzip"),
        (zlib.compress(STATUS), "deflate"),
        (raw_deflate(STATUS), "deflate"),
        (STATUS, "identity"),
        (STATUS, ""),
    ],
    ids=["gzip", "capitals", "x-gzip", "two members", "zlib", "raw deflate", "identity", "empty"],
)
def test_one_layer_is_taken_off(body: bytes, coding: str) -> None:
    client, script = scripted(packed(body, coding))
    assert run(client, status).status == "completed"
    assert script.asked[0].headers["accept-encoding"] == "gzip, deflate"


def bomb(layers: int, mebibytes: int) -> bytes:
    body = gzip.compress(bytes(mebibytes * 2**20), 9)
    for _ in range(layers - 1):
        body = gzip.compress(body, 9)
    return body


BAD = {
    "two layers": (gzip.compress(gzip.compress(STATUS)), "gzip, gzip"),
    "two kinds": (gzip.compress(zlib.compress(STATUS)), "deflate, gzip"),
    "identity too": (gzip.compress(STATUS), "identity, gzip"),
    "brotli": (b"\x0b\x02\x80ab\x03", "br"),
    "unknown": (STATUS, "rot13"),
    "no gzip": (STATUS, "gzip"),
    "half": (gzip.compress(STATUS)[:-12], "gzip"),
    "large": (bomb(1, 64), "gzip"),
    "layers": (bomb(3, 64), "gzip, gzip, gzip"),
}
each_bad = pytest.mark.parametrize(("body", "coding"), BAD.values(), ids=BAD)


@each_bad
def test_anything_else_cannot_be_read_and_takes_no_memory(body: bytes, coding: str) -> None:
    client, _ = scripted(packed(body, coding))
    tracemalloc.start()
    error = error_of(QueueStatusError, client, status)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.data["readable"] is False
    assert peak < 8 * 2**20


@each_bad
def test_a_submission_whose_answer_cannot_be_read_is_uncertain(body: bytes, coding: str) -> None:
    client, script = scripted(packed(body, coding), patience=SHORT)
    error = error_of(QueueSubmitError, client, lambda client: client.queue.submit(TEXT))
    assert (error.data["taken"], len(script.asked)) == ("unknown", 1)


@each_bad
def test_a_refusal_that_cannot_be_read_is_a_refusal(body: bytes, coding: str) -> None:
    client, _ = scripted(packed(body, coding, 500))
    assert error_of(QueueStatusError, client, status).data["status"] == 500


def test_a_video_that_is_packed_is_bounded_by_what_comes_out() -> None:
    client, _ = scripted(packed(bomb(1, 64), "gzip"))
    error = error_of(QueueResultError, client, lambda client: client.queue.result("job_1", max_bytes=2**20))
    assert error.message == ("Failed to get job content: the server announced no length, and sends more than 1 MiB.")
