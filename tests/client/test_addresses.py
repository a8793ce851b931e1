"""Addresses: normalization of base URLs, and one endpoint for all names of one host."""

from __future__ import annotations

import pytest

from decart_nb import DecartClient, InvalidBaseURLError
from decart_nb.client.addresses import endpoint_of, host_and_port, is_this_machine
from tests.scripted import KEY, quick, run, scripted, serving


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000",
        "HTTP://LocalHost:8000/",
        "http://localhost.:8000",
        "http://queue.localhost:8000",
        "http://[::1]:8000",
        "http://[0:0:0:0:0:0:0:1]:8000",
        "http://[::ffff:127.0.0.1]:8000",
        "http://127.1:8000",
        "http://0x7f000001:8000",
        "http://0.0.0.0:8000",
    ],
)
def test_this_machine_is_one_queue_whatever_it_is_called(url: str) -> None:
    client = DecartClient(KEY, url)
    assert client.endpoint == "http://127.0.0.1:8000"
    assert is_this_machine(client.base_url.split("//")[1].rpartition(":")[0].strip("[]"))


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://api.decart.ai", "https://api.decart.ai"),
        ("https://api.decart.ai.", "https://api.decart.ai"),
        ("https://API.decart.ai:443/", "https://api.decart.ai"),
        ("http://localhost", "http://127.0.0.1"),
        ("http://127.0.0.2:8000", "http://127.0.0.2:8000"),
        ("https://bücher.example/V1", "https://xn--bcher-kva.example/V1"),
        ("http://[2001:DB8:0::1]", "http://[2001:db8::1]"),
    ],
)
def test_a_host_is_one_queue_whatever_its_spelling(url: str, endpoint: str) -> None:
    assert DecartClient(KEY, url).endpoint == endpoint
    assert endpoint_of(endpoint) == endpoint


def test_the_address_that_is_connected_to_stays_as_it_was_given() -> None:
    assert DecartClient(KEY, "http://[::1]:8000").base_url == "http://[::1]:8000"
    assert DecartClient(KEY, "http://localhost:8000").base_url == "http://localhost:8000"


@pytest.mark.parametrize(
    "url", ["http://....", "http://.", f"http://{'a' * 70}.example", "http://a..example", "http://\ud800.example"]
)
def test_a_host_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(InvalidBaseURLError):
        DecartClient(KEY, url)


def test_where_a_request_goes_is_said_without_what_is_usual_or_secret() -> None:
    assert host_and_port("https://me:secret@api.decart.ai:443/v1?x=y") == "api.decart.ai"
    assert host_and_port("http://127.0.0.1:1/v1") == "127.0.0.1:1"
    assert host_and_port("http://[::1]:8000") == "[::1]:8000"
    assert host_and_port("http://[::1") == "an address that cannot be read"


IDS = {
    ".": "%2E",
    "..": "%2E%2E",
    "...": "%2E%2E%2E",
    "%2e": "%252e",
    "%2e%2E": "%252e%252E",
    "a/b": "a%2Fb",
    "../x": "..%2Fx",
    "a\\b": "a%5Cb",
    "a?b=c&d": "a%3Fb%3Dc%26d",
    "a#b": "a%23b",
    "a b+c": "a%20b%2Bc",
    "job:1;v=2,3@x!": "job%3A1%3Bv%3D2%2C3%40x%21",
    "grün-猫": "gr%C3%BCn-%E7%8C%AB",
    "~a-b_c.d": "~a-b_c.d",
}


@pytest.mark.parametrize("job_id", IDS, ids=IDS.values())
def test_a_job_id_arrives_as_it_is_in_the_bytes_of_the_request(job_id: str) -> None:
    from tests.scripted import answer

    with serving(answer(body={"status": "completed"}), answer(body=b"video"), keep=True) as server:

        async def ask(client: DecartClient) -> None:
            assert (await client.queue.status(job_id)).job_id == job_id
            await client.queue.result(job_id)

        run(quick(server.url), ask)
    assert [asked.path for asked in server.asked] == [f"/v1/jobs/{IDS[job_id]}", f"/v1/jobs/{IDS[job_id]}/content"]


def test_a_job_id_with_half_a_character_is_an_error_of_our_own() -> None:
    from decart_nb import InvalidInputError
    from tests.scripted import error_of

    client, script = scripted({"status": "completed"})
    error_of(InvalidInputError, client, lambda client: client.queue.status("\ud800"))
    assert not script.asked
