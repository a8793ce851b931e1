"""Holds submissions back while the service takes none, and lets them out again by and by.

A refusal for a reason that concerns all (429, 503, no connection) begins a pause for all: what has not been sent waits
its turn. Then one goes out as a probe, which is one that was never refused, or long enough ago. The more are taken
after it, the more may be under way at once, until nobody waits. So an account that takes only so many jobs is not asked
for many more, and the few repeats that a submission has are not used up in one pause.
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
#: While jobs of this client are under way, it is the end of one of them that makes room, and not time: probes that only
#: time lets out come seldom.
_GROWTH_WHILE_BUSY = 8.0


@dataclass(eq=False)
class _Waiter:
    turn: asyncio.Future[None]
    retry_line: RetryLine
    #: By the loop's clock, when it may be a probe.
    rested_at: float
    #: How often it has been refused: who was least often comes first.
    refusals: int


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
        self._limit: float | None = None
        #: Those that went out before the last pause began do not begin another.
        self._pauses = 0
        self._failed_probes = 0
        self._paused_until = 0.0
        #: Whether a submission has been taken, or a job has ended, since the last refusal.
        self._has_room = True
        self._last_taken = 0.0
        self._error: QueueSubmitError | None = None

    @contextlib.asynccontextmanager
    async def turn(
        self,
        sleep: Callable[[float], Awaitable[object]],
        retry_line: RetryLine,
        *,
        rest: float = 0.0,
        refusals: int = 0,
    ) -> AsyncIterator[None]:
        """Waits until a submission may go out, and hears in the end what has become of it.

        Args:
            sleep: what waits so many seconds; where it returns early, the submission does not wait any longer.
            retry_line: who is told of the wait.
            rest: for how many seconds it is no probe, since it was refused itself.
            refusals: how often that was.

        Raises:
            QueueSubmitError: the service has taken nothing for as long as there is patience. Nothing was sent.
        """
        self._let_go()
        if self._is_open():
            self._under_way += 1
        else:
            loop = asyncio.get_running_loop()
            await self._wait(_Waiter(loop.create_future(), retry_line, loop.time() + rest, refusals), sleep)
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
            self._paused_until, self._has_room = 0.0, True
            self._let_go()

    def _is_open(self) -> bool:
        if self._limit is None or not self._patience.submission:
            return True
        return (
            not self._waiting
            and self._under_way < int(self._limit)
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
        now, asked = asyncio.get_running_loop().time(), error.data.get("retry_after")
        most = self._patience.submission
        if pauses != self._pauses:  # it went out before this pause had begun
            self._paused_until = max(self._paused_until, now + min(asked or 0.0, most))
            return
        if self._limit is None:
            self._last_taken = now
        self._pauses += 1
        self._failed_probes += 1
        self._limit, self._error, self._has_room = 1, error, False
        growth = _GROWTH_WHILE_BUSY if self._is_busy() else 2.0
        self._paused_until = now + min(self._patience.pause(self._failed_probes, asked, growth=growth), most)
        if now - self._last_taken > most and not self._is_busy():
            while self._waiting:
                ended = QueueSubmitError(error.message, error.data | {"sent": False, "taken": "no"}, error.cause)
                self._grant(self._waiting.popleft(), ended)
        for waiter in self._waiting:
            self._tell(waiter)

    def _taken(self) -> None:
        self._failed_probes, self._has_room = 0, True
        if self._limit is not None:
            self._last_taken = asyncio.get_running_loop().time()
            self._limit += 0.5 / self._limit

    def _let_go(self) -> None:
        """Lets out as many as may go now, and comes back when more may."""
        if self._limit is None:
            return
        loop = asyncio.get_running_loop()
        now, again_at = loop.time(), self._paused_until
        while again_at <= now and self._waiting and self._under_way < int(self._limit):
            order = _by_refusals if self._has_room else _by_rest
            waiter = min(self._waiting, key=order)
            if not self._has_room and waiter.rested_at > now:
                again_at = waiter.rested_at
                break
            self._waiting.remove(waiter)
            self._grant(waiter)
        if self._timer:
            self._timer.cancel()
        if again_at > now:
            self._timer = loop.call_at(again_at, self._let_go)
        elif not self._waiting and self._under_way < int(self._limit) and self._has_room:
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
            at = max(self._paused_until, 0.0 if self._has_room else waiter.rested_at)
            waiter.retry_line.say(self._error, at - asyncio.get_running_loop().time())


def _by_refusals(waiter: _Waiter) -> int:
    return waiter.refusals


def _by_rest(waiter: _Waiter) -> float:
    return waiter.rested_at
