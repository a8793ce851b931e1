"""Time that passes only while nothing happens: hours of waiting are over at once, and the same each time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class _Sleepless(selectors.DefaultSelector):
    """A selector that never blocks, and notes how long it would have."""

    slept = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("Everybody waits, and nothing will ever happen.")
        if not ready and timeout:
            self.slept += timeout
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop that skips the time in which it has nothing to do. It has no network and no threads."""

    def __init__(self) -> None:
        self._sleepless = _Sleepless()
        super().__init__(self._sleepless)

    def time(self) -> float:
        return self._sleepless.slept

    def sleep_through(self, seconds: float) -> None:
        """Lets time pass in which nothing could be done: the machine was asleep."""
        self._sleepless.slept += seconds


def simulated(main: Coroutine[Any, Any, _T]) -> _T:
    """Runs to its end what would take long."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(main)
