"""Base class of sweeps: their latest run in this process, and waiting for it on a thread or in an event loop."""

from __future__ import annotations

import asyncio
import threading
from abc import abstractmethod
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from .._util.short_traceback import with_short_traceback
from ..errors import InvalidInputError, NotPicklableError
from ..job.observable import Observable
from .run import SweepRun

if TYPE_CHECKING:
    import pandas as pd


class AwaitableSweep(Observable):
    """A sweep whose latest run in this process can be stopped, and waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._last: SweepRun | None = None
        self._waiting_calls = 0

    @property
    @abstractmethod
    def name(self) -> str:
        """The name that ``decart_nb.sweep.load`` takes."""

    @property
    @abstractmethod
    def results(self) -> pd.DataFrame:
        """The state and the result of every row at this moment, in the order of the plan."""

    @property
    def over(self) -> bool:
        """Whether no run of it is under way in this process."""
        return self._last is None or self._last.over

    @property
    def error(self) -> Exception | None:
        """Why its latest run could not begin; ``None`` if it could."""
        return self._last.error if self._last is not None else None

    @property
    def blocks_main_thread(self) -> bool:
        """Whether the main thread, where cells run, waits for it."""
        return self._waiting_calls > 0

    def cancel(self) -> None:
        """Stop submitting. What has been submitted is still fetched and kept."""
        if self._last is not None:
            self._last.stop()

    def __await__(self) -> Generator[Any, None, pd.DataFrame]:
        return self._awaited().__await__()

    def _wait(self, run: SweepRun) -> None:
        here = threading.current_thread() is threading.main_thread()
        self._waiting_calls += here
        try:
            with self._changed:
                self._changed.wait_for(lambda: run.over)
        finally:
            self._waiting_calls -= here
        if run.error is not None:
            raise run.error.with_traceback(None)

    def _stopped(self) -> str:
        return f"{self.name} submits no more. What was submitted is still fetched; run it again to continue."

    async def _awaited(self) -> pd.DataFrame:
        run = self._last
        if run is None:
            raise InvalidInputError(
                f"{self.name} has not been started, and waiting starts nothing: .start(max_cost=…) does, and can be "
                "awaited; .run(max_cost=…) starts it and waits; .results tells what is there already."
            )
        try:
            await self._until(lambda: run.over)
        except asyncio.CancelledError:  # an interrupt too comes as that
            self.cancel()
            raise with_short_traceback(asyncio.CancelledError(self._stopped())) from None
        if run.error is not None:
            raise run.error.with_traceback(None)
        return self.results

    def _not_picklable(self) -> Exception:
        return NotPicklableError(
            "A sweep lives in the process that made it and cannot be pickled: "
            "once it has run, decart_nb.sweep.load(name) loads it in another one."
        )

    def _in_place_of_a_future(self, library: str) -> str:
        return f"A sweep is not a future: await it, or give {library} asyncio.ensure_future(sweep)."

    def _log_name(self) -> str:
        return f"sweep {self.name}"
