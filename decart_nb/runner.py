"""Carries requests from intent to file, on the loop in the background."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import random
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import lineage, media, polling
from .answers import JobStatusResponse, certainly_not_taken
from .background import Writer, background, in_background, start
from .catalogue import MAX_SEED, ModelDefinition, models
from .client import DecartClient
from .clip import Clip, clip_of, inputs_of
from .errors import (
    DecartSDKError,
    JobCancelledError,
    JobFailedError,
    MediaError,
    QueueSubmitError,
    StoreError,
)
from .intents import addressed, filename_for, intent
from .job import Job
from .locations import Remote
from .money import Payment
from .recipe import Recipe
from .records import UNDER_WAY, Record
from .request import Request
from .store import Store
from .transfers import Download

_TICK = 0.5
#: So many seconds an estimate is good for; jobs ask for the same one all the time.
_ESTIMATE_LASTS = 1.0
#: Those that somebody still holds: their connections are closed at the interpreter's end.
_open: weakref.WeakSet[Runner] = weakref.WeakSet()


def _hang_up(client: DecartClient, patience: float = 0.0) -> None:
    """Closes a client's connections, whose engine would complain of being left open; waits for that so many seconds."""
    if not client.is_open:
        return
    closing = asyncio.run_coroutine_threadsafe(client.close(), background())
    if patience and not in_background():
        with contextlib.suppress(TimeoutError):
            closing.result(patience)


@atexit.register
def _hang_up_all() -> None:
    for runner in tuple(_open):
        runner.close()


@dataclass(eq=False)
class Runner:
    """What a session does its work with.

    Attributes:
        client: how the queue is reached.
        store: what remembers.
        backend: ``live`` or ``local``.
        prices: USD per generated second by model, over the catalogue's.
        prior: how long a job may take of which nothing is known yet.
    """

    client: DecartClient
    store: Store
    backend: str
    prices: Mapping[str, float]
    prior: polling.Estimate
    #: The jobs under way by their ids, so that whoever attaches to one gets the same.
    under_way: dict[str, Job] = field(default_factory=dict)
    _at_work: set[Job] = field(default_factory=set)
    #: By model and job, how old those under way were when they were last asked for.
    _running: defaultdict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    _ticking: asyncio.Task[None] | None = None
    _estimates: dict[tuple[str, float | None], tuple[float, asyncio.Task[polling.Estimate]]] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        # When nobody holds the session any more, and no job is under way. It waits for nothing: the garbage collector
        # comes in the middle of anything, also where a lock is held that the loop is waiting for.
        weakref.finalize(self, _hang_up, self.client).atexit = False
        _open.add(self)

    @functools.cached_property
    def _writer(self) -> Writer:
        return Writer(self.store)

    @property
    def endpoint(self) -> str:
        """What results are found by: the queue's address, or ``local``, whatever port that listens on today."""
        return "local" if self.backend == "local" else self.client.endpoint

    @property
    def payment(self) -> Payment:
        """What becomes of the cost of a job here."""
        return "paid" if self.backend == "live" else "rehearsed" if self.prices else "free"

    def submit(self, request: Request, *, fresh: bool = False, resubmit_uncertain: bool = False) -> Job:
        """Starts a request on its way, unless it has been made before. Returns at once."""
        job = Job(request.model.name, _shown(request), estimate=self.prior)
        self._let_repeat(job, request)
        start(self._carried(job, self._read_and_carry(job, request, fresh, resubmit_uncertain)))
        return job

    def attach(self, job_id: str, model: ModelDefinition | None) -> Job:
        """Picks up a job that somebody submitted, or that is under way here already. Returns at once."""
        if known := self.under_way.get(job_id):
            return known
        found = self.store.find(job_id=job_id, endpoint=self.endpoint)
        record = found[-1] if found else None
        if record is None:
            name = model.name if model else "unknown model"
            unknown = Record("", self.endpoint, self.backend, name, name, status="pending", job_id=job_id)
            record = self.store.adopt(unknown)
        return self.pick_up(record, model)

    def pick_up(self, record: Record, model: ModelDefinition | None = None) -> Job:
        """Goes on with a job that the store knows. Returns at once."""
        if model is None and record.asked_model in models:
            model = models.video(record.asked_model)
        name = model.name if model else record.asked_model
        job = Job(name, inputs_of(record), estimate=self.prior, job_id=record.job_id)
        job.recipe = self._recipe(record, model)
        if record.job_id:
            self.under_way[record.job_id] = job
        start(self._carried(job, self._resume(job, record, model)))
        return job

    async def carry(self, job: Job, request: Request, wanted: Record, **terms: Any) -> None:
        """Carries a request to its end, and ends the job so. Called on the loop in the background.

        Args:
            job: what tells of it.
            request: with its files kept in the store.
            wanted: what is to be remembered of it.
            terms: as for :meth:`decart_nb.store.Store.claim`, and ``refused``, which is called with every submission
                that was not taken and will be made again.
        """
        await self._carried(job, self._carry(job, request, wanted, **terms))

    def close(self) -> None:
        """Closes the connections."""
        _hang_up(self.client, 5.0)

    def price(self, model: ModelDefinition, resolution: str | None = None) -> float | None:
        """USD per generated second: what the session was told, else nothing on the local queue, else the catalogue."""
        if model.name in self.prices:
            return self.prices[model.name]
        return 0.0 if self.backend == "local" else model.prices.get(resolution or "720p")

    async def resolved(self, model: ModelDefinition) -> str:
        """What a model's name means to the queue: an alias moves, and an old name has a successor."""
        if model.alias_of is None:
            return model.successor or model.name
        return await self.client.queue.resolve(model.name)

    async def expect(self, model: str, input_seconds: float | None) -> polling.Estimate:
        """How long a job may take, by what such jobs took before.

        Args:
            model: what its name means to the queue.
            input_seconds: how long the video is that goes into it.
        """
        loop, key = asyncio.get_running_loop(), (model, input_seconds)
        until, known = self._estimates.get(key, (0.0, None))
        if known is None or loop.time() > until or known.get_loop() is not loop:
            known = loop.create_task(asyncio.to_thread(self.expected, model, input_seconds))
            self._estimates[key] = (loop.time() + _ESTIMATE_LASTS, known)
        return await known

    def expected(self, model: str, input_seconds: float | None) -> polling.Estimate:
        """As :meth:`expect`; it blocks."""
        running = tuple(self._running[model].values())
        return self.prior.after(self.store.durations(model, self.endpoint), input_seconds, running)

    def _recipe(self, record: Record, model: ModelDefinition | None) -> Recipe:
        return Recipe(record, model, self.store, self.backend, self.client.base_url, self.prices)

    def _let_repeat(self, job: Job, request: Request) -> None:
        """Lets a job be asked for another take, or to be tried again where there is no clip."""

        def again() -> Job:
            if job.clip is None:
                return self.submit(request)  # what failed is made anew; what was taken is asked for, and not paid twice
            if "seed" not in request.values:
                return self.submit(request, fresh=True)
            # The same seed would make the same video.
            another = {**request.values, "seed": random.randrange(MAX_SEED)}
            return self.submit(replace(request, values=another))

        job._again = again

    async def _carried(self, job: Job, work: Coroutine[Any, Any, None]) -> None:
        """Does the work of a job. Whatever goes wrong, the job ends, and whoever waits for it is told."""
        self._at_work.add(job)
        if self._ticking is None or self._ticking.done() or self._ticking.get_loop() is not asyncio.get_running_loop():
            self._ticking = asyncio.create_task(self._tick())
        try:
            await work
        except JobCancelledError as error:
            job._end("cancelled", error=error)
        except JobFailedError as error:
            job._end("failed", error=error)
        except QueueSubmitError as error:
            job._end("rejected" if certainly_not_taken(error) else "uncertain", error=error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the waiting cell is told
            job._end("unreachable" if job.id else "rejected", error=error)
        finally:
            self._at_work.discard(job)
            if job.id and self.under_way.get(job.id) is job:
                del self.under_way[job.id]

    async def _tick(self) -> None:
        """Lets all that watch a job see the time pass."""
        while self._at_work:
            await asyncio.sleep(_TICK)
            for job in tuple(self._at_work):
                if job._observers:
                    job._tell()

    async def _read_and_carry(self, job: Job, request: Request, fresh: bool, resubmit_uncertain: bool) -> None:
        kept, wanted = await self._kept(request)
        self._let_repeat(job, kept)  # whose files lie in the store; with the last word of it, their copies go
        del request
        await self._carry(job, kept, wanted, fresh=fresh, resubmit_uncertain=resubmit_uncertain)

    async def _kept(self, request: Request) -> tuple[Request, Record]:
        request = await self.client.queue.fetch(request)
        resolved = await self.resolved(request.model)
        return await asyncio.to_thread(intent, self.store, request, self.endpoint, self.backend, resolved)

    async def _carry(
        self,
        job: Job,
        request: Request,
        wanted: Record,
        *,
        resubmit_uncertain: bool = False,
        refused: Callable[[QueueSubmitError], object] | None = None,
        **terms: Any,
    ) -> None:
        job.recipe = self._recipe(wanted, request.model)
        job.estimate = await self.expect(wanted.model, wanted.input_seconds)
        claim = functools.partial(self.store.claim, wanted, resubmit_uncertain=resubmit_uncertain, **terms)
        record, ours = await self._until_it_is_ours(job, *await self._writer.write(claim))
        # Who says what he has seen takes what has come of it since then.
        nothing = {"rejected", "cancelled", *(["uncertain"] if resubmit_uncertain and "seen" not in terms else [])}
        while not ours and record.status in nothing:  # what somebody else's attempt has come to
            record, ours = await self._until_it_is_ours(job, *await self._writer.write(claim))
        job.recipe = self._recipe(record, request.model)
        try:
            if ours and record.job_id is None:
                request = replace(request, model=addressed(request.model, record.model))
                await self._submit(job, record, request, refused)
            await self._finish(job, record, request.model)
        finally:
            if ours:
                self.store.let_go(record)

    async def _resume(self, job: Job, record: Record, model: ModelDefinition | None) -> None:
        job.estimate = await self.expect(record.model, record.input_seconds)
        record, ours = await self._writer.write(functools.partial(self.store.take_over, record))
        record, ours = await self._until_it_is_ours(job, record, ours)
        try:
            await self._finish(job, record, model)
        finally:
            if ours:
                self.store.let_go(record)

    async def _until_it_is_ours(self, job: Job, record: Record, ours: bool) -> tuple[Record, bool]:
        """Watches a job that another holder is at, until it has ended or its holder has gone."""
        while not ours and record.status in UNDER_WAY:
            if record.job_id != job.id or record.status != job.status:
                job._move(record.status, record.job_id)
            await asyncio.sleep(_TICK)
            record, ours = await self._writer.write(functools.partial(self.store.take_over, record))
        return record, ours

    async def _submit(
        self, job: Job, record: Record, request: Request, refused: Callable[[QueueSubmitError], object] | None
    ) -> None:
        async def before_each() -> None:
            if not job._withdrawn:
                # From here on there is no way back: what is on its way may be taken, and then it is paid for.
                await self._note(record, sent_at=time.time())
            if job._withdrawn:
                raise JobCancelledError("The job was withdrawn before it was submitted.")

        async def before_pause(error: QueueSubmitError, seconds: float) -> None:
            await self._note(record, sent_at=None)  # it was certainly not taken
            if refused:
                refused(error)

        async def sleep(seconds: float) -> None:
            until = time.monotonic() + seconds
            # An event would have to be set from any thread, on this loop.
            while not job._withdrawn and (left := until - time.monotonic()) > 0:  # noqa: ASYNC110
                await asyncio.sleep(min(left, _TICK))

        try:
            submitted = await self.client.queue.submit_request(
                request, before_each=before_each, before_pause=before_pause, sleep=sleep
            )
        except JobCancelledError as error:
            await self._note(record, status="cancelled", error=error.message)
            raise
        except QueueSubmitError as error:
            status = "rejected" if certainly_not_taken(error) else "uncertain"
            await self._note(record, status=status, error=error.message)
            raise
        except DecartSDKError as error:  # nothing was sent: an input can no longer be read
            await self._note(record, status="rejected", error=error.message)
            raise
        job._move(submitted.status, submitted.job_id)  # first of all: whatever the disk does now, the id is told
        record.job_id, record.submitted_at, record.status = submitted.job_id, time.time(), "pending"
        facts = {"status": "pending", "job_id": record.job_id, "submitted_at": record.submitted_at}
        for pause in (0.2, 1.0, 5.0, 0.0):
            try:
                await self._note(record, **facts)
                return
            except StoreError as error:
                if not pause:
                    kept = f"Keep the id: job {job.id} was submitted, and decart_nb.attach({job.id!r}) fetches it."
                    raise StoreError(f"{error.message}\n{kept}", {"job_id": job.id}, error.cause) from None
            await asyncio.sleep(pause)

    async def _finish(self, job: Job, record: Record, model: ModelDefinition | None) -> None:
        """Fetches what has been submitted, and ends the job as its record says."""
        job.id = record.job_id
        if path := self.store.video(record):
            await _complete(job, clip_of(record, path, reused=True))
        elif record.status == "failed":
            raise JobFailedError(record.job_id or "", record.error or "the service gave no reason.")
        elif record.job_id is None:
            raise QueueSubmitError(
                f"{record.error} To submit it again, ask with resubmit_uncertain=True; if it was taken, both are paid.",
                {"sent": True},
            )
        else:
            self.under_way[record.job_id] = job
            job._move(record.status if record.status in UNDER_WAY else "pending", record.job_id)
            await self._fetch(job, record, model)

    async def _fetch(self, job: Job, record: Record, model: ModelDefinition | None) -> None:
        try:
            clip = await self._clip(job, record, model)
        except JobFailedError as error:
            await self._note(record, status="failed", error=error.data["reason"])
            raise
        except DecartSDKError as error:
            hint = f"Job {job.id} is not lost: decart_nb.attach({job.id!r}) asks for it again."
            status = "unreachable"
            if error.data.get("status") in (404, 410):
                hint = "The queue has its video no longer; fresh=True makes another take."
                if record.submitted_at is None:  # an id that somebody typed
                    hint = "This queue knows no such job; check the id, and which queue you are connected to."
                    status = "rejected"  # so that nobody asks for it by himself
            await self._note(record, status=status, error=error.message)
            data = error.data | {"job_id": job.id}
            raise type(error)(f"{error.message}\n{hint}", data, error.cause) from None
        except Exception as error:
            await self._note(record, status="unreachable", error=f"{type(error).__name__}: {error}")
            raise
        await _complete(job, clip)

    async def _clip(self, job: Job, record: Record, model: ModelDefinition | None) -> Clip:
        assert record.job_id is not None
        submitted, running = record.submitted_at or record.created_at, self._running[record.model]

        def moved(answer: JobStatusResponse) -> None:
            running[answer.job_id] = time.time() - submitted
            if job._on_answer:
                job._on_answer(answer.status)
            # The end is told when the file is there.
            job._move(answer.status if answer.status not in ("completed", "failed") else "processing")

        async def expect() -> polling.Estimate:
            with contextlib.suppress(StoreError):
                return await self.expect(record.model, record.input_seconds)
            return job.estimate

        job.estimate = await self.expect(record.model, record.input_seconds)  # others may have ended while it was sent
        age = max(0.0, time.time() - submitted)
        fresh = record.submitted_at is not None and age < polling.PROPAGATION
        try:
            end = await self.client.queue.wait(
                record.job_id,
                on_status_change=moved,
                estimate=job.estimate,
                expect=expect,
                soon=job._is_awaited,
                age=age,
                fresh=fresh,
            )
        finally:
            running.pop(record.job_id, None)
        if end.status == "failed":
            raise JobFailedError(record.job_id, end.reason or "the service gave no reason.")
        seen: list[media.VideoInfo] = []
        arrived = await self.client.queue.download(
            record.job_id,
            self.store.desk / filename_for(record),
            completed=True,
            check=lambda path: seen.append(media.skim(path)),
        )
        price = self.price(model, record.inputs.get("resolution")) if model else None
        return await self._writer.write(
            functools.partial(self._keep, record, arrived, seen[-1], price=price, took=end.seconds)
        )

    def _keep(
        self, record: Record, arrived: Download, info: media.VideoInfo, *, price: float | None, took: float | None
    ) -> Clip:
        """Puts a video that has come into its place, and writes down what it is."""
        path = self.store.place(arrived.path)
        made: dict[str, Any] = {
            "status": "completed",
            "error": None,
            "ended_at": time.time(),
            "path": path.name,
            "sha256": arrived.sha256,
            "size_bytes": arrived.size_bytes,
            "width": info.width,
            "height": info.height,
            "fps": info.fps,
            "duration": info.duration,
            "took": took if record.submitted_at else None,  # of an attached job, nobody saw the beginning
            "seconds": time.time() - record.submitted_at if record.submitted_at else None,
            # Decart bills by the generated second.
            "cost": None if price is None else round(price * info.duration, 4),
        }
        # Before it counts as completed, since nobody would come back for it.
        with contextlib.suppress(MediaError):  # the store knows it all the same
            told = lineage.describe_job(replace(record, **made))
            lineage.write_sidecar(path, told, desk=self.store.desk)
        self.store.note(record, **made)
        return clip_of(record, path, reused=False)

    async def _note(self, record: Record, **changes: Any) -> None:
        await self._writer.write(functools.partial(self.store.note, record, **changes))


async def _complete(job: Job, clip: Clip) -> None:
    if job._observers:  # on a thread: whoever shows the clip makes a still of it, and the other jobs shall not wait
        await asyncio.to_thread(job._end, "completed", clip=clip)
    else:
        job._end("completed", clip=clip)


def _shown(request: Request) -> dict[str, Any]:
    """The request as a person would say it: plain values, and what its files are called."""
    files = {name: file.shown if isinstance(file, Remote) else file.filename for name, file in request.files.items()}
    return {**request.values, **files}
