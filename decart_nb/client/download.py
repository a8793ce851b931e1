"""How a finished video comes over the wire: in as many pieces as it takes, until it is whole.

What has come is kept when a transfer breaks off, and the rest is asked for by range. A server that answers with the
whole instead is taken at its word, and so is one that says the video has changed: then it begins anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from .._util.disk_space import DiskSpace
from .._util.files import partial_file
from ..errors import DecartSDKError, MediaError, QueueResultError
from .bodies import announced_length, is_plain, iter_raw
from .responses import CONTENT, is_transient, something_else, unreadable
from .retry import OnRetry, Patience, RetryState
from .transport import Transport

#: The most bytes of a video whose length the server does not announce.
MAX_BYTES = 4 * 2**30
_PAGES = ("text/", "application/json")
_LAGGING = (404, 409, 410)
_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", re.ASCII)


@dataclass(frozen=True)
class Download:
    """A finished video that has been written to a file.

    Attributes:
        path: the file.
        size_bytes: of the file.
        sha256: of the file, in hex.
    """

    path: Path
    size_bytes: int
    sha256: str


class _Unwritable(DecartSDKError):
    """A piece of a video cannot be written, for a ``reason`` that is none of the wire."""

    def __init__(self, reason: OSError) -> None:
        super().__init__("The video cannot be written.")
        self.reason = reason


class ResumableDownload:
    """What has come of a video: written to a stream, and hashed on the way.

    Args:
        max_bytes: the most that may come where no length is announced.
        folder: where the stream's file lies, if it has one.

    Attributes:
        stream: where it is.
        size: in bytes.
        refused: the SHA-256 of what came whole and was no video.
    """

    def __init__(self, stream: BinaryIO, *, max_bytes: int, folder: Path | None) -> None:
        self.stream = stream
        self._max_bytes = max_bytes
        self._folder = folder
        self.refused: str | None = None
        self.size = self._most = 0
        self.restart()

    @property
    def sha256(self) -> str:
        """Of what has come, in hex."""
        return self._digest.hexdigest()

    def restart(self) -> None:
        """Throws away what has come."""
        if self.size:
            self.stream.seek(0)
            self.stream.truncate()
            self.size = 0
        self._total: int | None = None
        self._digest = hashlib.sha256()
        self._tag: str | None = None
        self._resumable = False

    def wanted(self) -> dict[str, str]:
        """The headers that ask for the rest."""
        headers = {"Accept-Encoding": "identity"}  # a range of what is compressed on the way is nobody's range
        if self.size and self._resumable:
            headers["Range"] = f"bytes={self.size}-"
            if self._tag:
                headers["If-Range"] = self._tag
        return headers

    def begin(self, response: httpx.Response) -> None:
        """Gets ready for an answer's body: it goes on where the last one broke off, or it is a new beginning."""
        plain = is_plain(response)
        if response.status_code == 206:
            place = _RANGE.fullmatch(response.headers.get("content-range", ""))
            total = int(place[2]) if place and place[2] != "*" else None
            if (
                not (place and plain and self.size and int(place[1]) == self.size)
                or (total is not None and self._total is not None and total != self._total)
                or (self._tag and _tag(response) not in (None, self._tag))
            ):
                self.restart()
                raise _broken(response, "the server sent another part than the one that was missing")
            self._total = self._total if total is None else total
        else:
            self.restart()
            self._total = announced_length(response)
            self._tag = _tag(response)
            self._resumable = plain
        self._space = DiskSpace(self._folder) if self._folder else None
        if self._space and self._total is not None:
            with _writing():
                self._space.expect(self._total - self.size)

    def write(self, chunk: bytes) -> bool:
        """Takes the next bytes, and says whether there is more now than there has ever been.

        Raises:
            QueueResultError: there are more than there may be.
            _Unwritable: the disk takes no more, or would have too little space left.
        """
        if self.size + len(chunk) > (self._max_bytes if self._total is None else self._total):
            raise self._too_large()
        with _writing():
            if self._space:
                self._space.add(len(chunk))
            self.stream.write(chunk)
        self._digest.update(chunk)
        self.size += len(chunk)
        got_on, self._most = self.size > self._most, max(self.size, self._most)
        return got_on

    def _too_large(self) -> QueueResultError:
        data = {"status": 200, "sent": True}
        if self._total is None:
            what = f"the server announced no length, and sends more than {self._max_bytes / 2**20:,.0f} MiB"
            return QueueResultError(f"Failed to {CONTENT}: {what}.", data)
        what = f"the server sends more than the {self._total:,} bytes that it announced"
        self.restart()
        return QueueResultError(f"Failed to {CONTENT}: {what}.", data | {"readable": False, "problem": what})

    def end(self, response: httpx.Response) -> None:
        """Makes sure that an answer that has ended has brought everything.

        Raises:
            QueueResultError: it has not.
        """
        came, total = self.size, self._total
        if not came:
            raise _broken(response, "the video is empty")
        if total is not None and came != total:
            raise _broken(response, f"the video broke off after {came} of {total} bytes")


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as cause:
        raise _Unwritable(cause) from None


async def receive(
    transport: Transport,
    patience: Patience,
    path: str,
    stream: BinaryIO,
    *,
    completed: bool = False,
    check: Callable[[], object] | None = None,
    max_bytes: int = MAX_BYTES,
    folder: Path | None = None,
    on_retry: OnRetry | None = None,
) -> ResumableDownload:
    """Fetches a finished video into a stream, as often and for as long as the client has patience.

    Args:
        transport: how the queue is reached.
        patience: retry limits and back-off.
        path: where the video is.
        stream: where it goes, from its beginning.
        completed: whether the queue has said that the job is completed.
        check: called on a thread when the video is whole; a :class:`MediaError` says that it is none.
        max_bytes: the most that may come where no length is announced.
        folder: where the stream's file lies, whose disk is not filled.
        on_retry: as for :class:`decart_nb.client.retry.RetryState`.

    Raises:
        QueueResultError: it did not come whole, or never will.
        OSError: it cannot be written.
    """
    state = RetryState(patience, on_retry)
    received = ResumableDownload(stream, max_bytes=max_bytes, folder=folder)

    async def attempt() -> ResumableDownload:
        async with transport.limit("download"):
            await _attempt(transport, path, received, state)
        if check:
            await _check(received, check)
        return received

    def limit(error: DecartSDKError) -> float | None:
        if not isinstance(error, QueueResultError):
            return None
        status = error.data.get("status")
        if status == 416 and received.size:  # the server's video is shorter than what was received
            received.restart()
        elif status in _LAGGING and completed:
            return patience.lag
        elif not is_transient(error, math.inf):
            return None
        return patience.download

    try:
        return await state.run(attempt, limit)
    except _Unwritable as error:
        raise error.reason from None


async def _attempt(transport: Transport, path: str, received: ResumableDownload, state: RetryState) -> None:
    async with transport.call(QueueResultError, CONTENT, "GET", path, headers=received.wanted()) as response:
        try:
            chunks = iter_raw(response)
            first = await anext(chunks, b"")
            # A page in between, which says that it is one or looks like one; no video begins like that.
            if response.headers.get("content-type", "").lower().startswith(_PAGES) or (
                response.status_code != 206 and first.lstrip()[:1] in (b"<", b"{")
            ):
                raise unreadable(QueueResultError, CONTENT, response, something_else(response, first))
            received.begin(response)
            if received.write(first):
                state.reset()
            async for chunk in chunks:
                if received.write(chunk):
                    state.reset()
        except httpx.DecodingError as cause:
            raise unreadable(QueueResultError, CONTENT, response, str(cause)) from None
        received.end(response)


async def _check(received: ResumableDownload, check: Callable[[], object]) -> None:
    received.stream.flush()
    try:
        await asyncio.to_thread(check)
    except MediaError as cause:
        # Where the same bytes come twice they are the service's own, and will not get any better.
        data = {"status": 200, "sent": True, "readable": received.sha256 == received.refused}
        received.refused = received.sha256
        received.restart()
        raise QueueResultError(f"Failed to {CONTENT}: what came is no video: {cause.message}", data, cause) from None


async def download(
    transport: Transport,
    patience: Patience,
    path: str,
    target: Path,
    *,
    completed: bool = False,
    check: Callable[[Path], object] | None = None,
    max_bytes: int = MAX_BYTES,
    on_retry: OnRetry | None = None,
) -> Download:
    """Fetches a finished video into a file, which has its name only when it is whole and on the disk.

    Args:
        transport, patience, path, completed, max_bytes, on_retry: as for :func:`receive`.
        target: the file.
        check: as for :func:`receive`; it is given the temporary file.

    Raises:
        QueueResultError: as for :func:`receive`.
        OSError: the file cannot be written.
    """
    with partial_file(target) as partial:

        def commit() -> None:
            if check:
                check(partial.path)
            partial.commit()

        received = await receive(
            transport,
            patience,
            path,
            partial.stream,
            completed=completed,
            check=commit,
            max_bytes=max_bytes,
            folder=target.parent,
            on_retry=on_retry,
        )
    return Download(target, received.size, received.sha256)


def _tag(response: httpx.Response) -> str | None:
    """What tells this version of the video from another, if the server says it in a way that ranges may rely on."""
    tag: str = response.headers.get("etag", "W/")
    if tag.startswith("W/"):
        tag = response.headers.get("last-modified", "")
    return tag if tag and tag.isascii() and tag.isprintable() else None  # it is sent back, in a header


def _broken(response: httpx.Response, what: str) -> QueueResultError:
    data = {"status": response.status_code, "sent": True, "readable": False, "problem": what}
    return QueueResultError(f"Failed to {CONTENT}: {response.status_code} - {what}.", data)
