"""Schedules the polls of all jobs in flight on one event loop: one heap, one timer, one rate limit.

Each job is polled in the task that waits for it, when the scheduler lets it, so that a slow poll delays no other job
and a cancelled wait leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import math
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

from ..errors import JobTimeoutError, QueueStatusError
from .duration_estimate import JOB_TIMEOUT, MAX_GAP, Estimate
from .responses import JobStatusResponse, OnStatusChange, is_transient
from .retry import JITTER, OnRetry, Patience, RetryLine

#: The limit on polls a second, of all jobs together, not counting polls that find a job ended. Sixty jobs of half a
#: minute need about twenty.
BUDGET = 50.0
_MIN_RATE = 1.0
#: The fraction of the limit that an answered poll restores after a 429.
_RECOVERY = 0.02
#: The moving average of 429 answers: the weight of the last poll, and the level at which all polls pause.
_WEIGHT, _THROTTLE_LEVEL = 0.2, 0.5
#: Polls at the rate limit go in batches, this many seconds apart: a wake-up for each costs more than the poll.
_BATCH_WINDOW = 0.2
#: Polls due within this many seconds go with the current batch, for the same reason.
_COALESCE = 0.2
#: A job is given up at this age in seconds if no poll is answered, and not before this many polls in a row have failed:
#: a machine that was asleep asks again first, and so does a new kernel.
_GIVE_UP_AFTER = 900.0
_GIVE_UP_FAILURES = 5
#: Polls a second of all jobs of one model as long as nobody knows how long they take: the first end that is found tells
#: of the others, too. Their intervals differ by up to this share.
_RATE_BEFORE_FIRST_END, _INTERVAL_JITTER = 20.0, 0.5
#: Seconds between eager polls, the shortest that Decart recommends.
_EAGER_INTERVAL = 2.0


class PollScheduler:
    """Decides when each job is polled.

    Args:
        ask: polls a job once. It must have a time-out.
        patience: the back-off after failed polls.
        budget: the limit on polls a second, of all jobs together; polls that find a job ended do not count.
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
        self._heap: list[tuple[float, int, float, asyncio.Future[bool]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0  # not every loop has timers that tell theirs
        #: By the loop's clock: when the next poll of any job may start, and until when further 429s are ignored.
        self._next_allowed = self._throttled_until = 0.0
        self._throttled_share = 0.0

    async def wait(
        self,
        job_id: str,
        estimate: Estimate,
        *,
        re_estimate: Callable[[], Awaitable[Estimate]] | None = None,
        eager: Callable[[], bool] | None = None,
        peers: Callable[[], int] | None = None,
        age: float = 0.0,
        just_submitted: bool = True,
        on_status_change: OnStatusChange | None = None,
        on_retry: OnRetry | None = None,
    ) -> JobStatusResponse:
        """Poll a job until it is completed or failed; see :meth:`decart_nb.client.queue.Queue.wait`."""
        with self._counted(on_retry) as retry_line:
            clock = asyncio.get_running_loop().time
            submitted = clock() - age
            # The age at which the job had certainly not ended, if the next poll is answered.
            unended_age = age if just_submitted else None
            failures, pause = 0, _interval(estimate, age, eager, peers) if just_submitted else 0.0
            while True:
                earliest = pause if failures else max(estimate.floor, pause - _COALESCE)
                while not await self._wait_for_slot(submitted + age + pause, submitted + age + earliest):
                    if not failures and re_estimate:
                        estimate = await re_estimate()
                        pause = earliest = min(pause, _interval(estimate, age, eager, peers))
                try:
                    status = await self._ask(job_id)
                except QueueStatusError as error:
                    age, failures, unended_age = clock() - submitted, failures + 1, None
                    if not is_transient(error, age if just_submitted else math.inf):
                        raise
                    if age > _GIVE_UP_AFTER and failures >= _GIVE_UP_FAILURES:
                        raise _given_up(job_id, "has not been heard of", age, error) from None
                    pause = max(estimate.floor, self._pause(error, failures))
                    retry_line.say(error, pause)
                    continue
                retry_line.clear()
                self._answered()
                if on_status_change:
                    on_status_change(status)
                age, failures = clock() - submitted, 0
                if status.status in ("completed", "failed"):
                    self._next_allowed -= 1 / self._rate
                    self._set_timer()
                    return status if unended_age is None else replace(status, seconds=(unended_age + age) / 2)
                if age > JOB_TIMEOUT:
                    raise _given_up(job_id, "has not ended", age)
                if re_estimate:
                    estimate = await re_estimate()
                unended_age, pause = age, _interval(estimate, age, eager, peers)

    @contextlib.contextmanager
    def _counted(self, on_retry: OnRetry | None) -> Iterator[RetryLine]:
        """Count a wait among the jobs in flight, and report the end of its retries."""
        retry_line = RetryLine(on_retry)
        self._waits += 1
        try:
            yield retry_line
        finally:
            self._waits -= 1
            retry_line.clear()

    @property
    def in_flight(self) -> int:
        """The number of jobs in flight: those with a wait."""
        return self._waits

    def replan(self) -> None:
        """Poll every job earlier that is due earlier by a new estimate, since more is known of how long they take."""
        waiting, self._heap = self._heap, []
        for *_, slot in waiting:
            if not slot.done():
                slot.set_result(False)
        self._set_timer()

    def _answered(self) -> None:
        self._throttled_share *= 1 - _WEIGHT
        self._rate = min(self._budget, self._rate + self._budget * _RECOVERY)

    def _pause(self, error: QueueStatusError, failures: int) -> float:
        """Record a failed poll, and return the seconds until the job is polled again.

        A 429 halves the rate, once for all polls that were in flight together. Retry-After pauses all polls only where
        most of them are answered by 429: otherwise one in twenty would stop them altogether.
        """
        retry_after = error.data.get("retry_after")
        pause = min(JOB_TIMEOUT, self._patience.pause(failures, retry_after))
        if error.data.get("status") == 429:
            now = asyncio.get_running_loop().time()
            self._throttled_share += _WEIGHT * (1 - self._throttled_share)
            if now >= self._throttled_until:
                self._rate = max(min(_MIN_RATE, self._budget), self._rate / 2)
                self._throttled_until = now + pause
            if retry_after is not None and self._throttled_share > _THROTTLE_LEVEL:
                self._next_allowed = max(self._next_allowed, now + pause)
        return pause

    async def _wait_for_slot(self, due: float, earliest: float) -> bool:
        """Sleep until ``due``, by the loop's clock, or longer where the rate limit requires it.

        From ``earliest`` on, the poll may go with an earlier batch.

        Returns:
            Whether the poll may start; if not, it may be due earlier than it was.
        """
        slot: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        entry = (due, next(self._numbers), earliest, slot)
        heapq.heappush(self._heap, entry)
        self._set_timer()
        try:
            return await slot
        except asyncio.CancelledError:
            with contextlib.suppress(ValueError):
                self._heap.remove(entry)
                heapq.heapify(self._heap)
            self._set_timer()
            raise

    def _set_timer(self) -> None:
        at = max(self._heap[0][0], self._next_allowed) if self._heap else None
        if self._timer and (at is None or at < self._timer_at):
            self._timer.cancel()
            self._timer = None
        if at is not None and self._timer is None:
            self._timer, self._timer_at = asyncio.get_running_loop().call_at(at, self._next), at

    def _next(self) -> None:
        self._timer, now, granted = None, asyncio.get_running_loop().time(), 0
        while self._heap and self._next_allowed <= now and granted < max(1.0, _BATCH_WINDOW * self._rate):
            due, _, earliest, slot = self._heap[0]
            if due > now and (not granted or due > now + _COALESCE or earliest > now):
                break
            heapq.heappop(self._heap)
            if not slot.done():
                slot.set_result(True)
                granted += 1
        self._next_allowed = max(self._next_allowed, now + granted / self._rate)
        self._set_timer()


def _interval(
    estimate: Estimate, age: float, eager: Callable[[], bool] | None, peers: Callable[[], int] | None
) -> float:
    """Seconds until the next poll of a job of this age."""
    gap = estimate.gap(age)
    if peers and not estimate.history and (count := peers()) > 1:
        # Jobs that were submitted together are not polled together, since the first end that is found tells of them.
        gap = max(gap, count / _RATE_BEFORE_FIRST_END) * JITTER.uniform(1 - _INTERVAL_JITTER, 1 + _INTERVAL_JITTER)
        gap = max(estimate.floor, min(MAX_GAP, gap))
    return min(gap, max(estimate.floor, _EAGER_INTERVAL)) if eager and eager() else gap


def _given_up(job_id: str, how: str, age: float, last: QueueStatusError | None = None) -> JobTimeoutError:
    said = f" The last time it was asked: {last.message}" if last else ""
    return JobTimeoutError(f"Job {job_id} {how} within {age / 60:.0f} minutes.{said}", {"job_id": job_id}, last)
