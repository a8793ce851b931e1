"""The bytes that the engine sends: after redirects, of escaped URLs, and without headers of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from decart_nb import DecartClient, InvalidInputError, QueueResultError, QueueSubmitError
from tests.scripted import KEY, Asked, answer, error_of, quick, run, serving

TAKEN = {"job_id": "job_1", "status": "pending"}
TEXT = {"model": "lucy-pro-t2v", "prompt": "a cat"}
BODY_HEADERS = {"transfer-encoding", "content-length", "content-type"}


def fetching(url: str) -> Any:
    return lambda client: client.queue.submit({"model": "lucy-2.5", "prompt": "", "data": url})


def gets(asked: list[Asked]) -> list[Asked]:
    return [one for one in asked if one.method == "GET"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("redirects", [0, 1, 2])
def test_a_get_has_no_body_however_often_it_is_redirected(status: int, redirects: int, small_video: Path) -> None:
    moved = [answer(status, Location=f"/{number}.mp4") for number in range(redirects)]
    with serving(*moved, answer(body=small_video.read_bytes()), answer(body=TAKEN), keep=True) as server:
        run(quick(server.url), fetching(f"{server.url}/first.mp4"))
    asked = gets(server.asked)
    assert len(asked) == redirects + 1
    for one in asked:
        assert not BODY_HEADERS & set(one.headers)
        assert one.headers == asked[0].headers


def test_login_and_cookies_go_to_no_other_host(small_video: Path) -> None:
    with serving(answer(body=small_video.read_bytes()), keep=True) as elsewhere:
        elsewhere_url = elsewhere.url.replace("127.0.0.1", "localhost")
        moved = answer(302, Location=f"{elsewhere_url}/b.mp4", Set_Cookie="session=secret")
        with serving(moved, moved, answer(body=TAKEN), keep=True) as server:
            address = server.url.replace("http://", "http://me:password@")

            async def twice(client: DecartClient) -> None:
                from decart_nb.request.catalogue import models
                from decart_nb.request.request import prepare

                for _ in range(2):
                    inputs = {"prompt": "", "data": f"{address}/a.mp4"}
                    await client.queue.fetch_inputs(prepare(models.video("lucy-2.5"), inputs))
                await client.queue.submit(TEXT)

            run(quick(server.url), twice)
    assert all("authorization" in asked.headers for asked in gets(server.asked))
    for asked in elsewhere.asked:
        assert not {"authorization", "cookie", "x-api-key"} & set(asked.headers)
    assert "cookie" not in server.asked[-1].headers, "the queue is sent no cookie of a file server"


@pytest.mark.parametrize("location", ["ftp://host/a.mp4", "file:///etc/passwd", "http://", "http://[::1", "/loop"])
def test_a_redirect_that_leads_nowhere_is_an_error_of_our_own(location: str) -> None:
    with serving(answer(302, Location=location), keep=True) as server:
        error = error_of(InvalidInputError, quick(server.url), fetching(f"{server.url}/a.mp4"))
    assert "cannot be fetched from" in error.message
    assert "\n" not in error.message


@pytest.mark.parametrize(
    "path", ["/a%2Fb%20c.mp4?sign=a%2Bb%2F%3D&x=%7E", "/%7Ea/b.mp4?q=a+b", "/a;b=1,2.mp4?x[]=1&y=%25"]
)
def test_a_signed_address_arrives_as_it_was_signed(path: str, small_video: Path) -> None:
    import httpx

    with serving(answer(body=small_video.read_bytes()), answer(body=TAKEN), keep=True) as server:
        run(quick(server.url), fetching(server.url + path))
    assert server.asked[0].path == httpx.URL(server.url + path).raw_path.decode()


SECRET = f"no {KEY} \x1b[2J\x07"
WRONG = {
    "204": answer(204, {"detail": SECRET}),
    "no colon": f"HTTP/1.1 200 OK\r\nX-API-KEY {KEY}\r\n\r\n".encode(),
    "status line": f"HTTP/1.1 {KEY}\r\n\r\n".encode(),
    "reason": f"HTTP/1.1 500 {SECRET}\r\nContent-Length: 0\r\n\r\n".encode(),
    "page": answer(500, f"<p>{SECRET}</p>"),
    "location": answer(302, Location=f"http://elsewhere.example/{KEY}"),
    "binary": bytes(range(256)),
    "chunks": f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{KEY}\r\n".encode(),
    "coding": answer(body=b"x", Content_Encoding=KEY),
    "length": f"HTTP/1.1 200 OK\r\nContent-Length: {KEY}\r\n\r\n".encode(),
    "id": answer(body={"job_id": KEY, "status": "pending"}),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(
    ("kind", "call"),
    [
        (QueueSubmitError, lambda client: client.queue.submit(TEXT)),
        (QueueResultError, lambda client: client.queue.download("job_1", Path("a.mp4"))),
    ],
    ids=["submit", "download"],
)
def test_what_a_server_repeats_is_printable_and_without_the_key(kind: Any, call: Any, wrong: bytes) -> None:
    with serving(wrong) as server:
        error = error_of(kind, quick(server.url), call)
    assert KEY not in error.message
    assert all(line.isprintable() for line in error.message.split("\n"))
    assert error.message.count("\n") <= 1
    assert "\\x" not in error.message
    assert " - \n" not in error.message
    if kind is QueueSubmitError:
        assert error.data["taken"] == "unknown"
