"""What the local queue does with a job: waits, renders, counts. No more at a time than there are cores."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import secrets
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..catalogue import ModelDefinition, models
from ..errors import LocalQueueError, MediaError
from .faults import Faults, Lots
from .shelf import Record, Shelf

_PATIENCE = 5.0


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
        count = 0 if canned else workers or os.cpu_count() or 1
        # Daemons: leaving the interpreter does not wait for a render; the next queue takes it up again.
        self._workers = [
            threading.Thread(target=self._work, name=f"decart_nb render {number}", daemon=True)
            for number in range(count)
        ]
        for worker in self._workers:
            worker.start()

    def close(self) -> None:
        """Stops working. What is not finished stays on the shelf."""
        self._stopped.set()
        for worker in self._workers:
            worker.join(_PATIENCE)  # it must have let go of its job before another queue may take that over
        self.shelf.close()

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
        job_id = self.shelf.add()
        seed = values.get("seed")
        record = Record(
            id=job_id,
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
        try:
            if not self.canned:
                for name, write in files.items():
                    write(self.shelf.folder(job_id) / name)
            self.shelf.save(record)
        except OSError:
            self.shelf.remove(job_id)
            raise
        with self._lock:  # jobs are added from many threads, and not one may be lost to the count
            self.stats.counts["submissions"] += 1
        self._take(record)
        return record

    def get(self, job_id: str) -> Record | None:
        """The job of that id, also one that another queue on the same shelf has taken, or left behind."""
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

    def content(self, record: Record) -> Path:
        """The finished video."""
        self.stats.counts["downloads"] += 1
        return self.canned or self.shelf.video(record.id)

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

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                record = self._waiting.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                self._render(record)
            except LocalQueueError:
                return  # stopped in the middle: the job stays unfinished on the shelf
            except OSError as cause:
                # The shelf is full or gone. There is nowhere to write that down, but whoever asks is told.
                record.error = f"the local queue could not keep the job: {cause.strerror or cause}."
                record.ready = time.time()

    def _render(self, record: Record) -> None:
        record.started = time.time()
        self.shelf.save(record)
        target = self.shelf.video(record.id)
        partial = target.with_suffix(f".{self.shelf.me[:8]}.part")
        files = {name: self.shelf.folder(record.id) / name for name in record.files}
        try:
            from .renderer import render  # it brings in PyAV, which a canned queue never needs

            model = models.video(record.model)
            render(model, record.values, files, record.seed, partial, self._stopped.is_set)
            partial.replace(target)
        except MediaError as error:
            record.error = error.message
        except (LocalQueueError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a strange file does, the job fails and the queue lives
            record.error = f"the local renderer broke on it: {type(error).__name__}: {error}"
        finally:
            partial.unlink(missing_ok=True)
        record.ready = max(time.time(), record.created + self._delay)
        self.shelf.save(record)
