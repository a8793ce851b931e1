"""One run of a sweep: which rows go, how many at once, and what becomes of each."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from .._util.next_steps import step
from ..client.responses import is_safe_to_resubmit
from ..errors import CapReachedError, DecartSDKError, InvalidInputError, QueueSubmitError, StoreError
from ..job.ingest import described
from ..job.job import Job
from ..job.money import usd
from ..job.runner import Runner
from ..request.locations import RemoteFile
from ..request.request import Request
from ..request.uploads import Upload
from ..store.job_row import UNDER_WAY, Record
from ..store.store import Store
from .concurrency_limit import AdaptiveLimit
from .planner import Reader
from .progress import Progress
from .rows import InputFile, Row, look_at

#: At most ten times a second it tells how it goes.
_PAUSE = 0.1
_TICK = 0.5
#: So many rows have to have ended before they tell how long the others take.
_ENOUGH = 3
#: So many files are fetched from their addresses at once.
_FETCHES = 8
#: So many ids a note names.
_NAMED = 3
_COLUMNS = ("row", "key", "job_id", "path", "size_bytes")
#: What has ended badly, and is made again only when that is asked for; and as what it is counted.
LEFT_ALONE = ("failed", "uncertain", "expired")
_COUNTED_AS = {"expired": "failed"}


class SweepRun:
    """One run of a sweep, on the loop in the background.

    Args:
        account: the sweep whose budget it spends.
        reader: its rows, whose files are kept; nobody else may read with it.
        runner: what carries them.
        cap: the most that the sweep may cost in its whole life, in USD.
        ceiling: the most jobs in flight.
        unpriced: whether rows without a known price are made although there is a cap.
        again: which of what has ended badly is made anew: ``failed``, ``uncertain``.
        begun: is called when the rows were read, with what the models' names mean, on a thread, before anything is
            submitted.
        told: is called when something has changed.

    Attributes:
        reader: has read the rows, and knows their files.
        rows: the rows, once they have been read.
        made: the requests whose videos this run has made.
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
        unpriced: bool,
        again: frozenset[str],
        begun: Callable[[Mapping[str, str]], object],
        told: Callable[[], object],
    ) -> None:
        self._account, self.reader, self._runner = account, reader, runner
        self._cap, self._ceiling, self._unpriced, self._again = cap, ceiling, unpriced, again
        self._begun, self._told = begun, told
        self.rows: list[Row] = []
        self.made: set[tuple[str, int]] = set()
        self.over = False
        self.error: Exception | None = None
        self._began = time.monotonic()
        self._total = len(reader.axes)
        self._counts: Counter[str] = Counter()
        self._copies: Counter[int] = Counter()
        self._jobs: dict[int, Job] = {}
        self._counting = threading.Lock()  # a row goes from one count to the other at once
        self._seen: dict[int, tuple[int, str]] = {}  # of rows, the latest job that the store had before this run
        self._held: list[int] = []
        self._too_dear: float | None = None  # the least that was found to be beyond the cap
        self._freed = False
        self._learned: dict[tuple[str, str], float] = {}  # what rows have cost, where that was more than expected
        self._tied_up = 0.0  # what rows will cost that were refused for a passing reason
        self._paid: set[int] = set()  # the rows whose jobs the store had counted before this run
        self._spent, self._unknown, self._ended, self._shared = 0.0, 0, 0, 0
        self._usual: float | None = None  # how many seconds a job takes, rather more than less
        self._latest = self._began  # when a job was begun
        self._stopped = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beginning: asyncio.Task[list[int]] | None = None

    async def drive(self) -> None:
        """Runs it to its end."""
        self._loop = asyncio.get_running_loop()
        self._wake, self._news = asyncio.Event(), asyncio.Event()
        telling = asyncio.create_task(self._tell_now_and_then())
        self._beginning = asyncio.create_task(self._begin())
        if self._stopped:  # before there was anything to cancel
            self._beginning.cancel()
        try:
            todo = await self._beginning
            while todo:
                await self._submit_all(todo)
                # What was rejected costs nothing after all.
                with self._counting:
                    todo, self._held = (self._held, []) if self._freed and not self._stopped else ([], self._held)
                self._freed = False
            await self._count_what_was_spent()
        except asyncio.CancelledError:
            if not self._stopped:
                raise
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits is told
            self.error = error
        finally:
            telling.cancel()
            self.over = True
            self._told()

    def stop(self) -> None:
        """Submits nothing more; what has been submitted is still fetched. From any thread."""
        with self._counting:  # no row begins after this
            self._stopped = True
            jobs = tuple(self._jobs.values())
        for job in jobs:
            if job.id is None:
                job.cancel()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._halt)

    def _halt(self) -> None:
        self._wake.set()
        if self._beginning is not None:
            self._beginning.cancel()  # what waits for servers there has sent nothing that costs anything

    @property
    def gives_way(self) -> bool:
        """Whether another run of the same rows may begin: this one only waits for what it has submitted."""
        return self.over or self._stopped

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        with self._counting:
            jobs, counts = dict(self._jobs), Counter(self._counts)
            held = len(self._held) + sum(self._copies[number] for number in self._held if number in self._copies)
            spent, unknown = self._spent, self._unknown
        running = sum(1 + self._copies[number] for number in jobs)
        waiting = self._total - sum(counts.values()) - running - held
        costs = [self._cost(self.rows[number]) for number in tuple(jobs) if number not in self._paid]
        return Progress(
            total=self._total,
            done=counts["done"],
            reused=counts["reused"],
            shared=self._shared,
            running=running,
            waiting=waiting,
            failed=counts["failed"] + counts["passing"] + counts["uncertain"],
            invalid=counts["invalid"],
            held_back=held,
            stopped=self._stopped,
            payment=self._runner.payment,
            cost=spent + sum(cost or 0.0 for cost in costs),
            cost_unknown=unknown > 0 or None in costs,
            cap=self._cap,
            seconds_left=None if self.over else self._seconds_left(running, waiting * (not self._stopped)),
            jobs=tuple(jobs.values()),
            note=self._note(counts, held, waiting),
        )

    # Its beginning.

    async def _begin(self) -> list[int]:
        """Reads the rows once more, keeps their files, and finds those that are to be made."""
        models = self.reader.models
        meanings = await asyncio.gather(*[self._runner.resolved(model) for model in models])
        resolved = {model.name: meaning for model, meaning in zip(models, meanings, strict=True)}
        read = functools.partial(self.reader.read, resolved=resolved)
        rows = await asyncio.to_thread(read)
        if addresses := self.reader.addresses():
            few = asyncio.Semaphore(_FETCHES)
            files = await asyncio.gather(*[self._fetched(url, rows, few) for url in addresses])
            rows = await asyncio.to_thread(read, fetched=dict(zip(addresses, files, strict=True)))
        self.rows = rows
        todo = await asyncio.to_thread(self._look, resolved)
        for model in models:
            # Others wait for the same estimate: they shall not be cancelled with this.
            expected = await asyncio.shield(self._runner.expect(resolved[model.name], None))
            self._usual = max(self._usual or 0.0, expected.interval[1])
        return todo

    async def _fetched(self, url: str, rows: Sequence[Row], few: asyncio.Semaphore) -> InputFile | str:
        """A file from its address, kept, or why it cannot be fetched."""
        model, name = next(
            (row.model, name)
            for row in rows
            for name, file in row.files.items()
            if row.model and isinstance(file, RemoteFile) and file.url == url
        )
        anything = replace(model, fields=None)  # each row looks for itself whether its model takes it
        async with few:
            try:
                request = await self._runner.client.queue.fetch_inputs(Request(anything, {}, {name: RemoteFile(url)}))
            except InvalidInputError as error:
                return error.message.partition(f": {name} ")[2] or error.message
            upload = request.files[name]
            assert isinstance(upload, Upload)
            return await asyncio.to_thread(keep_file, upload, self._runner.store)

    def _look(self, resolved: Mapping[str, str]) -> list[int]:
        """Counts what is there already, and gives the numbers of the rows that are to be made, in their order."""
        store = self._runner.store
        standing = store.latest_by_request({row.request for row in self.rows if row.request}, _COLUMNS)
        todo: list[int] = []
        unpriced: list[Row] = []
        ended: list[tuple[int, str]] = []
        for number, row in enumerate(self.rows):
            if row.same_as is not None:
                continue
            *_, status, latest, key, job_id, path, size = standing.get(row.key, (None, 0, "", None, None, None))
            if row.error:
                ended.append((number, "invalid"))
            elif status == "completed" and store.files.video(path, size):
                ended.append((number, "reused"))
            elif status in LEFT_ALONE and status not in self._again:
                ended.append((number, _COUNTED_AS.get(status, status)))
            else:
                todo.append(number)
                self._seen[number] = latest, key
                if status in (*UNDER_WAY, "unreachable", "completed"):
                    self._paid.add(number)
                if row.cost is None and not (job_id and number in self._paid):
                    unpriced.append(row)
        # What the plan went by may have changed: what a name means, and files.
        if self._cap is not None and not self._unpriced:
            refuse_unpriced(unpriced)
        self._begun(resolved)
        spent = store.spent(self._account)
        with self._counting:
            self._spent, self._unknown = spent
            self._copies.update(row.same_as for row in self.rows if row.same_as is not None)
            for number, state in ended:
                self._count(number, state)
        # Rows that share a clip go together.
        order: dict[str, int] = {}
        clips = {
            number: next((file.sha256 for file in self.rows[number].files.values() if isinstance(file, InputFile)), "")
            for number in todo
        }
        return sorted(todo, key=lambda number: order.setdefault(clips[number], len(order)))

    async def _count_what_was_spent(self) -> None:
        """Asks the store at the end: others at the same sweep have paid for some of it."""
        with contextlib.suppress(StoreError):
            spent = await asyncio.to_thread(self._runner.store.spent, self._account)
            with self._counting:
                self._spent, self._unknown = spent

    # Its rows.

    async def _submit_all(self, todo: Sequence[int]) -> None:
        """Submits rows as the limits_by_model open, and waits for all of them."""
        lines: dict[str, deque[int]] = {}
        for number in todo:
            lines.setdefault(self.rows[number].resolved, deque()).append(number)
        limits_by_model = {model: AdaptiveLimit() for model in lines}
        tasks: set[asyncio.Task[None]] = set()
        while True:
            self._wake.clear()
            for model, line in lines.items():
                while line and not self._stopped:
                    if self._is_too_dear(line[0]):
                        with self._counting:
                            self._held.append(line.popleft())
                        continue
                    if not self._has_room() or not limits_by_model[model].can_admit():
                        break
                    number = line[0]
                    if not self._begin_row(number):
                        break
                    line.popleft()
                    # At once, not when the task has its turn: the limit must know of it before the next one asks.
                    place = limits_by_model[model].admit()
                    self._latest = time.monotonic()
                    self._news.set()
                    task = asyncio.create_task(self._make(number, limits_by_model[model], place))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)
            if not self._jobs and (self._stopped or not any(lines.values())):
                return
            await self._wake.wait()

    def _begin_row(self, number: int) -> bool:
        """Begin a row, unless the run was stopped: whoever stops it sees all rows that have begun."""
        job = self._job(self.rows[number])
        with self._counting:
            if not self._stopped:
                self._jobs[number] = job
            return not self._stopped

    def _has_room(self) -> bool:
        return self._ceiling is None or len(self._jobs) < self._ceiling

    def _is_too_dear(self, number: int) -> bool:
        """Whether the cap has kept back another row that costs no more: then the store need not be asked."""
        cost = self._cost(self.rows[number])
        if not cost or self._too_dear is None:
            return False
        return cost >= self._too_dear and number not in self._paid

    def _job(self, row: Row) -> Job:
        assert row.model is not None
        files = {
            name: file.upload.filename if isinstance(file, InputFile) else file.shown
            for name, file in row.files.items()
        }
        return Job(row.model.name, {**row.values, **files}, estimate=self._runner.prior)

    async def _make(self, number: int, limit: AdaptiveLimit, place: int) -> None:
        row, job = self.rows[number], self._jobs[number]

        def hear(status: str) -> None:
            if status != "pending" and limit.on_started(place):
                self._wake.set()
            if status in ("completed", "failed"):  # while its video is fetched, another one may begin
                limit.release(place)
                self._wake.set()

        job._on_answer, job._is_awaited = hear, functools.partial(limit.is_probing, place)
        try:
            await self._runner.carry(
                job,
                row.as_request(),
                self._record(row),
                exact=True,
                seen=self._seen[number],
                cap=None if self._cap is None else self._cap - self._tied_up,
                resubmit=self._again,
                on_rejected=functools.partial(limit.on_rejected, place),
            )
        finally:
            limit.release(place)
            with self._counting:
                del self._jobs[number]
                self._settle(number, job)
            self._news.set()
            self._wake.set()

    def _record(self, row: Row) -> Record:
        assert row.model is not None
        return Record(
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
            expected_cost=self._cost(row),
        )

    def _settle(self, number: int, job: Job) -> None:
        """Counts a row that has ended."""
        row = self.rows[number]
        self._ended += 1
        if isinstance(job.error, CapReachedError):
            self._held.append(number)
            if cost := self._cost(row):
                self._too_dear = min(cost, self._too_dear or cost)
            return
        ours = job.status not in ("rejected", "cancelled") and not (job.clip and job.clip.reused)
        if ours and number not in self._paid:
            cost = job.clip.cost if job.clip else None
            costs = [cost for cost in (self._cost(row), cost) if cost is not None]
            self._spent += max(costs, default=0.0)
            self._unknown += not costs
            if job.clip and row.cost is not None and (job.clip.cost or 0.0) > row.cost:
                self._learned[_input_of(row)] = max(costs)  # the rows that follow go by that
        if isinstance(job.error, QueueSubmitError) and is_safe_to_resubmit(job.error):
            self._tied_up += self._cost(row) or 0.0  # the next run makes it again: its cost stays set aside for it
        elif job.status == "rejected":
            self._freed, self._too_dear = True, None
        if job.clip is not None:
            if not job.clip.reused:
                self.made.add(row.key)
            self._count(number, "reused" if job.clip.reused else "done")
        elif job.status != "cancelled":  # else it waits again
            self._count(number, _COUNTED_AS.get(job.status, job.status) if job.status in LEFT_ALONE else "passing")

    def _cost(self, row: Row) -> float | None:
        """What a row is expected to cost: by its plan, or by what another row with the same input has cost."""
        return self._learned.get(_input_of(row), row.cost)

    def _count(self, number: int, state: str) -> None:
        self._counts[state] += 1
        self._counts["reused" if state == "done" else state] += self._copies[number]
        self._shared += self._copies[number] * (state == "done")

    # What is told.

    async def _tell_now_and_then(self) -> None:
        """Tells what has changed, as often as a person can follow, and that time passes."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK):
                    await self._news.wait()
                    await asyncio.sleep(_PAUSE)  # what comes with it is told with it
            self._news.clear()
            self._told()

    def _seconds_left(self, running: int, waiting: int) -> float | None:
        now = time.monotonic()
        if self._ended >= max(_ENOUGH, running):  # before that, those that run say little by not having ended
            return (running + waiting) * (now - self._began) / self._ended
        if self._usual is None or not running:
            return None
        left = self._usual * (1 + waiting / running) - (now - self._latest)
        return left if left > 0 else None  # it takes longer than such jobs do: nobody knows how much longer

    def _note(self, counts: Counter[str], held: int, waiting: int) -> str:
        parts = []
        if self.error is not None:
            parts.append(self.error.message if isinstance(self.error, DecartSDKError) else repr(self.error))
        if lost := [str(record.job_id) for record in self._runner.store.unsaved if record.sweep == self._account]:
            named = ", ".join(lost[:_NAMED]) + f" and {len(lost) - _NAMED:,} more in .results" * (len(lost) > _NAMED)
            parts.append(f"The store could not take what was submitted: keep {named}; decart_nb.attach(id) fetches it.")
        if held and self._cap is not None:
            rows, stay = ("1 row is", "stays") if held == 1 else (f"{held:,} rows are", "stay")
            parts.append(f"{rows} kept back by {step('max_cost=')}{usd(self._cap)}, and {stay} planned.")
        if counts["failed"]:
            parts.append(f"What failed is left alone until {step('retry')}.")
        if counts["passing"]:
            parts.append("What was refused or is out of reach is tried again by the next run.")
        if counts["uncertain"]:
            parts.append(f"What was perhaps submitted is left alone until {step('retry uncertain')}.")
        if counts["invalid"]:
            parts.append(f"{step('plan')} says why rows are invalid.")
        if self._stopped and waiting:
            parts.append("It was stopped; running it again goes on.")
        return " ".join(parts)


def refuse_unpriced(rows: Iterable[Row]) -> None:
    """Refuses rows whose price is not known, since no cap can hold them.

    Raises:
        InvalidInputError: there are such rows.
    """
    unknown = [row for row in rows if row.model and row.cost is None]
    if unknown:
        names = sorted({row.model.name for row in unknown if row.model})
        fetched = any(not row.request for row in unknown)
        raise InvalidInputError(
            f"What {' and '.join(names)} will cost is not known, so {step('max_cost')} cannot hold it. Give the price, "
            f"{step('prices')}, or {step('allow_unknown_cost')}."
            f"{' How long a file from an address is, is known only when it has been fetched.' * fetched}"
        )


def as_kept(given: InputFile, store: Store) -> InputFile:
    """The file, called by its place in the store, where it is or will be."""
    path = store.files.input(described(given.upload, given.sha256))
    return replace(given, shown=str(path.relative_to(store.folder.parent)))


def keep_file(upload: Upload, store: Store) -> InputFile:
    """Put a file into the store, by a copy that nobody changes meanwhile."""
    given = look_at(upload.kept())
    with given.upload.open() as stream:
        path = store.keep_input(described(given.upload, given.sha256), stream)
    return as_kept(replace(given, upload=Upload(upload.filename, path)), store)


def _input_of(row: Row) -> tuple[str, str]:
    """What decides how much video a row makes: its model, and the file that it works on."""
    file = row.files.get("data")
    return row.resolved, file.sha256 if isinstance(file, InputFile) else ""
