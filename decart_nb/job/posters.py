"""Posters of stored videos: small WebP pictures, made once: in the background, on first need, or many at a time."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .. import media
from .._util.work_units import run_units
from ..errors import DecartSDKError, MediaError
from ..store.store import Store

if TYPE_CHECKING:
    from distributed import Client

#: A poster takes 10 to 40 ms of CPU. The background thread makes none until so many seconds after the last new video,
#: so that a sweep whose videos come faster is not slowed down.
_QUIET = 0.5
#: The most videos that wait for the background thread. The posters of others are made on first need.
_MAX_WAITING = 10_000
#: Seconds that the end of the process, and a fork, wait for the posters that are being made.
_TIMEOUT = 2.0
_NICENESS = 10
_MAX_FAILURES = 10_000


class _Failures:
    """The videos that could not be decoded, by path, size and time of change, so that they are not decoded again."""

    def __init__(self) -> None:
        self._reasons: dict[tuple[str, int, int], str] = {}

    @staticmethod
    def key(video: Path) -> tuple[str, int, int] | None:
        with contextlib.suppress(OSError, ValueError):
            found = video.stat()
            return str(video), found.st_size, found.st_mtime_ns
        return None

    def check(self, video: Path) -> None:
        if (key := self.key(video)) in self._reasons and key is not None:
            raise MediaError(self._reasons[key])

    def add(self, video: Path, error: MediaError) -> None:
        if not isinstance(error.cause, OSError) and (key := self.key(video)):
            if len(self._reasons) >= _MAX_FAILURES:
                self._reasons.clear()
            self._reasons[key] = error.message


class _Maker:
    """One thread with low priority that makes posters one after the other, and ends when none is left."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Store, str, Path]] = deque(maxlen=_MAX_WAITING)
        self._last = 0.0
        self._thread: threading.Thread | None = None
        self._is_stopped = False

    def add(self, store: Store, sha256: str, video: Path) -> None:
        with self._changed:
            if self._is_stopped:
                return
            self._waiting.append((store, sha256, video))
            self._last = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="decart_nb posters", daemon=True)
                try:
                    self._thread.start()
                except RuntimeError:  # no thread can be had; the next video tries again
                    self._thread = None

    def stop(self) -> None:
        """Make no more, and wait for the one that is being made: FFmpeg must not run while the interpreter ends."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(_TIMEOUT)

    def _run(self) -> None:
        if sys.platform == "linux":  # where a thread has a priority of its own
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        while (job := self._next()) is not None:
            with contextlib.suppress(Exception):  # whoever needs the poster is told
                poster_of(*job)

    def _next(self) -> tuple[Store, str, Path] | None:
        with self._changed:
            while self._waiting and not self._is_stopped:
                pause = self._last + _QUIET - time.monotonic()
                if pause <= 0:
                    return self._waiting.popleft()
                self._changed.wait(pause)
            self._thread = None
            return None


_failures = _Failures()
_maker = _Maker()
#: One is held while a poster is made, so that two threads do not make the same one at once.
_locks = [threading.Lock() for _ in range(16)]
#: Those that each forking thread holds.
_held: dict[int, list[threading.Lock]] = {}


def poster_of(store: Store | None, sha256: str, video: Path) -> bytes:
    """The poster of a video as WebP, at most 320 pixels wide: the stored one, or a new one, which is stored.

    Args:
        store: where it is stored; without one, it is made each time.
        sha256: the digest of the video. With another text, the poster is not stored.
        video: the file, from which the poster is made.

    Raises:
        MediaError: there is no poster yet, and the video cannot be decoded.
    """
    if content := _stored(store, sha256):
        return content
    with _locks[hash(sha256 or video) % len(_locks)]:
        if content := _stored(store, sha256):
            return content
        _failures.check(video)
        try:
            content = media.thumbnail(video)
        except MediaError as error:
            _failures.add(video, error)
            raise
        _keep(store, sha256, content)
        return content


def posters_of(
    store: Store | None, videos: Mapping[str, Path], *, client: Client | None = None
) -> Generator[tuple[str, bytes | Exception]]:
    """The posters of many videos, as they are there: the stored ones first, then new ones, which are stored.

    Args:
        store: where they are stored, by this process alone; without one, they are made each time.
        videos: the files, by the digests of the videos. With another text, the poster is not stored.
        client: of a Dask cluster, whose workers make them; without one, the cores of this machine do.

    Returns:
        The digest, or the other text, with the poster as :func:`poster_of` makes it, or the error that prevents it.
    """
    missing: dict[str, tuple[str, Path]] = {}
    for sha256, video in videos.items():
        try:
            if content := _stored(store, sha256):
                yield sha256, content
                continue
            _failures.check(video)
            missing[sha256] = (sha256, video)
        except MediaError as error:
            yield sha256, error
    for sha256, made in run_units(_made, missing, client=client):
        if isinstance(made, bytes):
            _keep(store, sha256, made)
        elif isinstance(made, MediaError):
            _failures.add(videos[sha256], made)
        yield sha256, made


def _made(sha256: str, video: Path) -> bytes:
    with _locks[hash(sha256) % len(_locks)]:
        return media.thumbnail(video)


def _keep(store: Store | None, sha256: str, content: bytes) -> None:
    if store is not None:
        with contextlib.suppress(OSError, DecartSDKError):  # the store cannot be written, or the digest is none
            store.files.keep_poster(sha256, content, staging=store.staging)


def make_later(store: Store, sha256: str, video: Path) -> None:
    """Make the poster of a video in the background, unless it is there. What the process does not get to is left."""
    _register()
    _maker.add(store, sha256, video)


def _stored(store: Store | None, sha256: str) -> bytes | None:
    """The stored poster, if it is whole."""
    path = store.files.poster(sha256) if store else None
    if path is not None:
        with contextlib.suppress(OSError):
            content = path.read_bytes()
            length = 8 + int.from_bytes(content[4:8], "little")
            if (content[:4], content[8:12]) == (b"RIFF", b"WEBP") and len(content) == length:
                return content
    return None


@functools.cache
def _register() -> None:
    atexit.register(_stop)


def _stop() -> None:
    _maker.stop()


def _before_fork() -> None:
    """Wait for the posters that are being made: what a decoder or an import has locked, no fork could release."""
    until = time.monotonic() + _TIMEOUT
    held = _held.setdefault(threading.get_ident(), [])
    held.extend(lock for lock in _locks if lock.acquire(timeout=max(0.0, until - time.monotonic())))


def _after_fork_in_parent() -> None:
    for lock in _held.pop(threading.get_ident(), []):
        lock.release()


def _after_fork_in_child() -> None:
    """Make new locks and a new maker in a forked process: the threads of its parent do not exist there."""
    global _maker, _locks
    _maker, _locks = _Maker(), [threading.Lock() for _ in _locks]
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
