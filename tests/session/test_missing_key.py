"""A client without a key says how to reach the queue of the open session."""

from __future__ import annotations

import asyncio
import re

import pytest

import decart_nb as dnb
from decart_nb import DecartClient
from decart_nb.local.queue import LocalQueue


def _told() -> str:
    with pytest.raises(dnb.InvalidAPIKeyError) as caught:
        DecartClient()
    return caught.value.message


def test_what_it_says_reaches_the_open_local_queue() -> None:
    dnb.connect("local")
    message = _told()
    (call,) = re.findall(r"DecartClient\([^)]*\)", message)
    (origin,) = re.findall(r'with session = (decart_nb\.connect\("local"\))\.', message)
    session = eval(origin, {"decart_nb": dnb})

    async def main() -> str:
        async with eval(call, {"DecartClient": DecartClient, "session": session}) as client:
            job = await client.queue.submit({"model": dnb.models["lucy-pro-t2v"], "prompt": "x", "resolution": "480p"})
            return job.status

    assert asyncio.run(main()) == "pending"
    assert session.api_key not in message


def test_with_a_live_session_it_names_that_and_not_its_key(
    canned_queue: LocalQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DECART_BACKEND")
    session = dnb.connect("live", api_key=canned_queue.api_key, base_url=canned_queue.base_url)
    message = _told()
    assert "with session = what connect has returned" in message
    assert session.api_key not in message
    with pytest.raises(dnb.InvalidAPIKeyError) as caught:
        dnb.connect("live")  # of which another session's queue is no replacement
    assert "session" not in caught.value.message


def test_without_a_session_it_names_both_queues() -> None:
    message = _told()
    assert "DECART_API_KEY" in message
    assert 'decart_nb.connect("local") makes previews' in message
