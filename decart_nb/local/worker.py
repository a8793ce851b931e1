"""What the local queue does with a job: waits, renders, counts. No more at a time than there are cores."""

from __future__ import annotations

import contextlib
import math
import os
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
from typing import Any

from .._util.files import os_reason
from .._util.text import printable
from ..errors import LocalQueueError, MediaError
from ..request.catalogue import models
from ..request.models import ModelDefinition
from .faults import Faults, Lots
from .storage import Record, Shelf

#: Seconds to wait for renders to stop.
_PATIENCE = 5.0
#: How many renders of a job may be started and not come to an end, as when the process dies of it.
_MOST_ATTEMPTS = 3
_LONGEST_ERROR = 300
#: The folders of a path, up to its last part.
_FOLDERS = re.compile(r"(?:[A-Za-z]:)?(?:[\\/][^\\/\s'\":]+)+(?=[\\/])")
#: Seconds that a render may take: ten times what the longest of the catalogue's own videos takes on a slow machine.
MOST_RENDER_SECONDS = 300.0


@dataclass
class Stats:
    """What was asked of the queue, how long its finished jobs lay unnoticed, and how often each fault has come."""

    counts: Counter[str] = field(default_factory=Counter)
    detected: int = 0
    total_delay: float = 0.0
    longest_delay: float = 0.0
    faults: Mapping[str, int] = field(default_factory=dict)

    def notice(self, delay: float) -> None:
        """A client has seen for the first time that a job is over, that many seconds after it was."""
        self.detected += 1
        self.total_delay += delay
        self.longest_delay = max(self.longest_delay, delay)

    def as_dict(self) -> dict[str, Any]:
        """For ``/stats``: counts, and delays in seconds; faults where there may be some."""
        names = ("submissions", "refused", "polls", "downloads", "files")
        mean = self.total_delay / self.detected if self.detected else None
        return {name: self.counts[name] for name in names} | {
            "detected": self.detected,
            "mean_delay": mean,
            "longest_delay": self.longest_delay if self.detected else None,
            **({"faults": dict(self.faults)} if self.faults else {}),
        }


class _Worker:
    """A thread that renders one job after the other.

    Attributes:
        job: what it is rendering, if anything.
        deadline: when that must be over, by the monotonic clock.
        abandoned: whether it has not come back from a render in time, and another has taken its place.
    """

    def __init__(self, work: Callable[[_Worker], None], number: int) -> None:
        self.job: Record | None = None
        self.deadline = math.inf
        self.abandoned = False
        # A daemon: leaving the interpreter does not wait for a render; the next queue takes it up again.
        self.thread = threading.Thread(target=work, args=[self], name=f"decart_nb render {number}", daemon=True)


class TooMany(Exception):
    """There are as many unfinished jobs as the queue takes."""


class Jobs:
    """The jobs of one local queue.

    Args:
        folder: where they are kept.
        delay: seconds that a job takes at least.
        canned: a video that answers every job, in place of rendering.
        draw: how long a canned job takes, in seconds.
        faults: what goes wrong.
        workers: how many renders may run at once; the number of cores unless given.
        most_unfinished: how many jobs may wait or run.
        most_kept: how many finished jobs are kept; the oldest go first.
        most_render_seconds: how long a render may take; then the job fails.
        grace: seconds after which a render that was told to end, and does not come back, loses its thread to another.
        render: what makes a video, with the arguments of :func:`decart_nb.local.renderer.render`.

    Raises:
        LocalQueueError: the folder cannot be written, or there are no threads for the work. Nothing is left of it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        delay: float = 0.0,
        canned: Path | None = None,
        draw: Callable[[], float] | None = None,
        faults: Faults | None = None,
        workers: int | None = None,
        most_unfinished: int = 1000,
        most_kept: int = 5000,
        most_render_seconds: float = MOST_RENDER_SECONDS,
        grace: float = 10.0,
        render: Callable[..., None] | None = None,
    ) -> None:
        self.lots = Lots(faults or Faults())
        self.stats = Stats(faults=self.lots.drawn)
        self.canned = canned
        self.shelf = Shelf(folder)
        self._delay = delay
        self._draw = draw or (lambda: delay)
        self._most_unfinished = most_unfinished
        self._most_kept = most_kept
        self._lock = threading.Lock()
        self._mine: dict[str, Record] = {}  # those that this queue is working on, or has ended
        self._kept = OrderedDict.fromkeys(self.shelf.ids())
        self._seen_ended: set[str] = set()
        self._waiting: queue.SimpleQueue[Record] = queue.SimpleQueue()
        self._arriving = 0
        self._stopped = threading.Event()
        self._most_render_seconds = most_render_seconds
        self._grace = grace
        self._render_video = render or _rendered
        self._workers: list[_Worker] = []
        self._worker_count = 0 if canned else workers or os.cpu_count() or 1
        try:
            self._ensure_workers()
        except RuntimeError as cause:
            self.close()
            raise LocalQueueError(
                f"The local queue cannot start: {cause}. Close what else is running, and connect again.", cause=cause
            ) from None

    def close(self) -> None:
        """Stops working. What is not finished stays on the shelf."""
        self._stopped.set()
        end = time.monotonic() + _PATIENCE
        for worker in self._workers:
            # It should have released its job before another queue takes that over. Afterwards it cannot save it.
            worker.thread.join(max(0.0, end - time.monotonic()))
        self.shelf.close()

    def _ensure_workers(self) -> None:
        """Starts workers until there are as many as there should be, in place of those that do not come back too.

        Raises:
            RuntimeError: there are no more threads.
        """
        now = time.monotonic()
        with self._lock:
            for worker in [worker for worker in self._workers if now > worker.deadline + self._grace]:
                worker.abandoned = True
                self._workers.remove(worker)
                if worker.job:
                    worker.job.error, worker.job.ready = self._timeout_reason(), time.time()
                    with contextlib.suppress(OSError):  # whoever asks this queue is told all the same
                        self.shelf.save(worker.job)
            while len(self._workers) < self._worker_count:
                worker = _Worker(self._work, len(self._workers))
                worker.thread.start()
                self._workers.append(worker)

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Keeps a place for a job, from before its upload is read until it has been added.

        Raises:
            TooMany: as many jobs as allowed are unfinished.
        """
        now = time.time()
        with self._lock:
            unfinished = sum(record.ready is None or record.ready > now for record in self._mine.values())
            if unfinished + self._arriving >= self._most_unfinished:
                self.stats.counts["refused"] += 1
                raise TooMany
            self._arriving += 1
        try:
            yield
        finally:
            with self._lock:
                self._arriving -= 1

    def add(self, model: ModelDefinition, values: dict[str, Any], files: dict[str, Callable[[Path], None]]) -> Record:
        """Takes a job.

        Args:
            model: what to make.
            values: its checked plain fields.
            files: its files: the input's name, and what writes the upload to a path.

        Raises:
            OSError: the job cannot be kept, and is not taken.
        """
        seed = values.get("seed")
        record = Record(
            id=uuid.uuid4().hex,
            model=model.name,
            values=values,
            files=list(files),
            seed=secrets.randbelow(2**32) if seed is None else seed,
            owner=self.shelf.me,
            created=time.time(),
            error="the local queue was told to fail it." if self.lots.draw("job") else None,
        )
        if self.canned:
            duration = self._draw()
            record.started = record.created + duration / 10
            record.ready = record.created + duration
        self.shelf.add(record, {} if self.canned else files)
        with self._lock:  # jobs are added from many threads, and not one may be lost to the count
            self.stats.counts["submissions"] += 1
        self._take(record)
        return record

    def get(self, job_id: str) -> Record | None:
        """The job of that id, also one that another queue on the same shelf has taken, or left behind."""
        with contextlib.suppress(RuntimeError):  # without threads the next caller finds the place still empty
            self._ensure_workers()
        record = self._mine.get(job_id)
        if record is not None:
            return record
        record = self.shelf.load(job_id)
        if record is not None and record.ready is None and not self.canned:
            with self.shelf.adopting(record) as orphan:
                if orphan:
                    record = orphan
                    record.owner, record.started = self.shelf.me, None
                    self.shelf.save(record)
                    self._take(record)
        return record

    def age(self, job_id: str) -> float:
        """Seconds since a job was submitted; endless for one that is not this queue's."""
        record = self._mine.get(job_id)
        return time.time() - record.created if record else math.inf

    def poll(self, record: Record) -> str:
        """How a job stands, told to somebody who counts as having seen it from now on."""
        self.stats.counts["polls"] += 1
        now = time.time()
        if record.ready is not None and now >= record.ready and record.id not in self._seen_ended:
            self._seen_ended.add(record.id)
            self.stats.notice(now - record.ready)
        return record.status(now)

    def content(self, record: Record) -> Path | None:
        """The finished video, if it is still there."""
        self.stats.counts["downloads"] += 1
        return self.canned or self.shelf.file(record.id, "video.mp4")

    def _take(self, record: Record) -> None:
        with self._lock:
            self._mine[record.id] = record
            self._kept[record.id] = None
            excess = len(self._kept) - self._most_kept
            overdue = [job_id for job_id in self._kept if self._is_over(job_id)][:excess] if excess > 0 else []
        for job_id in overdue:
            self._forget(job_id)
        if not self.canned:
            self._waiting.put(record)

    def _is_over(self, job_id: str) -> bool:
        record = self._mine.get(job_id) or self.shelf.load(job_id)
        return record is None or (record.ready is not None and record.ready <= time.time())

    def _forget(self, job_id: str) -> None:
        with self._lock:
            self._kept.pop(job_id, None)
            self._mine.pop(job_id, None)
            self._seen_ended.discard(job_id)
        self.shelf.remove(job_id)

    def _work(self, worker: _Worker) -> None:
        while not self._stopped.is_set() and not worker.abandoned:
            try:
                record = self._waiting.get(timeout=0.2)
            except queue.Empty:
                continue
            worker.job, worker.deadline = record, time.monotonic() + self._most_render_seconds
            try:
                self._render(worker, record)
            except LocalQueueError:
                return  # stopped in the middle: the job stays unfinished on the shelf; or abandoned
            except OSError as cause:
                # The shelf is full or gone. There is nowhere to write that down, but whoever asks is told.
                record.error = f"the local queue could not keep the job: {os_reason(cause)}."
                record.ready = time.time()
            finally:
                worker.deadline, worker.job = math.inf, None

    def _render(self, worker: _Worker, record: Record) -> None:
        if record.attempts >= _MOST_ATTEMPTS:
            record.error = f"the renderer did not survive it: {record.attempts} renders of it did not come to an end."
        else:
            record.started = time.time()
            record.attempts += 1
            self.shelf.save(record)
            self._draw_video(worker, record)
        self._finish(worker, record)

    def _draw_video(self, worker: _Worker, record: Record) -> None:
        """Renders a job's video, or notes why there is none.

        Raises:
            LocalQueueError: the queue was stopped, or the worker abandoned.
        """

        def proceed() -> None:
            if self._stopped.is_set() or worker.abandoned:
                raise LocalQueueError("The render was stopped.")
            if time.monotonic() > worker.deadline:
                raise TimeoutError

        partial = self.shelf.staging / f"{record.id}.mp4"
        try:
            files = {name: path for name in record.files if (path := self.shelf.file(record.id, name))}
            self._render_video(models.video(record.model), record.values, files, record.seed, partial, proceed)
            proceed()
            partial.replace(self.shelf.video(record.id))
        except Exception as error:
            if worker.abandoned:
                raise LocalQueueError("The render came back too late.") from None
            if self._stopped.is_set():
                record.attempts -= 1  # it is not the job's fault
                with contextlib.suppress(OSError):
                    self.shelf.save(record)
                raise LocalQueueError("The render was stopped.") from None
            if time.monotonic() > worker.deadline:
                record.error = self._timeout_reason()
            elif isinstance(error, OSError):
                raise
            else:
                record.error = self._failure_reason(error)
        finally:
            partial.unlink(missing_ok=True)

    def _finish(self, worker: _Worker, record: Record) -> None:
        with self._lock:  # or the worker could be abandoned, and its job failed, just now
            if worker.abandoned:
                raise LocalQueueError("The render came back too late.")
            worker.deadline = math.inf
        record.ready = max(time.time(), record.created + self._delay)
        self.shelf.save(record)

    def _timeout_reason(self) -> str:
        return f"it took longer than the {self._most_render_seconds:g} seconds that a render may take here."

    def _failure_reason(self, error: Exception) -> str:
        """Why a render failed, without a path of this machine."""
        if isinstance(error, MediaError):
            text = error.message
        else:
            text = _FOLDERS.sub("…", f"the local renderer broke on it: {type(error).__name__}: {error}")
        return printable(text, limit=_LONGEST_ERROR, secrets=[str(self.shelf.root)])


def _rendered(*request: Any) -> None:
    from .render.render import render  # it brings in PyAV, which a canned queue never needs

    render(*request)
