"""Runs jobs on the background event loop, from the recorded intent to the stored video."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
import weakref
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._util.interface_names import step
from .._util.observed import is_observed
from ..client import duration_estimate as polling
from ..client.client import DecartClient
from ..client.responses import was_not_accepted
from ..client.retry import OnRetry
from ..errors import DecartSDKError, JobCancelledError, JobFailedError, QueueSubmitError, StoreError
from ..request.catalogue import models
from ..request.models import ModelDefinition
from ..request.request import Request
from ..store.claims import ClaimLostError
from ..store.job_row import UNDER_WAY, Record
from ..store.store import Store
from .clip import Clip, clip_of, inputs_of
from .estimates import Estimates
from .event_loop import Writer, background, in_background, start
from .fetching import Fetcher, OnStored
from .ingest import ingest, is_complete, shown_inputs
from .job import Job, JobUpdates
from .money import Payment
from .prices import price_of
from .recipe import Recipe
from .repeat import RepeatedRequest, repeat_stored
from .seeds import seeded_values
from .submission import JobSubmission

_TICK = 0.5
#: So many of the jobs that earlier processes have left are asked for at once.
_RESUMED_AT_ONCE = 8
#: Seconds after which a job that the queue no longer answers for is asked for only once in as many.
_LONG_AGO = 86400.0
#: Those that somebody still holds.
open_runners: weakref.WeakSet[Runner] = weakref.WeakSet()


def _close_client(client: DecartClient, timeout: float = 0.0) -> None:
    """Close a client's connections, whose engine would complain of being left open; wait for that so many seconds."""
    if not client.is_open:
        return
    closing = asyncio.run_coroutine_threadsafe(client.close(), background())
    if timeout and not in_background():
        with contextlib.suppress(TimeoutError):
            closing.result(timeout)


@dataclass(eq=False)
class Runner:
    """The engine of a session: it submits, resumes and supervises jobs.

    Attributes:
        client: how the queue is reached.
        store: where jobs and videos are stored.
        backend: ``live`` or ``local``.
        prices: USD per generated second by model, over the catalogue's.
        prior: how long a job may take of which nothing is known yet.
        on_stored: called, on a thread, with a job's id and the path of its video when that is in the store.
    """

    client: DecartClient
    store: Store
    backend: str
    prices: Mapping[str, float]
    prior: polling.Estimate
    on_stored: OnStored | None = None
    #: The jobs under way by their ids, so that whoever attaches to one gets the same.
    under_way: dict[str, Job] = field(default_factory=dict)
    #: All jobs that have not ended.
    at_work: set[Job] = field(default_factory=set)
    _ticking: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        # When nobody holds the session any more, and no job is under way. It waits for nothing: the garbage collector
        # comes in the middle of anything, also where a lock is held that the loop is waiting for.
        weakref.finalize(self, _close_client, self.client).atexit = False
        self._writer = Writer(self.store)
        self._estimates = Estimates(self.store, self.prior)
        self._submission = JobSubmission(self.client, self.store, self._writer)
        self._fetcher = Fetcher(
            self.client, self.store, self._writer, self._estimates, self.price, on_stored=self.on_stored
        )
        open_runners.add(self)

    @property
    def endpoint(self) -> str:
        """What results are found by: the queue's address, or ``local``, whatever port that listens on today."""
        return "local" if self.backend == "local" else self.client.endpoint

    @property
    def payment(self) -> Payment:
        """What becomes of the cost of a job here."""
        return "paid" if self.backend == "live" else "rehearsed" if self.prices else "free"

    def submit(self, request: Request, *, fresh: bool = False, resubmit_uncertain: bool = False, take: int = 0) -> Job:
        """Start the job of a request, unless there is one already, and return when it is stored.

        Args:
            request, fresh: what is asked for, and whether the next take of it is wanted.
            resubmit_uncertain: whether it is submitted again where it may have been taken.
            take: a further take, where no other will do.

        Raises:
            InvalidInputError: a file can no longer be read, or has changed since it was checked.
            StoreError: a file cannot be kept in the store.
        """
        # On the caller's thread, which waits anyway: what the caller does next changes no file of the request.
        request, wanted = self._ingest(request, _name_at_queue(request.model))
        repeated = RepeatedRequest(self, request)
        job = Job(request.model.name, shown_inputs(request), estimate=self.prior, resubmit=repeated)
        wanted.take = take
        resubmit = {"uncertain"} if resubmit_uncertain else ()
        start(self._supervise(job, self._fetch_and_execute(job, repeated, wanted, fresh, resubmit)))
        if not in_background():
            job.wait_until_recorded()
        return job

    def attach(self, job_id: str, model: ModelDefinition | None) -> Job:
        """Return the job with an id, and resume it in the background unless this process is running it already."""
        if known := self.under_way.get(job_id):
            return known
        found = self.store.find(job_id=job_id, endpoint=self.endpoint)
        record = found[-1] if found else None
        if record is None:
            name = model.name if model else "unknown model"
            unknown = Record("", self.endpoint, self.backend, name, name, status="pending", job_id=job_id)
            record = self.store.adopt(unknown)
        job, work = self._resumed(record, model)
        start(self._supervise(job, work))
        return job

    def resume_all(self, records: Sequence[Record]) -> list[Job]:
        """Resume, in the background, the jobs of processes that have ended: a few at a time, the last one first.

        A job for which the queue has not answered for a day is asked for once a day, and is not always returned.
        """
        now = time.time()
        due = [
            record
            for record in reversed(records)
            if record.status in UNDER_WAY
            or now - (record.submitted_at or record.created_at) < _LONG_AGO
            or now - (record.ended_at or 0.0) > _LONG_AGO
        ]
        resumed = [self._resumed(record) for record in due if record.job_id not in self.under_way]
        if resumed:
            start(self._supervise_all(resumed))
        return [job for job, _ in resumed]

    async def run_job(
        self,
        job: Job,
        request: Request,
        wanted: Record,
        on_rejected: Callable[[QueueSubmitError], object] | None = None,
        **terms: Any,
    ) -> None:
        """Run a job from its claim to its stored video, or to its error. Called on the background loop.

        Args:
            job: the job to update.
            request: with its files kept in the store.
            wanted: its planned row.
            on_rejected: called with every submission that was certainly not accepted and will be made again.
            terms: as for :meth:`decart_nb.store.store.Store.claim`.
        """
        await self._supervise(job, self._execute(job, request, wanted, on_rejected, **terms))

    def close(self, timeout: float = 5.0) -> None:
        """Close the connections, and the store's database as long as nothing uses it."""
        _close_client(self.client, timeout)
        self.store.close()

    def price(self, model: ModelDefinition, resolution: str | None = None, resolved: str | None = None) -> float | None:
        """USD per generated second: what the session was told, else nothing on the local queue, else the catalogue.

        Args:
            model: the model.
            resolution: ``720p`` unless given.
            resolved: what its name means to the queue today, where that is known.
        """
        told = price_of(self.prices, model, resolved)
        if told is not None:
            return told
        if resolved is not None and resolved in models:
            model = models.video(resolved)
        return 0.0 if self.backend == "local" else model.prices.get(resolution or "720p")

    async def resolved(self, model: ModelDefinition, on_retry: OnRetry | None = None) -> str:
        """What a model's name means to the queue: an alias moves, and an old name has a successor."""
        return _name_at_queue(model) or await self.client.queue.resolve(model.name, on_retry=on_retry)

    async def expect(self, model: str, input_seconds: float | None) -> polling.Estimate:
        """How long a job may take; see :meth:`decart_nb.job.estimates.Estimates.estimate`."""
        return await self._estimates.expect(model, self.endpoint, input_seconds)

    def recipe(self, record: Record, model: ModelDefinition | None = None) -> Recipe:
        """What is needed to submit a stored job again.

        Args:
            record: the job.
            model: its model; by default, that of its name in the catalogue.
        """
        if model is None and record.asked_model in models:
            model = models.video(record.asked_model)
        return Recipe(record, model, self.store, self.backend, self.client.base_url, self.prices)

    async def _supervise(self, job: Job, work: Coroutine[Any, Any, Clip]) -> None:
        """Do the work of a job. Whatever goes wrong, the job ends, and whoever waits for it is told."""
        updates = JobUpdates(job)
        self.at_work.add(job)
        if self._ticking is None or self._ticking.done() or self._ticking.get_loop() is not asyncio.get_running_loop():
            self._ticking = asyncio.create_task(self._tick())
        try:
            clip = await work
        except Exception as error:  # noqa: BLE001 - whatever it is, the waiting cell is told
            updates.end(_status_of(error, job), error=error if isinstance(error, DecartSDKError) else _own(error, job))
        else:
            if is_observed(job):
                # On a thread: whoever shows the clip makes a still of it, and other jobs shall not wait.
                await asyncio.to_thread(updates.end, "completed", clip=clip)
            else:
                updates.end("completed", clip=clip)
        finally:
            self.at_work.discard(job)
            if job.id and self.under_way.get(job.id) is job:
                del self.under_way[job.id]

    async def _tick(self) -> None:
        """Let all that watch a job see the time pass."""
        while self.at_work:
            await asyncio.sleep(_TICK)
            for job in tuple(self.at_work):
                if is_observed(job):
                    JobUpdates(job).notify()

    async def _fetch_and_execute(
        self, job: Job, repeated: RepeatedRequest, wanted: Record, fresh: bool, resubmit: Collection[str]
    ) -> Clip:
        """Run a planned job, after downloads and lookups that its request needs first."""
        request, updates = repeated.request, JobUpdates(job)
        enqueued: Record | None = None
        if _name_at_queue(request.model) is None or not is_complete(request.files):
            enqueued = await self._writer.write(functools.partial(self.store.enqueue, wanted))
            updates.record(enqueued.key)
            try:
                request = await self.client.queue.fetch_inputs(request, on_retry=updates.retry)
                resolved = await self.resolved(request.model, updates.retry)
                request, complete = await asyncio.to_thread(self._ingest, request, resolved)
            except BaseException:
                self.store.release(enqueued)
                raise
            repeated.request = request  # whose files lie in the store; with the last word of it, their copies go
            complete.take, wanted = wanted.take, complete
        return await self._execute(
            job, request, wanted, fresh=fresh, exact=wanted.take > 0, resubmit=resubmit, enqueued=enqueued
        )

    def _ingest(self, request: Request, resolved: str | None) -> tuple[Request, Record]:
        return ingest(self.store, request, self.endpoint, self.backend, resolved)

    async def _execute(
        self,
        job: Job,
        request: Request,
        wanted: Record,
        on_rejected: Callable[[QueueSubmitError], object] | None = None,
        *,
        resubmit: Collection[str] = (),
        enqueued: Record | None = None,
        **terms: Any,
    ) -> Clip:
        claim = functools.partial(self.store.claim, wanted, resubmit=resubmit, **terms)
        first = functools.partial(claim, enqueued=enqueued)
        job.recipe = self.recipe(wanted, request.model)
        job.estimate = await self.expect(wanted.model, wanted.input_seconds)
        while True:
            record, ours = await self._until_it_is_ours(job, first, claim)
            job.recipe = self.recipe(record, request.model)
            # Who says what he has seen takes what has come of it since then.
            if not ours and record.status in {"rejected", "cancelled", *(resubmit if "seen" not in terms else ())}:
                continue  # what somebody else's attempt has come to
            try:
                if ours and record.job_id is None:
                    seeded = replace(request, values={**request.values, **seeded_values(record)})
                    await self._submission.submit(job, record, seeded, on_rejected)
                return await self._finish(job, record, request.model)
            except ClaimLostError:
                continue
            finally:
                if ours:
                    self.store.release(record)

    async def _until_it_is_ours(
        self, job: Job, first: Callable[[], tuple[Record, bool]], claim: Callable[[], tuple[Record, bool]]
    ) -> tuple[Record, bool]:
        """Claim a job, and watch it as long as another holder is at it."""
        record, ours = await self._writer.write(first)
        JobUpdates(job).record(record.key, seeded_values(record))
        while not ours and record.status in UNDER_WAY:
            if record.job_id != job.id or record.status != job.status:
                JobUpdates(job).set_status(record.status, record.job_id)
            await asyncio.sleep(_TICK)
            record, ours = await self._writer.write(functools.partial(self._watch, record, claim))
        return record, ours

    def _watch(self, record: Record, claim: Callable[[], tuple[Record, bool]]) -> tuple[Record, bool]:
        """What has become of a job that another holder is at; it is claimed where that has gone."""
        now = self.store.refreshed(record)
        return claim() if now.status in UNDER_WAY else (now, False)

    def _resumed(self, record: Record, model: ModelDefinition | None = None) -> tuple[Job, Coroutine[Any, Any, Clip]]:
        """A stored job, and the coroutine that resumes it."""
        if model is None and record.asked_model in models:
            model = models.video(record.asked_model)
        is_known = model is not None and bool(record.inputs or record.files)
        again = (lambda job: repeat_stored(self, record, is_made=job.clip is not None)) if is_known else None
        name = model.name if model else record.asked_model
        job = Job(name, inputs_of(record), estimate=self.prior, job_id=record.job_id, resubmit=again)
        job.recipe = self.recipe(record, model)
        if record.job_id:
            self.under_way[record.job_id] = job
        return job, self._resume(job, record, model)

    async def _supervise_all(self, resumed: Sequence[tuple[Job, Coroutine[Any, Any, Clip]]]) -> None:
        few = asyncio.Semaphore(_RESUMED_AT_ONCE)

        async def supervise(job: Job, work: Coroutine[Any, Any, Clip]) -> None:
            async with few:
                await self._supervise(job, work)

        await asyncio.gather(*(supervise(job, work) for job, work in resumed))

    async def _resume(self, job: Job, record: Record, model: ModelDefinition | None) -> Clip:
        job.estimate = await self.expect(record.model, record.input_seconds)
        take_over = functools.partial(self.store.take_over, record)
        record, ours = await self._until_it_is_ours(job, take_over, take_over)
        try:
            return await self._finish(job, record, model)
        finally:
            if ours:
                self.store.release(record)

    async def _finish(self, job: Job, record: Record, model: ModelDefinition | None) -> Clip:
        """Bring the video of what has been submitted, or say what it ended with."""
        job.id = record.job_id
        if path := self.store.video(record):
            return clip_of(record, path, reused=True)
        if record.status == "failed":
            raise JobFailedError(record.job_id or "", record.error or "the service gave no reason.")
        if record.job_id is None:
            raise QueueSubmitError(
                f"{record.error} To submit it again, ask with {step('resubmit_uncertain')}; if it was taken, both are "
                "paid.",
                {"sent": True},
            )
        self.under_way[record.job_id] = job
        return await self._fetcher.fetch(job, record, model)


def _name_at_queue(model: ModelDefinition) -> str | None:
    """What a model's name means to the queue; ``None`` for an alias, which only the queue knows."""
    return None if model.alias_of else model.successor or model.name


def _status_of(error: Exception, job: Job) -> str:
    """The status of a job that has ended with an error."""
    match error:
        case JobCancelledError():
            return "cancelled"
        case JobFailedError():
            return "failed"
        case QueueSubmitError():
            return "rejected" if was_not_accepted(error) else "uncertain"
        case DecartSDKError() if error.data.get("expired"):
            return "expired"
    if job.id:
        return "unreachable"
    return "uncertain" if job.is_being_submitted else "rejected"


def _own(error: Exception, job: Job) -> DecartSDKError:
    """An error of our own in place of one that nobody expected."""
    where = f" Job {job.id} is not lost: {step('attach', id=job.id)} asks for it again." if job.id else ""
    return StoreError(f"The job could not go on: {type(error).__name__}: {error}.{where}", {"job_id": job.id}, error)
