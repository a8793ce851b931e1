"""Downloads finished videos, and resumes broken transfers with range requests.

If the server ignores Range, or its ETag changed, the download restarts from byte 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
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
from .responses import CONTENT, describe_body, is_transient, unreadable_response_error
from .retry import OnRetry, Patience, RetryState
from .transport import Transport

#: The size limit of a video whose length the server does not announce.
MAX_BYTES = 4 * 2**30
_PAGES = ("text/", "application/json")
_LAGGING = (404, 409, 410)
_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)", re.ASCII)


@dataclass(frozen=True)
class Download:
    """A finished video in a file.

    Attributes:
        path: the file.
        size_bytes: of the file.
        sha256: of the file, in hex.
    """

    path: Path
    size_bytes: int
    sha256: str


class _Unwritable(DecartSDKError):
    """A chunk of a video cannot be written to the disk; ``reason`` is the exception."""

    def __init__(self, reason: OSError) -> None:
        super().__init__("The video cannot be written.")
        self.reason = reason


class ResumableDownload:
    """A partly received video: written to a stream and hashed, and continued by range requests.

    Args:
        stream: an empty, seekable stream.
        max_bytes: the size limit where no length is announced.
        folder: of the stream's file, if it has one; some space is left free on its disk.

    Attributes:
        stream: holds the bytes received so far.
        size: the number of bytes received so far.
        rejected_sha256: the digest of the last complete download that was not a video.
    """

    def __init__(self, stream: BinaryIO, *, max_bytes: int, folder: Path | None) -> None:
        self.stream = stream
        self._max_bytes = max_bytes
        self._folder = folder
        self.rejected_sha256: str | None = None
        self.size = self._most = 0
        self.restart()

    @property
    def sha256(self) -> str:
        """The digest of the bytes received so far, in hex."""
        return self._digest.hexdigest()

    def restart(self) -> None:
        """Discard the bytes received so far."""
        if self.size:
            self.stream.seek(0)
            self.stream.truncate()
            self.size = 0
        self._total: int | None = None
        self._digest = hashlib.sha256()
        self._validator: str | None = None
        self._resumable = False

    def request_headers(self) -> dict[str, str]:
        """The request headers that ask for the missing bytes."""
        headers = {"Accept-Encoding": "identity"}  # a range of a compressed body is not a range of the file
        if self.size and self._resumable:
            headers["Range"] = f"bytes={self.size}-"
            if self._validator:
                headers["If-Range"] = self._validator
        return headers

    def begin(self, response: httpx.Response) -> None:
        """Prepare for a response's body: it continues the last one, or starts from byte 0."""
        plain = is_plain(response)
        if response.status_code == 206:
            place = _RANGE.fullmatch(response.headers.get("content-range", ""))
            total = int(place[2]) if place and place[2] != "*" else None
            if (
                not (place and plain and self.size and int(place[1]) == self.size)
                or (total is not None and self._total is not None and total != self._total)
                or (self._validator and _validator(response) not in (None, self._validator))
            ):
                self.restart()
                raise _broken(response, "the server sent another part than the one that was missing")
            self._total = self._total if total is None else total
        else:
            self.restart()
            self._total = announced_length(response)
            self._validator = _validator(response)
            self._resumable = plain
        self._space = DiskSpace(self._folder) if self._folder else None
        if self._space and self._total is not None:
            with _writing():
                self._space.require(self._total - self.size)

    def write(self, chunk: bytes) -> bool:
        """Write the next bytes, and return whether that is progress: more bytes than were ever received before.

        Raises:
            QueueResultError: they exceed the announced length or the size limit.
            _Unwritable: the disk is full, or would have too little space left.
        """
        if self.size + len(chunk) > (self._max_bytes if self._total is None else self._total):
            raise self._too_large()
        with _writing():
            if self._space:
                self._space.add(len(chunk))
            self.stream.write(chunk)
        self._digest.update(chunk)
        self.size += len(chunk)
        is_progress, self._most = self.size > self._most, max(self.size, self._most)
        return is_progress

    def _too_large(self) -> QueueResultError:
        data = {"status": 200, "sent": True}
        if self._total is None:
            what = f"the server announced no length, and sends more than {self._max_bytes / 2**20:,.0f} MiB"
            return QueueResultError(f"Failed to {CONTENT}: {what}.", data)
        what = f"the server sends more than the {self._total:,} bytes that it announced"
        self.restart()
        return QueueResultError(f"Failed to {CONTENT}: {what}.", data | {"readable": False, "problem": what})

    def end(self, response: httpx.Response) -> None:
        """Check that a body that has ended is complete.

        Raises:
            QueueResultError: it is not.
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
    """Download a finished video into a stream, with retries.

    Args:
        transport: how the queue is reached.
        patience: retry limits and back-off.
        path: of the video, relative to the base URL.
        stream: an empty, seekable stream.
        completed: whether the queue has said that the job is completed.
        check: called on a thread when the video is complete; a :class:`MediaError` says that it is not a video.
        max_bytes: the size limit where no length is announced.
        folder: of the stream's file, on whose disk some space is left free.
        on_retry: as for :class:`decart_nb.client.retry.RetryState`.

    Raises:
        QueueResultError: the download failed permanently, or its time limit has passed.
        OSError: the stream cannot be written.
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
        elif not is_transient(error):
            return None
        return patience.download

    try:
        return await state.run(attempt, limit)
    except _Unwritable as error:
        raise error.reason from None


async def _attempt(transport: Transport, path: str, received: ResumableDownload, state: RetryState) -> None:
    async with transport.call(QueueResultError, CONTENT, "GET", path, headers=received.request_headers()) as response:
        try:
            chunks = iter_raw(response)
            first = await anext(chunks, b"")
            # A page or JSON in place of the video, by its content type or its first byte.
            if response.headers.get("content-type", "").lower().startswith(_PAGES) or (
                response.status_code != 206 and first.lstrip()[:1] in (b"<", b"{")
            ):
                raise unreadable_response_error(QueueResultError, CONTENT, response, describe_body(response, first))
            received.begin(response)
            if received.write(first):
                state.reset()
            async for chunk in chunks:
                if received.write(chunk):
                    state.reset()
        except httpx.DecodingError as cause:
            raise unreadable_response_error(QueueResultError, CONTENT, response, str(cause)) from None
        received.end(response)


async def _check(received: ResumableDownload, check: Callable[[], object]) -> None:
    received.stream.flush()
    try:
        await asyncio.to_thread(check)
    except MediaError as cause:
        # The same bytes twice are the service's own: another download would not help.
        data = {"status": 200, "sent": True, "readable": received.sha256 == received.rejected_sha256}
        received.rejected_sha256 = received.sha256
        received.restart()
        raise QueueResultError(f"Failed to {CONTENT}: the file is not a video: {cause.message}", data, cause) from None


async def download(
    transport: Transport,
    patience: Patience,
    path: str,
    target: Path,
    *,
    completed: bool = False,
    check: Callable[[Path], object] | None = None,
    max_bytes: int = MAX_BYTES,
    temporary: bool = False,
    on_retry: OnRetry | None = None,
) -> Download:
    """Download a finished video to a file, which appears only when it is complete and synced.

    Args:
        transport, patience, path, completed, max_bytes, on_retry: as for :func:`receive`.
        target: the file.
        temporary: whether the file need not be found there after a crash: its content is synced, and its name is not.
        check: as for :func:`receive`; it is given the temporary file.

    Raises:
        QueueResultError: as for :func:`receive`.
        OSError: the file cannot be written.
    """
    with partial_file(target) as partial:

        def commit() -> None:
            if check:
                check(partial.path)
            partial.commit(fsync_name=not temporary)

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


def _validator(response: httpx.Response) -> str | None:
    """The validator for If-Range: a strong ETag, else Last-Modified, else ``None``."""
    tag: str = response.headers.get("etag", "W/")
    if tag.startswith("W/"):
        tag = response.headers.get("last-modified", "")
    return tag if tag and tag.isascii() and tag.isprintable() else None  # it is sent back, in a header


def _broken(response: httpx.Response, what: str) -> QueueResultError:
    data = {"status": response.status_code, "sent": True, "readable": False, "problem": what}
    return QueueResultError(f"Failed to {CONTENT}: {response.status_code} - {what}.", data)
