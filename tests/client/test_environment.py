"""Proxies and certificates from the environment, used as by other HTTP tools."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import certifi
import httpx
import pytest

from decart_nb import DecartClient, InvalidInputError, QueueResultError, QueueStatusError, QueueSubmitError
from decart_nb.client.environment import Proxies, tls_context
from decart_nb.client.failures import CannotSend
from tests.scripted import KEY, NONE, SHORT, answer, close, error_of, parts, run, serving

TAKEN = {"job_id": "job_1", "status": "pending"}
TEXT = {"model": "lucy-pro-t2v", "prompt": "a cat"}
QUEUE = "http://queue.example.invalid"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def submit(client: DecartClient) -> Any:
    return client.queue.submit(TEXT)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_of_the_environment_is_asked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answer(body=TAKEN)) as proxy:
        monkeypatch.setenv(name, proxy.url.replace("http://", "http://me:p%40ss@"))
        assert run(DecartClient(KEY, QUEUE, patience=NONE), submit).job_id == "job_1"
    (asked,) = proxy.asked
    assert asked.path == f"{QUEUE}/v1/jobs/lucy-pro-t2v"
    assert asked.headers["proxy-authorization"] == "Basic bWU6cEBzcw=="
    assert asked.headers["host"] == "queue.example.invalid"
    assert parts(asked.headers["content-type"], asked.body)["prompt"].content == b"a cat"


def test_a_proxy_is_asked_to_connect_for_https_and_its_refusal_is_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answer(407, b"who are you")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "me:secret@"))
        error = error_of(QueueSubmitError, DecartClient(KEY, "https://queue.example.invalid", patience=NONE), submit)
    assert [(asked.method, asked.path) for asked in proxy.asked] == [("CONNECT", "queue.example.invalid:443")]
    assert KEY not in str(proxy.asked)
    assert error.data["taken"] == "no"
    assert f"the proxy {proxy.url.removeprefix('http://')} (HTTPS_PROXY)" in error.message
    assert "407" in error.message
    assert "secret" not in error.message


@pytest.mark.parametrize(("act", "taken"), [(close, "unknown"), (answer(502), "unknown")], ids=["closed", "502"])
def test_what_goes_wrong_behind_a_proxy_names_it(act: Any, taken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(act) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        error = error_of(QueueSubmitError, DecartClient(KEY, QUEUE, patience=SHORT), submit)
    assert f"by way of the proxy {proxy.url.removeprefix('http://')} (HTTP_PROXY)" in error.message
    assert (error.data["taken"], len(proxy.asked)) == (taken, 1)


def test_a_proxy_that_is_not_there_took_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTP_PROXY", f"http://me:secret@127.0.0.1:{taken.getsockname()[1]}")
        error = error_of(QueueSubmitError, DecartClient(KEY, QUEUE, patience=NONE), submit)
    assert (error.data["sent"], error.data["taken"]) == (False, "no")
    assert "(HTTP_PROXY) (refused)" in error.message
    assert "secret" not in error.message


def test_a_url_input_is_fetched_by_way_of_the_proxy(small_video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answer(body=small_video.read_bytes())) as proxy, serving(answer(body=TAKEN)) as queue:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        options = {"model": "lucy-2.5", "prompt": "", "data": "http://files.example.invalid/a.mp4"}
        run(DecartClient(KEY, queue.url, patience=NONE), lambda client: client.queue.submit(options))
    assert [asked.path for asked in proxy.asked] == ["http://files.example.invalid/a.mp4"]
    assert len(queue.asked) == 1, "this machine is never asked through a proxy"


def test_an_environment_that_is_not_trusted_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answer(body=TAKEN)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        error_of(QueueSubmitError, DecartClient(KEY, QUEUE, patience=NONE, trust_env=False), submit)
    assert not proxy.asked


@pytest.mark.parametrize(
    ("rules", "url", "direct"),
    [
        ("*", "http://a.example", True),
        ("b.example, a.example", "http://a.example", True),
        ("a.example", "http://x.a.example", True),
        ("a.example", "http://xa.example", False),
        (".a.example", "http://x.a.example", True),
        (".a.example", "http://a.example", False),
        ("*.a.example", "http://x.a.example", True),
        ("A.Example", "http://a.EXAMPLE", True),
        ("a.example:8080", "http://a.example:8080", True),
        ("a.example:8080", "http://a.example", False),
        ("a.example:80", "http://a.example", True),
        ("https://a.example", "http://a.example", False),
        ("http://a.example", "http://a.example", True),
        ("10.0.0.0/8", "http://10.1.2.3", True),
        ("10.0.0.0/8", "http://11.1.2.3", False),
        ("192.168.0.7", "http://192.168.0.7:81", True),
        ("2001:db8::1", "http://[2001:DB8::1]:81", True),
        ("[2001:db8::1]:81", "http://[2001:db8::1]:81", True),
        ("", "http://a.example", False),
        ("", "http://localhost:81", True),
        ("", "http://127.0.0.9", True),
        ("", "http://[::1]:81", True),
    ],
)
def test_who_is_not_asked_through_a_proxy(rules: str, url: str, direct: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", rules)
    proxies = Proxies()
    assert (proxies.usable(httpx.URL(url)) is None) is direct
    assert proxies.shown(httpx.URL(url)) == (None if direct else "proxy.example:3128 (ALL_PROXY)")


@pytest.mark.parametrize(
    "value", ["socks5://proxy.example:1080", "ftp://proxy.example", "http://", "http://[::1", "http://a:99999"]
)
def test_a_proxy_that_cannot_be_used_is_named_before_anything_is_sent(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", value)
    error = error_of(QueueSubmitError, DecartClient(KEY, QUEUE, patience=SHORT), submit)
    assert "ALL_PROXY in the environment" in error.message
    assert (error.data["sent"], error.data["taken"]) == (False, "no")


@pytest.fixture(params=["SSL_CERT_FILE gone", "SSL_CERT_FILE junk", "SSL_CERT_FILE folder", "SSL_CERT_DIR gone"])
def broken(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A variable of the environment that names no certificates."""
    variable, _, what = request.param.partition(" ")
    path = tmp_path / "certificates.pem"
    if what == "junk":
        path.write_text("nothing of the kind")
    elif what == "folder":
        path.mkdir()
    monkeypatch.setenv(variable, str(path))
    return str(variable)


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        (QueueSubmitError, submit),
        (QueueStatusError, lambda client: client.queue.status("job_1")),
        (QueueStatusError, lambda client: client.queue.resolve("lucy-latest")),
        (QueueResultError, lambda client: client.queue.result("job_1")),
        (
            InvalidInputError,
            lambda client: client.queue.submit(model="lucy-2.5", prompt="", data="https://files.example.invalid/a.mp4"),
        ),
    ],
    ids=["submit", "status", "resolve", "result", "fetch"],
)
def test_certificates_that_cannot_be_read_are_named_before_anything_is_sent(
    kind: Any, call: Any, broken: str, tmp_path: Path
) -> None:
    client = DecartClient(KEY, "https://queue.example.invalid", patience=NONE)
    error = error_of(kind, client, call)
    assert f"{broken} in the environment names certificates.pem, which " in error.message
    assert str(tmp_path) not in error.message
    assert error.data.get("sent", False) is False


def test_what_needs_no_certificates_does_not_read_them(broken: str) -> None:
    with serving(answer(body=TAKEN)) as server:
        assert run(DecartClient(KEY, server.url, patience=NONE), submit).job_id == "job_1"


def test_certificates_of_the_environment_are_those_that_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tls_context().cert_store_stats()["x509_ca"] > 50
    first = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----")
    path = Path("one.pem")
    path.write_text("".join(first[:2]) + "\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    assert tls_context().cert_store_stats()["x509_ca"] == 1
    assert tls_context(trust_env=False).cert_store_stats()["x509_ca"] > 50
    path.unlink()
    with pytest.raises(CannotSend, match="is not there"):
        tls_context()
