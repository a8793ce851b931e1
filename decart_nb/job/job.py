"""Jobs: requests that are being submitted, waited for and downloaded in the background."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, InvalidStateError
from typing import TYPE_CHECKING, Any

from .._util.interface_names import step
from .._util.plain_values import is_nonnegative
from .._util.public import public
from .._util.short_traceback import with_short_traceback
from .._util.text import printable, short_repr
from ..client.duration_estimate import Estimate
from ..errors import InvalidInputError, JobCancelledError, JobTimeoutError, NotPicklableError
from .clip import Clip
from .observable import Observable

if TYPE_CHECKING:
    from .recipe import Recipe


@public
class Job(Observable):
    """A request that becomes a clip in the background, independently of the cell that submitted it.

    ``await`` it or call :meth:`result` for its clip; ``asyncio.ensure_future(job)`` is a task of it, and :meth:`future`
    a future of ``concurrent.futures``. A copy of it is itself. Made by ``submit`` and ``attach``, not by hand.

    Attributes:
        id: the queue's name for it; ``None`` until it has been submitted.
        model: the model's name.
        inputs: what was asked for: plain values, and the names of files.
        status: ``planned``, ``pending``, ``processing``, ``completed``, ``failed``, ``rejected`` (the service refused
            the submission), ``uncertain`` (the submission's answer was lost), ``unreachable`` (the job's id is known,
            but nothing answers), ``expired`` (the service no longer has its video) or ``cancelled``.
        error: what went wrong, once something has.
        clip: the video, once it is there.
        estimate: how long such a job takes.
        recipe: what is needed to submit it again, once that is known.
        key: the store's name for it, once the store knows of it.
        retrying: what does not work at the moment and is tried again, as a sentence; ``None`` while all is well.
        submitted_monotonic: when its submission was answered, by the monotonic clock; ``None`` where another process
            has submitted it.
        on_status: called with every status that the queue reports.
        eager: tells whether to poll at short intervals until the queue has started the job.

    Args:
        resubmit: asks for another take of the job that it is given; without it, :meth:`again` is refused.
        clock: a monotonic clock, in seconds, for :attr:`elapsed` and :attr:`progress`.
    """

    def __init__(
        self,
        model: str,
        inputs: Mapping[str, Any],
        *,
        estimate: Estimate,
        job_id: str | None = None,
        on_status: Callable[[str], object] | None = None,
        eager: Callable[[], bool] | None = None,
        resubmit: Callable[[Job], Job] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.id = job_id
        self.model = model
        self.inputs = inputs
        self.status = "planned" if job_id is None else "pending"
        self.error: Exception | None = None
        self.clip: Clip | None = None
        self.estimate = estimate
        self.retrying: str | None = None
        self.recipe: Recipe | None = None
        self.key: str | None = None
        self.submitted_monotonic: float | None = None
        self._attached = job_id is not None
        self._recorded = self._attached
        self._clock = clock
        self._began = self._not_begun_at = clock()
        self._ended_at: float | None = None
        self._cancel_count = 0
        self._finished = False
        self._waiting_calls = 0  # how many calls of result() hold up the main thread
        self._resubmit = resubmit
        self._takes: list[Job] = [self]
        self.on_status, self.eager = on_status, eager
        self._cancel_requested = False
        self._is_being_submitted = False

    @property
    def elapsed(self) -> float:
        """Seconds since the submission, or since it was attached to, until its end."""
        return self._end_or_now() - self._began

    @property
    def done(self) -> bool:
        """Whether it has ended, well or badly."""
        return self._finished

    @property
    def recorded(self) -> bool:
        """Whether the store knows of it."""
        return self._recorded

    @property
    def is_being_submitted(self) -> bool:
        """Whether its submission is on its way: the queue may have taken it."""
        return self._is_being_submitted and self.id is None

    @property
    def stopped(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancel_count > 0

    @property
    def blocks_main_thread(self) -> bool:
        """Whether the main thread, where cells run, waits in :meth:`result`."""
        return self._waiting_calls > 0

    @property
    def repeatable(self) -> bool:
        """Whether :meth:`again` can be called: what was asked is known, unless the job was only attached to."""
        return self._resubmit is not None

    @property
    def takes(self) -> tuple[Job, ...]:
        """The job and the further takes that :meth:`again` and its line's button have made of it, in their order.

        One that failed gives its place to the next attempt. Where the first is take 0 of a request without a seed of
        its own, ``takes[n].clip.take`` is ``n``.
        """
        return tuple(self._takes)

    @property
    def progress(self) -> float:
        """An estimate from 0 to 1 of how far it has come: the service tells nothing, so it goes by time alone.

        The time counts from when the service was last heard to say that it has not begun to work on the job.
        """
        if self.status != "processing":
            return float(self.status == "completed")
        return self.estimate.progress(self._end_or_now() - self._not_begun_at)

    def result(self, timeout: float | None = None) -> Clip:
        """Waits for the clip. Interrupting the wait leaves the job alive.

        Args:
            timeout: seconds to wait at most.

        Raises:
            InvalidInputError: ``timeout`` is no number of seconds.
            JobFailedError: the service gave up on it.
            JobCancelledError: :meth:`cancel` was called meanwhile.
            JobTimeoutError: it is still under way after ``timeout``; it goes on.
            DecartSDKError: it could not be submitted or fetched.
        """
        if timeout is not None and not is_nonnegative(timeout):
            raise InvalidInputError(f"timeout must be seconds, from 0 on, not {short_repr(timeout)}.")
        longest = None if timeout is None else min(float(timeout), threading.TIMEOUT_MAX)
        stops = self._cancel_count
        try:
            with self._blocking(), self._changed:
                in_time = self._changed.wait_for(lambda: self._finished or self._cancel_count != stops, longest)
        except KeyboardInterrupt:
            raise self.interrupted() from None
        if not in_time:
            raise JobTimeoutError(f"No video after {longest:g} s. {self._whereabouts()}", {"job_id": self.id})
        return self._outcome()

    def future(self) -> Future[Clip]:
        """Its clip as a future, for ``concurrent.futures.wait`` and its like. Cancelling it is not possible."""
        future: Future[Clip] = Future()
        future.set_running_or_notify_cancel()
        stops = self._cancel_count

        def update(_: Job) -> None:
            if not (self._finished or self._cancel_count != stops):
                return
            with contextlib.suppress(InvalidStateError):  # two threads may tell at once
                try:
                    clip = self._outcome()
                except Exception as error:  # noqa: BLE001 - whoever asks the future is told
                    future.set_exception(error)
                else:
                    future.set_result(clip)
            forget()

        forget = self.observe(update)
        update(self)
        return future

    @contextlib.contextmanager
    def _blocking(self) -> Iterator[None]:
        here = not self._finished and threading.current_thread() is threading.main_thread()
        self._waiting_calls += here
        if here:
            self._notify()
        try:
            yield
        finally:
            self._waiting_calls -= here
            if here and not self._finished:
                self._notify()

    def __await__(self) -> Generator[Any, None, Clip]:
        return self._wait().__await__()

    async def _wait(self) -> Clip:
        stops = self._cancel_count
        try:
            await self._until(lambda: self._finished or self._cancel_count != stops)
        except asyncio.CancelledError:
            raise with_short_traceback(asyncio.CancelledError(f"Stopped waiting. {self._whereabouts()}")) from None
        return self._outcome()

    def _outcome(self) -> Clip:
        if not self._finished:
            raise JobCancelledError(f"Stopped waiting. {self._whereabouts()}", {"job_id": self.id})
        if self.error is not None:
            raise self.error.with_traceback(None)  # or each raise would add to what the last one has left
        assert self.clip is not None
        return self.clip

    def cancel(self) -> None:
        """Before the submission, withdraws it; after it, only stops the waiting.

        Decart cannot cancel, and the video is paid for: it is still fetched and kept, and :meth:`result` gives it
        when asked again.
        """
        if self._finished:
            return
        with self._changed:  # either it is not submitted any more, or its submission has begun
            self._cancel_requested = True
            self._cancel_count += 1
        self._notify()

    def interrupted(self) -> KeyboardInterrupt:
        """What an interrupt of whoever waits is raised as: it says how to wait again."""
        return with_short_traceback(KeyboardInterrupt(f"Stopped waiting. {self._whereabouts()}"))

    def again(self) -> Job:
        """Asks for another take: the same request as a job of its own, with another seed if it had one.

        Raises:
            InvalidInputError: what was asked is not known, since the job was only attached to.
        """
        if self._resubmit is None:
            raise InvalidInputError(f"What job {self.id} was asked for is not known here; submit it anew.")
        take = self._resubmit(self)
        if self.clip is None and self in self._takes:
            self._takes[self._takes.index(self)] = take
        elif take not in self._takes:
            self._takes.append(take)
        take._takes = self._takes
        return take

    def __repr__(self) -> str:
        where = f" {self.id}" if self.id else ""
        why = self.error or self.retrying
        end = f": {why}" if why else ""
        return printable(f"<Job{where}, {self.model}: {self.status}, {self.elapsed:.1f} s{end}>")

    def _end_or_now(self) -> float:
        return self._clock() if self._ended_at is None else self._ended_at

    def _whereabouts(self) -> str:
        if self.id is None and self._cancel_requested and not self._is_being_submitted:
            return "The job was withdrawn before it was submitted."
        if self.id is None:
            return f"The job is on its way to the queue; it goes on in the background, and {step('jobs')} lists it."
        return f"Job {self.id} goes on: {step('attach', id=self.id)} waits for it again, in any process."

    def wait_until_recorded(self) -> None:
        """Wait until the store knows of it, or it has ended. An interrupt leaves it alive."""
        try:
            with self._changed:
                self._changed.wait_for(lambda: self._recorded or self._finished)
        except KeyboardInterrupt:
            raise self.interrupted() from None

    def _log_name(self) -> str:
        return f"job {self.id}"

    def _not_picklable(self) -> Exception:
        attach = f"decart_nb.attach({self.id!r})" if self.id else "decart_nb.attach(id), once it has an id,"
        return NotPicklableError(
            f"A job lives in the process that made it and cannot be pickled: {attach} picks it up in another one."
        )

    def _in_place_of_a_future(self, library: str) -> str:
        if library == "asyncio":
            return "A job is not a future: give asyncio.wait and its like asyncio.ensure_future(job)."
        return "A job is not a future: give concurrent.futures.wait and its like job.future()."


class JobUpdates:
    """The side of a job from which its state is set: what its runner reports about it.

    These are to a job what ``set_result`` is to a future of ``concurrent.futures``: for runners and for tests. They are
    no methods of the job, so that completion offers whoever holds a job only what is for them.

    Args:
        job: the job. Any number of these may report about one job.
    """

    def __init__(self, job: Job) -> None:
        self._job = job

    @property
    def cancel_requested(self) -> bool:
        """Whether the job was cancelled, which counts as long as it has not been submitted."""
        return self._job._cancel_requested

    def notify(self) -> None:
        """Call the observers: something has changed, or time has passed."""
        self._job._notify()

    def retry(self, message: str | None) -> None:
        """Something does not work and is tried again; with ``None``, it works again."""
        if message != self._job.retrying:
            self._job.retrying = message
            self.notify()

    def record(self, key: str, drawn: Mapping[str, Any] | None = None) -> None:
        """The store knows of the job, by this key, and what was drawn for it."""
        job = self._job
        with job._changed:
            job.key, job._recorded = key, True
            job.inputs = {**job.inputs, **(drawn or {})}
            job._changed.notify_all()

    def begin_submission(self) -> bool:
        """Begin to submit the job, unless it was cancelled: from here on, cancelling is too late."""
        job = self._job
        with job._changed:
            job._is_being_submitted = not job._cancel_requested
            return job._is_being_submitted

    def end_submission(self) -> None:
        """The attempt to submit the job came to nothing; it may be cancelled again."""
        self._job._is_being_submitted = False

    def submitted(self, job_id: str) -> None:
        """The queue has taken the job, under this id."""
        if self._job.submitted_monotonic is None:
            self._job.submitted_monotonic = time.monotonic()
        self.set_status("pending", job_id)

    def set_status(self, status: str, job_id: str | None = None) -> None:
        """The job has this status, and this id if one is given."""
        job = self._job
        job.id, job.status = job_id or job.id, status
        if status != "processing":
            job._not_begun_at = job._clock()
        self.notify()

    def end(self, status: str, *, clip: Clip | None = None, error: Exception | None = None) -> None:
        """The job has ended, with its clip or with an error."""
        job = self._job
        _drop_tracebacks(error)  # or what is held there, such as copies of the inputs, is held as long as the job
        job.status, job.clip, job.error = status, clip, error
        job._ended_at = job._clock()
        self.notify()  # whoever shows it comes first, so that the clip is on screen when a waiting cell goes on
        job._finished = True
        self.notify()


def _drop_tracebacks(error: BaseException | None) -> None:
    """Takes the frames from an error, and from those that it came from."""
    left, seen = [error], set()
    while left:
        one = left.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = None
            left += [one.__cause__, one.__context__, getattr(one, "cause", None)]
