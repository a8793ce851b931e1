"""Carries requests from intent to file, on one event loop in one daemon thread that all sessions share."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import hashlib
import os
import random
import re
import threading
import weakref
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import polling
from .answers import JobStatusResponse
from .catalogue import ModelDefinition
from .client import DecartClient
from .clip import Clip, read_clip
from .errors import DecartSDKError, JobCancelledError, JobFailedError, MediaError, QueueResultError, QueueSubmitError
from .inputs import Remote, Request
from .job import Job

_TICK = 0.5
_THREAD = "decart_nb jobs"

#: The jobs that this process has started or attached to, in order.
started: list[Job] = []


@functools.cache
def background() -> asyncio.AbstractEventLoop:
    """The loop on which all jobs run. The kernel's own may be busy, and nested loops break: this one is neither."""
    loop = asyncio.new_event_loop()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=background.cache_clear)  # threads do not survive a fork
    threading.Thread(target=loop.run_forever, name=_THREAD, daemon=True).start()
    return loop


def _hang_up(client: DecartClient) -> None:
    """Closes a client's connections, whose engine would complain of being left open."""
    if not client.is_open:
        return
    closing = asyncio.run_coroutine_threadsafe(client.close(), background())
    if threading.current_thread().name != _THREAD:  # where the garbage collector may have brought us
        with contextlib.suppress(TimeoutError):
            closing.result(5)


@dataclass(frozen=True, eq=False)
class Runner:
    """What a session does its work with.

    Attributes:
        client: how the queue is reached.
        folder: where clips go.
        backend: ``live`` or ``local``.
        prices: USD per generated second by model, over the catalogue's.
    """

    client: DecartClient
    folder: Path
    backend: str
    prices: Mapping[str, float]
    #: The jobs of this session by their ids, so that nobody fetches one twice at once.
    known: dict[str, Job] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # When nobody holds the session any more, and no job is under way; at the latest at the interpreter's end.
        weakref.finalize(self, _hang_up, self.client)

    def submit(self, request: Request) -> Job:
        """Starts a request on its way. Returns at once."""
        job = Job(request.model.name, _shown(request), estimate=self._estimate)
        job._again = lambda: self.submit(_another(request))
        started.append(job)
        self._start(self._carry(job, request))
        return job

    def attach(self, job_id: str, model: ModelDefinition | None) -> Job:
        """Picks up a job that somebody submitted, or that is under way here already. Returns at once."""
        known = self.known.get(job_id)
        if known and (not known.done or (known.clip and known.clip.path.exists())):
            return known
        job = Job(model.name if model else "unknown model", {}, estimate=self._estimate, job_id=job_id)
        self.known[job_id] = job
        started.append(job)
        self._start(self._fetch(job, model))
        return job

    def close(self) -> None:
        """Closes the connections."""
        _hang_up(self.client)

    @property
    def _estimate(self) -> polling.Estimate:
        return polling.LOCAL if self.backend == "local" else polling.LIVE

    @staticmethod
    def _start(work: Coroutine[Any, Any, None]) -> Future[None]:
        # In a context of its own: ipykernel keeps there which cell is running. With the submitting cell's, what a job
        # shows at its end would be taken for a late output of that cell, and headless runners drop those.
        return contextvars.Context().run(asyncio.run_coroutine_threadsafe, work, background())

    async def _carry(self, job: Job, request: Request) -> None:
        try:
            fetched = await self.client.queue.fetch(request)
            if job._withdrawn:
                raise JobCancelledError("The job was withdrawn before it was submitted.")
            # From here on there is no way back: what is on its way may be taken, and then it is paid for.
            submitted = await self.client.queue.submit_request(fetched)
        except JobCancelledError as error:
            job._end("cancelled", error=error)
        except QueueSubmitError as error:
            job._end("rejected" if _certainly_not_taken(error) else "uncertain", error=error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the waiting cell is told
            job._end("rejected", error=error)
        else:
            self.known[submitted.job_id] = job
            job._move(submitted.status, submitted.job_id)
            await self._fetch(job, request.model)

    async def _fetch(self, job: Job, model: ModelDefinition | None) -> None:
        ticking = asyncio.create_task(_tick(job))
        try:
            clip = await self._clip(job, model)
            ticking.cancel()
            # In a thread: whoever shows the clip reads it and makes a still of it, and the other jobs shall not wait.
            await asyncio.to_thread(job._end, "completed", clip=clip)
        except JobFailedError as error:
            job._end("failed", error=error)
        except DecartSDKError as error:
            hint = f"Job {job.id} is not lost: decart_nb.attach({job.id!r}) asks for it again."
            if error.data.get("status") == 404:
                hint = "This queue knows no such job; check the id, and which queue you are connected to."
            data = error.data | {"job_id": job.id}
            job._end("unreachable", error=type(error)(f"{error.message}\n{hint}", data, error.cause))
        except Exception as error:  # noqa: BLE001 - whatever it is, the waiting cell is told
            job._end("unreachable", error=error)
        finally:
            ticking.cancel()

    async def _clip(self, job: Job, model: ModelDefinition | None) -> Clip:
        assert job.id is not None

        def moved(answer: JobStatusResponse) -> None:
            # The end is told when the file is there.
            job._move(answer.status if answer.status not in ("completed", "failed") else "processing")

        end = await self.client.queue.wait(
            job.id, on_status_change=moved, estimate=job.estimate, fresh=not job._attached
        )
        if end.status == "failed":
            raise JobFailedError(job.id, end.reason or "the service gave no reason.")
        path = self.folder / _filename(job)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise QueueResultError(f"No folder for the video: {cause.strerror or cause}.", cause=cause) from None
        await self.client.queue.download(job.id, path)
        try:
            return await asyncio.to_thread(self._read, path, job, model)
        except MediaError as error:
            path.unlink(missing_ok=True)
            raise QueueResultError(f"What came for job {job.id} is no video: {error.message}", cause=error) from None

    def _read(self, path: Path, job: Job, model: ModelDefinition | None) -> Clip:
        price = self.price(model, job.inputs.get("resolution")) if model else None
        seconds = None if job._attached else job.elapsed  # of an attached job, nobody saw the beginning
        return read_clip(path, str(job.id), job.model, job.inputs, self.backend, price=price, seconds=seconds)

    def price(self, model: ModelDefinition, resolution: str | None = None) -> float | None:
        """USD per generated second: what the session was told, else nothing on the local queue, else the catalogue."""
        if model.name in self.prices:
            return self.prices[model.name]
        return 0.0 if self.backend == "local" else model.prices.get(resolution or "720p")


async def _tick(job: Job) -> None:
    while True:
        await asyncio.sleep(_TICK)
        job._tell()


def _certainly_not_taken(error: QueueSubmitError) -> bool:
    status: int | None = error.data.get("status")
    if status is None:
        return error.data.get("sent") is False
    return status == 503 or 400 <= status < 500


def _shown(request: Request) -> dict[str, Any]:
    """The request as a person would say it: plain values, and what its files are called."""
    files = {name: file.url if isinstance(file, Remote) else file.filename for name, file in request.files.items()}
    return {**request.values, **files}


def _another(request: Request) -> Request:
    """The request for another take. The same seed would make the same video, so it gets another one."""
    if "seed" not in request.values:
        return request
    return replace(request, values={**request.values, "seed": random.randrange(2**31)})


def _filename(job: Job) -> str:
    """A name that a person can tell from another, and that no other job has: it ends with the job's id."""
    words = re.findall(r"[a-z0-9]+", str(job.inputs.get("prompt", "")).lower())
    slug = "-".join(words)[:40].strip("-")
    tail = str(job.id)
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", tail):
        tail = hashlib.sha256(tail.encode()).hexdigest()[:32]
    return "-".join(part for part in (re.sub(r"[^A-Za-z0-9.]+", "-", job.model), slug, tail) if part) + ".mp4"
