"""Random responses: a call returns a result or raises an error of our own family, in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
from hypothesis import given, settings, strategies as st

from decart_nb import DecartClient, DecartSDKError
from decart_nb.client.retry import Patience

PATIENCE = Patience(submission=0.02, download=0.02, lag=0.01, first=0.002, longest=0.004)
NUMBERS = st.integers(-2, 30).map(str)
GARBAGE = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=12)
HEADERS = {
    "Content-Length": NUMBERS | GARBAGE,
    "Content-Type": st.sampled_from(["video/mp4", "application/json", "text/html", ""]) | GARBAGE,
    "Content-Encoding": st.sampled_from(["gzip", "identity", "deflate"]) | GARBAGE,
    "Content-Range": st.builds("bytes {}-{}/{}".format, NUMBERS, NUMBERS, NUMBERS | st.just("*")) | GARBAGE,
    "Retry-After": st.floats().map(str)
    | NUMBERS
    | st.datetimes().map("{:%a, %d %b %Y %H:%M:%S} +2359".format)
    | GARBAGE,
    "ETag": st.sampled_from(['"a"', '"b"', 'W/"a"']) | GARBAGE,
    "Last-Modified": GARBAGE,
    "Location": GARBAGE,
}
JSON = st.dictionaries(
    st.sampled_from(["job_id", "status", "error", "detail"]),
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
)
STATUS = st.sampled_from([200, 200, 200, 206, 206, 416]) | st.integers(200, 599)


class Body(httpx.AsyncByteStream):
    """Some bytes, and perhaps an end before the end."""

    def __init__(self, chunks: list[bytes], broken: bool) -> None:
        self._chunks, self._broken = chunks, broken

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
        if self._broken:
            raise httpx.ReadError("reset")


@st.composite
def answers(draw: st.DrawFn) -> dict[str, Any] | Exception:
    """What an answer is made from, or what comes in place of one."""
    if draw(st.integers(0, 9)) == 0:
        kind = draw(
            st.sampled_from([httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError])
        )
        return kind("no")
    headers = draw(st.fixed_dictionaries({}, optional=HEADERS))
    raw = [(name.encode(), value.strip().encode("latin-1")) for name, value in headers.items()]
    if draw(st.booleans()):
        chunks = [httpx.Response(200, json=draw(JSON)).content]
    else:
        chunks = draw(st.lists(st.binary(min_size=1, max_size=12), max_size=3))
    return {"status_code": draw(STATUS), "headers": raw, "stream": Body(chunks, draw(st.booleans()))}


@settings(deadline=None, max_examples=150)
@given(script=st.lists(answers(), min_size=1, max_size=6), call=st.sampled_from(["submit", "status", "result", "late"]))
def test_whatever_a_server_answers_is_a_result_or_our_own_error(script: list[Any], call: str) -> None:
    left = list(script)

    def handler(request: httpx.Request) -> httpx.Response:
        # When nothing is left, nobody answers any more.
        now = left.pop(0) if left else httpx.ConnectError("gone")
        if isinstance(now, Exception):
            raise now
        return httpx.Response(**now)

    async def main() -> object:
        async with DecartClient("dct_x", patience=PATIENCE, transport=httpx.MockTransport(handler)) as client:
            queue = client.queue
            calls = {
                "submit": lambda: queue.submit(model="lucy-pro-t2v", prompt="x"),
                "status": lambda: queue.status("job_1"),
                "result": lambda: queue.result("job_1"),
                "late": lambda: queue.result("job_1", completed=True),
            }
            async with asyncio.timeout(5):
                return await calls[call]()

    try:
        got = asyncio.run(main())
    except DecartSDKError:
        return
    assert got
