"""Holds submissions back while the service takes none, and lets them out again by and by.

A refusal for a reason that concerns all (429, 503, no connection) begins a pause for all: what has not been sent waits
its turn. Then one goes out as a probe. If it is taken, two may be under way at once, and one more with every further
one that is taken, until nobody waits. So an account that takes only so many jobs is not asked for many more, and the
few repeats that a submission has are not used up in one pause.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from .answers import concerns_all, may_be_repeated
from .errors import QueueSubmitError
from .patience import Patience, RetryLine

#: More seconds than anybody waits.
_NO_END = 86_400.0


@dataclass(eq=False)
class _Waiter:
    turn: asyncio.Future[None]
    retry_line: RetryLine


class SubmissionThrottle:
    """What says when a submission may go out, for all submissions of a client on one event loop.

    Args:
        patience: how long the pauses are, and for how long a submission waits for a service that takes none.
        is_busy: whether jobs of this client are under way, so that a service that takes no more may take some soon.
    """

    def __init__(self, patience: Patience, is_busy: Callable[[], bool]) -> None:
        self._patience = patience
        self._is_busy = is_busy
        self._waiting: deque[_Waiter] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._under_way = 0
        #: How many may be under way at once; ``None`` while nothing is wrong.
        self._limit: int | None = None
        #: Those that went out before the last pause began do not begin another.
        self._pauses = 0
        self._failed_probes = 0
        self._paused_until = 0.0
        self._last_taken = 0.0
        self._error: QueueSubmitError | None = None

    @contextlib.asynccontextmanager
    async def turn(self, sleep: Callable[[float], Awaitable[object]], retry_line: RetryLine) -> AsyncIterator[None]:
        """Waits until a submission may go out, and hears in the end what has become of it.

        Args:
            sleep: what waits so many seconds; where it returns early, the submission does not wait any longer.
            retry_line: who is told of the wait.

        Raises:
            QueueSubmitError: the service has taken nothing for as long as there is patience. Nothing was sent.
        """
        self._let_go()
        if self._is_open():
            self._under_way += 1
        else:
            await self._wait(_Waiter(asyncio.get_running_loop().create_future(), retry_line), sleep)
        pauses = self._pauses
        try:
            yield
        except QueueSubmitError as error:
            if concerns_all(error) and may_be_repeated(error):
                self._refused(error, pauses)
            raise
        else:
            self._taken()
        finally:
            self._under_way -= 1
            self._let_go()

    def job_ended(self) -> None:
        """A job of this client has ended, so that the service may take another one."""
        if self._error and self._failed_probes > 1 and "retry_after" not in self._error.data:
            self._paused_until = 0.0
            self._let_go()

    def _is_open(self) -> bool:
        if self._limit is None or not self._patience.submission:
            return True
        return (
            not self._waiting
            and self._under_way < self._limit
            and asyncio.get_running_loop().time() >= self._paused_until
        )

    async def _wait(self, waiter: _Waiter, sleep: Callable[[float], Awaitable[object]]) -> None:
        self._waiting.append(waiter)
        self._tell(waiter)
        self._let_go()
        cut_short: asyncio.Future[Any] = asyncio.ensure_future(sleep(_NO_END))
        try:
            await asyncio.wait([waiter.turn, cut_short], return_when=asyncio.FIRST_COMPLETED)
            if waiter.turn.done():
                waiter.turn.result()  # raises where patience has ended
            else:
                self._waiting.remove(waiter)
                self._under_way += 1
        except asyncio.CancelledError:
            if not waiter.turn.done():
                self._waiting.remove(waiter)
            elif not waiter.turn.exception():
                self._under_way -= 1
            self._let_go()
            raise
        finally:
            cut_short.cancel()

    def _refused(self, error: QueueSubmitError, pauses: int) -> None:
        if pauses != self._pauses:
            return  # it went out before this pause had begun
        now = asyncio.get_running_loop().time()
        if self._limit is None:
            self._last_taken = now
        self._pauses += 1
        self._failed_probes += 1
        self._limit, self._error = 1, error
        pause = self._patience.pause(self._failed_probes, error.data.get("retry_after"))
        self._paused_until = now + min(pause, self._patience.submission)
        if now - self._last_taken > self._patience.submission and not self._is_busy():
            while self._waiting:
                ended = QueueSubmitError(error.message, error.data | {"sent": False, "taken": "no"}, error.cause)
                self._grant(self._waiting.popleft(), ended)
        for waiter in self._waiting:
            self._tell(waiter)

    def _taken(self) -> None:
        self._failed_probes = 0
        if self._limit is not None:
            self._last_taken = asyncio.get_running_loop().time()
            self._limit += 1

    def _let_go(self) -> None:
        """Lets out as many as may go now, and comes back when the pause is over."""
        if self._limit is None:
            return
        loop = asyncio.get_running_loop()
        left = self._paused_until - loop.time()
        if left > 0:
            if self._timer:
                self._timer.cancel()
            self._timer = loop.call_later(left, self._let_go)
            return
        while self._waiting and self._under_way < self._limit:
            self._grant(self._waiting.popleft())
        if not self._waiting and self._under_way < self._limit and not self._failed_probes:
            self._limit = self._error = None

    def _grant(self, waiter: _Waiter, error: QueueSubmitError | None = None) -> None:
        if waiter.turn.done():
            return
        if error is None:
            self._under_way += 1
            waiter.turn.set_result(None)
        else:
            waiter.turn.set_exception(error)

    def _tell(self, waiter: _Waiter) -> None:
        if self._error:
            left = self._paused_until - asyncio.get_running_loop().time()
            waiter.retry_line.say(self._error, left)
