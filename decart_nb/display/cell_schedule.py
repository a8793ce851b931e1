"""Scheduling of calls around the execution of a notebook's cells."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any


class CellSchedule:
    """Runs calls at once, before the next cell, or when the kernel is idle.

    Args:
        idle_after: for how many seconds no cell must have run for the kernel to count as idle.
    """

    def __init__(self, *, idle_after: float = 0.5) -> None:
        self._idle_after = idle_after
        self._lock = threading.RLock()
        self._cell_running = True
        self._cell_ended_at = 0.0
        self._deferred: list[Callable[[], object]] = []

    def register(self, shell: Any) -> None:
        """Follow the cells of an IPython shell."""
        for event, callback in (("pre_run_cell", self.on_cell_start), ("post_run_cell", self.on_cell_end)):
            if callback not in shell.events.callbacks[event]:
                shell.events.register(event, callback)

    def run(self, call: Callable[[], object]) -> None:
        """Run a call at once."""
        with self._lock:
            call()

    def run_in_cell(self, call: Callable[[], object]) -> None:
        """Run a call at once if a cell is running, else before the next cell.

        The runner of a headless notebook (nbconvert, papermill) receives outputs only while a cell runs.
        """
        with self._lock:
            if self._cell_running:
                call()
            else:
                self._deferred.append(call)

    def run_before_next_cell(self, call: Callable[[], object]) -> None:
        """Run a call before the next cell."""
        with self._lock:
            self._deferred.append(call)

    def run_when_idle(self, call: Callable[[], object]) -> None:
        """Run a call when the kernel is idle, and has therefore processed the frontend's messages."""
        with self._lock:
            if not self._cell_running and time.monotonic() - self._cell_ended_at >= self._idle_after:
                call()
                return
        timer = threading.Timer(self._idle_after, self.run_when_idle, [call])
        timer.daemon = True
        timer.start()

    def on_cell_start(self, _: object = None) -> None:
        """Handle the event ``pre_run_cell``: run the deferred calls."""
        with self._lock:  # new calls wait until the deferred ones have run
            while self._deferred:
                self._deferred.pop(0)()
            self._cell_running = True

    def on_cell_end(self, _: object = None) -> None:
        """Handle the event ``post_run_cell``."""
        with self._lock:
            self._cell_running, self._cell_ended_at = False, time.monotonic()
