"""Bodies of requests and answers, as they go over the wire: how much has left, and how much may come."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

#: Bytes that are handed on at once, both ways. More would not be faster, and each piece costs a call of the system.
PIECE = 2**17
#: More bytes than an answer about a job ever has.
_ENOUGH = 2**16
_PLAIN = ("", "identity")
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
#: What the codings that are understood are to zlib: a header of gzip or zlib, which it tells apart by itself.
_WINDOW_BITS = {"gzip": 47, "x-gzip": 47, "deflate": 47}
#: What is asked for, so that no server sends a coding that is not understood.
ACCEPT_ENCODING = "gzip, deflate"


class UploadBody(httpx.AsyncByteStream):
    """A request's body that knows whether all of it has been handed over. Of less, no server makes a job.

    Attributes:
        failure: what went wrong when it was read, such as a file that changed meanwhile.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.failure: Exception | None = None
        self._whole = self._closed = False

    def close(self) -> bool:
        """Lets no more of it out, and says whether all of it had gone."""
        self._closed = True
        return self._whole

    async def __aiter__(self) -> AsyncIterator[bytes]:
        gathered, last = b"", b""  # what comes in crumbs goes out in pieces
        async for chunk in self._read():
            if gathered and len(gathered) + len(last) > PIECE:
                yield gathered
                gathered = b""
            gathered, last = gathered + last, chunk
        if gathered:
            yield gathered
        if self._closed:
            raise ConnectionAbortedError("The request was answered before all of it had been sent.")
        self._whole = True  # not after the last chunk: whoever has that one need not come back for more
        yield last

    async def _read(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                yield chunk
        except Exception as failure:
            self.failure = failure
            raise


def iter_raw(response: httpx.Response) -> AsyncIterator[bytes]:
    """An answer's body as it comes, unpacked if it was packed once, in pieces of a bounded size.

    What is not compressed goes past httpx's decoders: they cost as much as reading. What is compressed does so too,
    since they unpack any number of layers before anybody can count the bytes.

    Raises:
        httpx.DecodingError: it was packed more than once, or in a way that is not known, or is damaged.
    """
    stream, coding = response.stream, _coding(response)
    assert isinstance(stream, httpx.AsyncByteStream)
    if coding in _PLAIN:
        return aiter(stream)
    if coding not in _WINDOW_BITS:
        raise httpx.DecodingError("it is compressed in a way that is not understood")
    return _unpacked(stream, coding)


def is_plain(response: httpx.Response) -> bool:
    """Whether an answer's body is not compressed, so that its bytes on the wire are those of the file."""
    return _coding(response) in _PLAIN


def announced_length(response: httpx.Response) -> int | None:
    """The size of the file that an answer brings, in bytes, if the answer says so beforehand."""
    length = response.headers.get("content-length", "")
    return int(length) if _LENGTH.fullmatch(length) and is_plain(response) else None


def _coding(response: httpx.Response) -> str:
    coding: str = response.headers.get("content-encoding", "")
    return coding.strip().lower()


async def read_head(response: httpx.Response) -> bytes:
    """An answer's body, or as much of it as tells what it is: whoever sends more than that is not the queue.

    Raises:
        httpx.DecodingError: as for :func:`iter_raw`.
    """
    body = bytearray()
    async for chunk in iter_raw(response):
        body += chunk
        if len(body) > _ENOUGH:
            break
    return bytes(body)


async def _unpacked(stream: httpx.AsyncByteStream, coding: str) -> AsyncIterator[bytes]:
    unpack = _Unpacker(coding)
    async for chunk in stream:
        for piece in unpack(chunk):
            yield piece
    if not unpack.is_whole:
        raise httpx.DecodingError("its compressed data break off")


class _Unpacker:
    """One layer of compression, taken off in pieces of a bounded size.

    Attributes:
        is_whole: whether the compressed data have come to an end.
    """

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._begun = False
        self._zlib = zlib.decompressobj(_WINDOW_BITS[coding])

    @property
    def is_whole(self) -> bool:
        return self._zlib.eof or not self._begun

    def __call__(self, chunk: bytes) -> Iterator[bytes]:
        more = bool(chunk)  # also of what has been taken in, something may not have come out yet
        while more:
            try:
                piece = self._zlib.decompress(chunk, PIECE)
            except zlib.error:
                if self._begun or self._coding != "deflate":
                    raise httpx.DecodingError("its compressed data are damaged") from None
                self._zlib, self._begun = zlib.decompressobj(-zlib.MAX_WBITS), True  # some servers leave the header out
                continue
            self._begun = True
            chunk = self._zlib.unconsumed_tail
            if self._zlib.eof and self._zlib.unused_data:  # another member
                chunk = self._zlib.unused_data
                self._zlib = zlib.decompressobj(_WINDOW_BITS[self._coding])
            more = bool(chunk) or len(piece) == PIECE
            if piece:
                yield piece
