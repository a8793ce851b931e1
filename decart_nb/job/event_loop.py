"""The event loop on which all jobs run, in one daemon thread that all sessions share."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import os
import threading
import weakref
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from ..store.store import Store

_T = TypeVar("_T")
_Work = tuple[Callable[[], Any], "asyncio.Future[Any]"]

_THREAD = "decart_nb jobs"
#: Seconds for which a write that is in no hurry waits for others.
_GATHER = 0.02
_turn = threading.RLock()  # the collector may come while it is held, and close a client


def background() -> asyncio.AbstractEventLoop:
    """The event loop on which all jobs run. A kernel's own loop may be busy, or patched; this one is neither."""
    with _turn:
        return _started()


@functools.cache
def _started() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_reset_after_fork)
    threading.Thread(target=loop.run_forever, name=_THREAD, daemon=True).start()
    return loop


def _reset_after_fork() -> None:
    """Drop the loop and the lock in a forked process: the threads of its parent do not exist there."""
    global _turn
    _turn = threading.RLock()
    _started.cache_clear()


def in_background() -> bool:
    """Whether the current thread is the background loop's."""
    return threading.current_thread().name == _THREAD


def start(work: Coroutine[Any, Any, None]) -> None:
    """Start a coroutine on the background loop, and return at once."""
    _import_what_jobs_need()
    # In a context of its own: ipykernel keeps there which cell is running. With the submitting cell's, what a job
    # shows at its end would be taken for a late output of that cell, and headless runners drop those.
    contextvars.Context().run(asyncio.run_coroutine_threadsafe, work, background())


@functools.cache
def _import_what_jobs_need() -> None:
    """Import on the caller's thread what is loaded late: a fork while another thread imports would wait for it forever.

    That thread does not exist in the fork, and nothing there releases the lock of the module that it was importing.
    """
    from ..client import engine  # noqa: F401 - for the other thread
    from ..media import probing, thumbnails  # noqa: F401


def wait_for(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine on the background loop, and wait for its result. Not to be called on that loop."""
    return asyncio.run_coroutine_threadsafe(work, background()).result()


class Writer:
    """Batches writes to a store: what arrives while one commit is on its way to the disk goes into the next one.

    With many jobs under way, a commit and its wake-ups of threads cost more CPU than what a job writes.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        # After a fork there is another loop, and nobody is busy in it.
        self._waiting: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, list[_Work]] = weakref.WeakKeyDictionary()
        self._gathered: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, list[_Work]] = weakref.WeakKeyDictionary()
        self._busy: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[None]] = (
            weakref.WeakKeyDictionary()
        )

    async def write(self, work: Callable[[], _T], *, gather: bool = False) -> _T:
        """Run a function on a thread, in a transaction. What it has written is on the disk when this returns.

        Args:
            work: the function.
            gather: whether it first waits 20 ms for others like it, for a write that nobody waits for, and without
                which nothing is lost. They then go on together too.
        """
        loop = asyncio.get_running_loop()
        end: asyncio.Future[_T] = loop.create_future()
        if gather:
            gathered = self._gathered.setdefault(loop, [])
            if not gathered:
                loop.call_later(_GATHER, self._write_gathered, loop)
            gathered.append((work, end))
        else:
            self._begin(loop, [(work, end)])
        return await end

    def _write_gathered(self, loop: asyncio.AbstractEventLoop) -> None:
        self._begin(loop, self._gathered.pop(loop))

    def _begin(self, loop: asyncio.AbstractEventLoop, works: list[_Work]) -> None:
        self._waiting.setdefault(loop, []).extend(works)
        if loop not in self._busy:
            self._busy[loop] = loop.create_task(self._write_all(loop))

    async def _write_all(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            while some := self._waiting.pop(loop, []):
                try:
                    ends = await asyncio.to_thread(self._store.batch, [work for work, _ in some])
                except Exception as error:  # noqa: BLE001 - no thread can be had: whoever waits is told
                    ends = [(None, error)] * len(some)
                _resolve(some, ends)
        finally:
            del self._busy[loop]


def _resolve(works: Sequence[_Work], ends: Sequence[tuple[Any, Exception | None]]) -> None:
    for (_, future), (value, error) in zip(works, ends, strict=True):
        if future.done():  # nobody waits for it any more
            continue
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)
