"""One run of a sweep: it submits the rows, as many at once as the service takes, until each has ended."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence

from ..errors import StoreError
from ..job.ingest import described
from ..job.job import Job
from ..job.runner import Runner
from ..job.seeds import draw_seed
from ..store.job_row import Record
from .concurrency_limit import AdaptiveLimit
from .files import fetch_files
from .ledger import Ledger
from .planner import Reader
from .progress import Progress, TimeLeft, note_of
from .rows import InputFile, Row
from .run_time import past_jobs, usual_time
from .selection import Selection, select_rows

#: The least seconds between two notifications, and the most.
_PAUSE = 0.1
_TICK = 0.5


class SweepRun:
    """One run of a sweep, on the background event loop.

    Args:
        account: the sweep whose budget it spends.
        reader: reads its rows, whose files are kept; nobody else may use it meanwhile.
        runner: submits the jobs and fetches their videos.
        cap: the most that the sweep may cost in its whole life, in USD.
        ceiling: the most jobs in flight.
        allow_unpriced: whether rows without a known price are submitted although there is a cap.
        again: the statuses of which jobs that ended badly are submitted again: ``failed``, ``expired``, ``uncertain``.
        only: the numbers of the only rows that may be submitted; all may be unless it is given.
        on_selected: called on a thread when the rows were read and selected, before anything is submitted, with the
            models' resolved names.
        on_change: called when something has changed.

    Attributes:
        reader: has read the rows, and knows their files.
        rows: of the sweep, once they have been read.
        over: whether it has ended.
        error: why it could not begin.
    """

    def __init__(
        self,
        account: str,
        reader: Reader,
        runner: Runner,
        *,
        cap: float | None,
        ceiling: int | None,
        allow_unpriced: bool,
        again: frozenset[str],
        only: Collection[int] | None = None,
        on_selected: Callable[[Mapping[str, str]], object],
        on_change: Callable[[], object],
    ) -> None:
        self._account, self.reader, self._runner = account, reader, runner
        self._cap, self._ceiling, self._again = cap, ceiling, again
        self._only = only
        self._priced_only = cap is not None and not allow_unpriced
        self._on_selected, self._on_change = on_selected, on_change
        self.rows: list[Row] = []
        self.over = False
        self.error: Exception | None = None
        self._total = len(reader.schema.axes)
        self._ledger = Ledger(cap)
        self._selection = Selection()
        self._time_left = TimeLeft()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beginning: asyncio.Task[list[int]] | None = None

    async def drive(self) -> None:
        """Submit the rows, and wait until all have ended. It raises nothing: see :attr:`error`."""
        self._loop = asyncio.get_running_loop()
        self._row_ended, self._changed = asyncio.Event(), asyncio.Event()
        notifying = asyncio.create_task(self._notify())
        self._beginning = asyncio.create_task(self._begin())
        if self._ledger.stopped:  # before there was anything to cancel
            self._beginning.cancel()
        try:
            todo = await self._beginning
            while todo:
                await self._submit_all(todo)
                todo = self._ledger.take_held_back()
            with contextlib.suppress(StoreError):  # other processes may have paid for some of the rows
                self._ledger.correct(await asyncio.to_thread(self._runner.store.spent, self._account))
        except asyncio.CancelledError:
            if not self._ledger.stopped:
                raise
        except Exception as error:  # noqa: BLE001 - raised where the run is waited for
            self.error = error
        finally:
            notifying.cancel()
            self.over = True
            self._on_change()

    def stop(self) -> None:
        """Submit nothing more; what has been submitted is still fetched. From any thread."""
        for job in self._ledger.stop():
            if job.id is None:
                job.cancel()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._halt)

    def _halt(self) -> None:
        self._row_ended.set()
        if self._beginning is not None:
            self._beginning.cancel()  # it may wait for servers; nothing that costs anything has been sent

    @property
    def can_be_replaced(self) -> bool:
        """Whether another run of the same sweep may begin: this one submits nothing more."""
        return self.over or self._ledger.stopped

    @property
    def made(self) -> Collection[tuple[str, int]]:
        """The requests whose videos this run has made, with their takes."""
        return self._ledger.made

    @property
    def progress(self) -> Progress:
        """The counts and costs at this moment."""
        tally = self._ledger.tally()
        counts = tally.counts
        waiting = self._total - counts.total() - tally.running - tally.held_back
        unrecorded = [str(record.job_id) for record in self._runner.store.unsaved if record.sweep == self._account]
        error = "" if self.error is None else getattr(self.error, "message", repr(self.error))
        to_come = 0 if tally.stopped else max(0, waiting - len(self._selection.left_out))
        made_now = sum(job.status == "processing" for job in tally.jobs.values())
        left = self._time_left.estimate(made_now, tally.running - made_now + to_come)
        return Progress(
            total=self._total,
            done=counts["done"],
            reused=counts["reused"],
            shared=tally.shared,
            running=tally.running,
            waiting=waiting,
            failed=counts["failed"] + counts["passing"] + counts["uncertain"],
            invalid=counts["invalid"],
            held_back=tally.held_back,
            stopped=tally.stopped,
            payment=self._runner.payment,
            cost=tally.cost,
            cost_unknown=tally.cost_unknown,
            cap=self._cap,
            seconds_left=None if self.over else left,
            jobs=tuple(tally.jobs.values()),
            rows=tuple(tally.jobs),
            over_cap=tally.over_cap,
            note=note_of(tally, waiting, cap=self._cap, error=error, unrecorded=unrecorded),
        )

    async def _begin(self) -> list[int]:
        """Read the rows once more, keep their files, and return the numbers of the rows to be submitted."""
        models = self.reader.schema.models
        names = await asyncio.gather(*[self._runner.resolved(model) for model in models])
        resolved = {model.name: name for model, name in zip(models, names, strict=True)}
        read = functools.partial(self.reader.read, resolved=resolved)
        rows = await asyncio.to_thread(read)
        if urls := self.reader.addresses():
            rows = await asyncio.to_thread(read, fetched=await fetch_files(urls, rows, self._runner))
        self.rows = rows
        await asyncio.to_thread(self._select_rows, resolved)
        return self._selection.todo

    def _select_rows(self, resolved: Mapping[str, str]) -> None:
        store = self._runner.store
        self._selection = select_rows(self.rows, store, self._again, priced_only=self._priced_only, only=self._only)
        self._on_selected(resolved)
        self._ledger.open(self.rows, self._selection, store.spent(self._account))
        for model in resolved.values():
            if jobs := past_jobs(self._runner, model):
                self._time_left.on_estimate(usual_time(jobs, self._runner.prior)[1])

    async def _submit_all(self, todo: Sequence[int]) -> None:
        """Submit rows as the limits allow, and wait until all have ended."""
        waiting: dict[str, deque[int]] = {}
        for number in todo:
            waiting.setdefault(self.rows[number].resolved, deque()).append(number)
        limits = {model: AdaptiveLimit() for model in waiting}
        tasks: set[asyncio.Task[None]] = set()
        while True:
            self._row_ended.clear()
            for model, numbers in waiting.items():
                while numbers and not self._ledger.stopped:
                    if self._ledger.keep_back(numbers[0]):
                        numbers.popleft()
                    elif self._is_full or self._ledger.must_wait(numbers[0]) or not limits[model].can_admit():
                        break
                    elif task := self._start_row(numbers[0], limits[model]):
                        numbers.popleft()
                        tasks.add(task)
                        task.add_done_callback(tasks.discard)
            if not self._ledger.in_flight and (self._ledger.stopped or not any(waiting.values())):
                return
            await self._row_ended.wait()

    @property
    def _is_full(self) -> bool:
        return self._ceiling is not None and self._ledger.in_flight >= self._ceiling

    def _start_row(self, number: int, limit: AdaptiveLimit) -> asyncio.Task[None] | None:
        """Start a row, unless the run was stopped."""
        row, place = self.rows[number], limit.admit()
        assert row.model is not None
        files = {
            name: file.upload.filename if isinstance(file, InputFile) else file.shown
            for name, file in row.files.items()
        }

        def on_status(status: str) -> None:
            if status == "processing" and job.status != status:  # it is told after each poll
                self._time_left.on_started()
            if status != "pending" and limit.on_started(place):
                self._row_ended.set()
            if status in ("completed", "failed"):  # while its video is fetched, another one may begin
                limit.release(place)
                self._row_ended.set()

        job = Job(
            row.model.name,
            {**row.values, **files},
            estimate=self._runner.prior,
            on_status=on_status,
            eager=functools.partial(limit.is_probing, place),
        )
        if not self._ledger.begin(number, job):
            return None
        self._changed.set()
        return asyncio.create_task(self._make(number, job, limit, place))

    async def _make(self, number: int, job: Job, limit: AdaptiveLimit, place: int) -> None:
        """Bring a row to its end."""
        row = self.rows[number]
        try:
            await self._runner.run_job(
                job,
                row.as_request(),
                self._record(row),
                exact=True,
                seen=self._selection.seen[number],
                cap=self._ledger.cap,
                resubmit=self._again,
                on_rejected=functools.partial(limit.on_rejected, place),
            )
        finally:
            limit.release(place)
            self._ledger.settle(number, job)
            if job.id is not None and not (job.clip and job.clip.reused):  # what was never made tells nothing
                self._time_left.on_ended()
            self._changed.set()
            self._row_ended.set()

    def _record(self, row: Row) -> Record:
        assert row.model is not None
        record = Record(
            row.request,
            self._runner.endpoint,
            self._runner.backend,
            row.resolved,
            row.model.name,
            row.take,
            row.values,
            {
                name: described(file.upload, file.sha256)
                for name, file in row.files.items()
                if isinstance(file, InputFile)
            },
            row.input_seconds,
            sweep=self._account,
            expected_cost=self._ledger.cost(row),
        )
        draw_seed(record, row.model)
        return record

    async def _notify(self) -> None:
        """Report changes and the passing of time, at most ten times a second."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK):
                    await self._changed.wait()
                    await asyncio.sleep(_PAUSE)  # to report what comes with it together
            self._changed.clear()
            self._on_change()
