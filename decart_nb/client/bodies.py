"""Streams request and response bodies: tracks whether an upload was sent whole, and decompresses within bounds."""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

#: Chunk size in bytes, both ways. Larger chunks would not be faster, and each costs a system call.
CHUNK_SIZE = 2**17
#: The most bytes that are read of a response that is not a video.
_MAX_HEAD = 2**16
_PLAIN = ("", "identity")
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
#: The supported content codings, and zlib's window bits for them: 47 detects a gzip or a zlib header.
_CODINGS, _WINDOW_BITS = ("gzip", "x-gzip", "deflate"), 47
#: Sent with every request, so that no server uses a coding that is not supported.
ACCEPT_ENCODING = "gzip, deflate"


class UploadBody(httpx.AsyncByteStream):
    """A request body that knows whether all of it was sent. No server creates a job from less.

    Attributes:
        failure: the exception from reading the body, such as a file that changed meanwhile.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.failure: Exception | None = None
        self._sent = self._closed = False

    def close(self) -> bool:
        """Send no more of it, and return whether all of it was sent."""
        self._closed = True
        return self._sent

    async def __aiter__(self) -> AsyncIterator[bytes]:
        gathered, last = b"", b""  # small chunks are sent together
        async for chunk in self._read():
            if gathered and len(gathered) + len(last) > CHUNK_SIZE:
                yield gathered
                gathered = b""
            gathered, last = gathered + last, chunk
        if gathered:
            yield gathered
        if self._closed:
            raise ConnectionAbortedError("The request was answered before all of it had been sent.")
        self._sent = True  # before the last chunk: its receiver need not ask for another
        yield last

    async def _read(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                yield chunk
        except Exception as failure:
            self.failure = failure
            raise


def iter_raw(response: httpx.Response) -> AsyncIterator[bytes]:
    """Iterate over a response's body in bounded chunks, decompressed if it has one content coding.

    httpx's decoders are not used: for plain bodies they cost as much as reading, and for compressed ones they undo any
    number of layers before the bytes can be counted.

    Raises:
        httpx.DecodingError: it has several codings or an unsupported one, or is damaged.
    """
    stream, coding = response.stream, _coding(response)
    assert isinstance(stream, httpx.AsyncByteStream)
    if coding in _PLAIN:
        return aiter(stream)
    if coding not in _CODINGS:
        raise httpx.DecodingError("it is compressed in a way that is not understood")
    return _decompressed(stream, coding)


def is_plain(response: httpx.Response) -> bool:
    """Whether a response's body has no content coding, so that its bytes are those of the file."""
    return _coding(response) in _PLAIN


def announced_length(response: httpx.Response) -> int | None:
    """The Content-Length of a response in bytes, if it is valid and the body has no content coding."""
    length = response.headers.get("content-length", "")
    return int(length) if _LENGTH.fullmatch(length) and is_plain(response) else None


def _coding(response: httpx.Response) -> str:
    coding: str = response.headers.get("content-encoding", "")
    return coding.strip().lower()


async def read_head(response: httpx.Response) -> bytes:
    """Read a response's body, up to a limit that the queue's JSON answers never reach.

    Raises:
        httpx.DecodingError: as for :func:`iter_raw`.
    """
    body = bytearray()
    async for chunk in iter_raw(response):
        body += chunk
        if len(body) > _MAX_HEAD:
            break
    return bytes(body)


async def _decompressed(stream: httpx.AsyncByteStream, coding: str) -> AsyncIterator[bytes]:
    decompress = _Decompressor(coding)
    async for chunk in stream:
        for piece in decompress(chunk):
            yield piece
    if not decompress.is_whole:
        raise httpx.DecodingError("its compressed data break off")


class _Decompressor:
    """A streaming decompressor of one content coding, with bounded chunks.

    Attributes:
        is_whole: whether the compressed data are complete.
    """

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._started = False
        self._zlib = zlib.decompressobj(_WINDOW_BITS)

    @property
    def is_whole(self) -> bool:
        return self._zlib.eof or not self._started

    def __call__(self, chunk: bytes) -> Iterator[bytes]:
        more = bool(chunk)  # zlib may hold back output of earlier input
        while more:
            try:
                piece = self._zlib.decompress(chunk, CHUNK_SIZE)
            except zlib.error:
                if self._started or self._coding != "deflate":
                    raise httpx.DecodingError("its compressed data are damaged") from None
                self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)  # some servers leave the header out
                self._started = True
                continue
            self._started = True
            chunk = self._zlib.unconsumed_tail
            if self._zlib.eof and self._zlib.unused_data:  # another member
                chunk = self._zlib.unused_data
                self._zlib = zlib.decompressobj(_WINDOW_BITS)
            more = bool(chunk) or len(piece) == CHUNK_SIZE
            if piece:
                yield piece
