"""Base class of jobs and sweeps: observers that are notified of changes, and waiting in any event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from abc import abstractmethod
from collections.abc import Callable
from typing import NoReturn

from .._util.copying import ProcessLocal
from .._util.observed import Observed
from ..errors import NotAFutureError

_log = logging.getLogger("decart_nb")

#: An interrupt reaches a kernel that is in ``await`` only when its loop wakes; so it is woken, every so many seconds.
_WAKE = 0.2


#: What the standard library asks futures for, by what takes them alone.
_OF_FUTURES = {"add_done_callback": "asyncio", "_condition": "concurrent.futures"}


class Observable(Observed, ProcessLocal):
    """An object that runs in the background and notifies its observers of changes.

    It calls them on the background thread until it has ended: a job at least every half second, a sweep at most ten
    times a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()
        for observer in tuple(self._observers):
            try:
                observer(self)
            except Exception:  # noqa: BLE001 - a failing observer must not stop a job that is paid for
                _log.exception("An observer of %s broke.", self._log_name())

    async def _until(self, met: Callable[[], bool]) -> None:
        """Wait in the caller's event loop until a condition is met."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()
        forget = self.observe(lambda _: loop.call_soon_threadsafe(changed.set))
        try:
            while not met():
                changed.clear()
                # Not wait_for: on Python 3.11 it swallows an interrupt that comes together with a change.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_WAKE):
                        await changed.wait()
        finally:
            forget()

    def __getattr__(self, name: str) -> NoReturn:
        if library := _OF_FUTURES.get(name):
            raise NotAFutureError(self._in_place_of_a_future(library))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    @abstractmethod
    def _in_place_of_a_future(self, library: str) -> str:
        """What to give to functions of ``asyncio`` or ``concurrent.futures`` that take futures alone."""

    @abstractmethod
    def _log_name(self) -> str:
        """The name of this object in log messages."""
