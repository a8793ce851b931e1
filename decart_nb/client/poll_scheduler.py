"""Waits for all jobs in flight on one event loop: one line of turns, one timer, one budget of requests a second.

Every wait polls in its own task, and only when its turn has come, so that a poll that stalls holds up no other job, and
a wait that is cancelled leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace

from ..errors import JobTimeoutError, QueueStatusError
from . import duration_estimate as polling
from .duration_estimate import Estimate
from .responses import JobStatusResponse, OnStatusChange, is_transient
from .retry import OnRetry, Patience, RetryLine

#: Polls a second in vain, of all jobs together. Sixty jobs of half a minute need about twenty.
BUDGET = 50.0
_LEAST_RATE = 1.0
#: The part of the budget that an answered poll brings back after a refusal.
_RECOVERY = 0.02
#: Which part of the polls was refused lately: how much the last one counts, and from when on it is most of them.
_WEIGHT, _MOST = 0.2, 0.5
#: What has to wait goes in groups, so many seconds apart: to wake up for every single poll costs more than the poll.
_BREATH = 0.2
#: Who would be next within so many seconds goes along, for the same reason.
_COMPANY = 0.2
#: A job is given up when nothing has answered until this age, well beyond its ten minutes, and not before so many
#: polls in a row have failed: a machine that was asleep asks again first, and so does a new kernel.
_SILENCE = 900.0
_ATTEMPTS = 5
#: Who waits for the service to begin with a job looks as often as Decart's own advice allows.
_SOON = 2.0


class PollScheduler:
    """What says whose turn it is to be polled.

    Args:
        ask: what asks the queue how a job stands, and does not wait forever.
        patience: how long to pause after polls that failed.
        budget: polls a second, of all jobs together; those that find a job at its end are not counted.
    """

    def __init__(
        self,
        ask: Callable[[str], Awaitable[JobStatusResponse]],
        patience: Patience | None = None,
        *,
        budget: float = BUDGET,
    ) -> None:
        self._ask = ask
        self._patience = patience or Patience()
        self._budget = self._rate = budget
        self._waits = 0
        self._numbers = itertools.count()
        self._line: list[tuple[float, int, float, asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._rings = 0.0  # when it does: not every loop has timers that tell
        #: When the next poll may start, whosever it is; and until when a 429 is no news.
        self._opens = self._held = 0.0
        self._refused_share = 0.0

    async def wait(
        self,
        job_id: str,
        estimate: Estimate,
        *,
        expect: Callable[[], Awaitable[Estimate]] | None = None,
        soon: Callable[[], bool] | None = None,
        age: float = 0.0,
        fresh: bool = True,
        told: OnStatusChange | None = None,
        on_retry: OnRetry | None = None,
    ) -> JobStatusResponse:
        """Polls a job until it is completed or failed. A poll that fails for a passing reason fails nothing.

        Args:
            job_id: the job.
            estimate: how long it may take.
            expect: asked after every poll for how long it may take by then, since others may have ended.
            soon: whether somebody waits for the service to begin with the job, and it is worth looking.
            age: how many seconds ago it was submitted.
            fresh: whether that was just now, so that there is no hurry to ask, and an early 404 means nothing yet.
            told: called with every poll's answer.
            on_retry: called before a pause with what does not work, and with ``None`` when it works again.

        Returns:
            How it ended, and when, as far as the polls can tell.

        Raises:
            QueueStatusError: the queue refuses to tell, for a reason that will not pass.
            JobTimeoutError: the job has not ended within the ten minutes after which Decart fails it, or nothing has
                answered until well beyond them.
        """
        retry_line = RetryLine(on_retry)
        self._waits += 1
        try:
            return await self._wait(job_id, estimate, expect, soon, age, fresh, told, retry_line)
        finally:
            self._waits -= 1
            retry_line.clear()

    @property
    def under_way(self) -> int:
        """How many jobs' ends are waited for."""
        return self._waits

    async def _wait(
        self,
        job_id: str,
        estimate: Estimate,
        expect: Callable[[], Awaitable[Estimate]] | None,
        soon: Callable[[], bool] | None,
        age: float,
        fresh: bool,
        told: OnStatusChange | None,
        retry_line: RetryLine,
    ) -> JobStatusResponse:
        clock = asyncio.get_running_loop().time
        submitted = clock() - age
        under_way = age if fresh else None  # when it certainly had not ended, if the poll after that was answered
        failures, pause = 0, _gap(estimate, age, soon) if fresh else 0.0
        while True:
            await self._turn(pause, pause if failures else max(estimate.floor, pause - _COMPANY))
            try:
                status = await self._ask(job_id)
            except QueueStatusError as error:
                age, failures, under_way = clock() - submitted, failures + 1, None
                if not is_transient(error, age if fresh else polling.JOB_TIMEOUT):
                    raise
                if age > _SILENCE and failures >= _ATTEMPTS:
                    raise _given_up(job_id, "has not been heard of", age, error) from None
                pause = max(estimate.floor, self._pause(error, failures))
                retry_line.say(error, pause)
                continue
            retry_line.clear()
            self._answered()
            if told:
                told(status)
            age, failures = clock() - submitted, 0
            if status.status in ("completed", "failed"):
                self._opens -= 1 / self._rate
                self._set_timer()
                return status if under_way is None else replace(status, seconds=(under_way + age) / 2)
            if age > polling.JOB_TIMEOUT:
                raise _given_up(job_id, "has not ended", age)
            if expect:
                estimate = await expect()
            under_way, pause = age, _gap(estimate, age, soon)

    def _answered(self) -> None:
        self._refused_share *= 1 - _WEIGHT
        self._rate = min(self._budget, self._rate + self._budget * _RECOVERY)

    def _pause(self, error: QueueStatusError, failures: int) -> float:
        """Seconds until a job whose poll failed is asked again.

        That there are too many requests makes all polls fewer, once for all that were under way together. Only where
        most are refused do all wait for as long as the server asks: one refusal in twenty would stop them for good.
        """
        retry_after = error.data.get("retry_after")
        pause = min(polling.JOB_TIMEOUT, self._patience.pause(failures, retry_after))
        if error.data.get("status") == 429:
            now = asyncio.get_running_loop().time()
            self._refused_share += _WEIGHT * (1 - self._refused_share)
            if now >= self._held:
                self._rate = max(min(_LEAST_RATE, self._budget), self._rate / 2)
                self._held = now + pause
            if retry_after is not None and self._refused_share > _MOST:
                self._opens = max(self._opens, now + pause)
        return pause

    async def _turn(self, pause: float, least: float) -> None:
        """Returns after so many seconds, and as many more as others and the budget need.

        After the least number of seconds it goes along with others.
        """
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        now = loop.time()
        place = (now + pause, next(self._numbers), now + least, turn)
        heapq.heappush(self._line, place)
        self._set_timer()
        try:
            await turn
        except asyncio.CancelledError:
            with contextlib.suppress(ValueError):
                self._line.remove(place)
                heapq.heapify(self._line)
            self._set_timer()
            raise

    def _set_timer(self) -> None:
        at = max(self._line[0][0], self._opens) if self._line else None
        if self._timer and (at is None or at < self._rings):
            self._timer.cancel()
            self._timer = None
        if at is not None and self._timer is None:
            self._timer, self._rings = asyncio.get_running_loop().call_at(at, self._next), at

    def _next(self) -> None:
        self._timer, now, granted = None, asyncio.get_running_loop().time(), 0
        while self._line and self._opens <= now and granted < max(1.0, _BREATH * self._rate):
            due, _, soonest, turn = self._line[0]
            if due > now and (not granted or due > now + _COMPANY or soonest > now):
                break
            heapq.heappop(self._line)
            if not turn.done():
                turn.set_result(None)
                granted += 1
        self._opens = max(self._opens, now + granted / self._rate)
        self._set_timer()


def _gap(estimate: Estimate, age: float, soon: Callable[[], bool] | None) -> float:
    """Seconds until the next poll of a job of that age."""
    gap = estimate.gap(age)
    return min(gap, max(estimate.floor, _SOON)) if soon and soon() else gap


def _given_up(job_id: str, how: str, age: float, last: QueueStatusError | None = None) -> JobTimeoutError:
    said = f" The last time it was asked: {last.message}" if last else ""
    return JobTimeoutError(f"Job {job_id} {how} within {age / 60:.0f} minutes.{said}", {"job_id": job_id}, last)
