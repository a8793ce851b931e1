"""DecartClient: its arguments, the requests it sends and the responses it reads, over httpx's MockTransport."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

import decart_nb
from decart_nb import (
    DecartClient,
    DecartSDKError,
    InvalidAPIKeyError,
    InvalidBaseURLError,
    InvalidInputError,
    ModelDefinition,
    ModelNotFoundError,
    models,
)
from decart_nb.client.transport import Timeout
from tests.scripted import KEY, run, scripted

TAKEN = {"job_id": "job_1", "status": "pending"}
TEXT: dict[str, Any] = {"model": "lucy-pro-t2v", "prompt": "a cat"}


def test_a_client_without_a_key_says_so() -> None:
    with pytest.raises(InvalidAPIKeyError, match="DECART_API_KEY"):
        DecartClient()


@pytest.mark.parametrize("key", ["", " ", "\n\t"])
def test_a_blank_key_is_none(key: str) -> None:
    with pytest.raises(InvalidAPIKeyError, match="DECART_API_KEY"):
        DecartClient(api_key=key)


@pytest.mark.parametrize("key", ["dct_schlüssel", "dct_one\ndct_two", "dct_\x00", "“dct_quoted”"])
def test_a_key_with_characters_that_no_header_takes_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(InvalidAPIKeyError, match="characters") as caught:
        DecartClient(key)
    assert key not in str(caught.value)


@pytest.mark.parametrize("given", [None, ""])
def test_the_key_in_the_environment_is_used_where_none_is_given(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECART_API_KEY", "dct_of_the_environment\n")
    script = sent_by(DecartClient, api_key=given)
    assert script.headers["x-api-key"] == "dct_of_the_environment"


def test_a_key_that_is_given_wins_over_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECART_API_KEY", "dct_of_the_environment")
    assert sent_by(DecartClient, api_key=f" {KEY}\n").headers["x-api-key"] == KEY


def sent_by(make: Any, **options: Any) -> httpx.Request:
    """The request of a client that is made so."""
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=TAKEN)

    run(make(transport=httpx.MockTransport(handler), **options), lambda client: client.queue.submit(TEXT))
    return asked[0]


def test_the_key_is_in_no_repr() -> None:
    client = DecartClient(KEY)
    assert repr(client) == "<DecartClient of https://api.decart.ai>"
    assert KEY not in repr(client.queue)


@pytest.mark.parametrize(
    "url",
    [
        *("", "api.decart.ai", "ftp://api.decart.ai", "http://", "https:///v1", "http://[::1", "http://host:99999"),
        *(
            "https://host/?key=1",
            "https://host/#here",
            "https://me@host",
            "https://ho st",
            "https://ho\0st",
            b"",
            5,
            None,
        ),
    ],
)
def test_what_is_no_address_is_refused(url: Any) -> None:
    with pytest.raises(InvalidBaseURLError, match=r"must look like https://api\.decart\.ai"):
        DecartClient(KEY, base_url=url)


@pytest.mark.parametrize("url", ["http://queue.test:8000", "http://queue.test:8000/", "http://queue.test:8000//"])
def test_a_trailing_slash_is_taken_off(url: str) -> None:
    assert str(sent_by(DecartClient, api_key=KEY, base_url=url).url) == "http://queue.test:8000/v1/jobs/lucy-pro-t2v"


@pytest.mark.parametrize(
    ("url", "spelling"),
    [
        ("https://api.decart.ai", "https://api.decart.ai"),
        ("HTTPS://API.Decart.AI/", "https://api.decart.ai"),
        ("https://api.decart.ai:443", "https://api.decart.ai"),
        (" https://api.decart.ai:/\n", "https://api.decart.ai"),
        ("http://api.decart.ai:80//", "http://api.decart.ai"),
        ("http://api.decart.ai:443", "http://api.decart.ai:443"),
        ("https://Proxy.test:8443/Decart/V1/", "https://proxy.test:8443/Decart/V1"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("http://[FE80::1]:80", "http://[fe80::1]"),
    ],
)
def test_an_address_has_one_spelling(url: str, spelling: str) -> None:
    assert DecartClient(KEY, url).base_url == spelling


def test_an_address_may_have_a_path() -> None:
    asked = sent_by(DecartClient, api_key=KEY, base_url="https://proxy.test/decart/")
    assert str(asked.url) == "https://proxy.test/decart/v1/jobs/lucy-pro-t2v"


@pytest.mark.parametrize(("integration", "behind"), [(None, ""), ("my-lab/2", " my-lab/2")])
def test_the_user_agent_names_the_package_its_version_and_the_integration(integration: Any, behind: str) -> None:
    agent = sent_by(DecartClient, api_key=KEY, integration=integration).headers["user-agent"]
    assert agent == f"decart_nb/{decart_nb.__version__}{behind}"


@pytest.mark.parametrize("integration", ["two\r\nlines: x", "naïve"])
def test_an_integration_that_no_header_takes_is_an_error_of_our_own(integration: str) -> None:
    with pytest.raises(DecartSDKError, match="integration"):
        sent_by(DecartClient, api_key=KEY, integration=integration)


@pytest.mark.parametrize(
    "submit",
    [
        lambda queue: queue.submit({"model": models.video("lucy-pro-t2v"), "prompt": "a cat", "seed": 7}),
        lambda queue: queue.submit(model="lucy-pro-t2v", prompt="a cat", seed=7),
        lambda queue: queue.submit({"model": "lucy-pro-t2v", "prompt": "a dog"}, prompt="a cat", seed=7),
        lambda queue: queue.submit({**TEXT, "seed": 7, "on_status_change": print, "resolution": None}),
    ],
    ids=["dict", "keywords", "both", "on_status_change"],
)
def test_a_job_may_be_given_as_a_dict_or_keywords_or_both(submit: Any) -> None:
    client, script = scripted(TAKEN)
    job = run(client, lambda client: submit(client.queue))
    assert (job.job_id, job.status) == ("job_1", "pending")
    (asked,) = script.asked
    assert (asked.method, asked.url.path, asked.headers["x-api-key"]) == ("POST", "/v1/jobs/lucy-pro-t2v", KEY)
    assert {name: part.content for name, part in script.parts().items()} == {"prompt": b"a cat", "seed": b"7"}


@pytest.mark.parametrize("call", ["submit", "submit_and_poll"])
def test_the_callers_dict_is_left_as_it_was(call: str) -> None:
    options = {**TEXT, "on_status_change": lambda status: None}
    before = dict(options)
    client, _ = scripted(TAKEN, {"job_id": "job_1", "status": "failed"})
    run(client, lambda client: getattr(client.queue, call)(options))
    assert options == before


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"prompt": "a cat"}, InvalidInputError, "no model was given"),
        ({"model": 5, "prompt": "a cat"}, InvalidInputError, "model is a int"),
        ({"model": "lucy-pro-t2w", "prompt": "a cat"}, ModelNotFoundError, "Did you mean lucy-pro-t2v"),
        ({"model": "lucy-pro-t2v"}, InvalidInputError, "Invalid inputs for lucy-pro-t2v: prompt is missing"),
        ({"model": "lucy-pro-i2v", "prompt": "x", "data": "no.png"}, InvalidInputError, "data is not there"),
    ],
)
def test_a_request_that_would_be_refused_is_not_sent(options: Any, kind: Any, words: str) -> None:
    client, script = scripted(TAKEN)
    with pytest.raises(kind, match=words):
        run(client, lambda client: client.queue.submit(options))
    assert not script.asked


def test_a_form_without_a_file_is_multipart_too() -> None:
    client, script = scripted(TAKEN)
    run(client, lambda client: client.queue.submit(TEXT, orientation="portrait"))
    sent = script.parts()
    assert {name: part.content for name, part in sent.items()} == {"prompt": b"a cat", "orientation": b"portrait"}
    assert {part.filename for part in sent.values()} == {None}


def test_text_arrives_as_it_was_typed() -> None:
    prompt = 'Grüße, “quoted” & 100 % 猫 🐈\nsecond line; name="x"'
    client, script = scripted(TAKEN)
    run(client, lambda client: client.queue.submit(TEXT, prompt=prompt))
    assert script.parts()["prompt"].content.decode() == prompt


def test_files_booleans_and_an_empty_prompt_arrive(small_video: Path, small_image: Path) -> None:
    client, script = scripted(TAKEN)
    options = {"model": "lucy-2.5", "prompt": "", "data": small_video, "reference_image": small_image.read_bytes()}
    run(client, lambda client: client.queue.submit(options, enhance_prompt=False, self_anchor=True))
    sent = script.parts()
    assert set(sent) == {"prompt", "data", "reference_image", "enhance_prompt", "self_anchor"}
    assert (sent["prompt"].content, sent["prompt"].filename) == (b"", None)
    assert (sent["enhance_prompt"].content, sent["self_anchor"].content) == (b"false", b"true")
    assert (sent["data"].filename, sent["data"].media_type) == ("small.mp4", "video/mp4")
    assert sent["data"].content == small_video.read_bytes()
    assert (sent["reference_image"].filename, sent["reference_image"].media_type) == ("reference_image", "image/png")
    assert sent["reference_image"].content == small_image.read_bytes()


def test_a_trajectory_arrives_as_json(small_image: Path) -> None:
    client, script = scripted(TAKEN)
    options = {"model": "lucy-motion", "data": small_image, "trajectory": [(0, 0.5, 0.25), (24, 1, 0)]}
    run(client, lambda client: client.queue.submit(options))
    assert json.loads(script.parts()["trajectory"].content) == [
        {"frame": 0, "x": 0.5, "y": 0.25},
        {"frame": 24, "x": 1, "y": 0},
    ]


def test_a_file_whose_name_has_quotes_and_umlauts_arrives_under_one_name(small_image: Path, tmp_path: Path) -> None:
    path = tmp_path / 'gr"ün\n.png'
    path.write_bytes(small_image.read_bytes())
    client, script = scripted(TAKEN)
    run(client, lambda client: client.queue.submit({"model": "lucy-pro-i2v", "prompt": "x", "data": path}))
    assert set(script.parts()) == {"prompt", "data"}
    assert script.parts()["data"].content == small_image.read_bytes()


def test_a_model_of_the_callers_own_is_posted_to_its_own_path(small_video: Path) -> None:
    own = ModelDefinition(name="lucy-9", width=640, height=360, fps=24, url_path="/v9/make")
    client, script = scripted(TAKEN)
    run(client, lambda client: client.queue.submit(model=own, data=small_video, glow=1.5, on=True, seed=-3))
    assert script.asked[0].url.path == "/v9/make"
    sent = script.parts()
    assert sent["data"].content == small_video.read_bytes()
    assert {name: sent[name].content for name in ("glow", "on", "seed")} == {
        "glow": b"1.5",
        "on": b"true",
        "seed": b"-3",
    }


def test_a_submission_without_a_status_is_pending_and_a_number_is_an_id_too() -> None:
    client, _ = scripted({"job_id": 17})
    job = run(client, lambda client: client.queue.submit(TEXT))
    assert (job.job_id, job.status) == ("17", "pending")


def test_a_job_id_cannot_lead_elsewhere() -> None:
    client, script = scripted({"status": "pending"})
    run(client, lambda client: client.queue.status("a/../b?c#d"))
    assert script.asked[0].url.raw_path == b"/v1/jobs/a%2F..%2Fb%3Fc%23d"


def test_the_result_of_a_job_is_its_bytes_and_download_writes_them(tmp_path: Path) -> None:
    client, script = scripted(httpx.Response(200, content=b"video"))
    assert run(client, lambda client: client.queue.result("job_1")) == b"video"
    download = run(client, lambda client: client.queue.download("job_1", str(tmp_path / "a.mp4")))
    assert (download.path, download.size_bytes) == (tmp_path / "a.mp4", 5)
    assert download.sha256 == hashlib.sha256(b"video").hexdigest()
    assert (tmp_path / "a.mp4").read_bytes() == b"video"
    assert {asked.url.path for asked in script.asked} == {"/v1/jobs/job_1/content"}


def test_one_client_works_in_one_loop_after_another_and_after_it_was_closed() -> None:
    client, script = scripted(TAKEN)

    async def twice() -> None:
        await client.queue.submit(TEXT)
        await client.close()
        await client.close()
        await client.queue.submit(TEXT)

    asyncio.run(twice())
    asyncio.run(twice())
    asyncio.run(client.close())
    assert len(script.asked) == 4


def test_the_callers_transport_carries_url_inputs_without_the_key_and_stays_open(small_image: Path) -> None:
    class Transport(httpx.MockTransport):
        closed = 0

        async def aclose(self) -> None:
            self.closed += 1

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.method == "GET":
            return httpx.Response(200, content=small_image.read_bytes())
        return httpx.Response(200, json=TAKEN)

    asked: list[httpx.Request] = []
    transport = Transport(handler)
    client = DecartClient(KEY, transport=transport)
    options = {"model": "lucy-pro-i2v", "prompt": "x", "data": "https://pictures.test/a%20cat.png?size=2"}

    async def main() -> None:
        await client.queue.submit(options)
        assert not transport.closed, "other requests of this client may be under way on it"
        await client.close()

    asyncio.run(main())
    fetched, posted = asked
    assert str(fetched.url) == "https://pictures.test/a%20cat.png?size=2"
    assert KEY not in str(fetched.headers.raw)
    assert posted.headers["x-api-key"] == KEY
    assert b'filename="a cat.png"' in posted.content


@pytest.mark.parametrize(
    "timeout", ["x", "", 0, -1, math.nan, math.inf, True, [3], {"total": np.datetime64("2026-11-26")}], ids=repr
)
def test_what_is_no_time_to_wait_is_refused(timeout: Any) -> None:
    with pytest.raises(InvalidInputError, match="timeout must be seconds above 0"):
        DecartClient(KEY, timeout=timeout)


@pytest.mark.parametrize("name", ["connect", "read", "total"])
@pytest.mark.parametrize("value", ["x", None, 0, -1.0, math.nan, math.inf, False])
def test_no_part_of_a_timeout_is_anything_else(name: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"timeout must be seconds above 0.*{name} is "):
        Timeout(**{name: value})


def test_a_number_is_the_time_for_all_of_a_call() -> None:
    assert DecartClient(KEY, timeout=np.int64(30)).timeout == Timeout(total=30)
    assert DecartClient(KEY).timeout == Timeout()


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"patience": 5}, InvalidInputError),
        ({"patience": 0}, InvalidInputError),
        ({"integration": 5}, InvalidInputError),
        ({"api_key": 5}, InvalidAPIKeyError),
    ],
    ids=str,
)
def test_what_a_client_is_not_made_from(options: dict[str, Any], kind: type[DecartSDKError]) -> None:
    with pytest.raises(kind):
        DecartClient(**({"api_key": KEY} | options))


@pytest.mark.parametrize("options", ["a cat", ["model"], 5])
def test_a_job_that_is_no_dict_is_refused(options: Any) -> None:
    for call in ("submit", "submit_and_poll"):
        client, script = scripted(TAKEN)
        with pytest.raises(InvalidInputError, match="given as a dict"):
            run(client, lambda client, call=call: getattr(client.queue, call)(options))
        assert not script.asked
