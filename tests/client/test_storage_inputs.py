"""Inputs at fsspec addresses in the client: the caller's event loop goes on while they are downloaded."""

from __future__ import annotations

import asyncio

import pytest

import decart_nb as dnb
from tests.odd_file_system import odd_address


def test_the_event_loop_goes_on_while_an_input_is_downloaded() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    async def submit() -> None:
        ticking = asyncio.create_task(tick())
        async with dnb.DecartClient("key", "http://127.0.0.1:9") as client:
            await client.queue.submit({"model": "lucy-2.5", "prompt": "a", "data": f"{odd_address()}/late"})
        ticking.cancel()

    with pytest.raises(dnb.InvalidInputError, match=r"data cannot be fetched from oci://bucket/late \(too late\)"):
        asyncio.run(submit())
    assert ticks > 5
