"""What is refused before it is read: other sites' pages, wrong addresses, bodies that are too large."""

from __future__ import annotations

import json
import socket
import time

import pytest

from decart_nb.local.connections import ConnectionLimits
from decart_nb.local.queue import LocalQueue
from tests.local.test_connections import sends_until_closed
from tests.local.wire import talk

_STATS = "GET /stats"


def told(
    queue: LocalQueue, call: str, *lines: str, body: bytes = b"", host: str | None = None
) -> tuple[int, dict, bytes]:
    """Sends a request with exactly these header lines; the answer's status, headers and body."""
    hosts = [f"Host: {host or f'127.0.0.1:{queue.port}'}"] if host != "" else []
    head = [f"{call} HTTP/1.1", *hosts, f"X-API-KEY: {queue.api_key}", "Connection: close", *lines]
    with socket.create_connection(("127.0.0.1", queue.port), timeout=20) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        with connection.makefile("rb") as stream:
            top, _, rest = stream.read().partition(b"\r\n\r\n")
    first, *others = top.decode("latin-1").split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in others), rest


@pytest.mark.parametrize("host", ["127.0.0.1:{}", "localhost:{}", "LocalHost:{}", "[::1]:{}"])
def test_its_own_addresses_are_answered(queue, host):
    assert told(queue, _STATS, host=host.format(queue.port))[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:{}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:{}0",
        "127.0.0.1.evil.example:{}",
        "evil.example@127.0.0.1:{}",
        "127.0.0.2:{}",
        "0.0.0.0:{}",
        "localhost.:{}",
        "localhost:{}/",
        "::1:{}",
        "[::ffff:127.0.0.1]:{}",
        "127.0.0.1:{}\r\nHost: evil.example:{}",
        ":{}",
        "\xff:{}",
    ],
)
def test_another_host_is_told_nothing_even_with_the_key(queue, host):
    status, headers, body = told(queue, _STATS, host=host.format(queue.port, queue.port))
    assert status in (400, 421)
    assert b"submissions" not in body
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("listens", "host", "status"),
    [("0.0.0.0", "192.168.1.7:{}", 200), ("0.0.0.0", "evil.example:{}", 421), ("localhost", "localhost:{}", 200)],
)
def test_what_listens_on_every_address_is_reached_by_address_and_by_no_name(
    tmp_path, small_video, listens, host, status
):
    with LocalQueue(tmp_path / "q", host=listens, canned=small_video) as queue:
        assert told(queue, _STATS, host=host.format(queue.port))[0] == status
        with talk(queue) as http:
            assert http.get("/stats").status_code == 200


@pytest.mark.parametrize("call", [_STATS, "OPTIONS /v1/files", "POST /v1/models/resolve"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "file://", "http://127.0.0.1", "chrome-extension://x"]
)
def test_other_web_pages_are_refused_and_no_cors_is_sent(queue, call, origin):
    lines = [f"Origin: {origin}", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-api-key"]
    status, headers, _ = told(queue, call, *lines)
    assert status == 403
    assert not [name for name in headers if name.startswith("access-control")]


def test_a_page_of_the_queues_own_origin_is_no_other_site(queue):
    assert told(queue, _STATS, f"Origin: http://127.0.0.1:{queue.port}")[0] == 200


def test_a_websocket_is_refused(queue):
    lines = ["Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    assert told(queue, _STATS, *lines)[0] == 403


@pytest.mark.parametrize("repeated", [True, False])
def test_two_keys_are_none(queue, repeated):
    other = queue.api_key if repeated else "dct_wrong"
    assert told(queue, _STATS, f"X-API-KEY: {other}")[0] == 401


@pytest.mark.parametrize(
    ("call", "lines", "body", "statuses"),
    [
        ("POST /v1/models/resolve", ["Content-Length: -1"], b"", {400}),
        ("POST /v1/models/resolve", ["Content-Length: x"], b"", {400}),
        ("POST /v1/models/resolve", ["Content-Length: 1e3"], b"", {400}),
        ("POST /v1/models/resolve", ["Content-Length: 2", "Content-Length: 3"], b"{}", {400}),
        ("POST /v1/models/resolve", ["Content-Length: 2, 3"], b"{}", {400}),
        ("POST /v1/models/resolve", ["Content-Length: " + "9" * 20], b"{}", {413}),
        ("POST /v1/models/resolve", ["Content-Length: " + "9" * 400], b"{}", {400}),
        ("POST /v1/models/resolve", ["Content-Length: 65537"], b"{" * 65537, {413}),
        (
            "POST /v1/models/resolve",
            ["Transfer-Encoding: chunked"],
            b"10001\r\n" + b" " * 65537 + b"\r\n0\r\n\r\n",
            {413},
        ),
        ("POST /v1/models/resolve", ["Transfer-Encoding: chunked"], b"-5\r\nx\r\n0\r\n\r\n", {400, 422}),
        ("POST /v1/models/resolve", ["Transfer-Encoding: gzip"], b"", {400, 501}),
        ("POST /v1/jobs/lucy-pro-i2v", ["Content-Length: 209715201"], b"", {413}),
        ("POST /v1/files", ["Content-Length: 209715201"], b"", {413}),
        (_STATS, ["Content-Length: 1"], b"x", {413}),
        ("GET /v1/jobs/x", ["Content-Length: 1"], b"x", {413}),
        ("DELETE /v1/files/x", ["Content-Length: 9"], b"xxxxxxxxx", {413}),
        (f"{_STATS}?{'q=1&' * 8000}", [], b"", {200, 400}),
        (_STATS, [f"X-{number}: 1" for number in range(5000)], b"", {200, 400}),
        (_STATS, ["X: " + "a" * 40_000], b"", {200, 400}),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_a_body_or_head_that_is_no_good_is_refused(queue, caplog, call, lines, body, statuses):
    assert told(queue, call, *lines, body=body)[0] in statuses
    assert not caplog.records


def test_a_refused_upload_is_not_read_on_for_long(tmp_path, small_video):
    with LocalQueue(tmp_path / "q", canned=small_video, limits=ConnectionLimits(head_timeout=0.5)) as queue:
        head = f"POST /v1/files HTTP/1.1\r\nHost: 127.0.0.1:{queue.port}\r\nContent-Length: 999999999\r\n\r\n"
        with socket.create_connection(("127.0.0.1", queue.port), timeout=20) as connection:
            connection.sendall(head.encode())
            assert connection.recv(12) == b"HTTP/1.1 401"
            with pytest.raises(OSError, match=r"Broken pipe|reset"):
                sends_until_closed(connection, bytes(1000))


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"model": "lucy-" * 10_000}, 404),
        ({"model": "\x1b[2J\ud800\x00"}, 404),
        ({"models": ["lucy-2.5"] * 1001}, 422),
        ({"models": ["lucy-2.5"] * 1000}, 200),
    ],
    ids=["long", "unprintable", "many", "as many as may be"],
)
def test_names_that_nobody_has_are_answered_briefly(http, asked, status):
    answer = http.post("/v1/models/resolve", content=json.dumps(asked))
    assert answer.status_code == status
    assert len(answer.content) < 1000
    assert answer.text.isprintable()


@pytest.mark.parametrize("path", ["/v1/files/", "/stats/", "//stats", "/v1/jobs/", "/./stats"])
def test_there_are_no_redirects(queue, path):
    assert told(queue, f"GET {path}")[0] in (404, 405)


_PART = b'--x\r\nContent-Disposition: form-data; name="%d"%s\r\n\r\n\r\n'


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=x", b"".join(_PART % (number, b"") for number in range(70)) + b"--x--\r\n"),
        ("multipart/form-data; boundary=x", b"".join(_PART % (number, b'; filename="f"') for number in range(9))),
        ("multipart/form-data; boundary=x", b"--x\r\nX: " + b"a" * 10**6 + b"\r\n\r\n\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"X: 1\r\n" * 10**4 + b"\r\n\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + bytes(2**19)),
        ("multipart/form-data; boundary=" + "x" * 1000, b"--x--\r\n"),
        ("multipart/form-data; boundary=x; charset=undefined", _PART % (0, b"") + b"--x--\r\n"),
        ("multipart/form-data", b"--x--\r\n"),
        ("multipart/form-data; boundary=x", b"no part at all"),
        ("application/x-www-form-urlencoded", b"a=1&" * 70),
        ("application/x-www-form-urlencoded", b"prompt=" + b"%41" * 100_000),
    ],
    ids=[
        "fields",
        "files",
        "header",
        "headers",
        "field",
        "boundary",
        "charset",
        "no boundary",
        "no part",
        "pairs",
        "pair",
    ],
)
def test_a_form_that_is_none_is_refused(http, caplog, kind, body):
    answer = http.post("/v1/jobs/lucy-pro-t2v", content=body, headers={"Content-Type": kind})
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_caller_that_goes_in_the_middle_of_its_upload_is_no_error(queue, caplog):
    head = f"POST /v1/files HTTP/1.1\r\nHost: 127.0.0.1:{queue.port}\r\nX-API-KEY: {queue.api_key}\r\n"
    head += "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", queue.port), timeout=5) as connection:
        connection.sendall(head.encode() + b"--x\r\n")
        time.sleep(0.2)
    with talk(queue) as http:
        assert http.get("/stats").status_code == 200
    time.sleep(0.2)
    assert not caplog.records
