"""Carries requests from intent to file, on one event loop in one daemon thread that all sessions share."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import contextvars
import functools
import hashlib
import os
import random
import re
import threading
import time
import weakref
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import lineage, media, polling
from .answers import JobStatusResponse, certainly_not_taken
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
from .identity import digest_of
from .inputs import Remote, Request, Upload
from .job import Job
from .records import UNDER_WAY, Record
from .store import Store
from .transfers import Download

_TICK = 0.5
_THREAD = "decart_nb jobs"
#: Those that somebody still holds: their connections are closed at the interpreter's end.
_open: weakref.WeakSet[Runner] = weakref.WeakSet()


@functools.cache
def background() -> asyncio.AbstractEventLoop:
    """The loop on which all jobs run. The kernel's own may be busy, and nested loops break: this one is neither."""
    loop = asyncio.new_event_loop()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=background.cache_clear)  # threads do not survive a fork
    threading.Thread(target=loop.run_forever, name=_THREAD, daemon=True).start()
    return loop


def _hang_up(client: DecartClient, patience: float = 0.0) -> None:
    """Closes a client's connections, whose engine would complain of being left open; waits for that so many seconds."""
    if not client.is_open:
        return
    closing = asyncio.run_coroutine_threadsafe(client.close(), background())
    if patience and threading.current_thread().name != _THREAD:
        with contextlib.suppress(TimeoutError):
            closing.result(patience)


@atexit.register
def _hang_up_all() -> None:
    for runner in tuple(_open):
        runner.close()


@dataclass(frozen=True, eq=False)
class Runner:
    """What a session does its work with.

    Attributes:
        client: how the queue is reached.
        store: what remembers.
        backend: ``live`` or ``local``.
        prices: USD per generated second by model, over the catalogue's.
    """

    client: DecartClient
    store: Store
    backend: str
    prices: Mapping[str, float]
    #: The jobs under way by their ids, so that whoever attaches to one gets the same.
    under_way: dict[str, Job] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # When nobody holds the session any more, and no job is under way. It waits for nothing: the garbage collector
        # comes in the middle of anything, also where a lock is held that the loop is waiting for.
        weakref.finalize(self, _hang_up, self.client).atexit = False
        _open.add(self)

    @property
    def endpoint(self) -> str:
        """What results are found by: the queue's address, or ``local``, whatever port that listens on today."""
        return "local" if self.backend == "local" else self.client.base_url

    def submit(self, request: Request, *, fresh: bool = False, resubmit_uncertain: bool = False) -> Job:
        """Starts a request on its way, unless it has been made before. Returns at once."""
        job = Job(request.model.name, _shown(request), estimate=self._prior)
        self._let_repeat(job, request)
        self._start(job, self._carry(job, request, fresh=fresh, resubmit_uncertain=resubmit_uncertain))
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
        job = Job(name, inputs_of(record), estimate=self._prior, job_id=record.job_id)
        if record.job_id:
            self.under_way[record.job_id] = job
        self._start(job, self._resume(job, record, model))
        return job

    def close(self) -> None:
        """Closes the connections."""
        _hang_up(self.client, 5.0)

    @property
    def _prior(self) -> polling.Estimate:
        return polling.LOCAL if self.backend == "local" else polling.LIVE

    def _expect(self, job: Job, record: Record) -> None:
        """Lets a job know how long it may take, by what such jobs took before."""
        job.estimate = self._prior.after(self.store.durations(record.model, self.endpoint), record.input_seconds)

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

    def _start(self, job: Job, work: Coroutine[Any, Any, None]) -> None:
        # In a context of its own: ipykernel keeps there which cell is running. With the submitting cell's, what a job
        # shows at its end would be taken for a late output of that cell, and headless runners drop those.
        contextvars.Context().run(asyncio.run_coroutine_threadsafe, self._carried(job, work), background())

    async def _carried(self, job: Job, work: Coroutine[Any, Any, None]) -> None:
        """Does the work of a job. Whatever goes wrong, the job ends, and whoever waits for it is told."""
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
            if job.id and self.under_way.get(job.id) is job:
                del self.under_way[job.id]

    async def _carry(self, job: Job, request: Request, *, fresh: bool, resubmit_uncertain: bool) -> None:
        model = request.model
        fetched = await self.client.queue.fetch(request)
        resolved = await self._resolved(model)
        kept, wanted = await asyncio.to_thread(self._intent, fetched, resolved)
        await asyncio.to_thread(self._expect, job, wanted)
        self._let_repeat(job, kept)  # whose files lie in the store, and not in copies of their own
        claim = functools.partial(self.store.claim, wanted, fresh=fresh, resubmit_uncertain=resubmit_uncertain)
        record, ours = await self._until_it_is_ours(job, *await asyncio.to_thread(claim))
        nothing = {"rejected", "cancelled", *(["uncertain"] if resubmit_uncertain else [])}
        while not ours and record.status in nothing:  # what somebody else's attempt has come to
            record, ours = await self._until_it_is_ours(job, *await asyncio.to_thread(claim))
        try:
            if ours and record.job_id is None:
                await self._submit(job, record, replace(kept, model=_addressed(model, resolved)))
            await self._finish(job, record, model)
        finally:
            if ours:
                self.store.let_go(record)

    async def _resume(self, job: Job, record: Record, model: ModelDefinition | None) -> None:
        await asyncio.to_thread(self._expect, job, record)
        record, ours = await asyncio.to_thread(self.store.take_over, record)
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
            record, ours = await asyncio.to_thread(self.store.take_over, record)
        return record, ours

    async def _submit(self, job: Job, record: Record, request: Request) -> None:
        def before_each() -> None:
            if job._withdrawn:
                raise JobCancelledError("The job was withdrawn before it was submitted.")
            # From here on there is no way back: what is on its way may be taken, and then it is paid for.
            self.store.note(record, sent_at=time.time())

        def before_pause(error: QueueSubmitError, seconds: float) -> None:
            self.store.note(record, sent_at=None)  # it was certainly not taken

        try:
            submitted = await self.client.queue.submit_request(
                request, before_each=before_each, before_pause=before_pause
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
            # In a thread: whoever shows the clip reads it and makes a still of it, and the other jobs shall not wait.
            await asyncio.to_thread(job._end, "completed", clip=clip_of(record, path, reused=True))
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
        ticking = asyncio.create_task(_tick(job))
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
        finally:
            ticking.cancel()
        await asyncio.to_thread(job._end, "completed", clip=clip)

    async def _clip(self, job: Job, record: Record, model: ModelDefinition | None) -> Clip:
        assert record.job_id is not None

        def moved(answer: JobStatusResponse) -> None:
            # The end is told when the file is there.
            job._move(answer.status if answer.status not in ("completed", "failed") else "processing")

        age = max(0.0, time.time() - (record.submitted_at or record.created_at))
        fresh = record.submitted_at is not None and age < polling.PROPAGATION
        end = await self.client.queue.wait(
            record.job_id, on_status_change=moved, estimate=job.estimate, age=age, fresh=fresh
        )
        if end.status == "failed":
            raise JobFailedError(record.job_id, end.reason or "the service gave no reason.")
        seen: list[media.VideoInfo] = []
        desk = await asyncio.to_thread(lambda: self.store.desk)
        arrived = await self.client.queue.download(
            record.job_id, desk / _filename(record), completed=True, check=lambda path: seen.append(media.probe(path))
        )
        price = self.price(model, record.inputs.get("resolution")) if model else None
        return await asyncio.to_thread(self._keep, record, arrived, seen[-1], price, end.seconds)

    def _keep(
        self, record: Record, arrived: Download, info: media.VideoInfo, price: float | None, took: float | None
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
        # Before it counts as completed, since nobody would come back for it; and on the desk, which is cleared.
        with contextlib.suppress(MediaError, OSError):  # the store knows it all the same
            sidecar = lineage.write_sidecar(arrived.path, lineage.describe_job(replace(record, **made)))
            sidecar.replace(path.with_name(f"{path.name}.json"))
        self.store.note(record, **made)
        return clip_of(record, path, reused=False)

    def _intent(self, request: Request, resolved: str) -> tuple[Request, Record]:
        """The request with its files kept in the store, and what is to be remembered of it."""
        files: dict[str, dict[str, Any]] = {}
        kept: dict[str, Upload | Remote] = {}
        digests: dict[str, str] = {}
        for name, upload in request.files.items():
            assert isinstance(upload, Upload)
            digests[name] = upload.sha256()
            known = {"filename": upload.filename, "size_bytes": upload.size, "media_type": upload.media_type}
            files[name] = {"sha256": digests[name], **known}
            with upload.open() as stream:
                kept[name] = Upload(upload.filename, self.store.keep_input(files[name], stream))
        wanted = Record(
            digest_of(self.endpoint, resolved, request.model, request.values, digests),
            self.endpoint,
            self.backend,
            resolved,
            request.model.name,
            inputs=dict(request.values),
            files=files,
            input_seconds=_input_seconds(kept),
        )
        return replace(request, files=kept), wanted

    async def _resolved(self, model: ModelDefinition) -> str:
        """What a model's name means to the queue: an alias moves, and an old name has a successor."""
        if model.alias_of is None:
            return model.successor or model.name
        return await self.client.queue.resolve(model.name)

    def price(self, model: ModelDefinition, resolution: str | None = None) -> float | None:
        """USD per generated second: what the session was told, else nothing on the local queue, else the catalogue."""
        if model.name in self.prices:
            return self.prices[model.name]
        return 0.0 if self.backend == "local" else model.prices.get(resolution or "720p")

    async def _note(self, record: Record, **changes: Any) -> None:
        await asyncio.to_thread(self.store.note, record, **changes)


async def _tick(job: Job) -> None:
    while True:
        await asyncio.sleep(_TICK)
        job._tell()


def _shown(request: Request) -> dict[str, Any]:
    """The request as a person would say it: plain values, and what its files are called."""
    files = {name: file.url if isinstance(file, Remote) else file.filename for name, file in request.files.items()}
    return {**request.values, **files}


def _addressed(model: ModelDefinition, resolved: str) -> ModelDefinition:
    """The model under the name that was found for it, so that nothing moves between the two."""
    return model if model.alias_of is None else replace(model, name=resolved, url_path=f"/v1/jobs/{resolved}")


def _input_seconds(files: Mapping[str, Upload | Remote]) -> float | None:
    """How long the video is that a job works on, if it works on one."""
    data = files.get("data")
    if not isinstance(data, Upload) or not data.media_type.startswith("video/"):
        return None
    with contextlib.suppress(MediaError), data.open() as stream:
        return media.probe(stream).duration
    return None


def _filename(record: Record) -> str:
    """A name that a person can tell from another, and that no other job has: it ends with the job's id."""
    words = re.findall(r"[a-z0-9]+", str(record.inputs.get("prompt", "")).lower())
    slug = "-".join(words)[:40].strip("-")
    model = re.sub(r"[^A-Za-z0-9.]+", "-", record.asked_model)[:60]
    tail = str(record.job_id)
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", tail):
        tail = hashlib.sha256(tail.encode()).hexdigest()[:32]
    return "-".join(part for part in (model, slug, tail) if part) + ".mp4"
