"""Calls of plug-ins: each runs on a thread of its own, and is fed the frames that are decoded once for all of them."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .._util.text import safe_str
from ..errors import InvalidInputError
from .metric import PluginMetric
from .reducing import ROUNDING

if TYPE_CHECKING:
    from ..media import RGB

#: How many frames wait for a plug-in that is slower than the decoder.
_MAX_WAITING = 8
#: A plug-in that has taken no frame for so long, in seconds, while another one of the clip waits for frames, may itself
#: wait for that one: both may use one lock, as they do for a model.
_MAX_WAIT = 2.0


class PluginCall:
    """One call of a plug-in, for one clip.

    The frames of the clip and of the reference wait for it in two queues. A plug-in may read one of them to its end
    before it begins with the other: then that other one grows, since the decoder gives both.

    Args:
        metric: the plug-in.
        beside: the calls for the same clip, to which this one is added.
    """

    def __init__(self, metric: PluginMetric, beside: list[PluginCall]) -> None:
        self.metric = metric
        self._beside = beside
        beside.append(self)
        self._queues: tuple[deque[RGB], ...] = tuple(deque() for _ in range(1 + metric.needs_reference))
        self._changed = threading.Condition()
        self._waits = self._is_at_end = self._has_returned = self._is_stuck = False
        self._value = math.nan
        self._error: InvalidInputError | None = None
        self._next_time = 0.0
        self._thread = threading.Thread(target=self._run, name=f"decart_nb metric {metric.name}", daemon=True)
        self._thread.start()

    def wants(self, time: float, pause: float) -> bool:
        """Whether it is to get the frame that is shown at a time for so long, both in seconds."""
        if self._has_returned:
            return False
        if self.metric.fps is None:
            return True
        if time + pause <= self._next_time + ROUNDING:
            return False
        self._next_time += (
            1 / self.metric.fps * max(1, math.ceil((time + pause - self._next_time) * self.metric.fps - ROUNDING))
        )
        return True

    def feed(self, *frames: RGB) -> None:
        """Give it the next frame, and the reference's beside it. Waits while it has enough of both."""
        with self._changed:
            while not self._changed.wait_for(self._has_room, _MAX_WAIT):
                self._is_stuck = any(call.waits for call in self._beside)
            if not self._has_returned:
                for queue, frame in zip(self._queues, frames, strict=False):
                    queue.append(frame)
                self._waits = False
                self._changed.notify_all()

    def _has_room(self) -> bool:
        is_full = max(map(len, self._queues)) >= _MAX_WAITING
        return self._has_returned or self._waits or self._is_stuck or not is_full

    @property
    def waits(self) -> bool:
        """Whether it waits for a frame."""
        return self._waits and not self._has_returned

    def end(self) -> None:
        """Say that there are no more frames."""
        with self._changed:
            self._is_at_end = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """Let it come to an end soon: what it would return is not wanted any more."""
        with self._changed:
            for queue in self._queues:
                queue.clear()
        self.end()

    def value(self) -> float:
        """Wait for what it returns, and return that.

        Raises:
            InvalidInputError: it has raised an exception, or has returned no number.
        """
        self.end()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._value

    def _run(self) -> None:
        name = self.metric.name
        try:
            value = self.metric.function(*(self._frames(queue) for queue in self._queues))
            try:
                self._value = float(value)
            except Exception:  # noqa: BLE001 - a tensor of several numbers raises an error of its library's own
                self._error = InvalidInputError(f"The metric {name} must return a number, not {type(value).__name__}.")
        except Exception as error:  # noqa: BLE001 - whatever a plug-in raises is its row's error
            cause = error.with_traceback(None)  # which would hold its frames
            reason = f"{type(cause).__name__}: {safe_str(cause)}".rstrip(": ")
            self._error = InvalidInputError(f"The metric {name} has raised {reason}", cause=cause)
        finally:
            with self._changed:
                self._has_returned = True
                for queue in self._queues:
                    queue.clear()
                self._changed.notify_all()

    def _frames(self, queue: deque[RGB]) -> Iterator[RGB]:
        while True:
            with self._changed:
                if not queue and not self._is_at_end:
                    self._waits = True
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: queue or self._is_at_end)
                if not queue:
                    return
                frame = queue.popleft()
                self._is_stuck = False
                self._changed.notify_all()
            yield frame
