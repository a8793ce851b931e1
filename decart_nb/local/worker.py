"""Runs the local queue's jobs: threads that render, at most one for each core, with time-outs and statistics."""

from __future__ import annotations

import contextlib
import math
import queue
import re
import secrets
import threading
import time
import uuid
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from .._util.cores import usable_cores
from .._util.files import os_reason
from .._util.text import printable
from ..errors import LocalQueueError, MediaError
from ..request.catalogue import models
from ..request.models import ModelDefinition
from .faults import Faults, FaultSchedule
from .storage import LocalJob, Storage

#: A job fails after so many renders that were started and did not end, as when they crash the process.
_MAX_ATTEMPTS = 3
_MAX_ERROR_LENGTH = 300
#: The folders of a path, without its last part.
_FOLDERS = re.compile(r"(?:[A-Za-z]:)?(?:[\\/][^\\/\s'\":]+)+(?=[\\/])")
#: Default limit of a render, in seconds: ten times the catalogue's longest video on a slow machine.
RENDER_TIMEOUT = 300.0


@dataclass
class Stats:
    """Counts of calls and faults, and how long finished jobs waited for the first poll that reported them."""

    counts: Counter[str] = field(default_factory=Counter)
    detected: int = 0
    total_delay: float = 0.0
    longest_delay: float = 0.0
    faults: Mapping[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def count(self, name: str) -> None:
        """Counts one call. Thread-safe."""
        with self._lock:
            self.counts[name] += 1

    def record_detection(self, delay: float) -> None:
        """Records the first poll that reported a job as ended, ``delay`` seconds after it ended."""
        self.detected += 1
        self.total_delay += delay
        self.longest_delay = max(self.longest_delay, delay)

    def as_dict(self) -> dict[str, Any]:
        """The JSON of ``/stats``: counts, delays in seconds, and fault counts where faults are configured."""
        names = ("submissions", "refused", "polls", "downloads", "files")
        mean = self.total_delay / self.detected if self.detected else None
        return {name: self.counts[name] for name in names} | {
            "detected": self.detected,
            "mean_delay": mean,
            "longest_delay": self.longest_delay if self.detected else None,
            **({"faults": dict(self.faults)} if self.faults else {}),
        }


class _RenderThread:
    """A thread that renders jobs one after the other.

    Attributes:
        job: the job that it is rendering, if any.
        deadline: when that render times out, by the monotonic clock.
        abandoned: whether it did not return from a render in time and was replaced by another thread.
    """

    def __init__(self, work: Callable[[_RenderThread], None], number: int) -> None:
        self.job: LocalJob | None = None
        self.deadline = math.inf
        self.abandoned = False
        # A daemon: interpreter exit does not wait for a render; the next queue on the folder repeats it.
        self.thread = threading.Thread(target=work, args=[self], name=f"decart_nb render {number}", daemon=True)


class TooManyJobs(Exception):
    """The queue has its maximum number of unfinished jobs."""


class _RenderStopped(Exception):
    """The queue was stopped, or the thread was replaced: the render's result is not wanted."""


class JobOptions(TypedDict, total=False):
    """The options of :class:`JobQueue` that the server passes on."""

    delay: float
    canned: Path | None
    draw_duration: Callable[[], float] | None
    faults: Faults | None
    max_unfinished: int
    render_timeout: float | None


class JobQueue:
    """Accepts jobs, renders them on threads, and reports their status and their videos.

    Args:
        folder: where the jobs are stored.
        delay: minimum duration of a job, in seconds.
        canned: a video to serve for every job instead of rendering.
        draw_duration: returns the duration of the next canned job, in seconds.
        faults: the faults to simulate.
        workers: how many renders run at once; by default the number of cores.
        max_unfinished: how many jobs may be waiting or running.
        max_kept: how many finished jobs are kept; the oldest are deleted first.
        render_timeout: seconds that a render may take; then the job fails. By default, :data:`RENDER_TIMEOUT`.
        grace: seconds after a time-out until a thread that has not returned from its render is replaced.
        render: renders a video; takes the arguments of :func:`decart_nb.local.render.render.render`.

    Raises:
        LocalQueueError: the folder cannot be written, or no threads can be started. All resources are released.
    """

    def __init__(
        self,
        folder: Path,
        *,
        delay: float = 0.0,
        canned: Path | None = None,
        draw_duration: Callable[[], float] | None = None,
        faults: Faults | None = None,
        workers: int | None = None,
        max_unfinished: int = 1000,
        max_kept: int = 5000,
        render_timeout: float | None = None,
        grace: float = 10.0,
        render: Callable[..., None] | None = None,
    ) -> None:
        self.fault_schedule = FaultSchedule(faults or Faults())
        self.stats = Stats(faults=self.fault_schedule.fault_counts)
        self.canned = canned
        self.storage = Storage(folder)
        self._delay = delay
        self._draw_duration = draw_duration or (lambda: delay)
        self._max_unfinished = max_unfinished
        self._max_kept = max_kept
        self._lock = threading.Lock()
        self._own_jobs: dict[str, LocalJob] = {}  # the jobs that this queue owns, or has finished
        self._retained = OrderedDict.fromkeys(self.storage.ids())
        self._reported: set[str] = set()
        self._waiting: queue.SimpleQueue[LocalJob | None] = queue.SimpleQueue()  # None ends a worker
        self._reserved = 0
        self._stopped = threading.Event()
        self._render_timeout = render_timeout or RENDER_TIMEOUT
        self._grace = grace
        self._render_video = render or _render_preview
        self._workers: list[_RenderThread] = []
        self._worker_count = 0 if canned else workers or usable_cores()
        try:
            self._ensure_workers()
        except RuntimeError as cause:
            self.close()
            raise LocalQueueError(
                f"The local queue cannot start: {cause}. Close what else is running, and connect again.", cause=cause
            ) from None

    def close(self, timeout: float = 5.0) -> None:
        """Stops rendering. Unfinished jobs stay in the storage.

        Args:
            timeout: the seconds to wait for renders to stop.
        """
        self._stopped.set()
        for _ in self._workers:
            self._waiting.put(None)
        end = time.monotonic() + timeout
        for worker in self._workers:
            # A render should stop before another queue takes its job over; after the close it cannot save the job.
            worker.thread.join(max(0.0, end - time.monotonic()))
        self.storage.close()

    def _ensure_workers(self) -> None:
        """Starts threads up to the configured number, and replaces those that did not return from a render.

        Raises:
            RuntimeError: no more threads can be started.
        """
        now = time.monotonic()
        with self._lock:
            for worker in [worker for worker in self._workers if now > worker.deadline + self._grace]:
                worker.abandoned = True
                self._workers.remove(worker)
                if worker.job:
                    worker.job.error, worker.job.ready = self._timeout_reason(), time.time()
                    with contextlib.suppress(OSError):  # this queue reports the error from memory
                        self.storage.save(worker.job)
            while len(self._workers) < self._worker_count:
                worker = _RenderThread(self._work, len(self._workers))
                worker.thread.start()
                self._workers.append(worker)

    @contextlib.contextmanager
    def reserve_slot(self) -> Iterator[None]:
        """Reserves one of the ``max_unfinished`` slots while a submission is read and added.

        Raises:
            TooManyJobs: all slots are in use.
        """
        now = time.time()
        with self._lock:
            unfinished = sum(not record.has_ended(now) for record in self._own_jobs.values())
            if unfinished + self._reserved >= self._max_unfinished:
                self.stats.count("refused")
                raise TooManyJobs
            self._reserved += 1
        try:
            yield
        finally:
            with self._lock:
                self._reserved -= 1

    def add(self, model: ModelDefinition, values: dict[str, Any], files: dict[str, Callable[[Path], None]]) -> LocalJob:
        """Stores a new job and queues it.

        Args:
            model: the model.
            values: the validated plain fields.
            files: input name → a function that writes the upload to a path.

        Raises:
            OSError: the job cannot be stored, and is not accepted.
        """
        seed = values.get("seed")
        record = LocalJob(
            id=uuid.uuid4().hex,
            model=model.name,
            values=values,
            files=list(files),
            seed=secrets.randbelow(2**32) if seed is None else seed,
            owner=self.storage.owner_id,
            created=time.time(),
            error="the local queue was told to fail it." if self.fault_schedule.next_fault("job") else None,
        )
        if self.canned:
            duration = self._draw_duration()
            record.started = record.created + duration / 10
            record.ready = record.created + duration
        self.storage.add(record, {} if self.canned else files)
        self.stats.count("submissions")
        self._enqueue(record)
        return record

    def get(self, job_id: str) -> LocalJob | None:
        """The job of that id, also of another queue on the folder; an unfinished one without owner is taken over."""
        with contextlib.suppress(RuntimeError):  # the next call tries again
            self._ensure_workers()
        record = self._own_jobs.get(job_id)
        if record is not None:
            return record
        record = self.storage.load(job_id)
        if record is not None and record.ready is None and not self.canned:
            with self.storage.claim(record) as orphan:
                if orphan:
                    record = orphan
                    record.owner, record.started = self.storage.owner_id, None
                    self.storage.save(record)
                    self._enqueue(record)
        return record

    def age(self, job_id: str) -> float:
        """Seconds since a job was submitted; infinite for a job of another queue."""
        record = self._own_jobs.get(job_id)
        return time.time() - record.created if record else math.inf

    def poll(self, record: LocalJob) -> str:
        """The status of a job, counted as a poll."""
        self.stats.count("polls")
        now = time.time()
        if record.ready is not None and record.has_ended(now) and record.id not in self._reported:
            self._reported.add(record.id)
            self.stats.record_detection(now - record.ready)
        return record.status(now)

    def content(self, record: LocalJob) -> Path | None:
        """The path of the finished video, if it still exists; counted as a download."""
        self.stats.count("downloads")
        return self.canned or self.storage.file(record.id, "video.mp4")

    def _enqueue(self, record: LocalJob) -> None:
        with self._lock:
            self._own_jobs[record.id] = record
            self._retained[record.id] = None
            excess = len(self._retained) - self._max_kept
            surplus = [job_id for job_id in self._retained if self._is_finished(job_id)][:excess] if excess > 0 else []
        for job_id in surplus:
            self._delete(job_id)
        if not self.canned:
            self._waiting.put(record)

    def _is_finished(self, job_id: str) -> bool:
        record = self._own_jobs.get(job_id) or self.storage.load(job_id)
        return record is None or record.has_ended(time.time())

    def _delete(self, job_id: str) -> None:
        with self._lock:
            self._retained.pop(job_id, None)
            self._own_jobs.pop(job_id, None)
            self._reported.discard(job_id)
        self.storage.remove(job_id)

    def _work(self, worker: _RenderThread) -> None:
        while not worker.abandoned and (record := self._waiting.get()) and not self._stopped.is_set():
            worker.job, worker.deadline = record, time.monotonic() + self._render_timeout
            try:
                self._render(worker, record)
            except _RenderStopped:
                return  # stopped: the job stays unfinished in the storage; or abandoned
            except OSError as cause:
                # The disk is full, or the folder is gone. The error cannot be stored, but polls report it from memory.
                record.error = f"the local queue could not keep the job: {os_reason(cause)}."
                record.ready = time.time()
            finally:
                worker.deadline, worker.job = math.inf, None

    def _render(self, worker: _RenderThread, record: LocalJob) -> None:
        if record.attempts >= _MAX_ATTEMPTS:
            record.error = f"the renderer did not survive it: {record.attempts} renders of it did not come to an end."
        else:
            record.started = time.time()
            record.attempts += 1
            self.storage.save(record)
            self._render_to_storage(worker, record)
        self._finish(worker, record)

    def _render_to_storage(self, worker: _RenderThread, record: LocalJob) -> None:
        """Renders a job's video, or sets the job's error.

        Raises:
            _RenderStopped: the queue was stopped, or the worker abandoned.
        """

        def check_stop() -> None:
            if self._stopped.is_set() or worker.abandoned:
                raise _RenderStopped
            if time.monotonic() > worker.deadline:
                raise TimeoutError

        partial = self.storage.staging / f"{record.id}.mp4"
        try:
            files = {name: path for name in record.files if (path := self.storage.file(record.id, name))}
            self._render_video(models.video(record.model), record.values, files, record.seed, partial, check_stop)
            check_stop()
            partial.replace(self.storage.video(record.id))
        except Exception as error:
            if worker.abandoned:
                raise _RenderStopped from None
            if self._stopped.is_set():
                record.attempts -= 1  # the job did not cause the stop
                with contextlib.suppress(OSError):
                    self.storage.save(record)
                raise _RenderStopped from None
            if time.monotonic() > worker.deadline:
                record.error = self._timeout_reason()
            elif isinstance(error, OSError):
                raise
            else:
                record.error = self._failure_reason(error)
        finally:
            partial.unlink(missing_ok=True)

    def _finish(self, worker: _RenderThread, record: LocalJob) -> None:
        with self._lock:  # _ensure_workers may be abandoning this thread and failing its job
            if worker.abandoned:
                raise _RenderStopped
            worker.deadline = math.inf
        record.ready = max(time.time(), record.created + self._delay)
        self.storage.save(record)
        self.storage.remove_inputs(record)

    def _timeout_reason(self) -> str:
        return f"it took longer than the {self._render_timeout:g} seconds that a render may take here."

    def _failure_reason(self, error: Exception) -> str:
        """Why a render failed, without paths of this machine."""
        if isinstance(error, MediaError):
            text = error.message
        else:
            text = _FOLDERS.sub("…", f"the local renderer broke on it: {type(error).__name__}: {error}")
        return printable(text, limit=_MAX_ERROR_LENGTH, secrets=[str(self.storage.root)])


def _render_preview(*request: Any) -> None:
    from .render.render import render  # imports PyAV, which a canned queue does not need

    render(*request)
