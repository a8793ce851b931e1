"""Holds submissions back while the service takes none, and lets them out again by and by.

A refusal for a reason that concerns all (429, 503, no connection), and that is not the only one of its kind lately,
begins a pause for all: what has not been sent waits its turn. As many jobs as were under way then are taken for all
that the service bears: whenever one of them ends, another is sent. More are tried by probes, one at a time and at
growing intervals. So an account that takes only so many jobs is not asked for more, and the few repeats that a
submission has are not used up in one pause.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..errors import QueueSubmitError
from .responses import concerns_all, is_safe_to_resubmit
from .retry import Patience, RetryLine

#: More seconds than anybody waits.
_NO_END = 86_400.0
#: How often a submission is repeated at most.
MAX_RETRIES = 3
#: While jobs of this client are under way, it is the end of one of them that makes room, and not time: probes come
#: seldom then.
_GROWTH_WHILE_BUSY = 6.0
#: Which part of the submissions was refused lately: how much the last one counts, and from when on it says something of
#: the next one. Two in a row do.
_WEIGHT, _MOST = 0.3, 0.45
#: What a probe that is taken adds to what the service bears, in jobs; twice as many with every further one.
_STEP = 2
#: After so many seconds without a refusal, what the service bore is no longer held against it.
_FORGOTTEN = 60.0


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
        under_way: how many jobs of this client are waited for.
    """

    def __init__(self, patience: Patience, under_way: Callable[[], int]) -> None:
        self._patience = patience
        self._awaited = under_way
        #: How many have been taken and not ended; it knows of those that nobody waits for yet.
        self._unended = 0
        self._waiting: list[_Waiter] = []
        self._timer: asyncio.TimerHandle | None = None
        self._sending = 0
        #: How many jobs the service bears; ``None`` while nothing is wrong.
        self._bears: int | None = None
        self._step = _STEP
        #: Those that went out before the last pause began do not begin another.
        self._pauses = 0
        self._failed_probes = 0
        self._refused_share = 0.0
        self._paused_until = self._probe_at = 0.0
        self._last_taken = self._last_refused = 0.0
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
        loop = asyncio.get_running_loop()
        self._let_go()
        if rest and self._is_open():
            await sleep(rest)
        if self._is_open():
            self._sending += 1
        else:
            await self._wait(_Waiter(loop.create_future(), retry_line, loop.time() + rest, refusals), sleep)
        pauses, is_probe = self._pauses, self._room() < 0
        try:
            yield
        except QueueSubmitError as error:
            if concerns_all(error) and is_safe_to_resubmit(error):
                self._refused(error, pauses, is_probe=is_probe)
            raise
        else:
            self._taken(is_probe=is_probe)
        finally:
            self._sending -= 1
            self._let_go()

    def job_ended(self) -> None:
        """A job of this client has ended, so that the service may take another one."""
        self._unended = max(0, self._unended - 1)
        if self._error and "retry_after" not in self._error.data:
            self._paused_until = 0.0
        self._let_go()

    def _under_way(self) -> int:
        return max(self._awaited(), self._unended)

    def _room(self) -> int:
        """How many more the service bears, so far as is known; below 0 where one too many is being sent, as a probe."""
        return 0 if self._bears is None else self._bears - self._under_way() - self._sending

    def _is_open(self) -> bool:
        if self._bears is None or not self._patience.submission:
            return True
        return not self._waiting and self._room() > 0 and asyncio.get_running_loop().time() >= self._paused_until

    async def _wait(self, waiter: _Waiter, sleep: Callable[[float], Awaitable[object]]) -> None:
        self._waiting.append(waiter)
        if not waiter.refusals:  # who was refused has been told
            self._tell(waiter)
        self._let_go()
        cut_short: asyncio.Future[Any] = asyncio.ensure_future(sleep(_NO_END))
        try:
            await asyncio.wait([waiter.turn, cut_short], return_when=asyncio.FIRST_COMPLETED)
            if waiter.turn.done():
                waiter.turn.result()  # raises where patience has ended
            else:
                self._waiting.remove(waiter)
                self._sending += 1
        except asyncio.CancelledError:
            if not waiter.turn.done():
                self._waiting.remove(waiter)
            elif not waiter.turn.exception():
                self._sending -= 1
            self._let_go()
            raise
        finally:
            cut_short.cancel()

    def _refused(self, error: QueueSubmitError, pauses: int, *, is_probe: bool) -> None:
        now, asked = asyncio.get_running_loop().time(), error.data.get("retry_after")
        most = self._patience.submission
        self._last_refused = now
        if pauses != self._pauses:  # it went out before this pause had begun
            self._paused_until = max(self._paused_until, now + min(asked or 0.0, most))
            return
        self._refused_share += _WEIGHT * (1 - self._refused_share)
        jobs = self._under_way()
        is_alone = self._refused_share < _MOST and not is_probe
        if is_alone and self._bears is None:
            return
        if self._bears is None:
            self._last_taken = now
        self._bears, self._step, self._error = max(1, jobs), _STEP, error
        if is_alone:
            self._probe_at = now + self._patience.pause(1)
            return
        self._pauses += 1
        self._failed_probes += 1
        pause = min(self._patience.pause(self._failed_probes, asked), most)
        self._paused_until = self._probe_at = now + pause
        if jobs:
            self._probe_at = now + min(
                self._patience.pause(self._failed_probes + 1, asked, growth=_GROWTH_WHILE_BUSY), most
            )
        elif now - self._last_taken > most:
            ended = QueueSubmitError(error.message, error.data | {"sent": False, "taken": "no"}, error.cause)
            while self._waiting:
                self._grant(self._waiting[0], ended)
        for waiter in self._waiting:
            self._tell(waiter)

    def _taken(self, *, is_probe: bool) -> None:
        self._refused_share *= 1 - _WEIGHT
        self._unended += 1
        if self._bears is None:
            return
        self._failed_probes = 0
        self._last_taken = self._probe_at = asyncio.get_running_loop().time()
        if is_probe:
            self._bears += self._step
            self._step *= 2

    def _let_go(self) -> None:
        """Lets out as many as may go now, and comes back when more may."""
        if self._timer:
            self._timer.cancel()
        if self._bears is None:
            return
        loop = asyncio.get_running_loop()
        now, again_at = loop.time(), self._paused_until
        while again_at <= now and self._waiting:
            waiter = min(self._waiting, key=self._order)
            if self._room() <= 0 or _must_rest(waiter):
                if self._sending:
                    return  # whatever becomes of it, this is called again
                again_at = max(self._probe_at, waiter.rested_at)
                if again_at > now:
                    break
            self._grant(waiter)
        if self._waiting:
            self._timer = loop.call_at(again_at, self._let_go)
        elif now - self._last_refused > _FORGOTTEN:
            self._bears = self._error = None
            self._unended = self._awaited()

    def _order(self, waiter: _Waiter) -> tuple[bool, float]:
        """Who comes first: the least often refused where there is room, and else whose own rest is over first."""
        return _must_rest(waiter), waiter.refusals if self._room() > 0 else waiter.rested_at

    def _grant(self, waiter: _Waiter, error: QueueSubmitError | None = None) -> None:
        self._waiting.remove(waiter)
        if waiter.turn.done():
            return
        if error is None:
            self._sending += 1
            waiter.turn.set_result(None)
        else:
            waiter.turn.set_exception(error)

    def _tell(self, waiter: _Waiter) -> None:
        if self._error:
            at = max(self._paused_until, waiter.rested_at)
            waiter.retry_line.say(self._error, at - asyncio.get_running_loop().time())


def _must_rest(waiter: _Waiter) -> bool:
    """Whether it is the last attempt, which is not made before its time."""
    return waiter.refusals >= MAX_RETRIES
