"""Holds submissions back while the service accepts none, and releases them as it does again.

A rejection that affects all submissions (429, 503, no connection) and is not isolated pauses them all: what has not
been sent is queued. The number of jobs in flight at that moment is taken as the service's capacity: whenever one ends,
another is sent. Probes, one at a time and at growing intervals, find out whether the capacity has grown. So an account
with a limit on jobs is not asked again and again, and one pause does not use up the few retries of a submission.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..errors import QueueSubmitError
from .responses import affects_all_submissions, is_safe_to_resubmit
from .retry import Patience, RetryLine

#: A time-out in seconds that never passes.
_FOREVER = 86_400.0
#: Retries of one submission.
MAX_RETRIES = 3
#: Back-off between probes while jobs of this client are in flight: capacity is freed when one of them ends, so probes
#: are rare.
_GROWTH_WHILE_BUSY = 6.0
#: The moving average of rejections: the weight of the last submission, and the level that pauses all. Two in a row
#: reach it.
_WEIGHT, _PAUSE_LEVEL = 0.3, 0.45
#: How much an accepted probe adds to the capacity, in jobs; doubled with every further one.
_STEP = 2
#: Seconds without a rejection after which the learnt capacity is dropped.
_RESET_AFTER = 60.0


@dataclass(eq=False)
class _Waiter:
    slot: asyncio.Future[None]
    retry_line: RetryLine
    #: By the loop's clock: it is no probe before this.
    not_before: float
    #: How often it has been rejected; the fewest come first.
    rejections: int


class SubmissionThrottle:
    """Decides when each submission of a client may be sent, on one event loop.

    Args:
        patience: back-off, and how long a submission waits while the service accepts none.
        in_flight: returns the number of this client's jobs that are being waited for.
    """

    def __init__(self, patience: Patience, in_flight: Callable[[], int]) -> None:
        self._patience = patience
        self._in_flight_waits = in_flight
        #: Jobs accepted and not ended, including those without a wait yet.
        self._accepted_jobs = 0
        self._waiting: list[_Waiter] = []
        self._timer: asyncio.TimerHandle | None = None
        self._sending = 0
        #: The learnt capacity in jobs; ``None`` while no submission is rejected.
        self._capacity: int | None = None
        self._step = _STEP
        #: The number of pauses: a submission sent before the last one does not begin another.
        self._pauses = 0
        self._failed_probes = 0
        self._rejected_share = 0.0
        self._paused_until = self._probe_at = 0.0
        self._last_accepted = self._last_rejected = 0.0
        self._error: QueueSubmitError | None = None

    @contextlib.asynccontextmanager
    async def slot(
        self,
        sleep: Callable[[float], Awaitable[object]],
        retry_line: RetryLine,
        *,
        delay: float = 0.0,
        rejections: int = 0,
    ) -> AsyncIterator[None]:
        """Context manager around one attempt: waits until it may be sent, and learns from how it ends.

        Args:
            sleep: awaits a number of seconds; if it returns early, the submission is sent at once.
            retry_line: reports the wait.
            delay: seconds in which it is not used as a probe, since it was rejected itself.
            rejections: how often that was.

        Raises:
            QueueSubmitError: the service has accepted nothing within ``patience.submission``. Nothing was sent.
        """
        loop = asyncio.get_running_loop()
        self._dispatch()
        if delay and self._is_open():
            await sleep(delay)
        if self._is_open():
            self._sending += 1
        else:
            await self._wait(_Waiter(loop.create_future(), retry_line, loop.time() + delay, rejections), sleep)
        pauses, is_probe = self._pauses, self._free_capacity() < 0
        try:
            yield
        except QueueSubmitError as error:
            if affects_all_submissions(error) and is_safe_to_resubmit(error):
                self._on_rejected(error, pauses, is_probe=is_probe)
            raise
        else:
            self._on_accepted(is_probe=is_probe)
        finally:
            self._sending -= 1
            self._dispatch()

    def job_ended(self) -> None:
        """Note that a job of this client has ended, so that the service may accept another."""
        self._accepted_jobs = max(0, self._accepted_jobs - 1)
        if self._error and "retry_after" not in self._error.data:
            self._paused_until = 0.0
        self._dispatch()

    def _jobs_in_flight(self) -> int:
        return max(self._in_flight_waits(), self._accepted_jobs)

    def _free_capacity(self) -> int:
        """The free capacity in jobs, so far as is known; below 0 while a probe is being sent."""
        return 0 if self._capacity is None else self._capacity - self._jobs_in_flight() - self._sending

    def _is_open(self) -> bool:
        if self._capacity is None or not self._patience.submission:
            return True
        return (
            not self._waiting and self._free_capacity() > 0 and asyncio.get_running_loop().time() >= self._paused_until
        )

    async def _wait(self, waiter: _Waiter, sleep: Callable[[float], Awaitable[object]]) -> None:
        self._waiting.append(waiter)
        if not waiter.rejections:  # else its rejection was reported
            self._report(waiter)
        self._dispatch()
        cut_short: asyncio.Future[Any] = asyncio.ensure_future(sleep(_FOREVER))
        try:
            await asyncio.wait([waiter.slot, cut_short], return_when=asyncio.FIRST_COMPLETED)
            if waiter.slot.done():
                waiter.slot.result()  # raises where the limit has passed
            else:
                self._waiting.remove(waiter)
                self._sending += 1
        except asyncio.CancelledError:
            if not waiter.slot.done():
                self._waiting.remove(waiter)
            elif not waiter.slot.exception():
                self._sending -= 1
            self._dispatch()
            raise
        finally:
            cut_short.cancel()

    def _on_rejected(self, error: QueueSubmitError, pauses: int, *, is_probe: bool) -> None:
        now, asked = asyncio.get_running_loop().time(), error.data.get("retry_after")
        most = self._patience.submission
        self._last_rejected = now
        if pauses != self._pauses:  # it went out before this pause had begun
            self._paused_until = max(self._paused_until, now + min(asked or 0.0, most))
            return
        self._rejected_share += _WEIGHT * (1 - self._rejected_share)
        jobs = self._jobs_in_flight()
        is_alone = self._rejected_share < _PAUSE_LEVEL and not is_probe
        if is_alone and self._capacity is None:
            return
        if self._capacity is None:
            self._last_accepted = now
        self._capacity, self._step, self._error = max(1, jobs), _STEP, error
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
        elif now - self._last_accepted > most:
            ended = QueueSubmitError(error.message, error.data | {"sent": False, "taken": "no"}, error.cause)
            while self._waiting:
                self._grant(self._waiting[0], ended)
        for waiter in self._waiting:
            self._report(waiter)

    def _on_accepted(self, *, is_probe: bool) -> None:
        self._rejected_share *= 1 - _WEIGHT
        self._accepted_jobs += 1
        if self._capacity is None:
            return
        self._failed_probes = 0
        self._last_accepted = self._probe_at = asyncio.get_running_loop().time()
        if is_probe:
            self._capacity += self._step
            self._step *= 2

    def _dispatch(self) -> None:
        """Release the submissions that may be sent now, and set a timer for the next."""
        if self._timer:
            self._timer.cancel()
        if self._capacity is None:
            return
        loop = asyncio.get_running_loop()
        now, again_at = loop.time(), self._paused_until
        while again_at <= now and self._waiting:
            waiter = min(self._waiting, key=self._priority)
            if self._free_capacity() <= 0 or _is_last_attempt(waiter):
                if self._sending:
                    return  # this is called again when it ends
                again_at = max(self._probe_at, waiter.not_before)
                if again_at > now:
                    break
            self._grant(waiter)
        if self._waiting:
            self._timer = loop.call_at(again_at, self._dispatch)
        elif now - self._last_rejected > _RESET_AFTER:
            self._capacity = self._error = None
            self._accepted_jobs = self._in_flight_waits()

    def _priority(self, waiter: _Waiter) -> tuple[bool, float]:
        """Sort key: the fewest rejections while there is capacity, and else the earliest delay to end."""
        return _is_last_attempt(waiter), waiter.rejections if self._free_capacity() > 0 else waiter.not_before

    def _grant(self, waiter: _Waiter, error: QueueSubmitError | None = None) -> None:
        self._waiting.remove(waiter)
        if waiter.slot.done():
            return
        if error is None:
            self._sending += 1
            waiter.slot.set_result(None)
        else:
            waiter.slot.set_exception(error)

    def _report(self, waiter: _Waiter) -> None:
        if self._error:
            at = max(self._paused_until, waiter.not_before)
            waiter.retry_line.say(self._error, at - asyncio.get_running_loop().time())


def _is_last_attempt(waiter: _Waiter) -> bool:
    """Whether the next attempt is the last one, which is never made before its delay has passed."""
    return waiter.rejections >= MAX_RETRIES
