"""Polling of submitted jobs, and the download of their videos into the store."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import media
from .._util.interface_names import step
from ..client import duration_estimate as polling
from ..client.client import DecartClient
from ..client.download import Download
from ..client.responses import NOT_FOUND_GRACE, JobStatusResponse
from ..errors import DecartSDKError, JobFailedError, MediaError, QueueResultError, StoreError
from ..request.models import ModelDefinition
from ..store.job_row import UNDER_WAY, Record
from ..store.store import Store
from . import posters, provenance
from .clip import Clip, clip_of
from .estimates import Estimates
from .event_loop import Writer
from .ingest import filename_for
from .job import Job, JobUpdates

Price = Callable[[ModelDefinition, str | None, str | None], float | None]
OnStored = Callable[[str, Path], object]


class Fetcher:
    """Waits for jobs whose ids are known, and brings their videos into the store.

    Args:
        client: how the queue is reached.
        store: where jobs and videos are stored.
        writer: runs calls of the store on a thread.
        estimates: how long jobs take.
        price: USD per generated second, of a model, a resolution, and what the model's name meant.
        on_stored: as for :class:`decart_nb.job.runner.Runner`.
    """

    def __init__(
        self,
        client: DecartClient,
        store: Store,
        writer: Writer,
        estimates: Estimates,
        price: Price,
        *,
        on_stored: OnStored | None = None,
    ) -> None:
        self._client, self._store, self._writer = client, store, writer
        self._estimates, self._price = estimates, price
        self._on_stored = on_stored

    async def fetch(self, job: Job, record: Record, model: ModelDefinition | None) -> Clip:
        """Wait for a job, download its video into the store, and store the status that it ends with.

        Args:
            job: the job to update.
            record: its row in the store, which has an id.
            model: what was asked, for the price, where that is known.

        Raises:
            JobFailedError: the service gave up on it.
            DecartSDKError: it cannot be fetched, at the moment or ever.
        """
        JobUpdates(job).set_status(record.status if record.status in UNDER_WAY else "pending", record.job_id)
        try:
            return await self._fetch(job, record, model)
        except JobFailedError as error:
            await self._update(record, status="failed", error=error.reason)
            raise
        except DecartSDKError as error:
            hint = f"Job {record.job_id} is not lost: {step('attach', id=str(record.job_id))} asks for it again."
            status: str | None = "unreachable"
            if error.data.get("status") in (404, 410):
                if record.submitted_at is None:  # an id that somebody typed
                    hint = "This queue knows no such job; check the id, and which queue you are connected to."
                    status = None
                elif isinstance(error, QueueResultError):
                    hint = f"The queue has its video no longer; {step('fresh')} makes another take."
                    status = "expired"
            if status is None:
                await self._writer.write(functools.partial(self._store.discard, record))
            else:
                await self._update(record, status=status, error=error.message)
            data = error.data | {"job_id": record.job_id}
            if status == "expired":
                data["expired"] = True
            raise type(error)(f"{error.message}\n{hint}", data, error.cause) from None
        except Exception as error:
            await self._update(record, status="unreachable", error=f"{type(error).__name__}: {error}")
            raise

    async def _fetch(self, job: Job, record: Record, model: ModelDefinition | None) -> Clip:
        assert record.job_id is not None
        running = self._estimates.running[record.model]
        updates = JobUpdates(job)
        wait = _Wait(from_the_start=job.submitted_monotonic is not None)

        def moved(answer: JobStatusResponse) -> None:
            running[answer.job_id] = age = _age(job, record)
            wait.hear(answer.status, age)
            if job.on_status:
                job.on_status(answer.status)
            # The end is told when the file is there.
            updates.set_status(answer.status if answer.status not in ("completed", "failed") else "processing")

        async def re_estimate() -> polling.Estimate:
            with contextlib.suppress(StoreError):
                return await self._estimates.expect(record.model, record.endpoint, record.input_seconds)
            return job.estimate

        job.estimate = await re_estimate()  # others may have ended while it was sent
        age, running[record.job_id] = _age(job, record), 0.0
        try:
            end = await self._client.queue.wait(
                record.job_id,
                on_status_change=moved,
                estimate=job.estimate,
                re_estimate=re_estimate,
                eager=job.eager,
                peers=functools.partial(self._estimates.peers, record.model),
                age=age,
                just_submitted=record.submitted_at is not None and age < NOT_FOUND_GRACE,
                on_retry=updates.retry,
            )
        finally:
            running.pop(record.job_id, None)
        if end.status == "failed":
            self._ended(record.model, None)
            raise JobFailedError(record.job_id, end.reason or "the service gave no reason.")
        # Of an attached job, nobody saw the beginning.
        times = {"took": end.seconds, "waited": wait.seconds} if record.submitted_at else {"took": None, "waited": None}
        try:
            return await self._download(job, record, model, times)
        except StoreError as error:
            if not isinstance(error.cause, FileNotFoundError):
                raise
            # The store was removed or replaced, and with it the video, before that was put into its place.
            return await self._download(job, record, model, times)

    async def _download(
        self, job: Job, record: Record, model: ModelDefinition | None, times: Mapping[str, float | None]
    ) -> Clip:
        assert record.job_id is not None
        look = _Look()
        arrived = await self._client.queue.download(
            record.job_id,
            self._store.staging / filename_for(record),
            completed=True,
            check=look,
            temporary=True,  # the store puts it into its place, and syncs that
            on_retry=JobUpdates(job).retry,
        )
        price = self._price(model, record.inputs.get("resolution"), record.model) if model else None
        made = {
            **times,
            "seconds": _seconds(job, record),
            # Decart bills by the generated second.
            "cost": None if price is None or look.info is None else round(price * look.info.duration, 4),
            "error": look.error,
        }
        keep = functools.partial(self._keep, record, arrived, look.info, made)
        clip = await self._writer.write(keep, gather=True)  # until then, it could be fetched again
        self._ended(record.model, times["took"])
        if self._on_stored:
            with contextlib.suppress(RuntimeError):  # the process ends, and no thread can be had
                await asyncio.to_thread(self._on_stored, record.job_id, clip.path)
        if look.info is not None:
            posters.make_later(self._store, arrived.sha256, clip.path)
        return clip

    def _ended(self, model: str, took: float | None) -> None:
        """Learn from the end of a job, and poll the others by that."""
        if self._estimates.ended(model, took):
            self._client.queue.replan_polls()

    def _keep(self, record: Record, arrived: Download, info: media.VideoInfo | None, made: dict[str, Any]) -> Clip:
        """Move a downloaded video into the store's folder, and store what made it."""
        path = self._store.place_video(arrived.path)
        made = {
            **made,
            "status": "completed",
            "ended_at": time.time(),
            "path": path.name,
            "sha256": arrived.sha256,
            "size_bytes": arrived.size_bytes,
            **{name: getattr(info, name, None) for name in ("width", "height", "fps", "duration")},
        }
        # Before it counts as completed, since nobody would come back for it.
        with contextlib.suppress(MediaError):  # the store knows it all the same
            described = provenance.describe_job(replace(record, **made))
            provenance.write_sidecar(path, described, staging=self._store.staging)
        self._store.update(record, **made)
        return clip_of(record, path, reused=False)

    async def _update(self, record: Record, **changes: object) -> None:
        await self._writer.write(functools.partial(self._store.update, record, **changes))


class _Wait:
    """How long a job was in the queue before anything worked on it, by the answers to its polls.

    Args:
        from_the_start: whether the polls begin with the submission. If not, a job may have begun before the first one.

    Attributes:
        seconds: since the submission; ``None`` if no poll tells. Until the middle between the last poll that found it
            pending and the next one; 0 if none did.
    """

    def __init__(self, *, from_the_start: bool) -> None:
        self.seconds: float | None = 0.0 if from_the_start else None
        self._pending_at: float | None = None
        self._has_begun = False

    def hear(self, status: str, age: float) -> None:
        """A poll was answered.

        Args:
            status: its answer.
            age: of the job, in seconds.
        """
        if status == "pending":
            self._pending_at = self.seconds = age
        elif not self._has_begun:
            self._has_begun = True
            if self._pending_at is not None and status == "processing":
                self.seconds = (self._pending_at + age) / 2


class _Look:
    """A look at a video that has come.

    Attributes:
        info: what it is; ``None`` where it cannot be decoded here.
        error: why it cannot.
    """

    def __init__(self) -> None:
        self.info: media.VideoInfo | None = None
        self.error: str | None = None
        self._undecodable: str | None = None

    def __call__(self, path: Path) -> None:
        """Look at a file.

        Raises:
            MediaError: it is no video; or one that cannot be decoded and that comes for the first time: it may have
                been broken on its way.
        """
        try:
            self.info, self.error = media.quick_probe(path), None
        except MediaError as error:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest != self._undecodable or not media.is_video_container(path):
                self._undecodable = digest
                raise
            # The service's own bytes: they were paid for, and another machine may decode them.
            self.error = f"It cannot be decoded here: {error.message}"


def _age(job: Job, record: Record) -> float:
    """Seconds since a job was submitted."""
    if job.submitted_monotonic is not None:
        return time.monotonic() - job.submitted_monotonic
    return max(0.0, time.time() - (record.submitted_at or record.created_at))


def _seconds(job: Job, record: Record) -> float | None:
    """Seconds since a job was submitted, as far as that is known: a wall clock may have been set meanwhile."""
    if job.submitted_monotonic is not None:
        return time.monotonic() - job.submitted_monotonic
    passed = time.time() - record.submitted_at if record.submitted_at else -1.0
    return passed if passed >= 0 else None
