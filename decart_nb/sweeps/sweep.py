"""Sweeps: a table of prompts × models × seeds as a plan, a run, and results."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

from .._util.next_steps import step
from .._util.plain_values import is_flag, is_nonnegative
from .._util.public import public
from .._util.text import printable
from ..errors import InvalidInputError, NotPicklableError
from ..job.event_loop import start, wait_for
from ..job.observable import Watched
from ..job.runner import Runner
from ..job.table import gc_paused
from ..request.validation import warn_of_age
from .axes import Axes
from .definition import definition_of
from .files import in_store, keep_file
from .planner import Reader
from .progress import Progress
from .rows import Row, inspect
from .run import SweepRun
from .selection import refuse_unpriced
from .totals import totals_of

if TYPE_CHECKING:
    import pandas as pd

    from .tables import Plan, Standing

Show = Callable[..., contextlib.AbstractContextManager[object]]


@public
class Sweep(Watched):
    """A table of jobs, made by ``decart_nb.sweep``. Nothing is sent before :meth:`run` or :meth:`start`.

    Once it is started, ``await`` it for its results, as a cell's last line or in a coroutine.

    Attributes:
        name: what :func:`decart_nb.sweep.load` finds it by; made from what it asks for, unless it was given.
        over: whether nothing of it is under way here.
    """

    def __init__(
        self,
        axes: Axes,
        runner: Runner,
        *,
        name: str | None = None,
        extras: Collection[str] = (),
        account: str | None = None,
        show: Show,
    ) -> None:
        super().__init__()
        if name is not None and (not isinstance(name, str) or not name.strip() or not name.isprintable()):
            raise InvalidInputError(f"The name of a sweep must be text, in one line, not {name!r:.60}.")
        self._axes, self._runner, self._extras, self._show = axes, runner, extras, show
        self._reader = self._new_reader()
        self._reading = threading.Lock()
        self._given_name = name.strip() if name else None
        self._account = account or self._given_name
        self._planned: list[Row] | None = None
        self._resolved: dict[str, str] = {}
        self._last: SweepRun | None = None
        self._blocked = 0

    # What it is.

    def __len__(self) -> int:
        return len(self._axes)

    @property
    def name(self) -> str:
        """What it is found by."""
        if self._given_name is None:
            keys = "\n".join(f"{row.request or row.asked} {row.take} {row.error}" for row in self._rows())
            self._given_name = f"sweep-{hashlib.sha256(keys.encode()).hexdigest()[:10]}"
        return self._given_name

    @property
    def account(self) -> str:
        """The name under which its cost is counted: its own, or that of the named sweep that it is a sample of."""
        return self._account or self.name

    def sample(self, n: int, seed: int | None = None) -> Sweep:
        """A sweep of some of the rows, drawn without repetition, in the order of the plan.

        Args:
            n: how many.
            seed: the same seed draws the same rows.

        Returns:
            A sweep of its own name. Where this one was given a name, a cap holds for both together.

        Raises:
            InvalidInputError: there are not that many.
        """
        drawn = self._axes.sample(n, seed)
        return Sweep(drawn, self._runner, extras=self._extras, account=self._account, show=self._show)

    def resolve(self) -> Sweep:
        """Asks the queue what the ``-latest`` names mean today; the plan goes by that. Returns itself.

        Raises:
            QueueStatusError: the queue does not say.
        """

        async def ask() -> dict[str, str]:
            return {model.name: await self._runner.resolved(model) for model in self._reader.models}

        self._resolved, self._planned = wait_for(ask()), None
        return self

    @property
    @gc_paused()
    def plan(self) -> Plan:
        """What would run. Nothing is sent for it, and no server is asked.

        Returns:
            A row a job, with its inputs; and ``plan``: whether it is ``new``, ``reused`` (stored already, or the same
            as a row above), ``in flight``, ``failed`` or ``uncertain`` (left alone until :meth:`retry`), or
            ``invalid``, and ``why``; then ``seconds`` of video, and the estimated ``cost`` in USD. What is not known
            is missing.
        """
        from .tables import TO_PLAN, plan_of, state_of

        rows = self._rows()
        standing = self._standing(rows, TO_PLAN)
        states, whys = zip(*[state_of(row, standing.get(row.key)) for row in rows], strict=True)
        totals = totals_of(rows, states, self._runner.expected, self._runner.payment)
        return plan_of(self._reader, rows, states, whys, totals=totals, name=self.name)

    # Its run.

    def run(
        self, *, max_cost: float | None = None, concurrency: int | None = None, allow_unknown_cost: bool = False
    ) -> pd.DataFrame:
        """Makes what is not there yet, shows how it goes, and waits for the end. Running it again goes on.

        Interrupting it stops the submitting; what has been submitted is fetched all the same. A row that fails stops
        no other, and is left alone until :meth:`retry`.

        Args:
            max_cost: the most that the sweep may cost in its whole life, in USD, by the estimates of its plan: failed
                and uncertain jobs count too. What would go beyond it is not submitted, and stays ``planned``; the line
                of progress says so. It holds for this call: one without it has no cap.
            concurrency: the most jobs in flight at once. How many of them the service bears is learnt all the same.
            allow_unknown_cost: whether rows without a known price are made although there is a ``max_cost``.

        Returns:
            :attr:`results`.

        Raises:
            InvalidInputError: an argument makes no sense, or rows have no known price under a ``max_cost``.
            DecartSDKError: the sweep could not begin; nothing was submitted.
        """
        self._begin(max_cost, concurrency, allow_unknown_cost, waiting=True)
        return self.results

    def retry(
        self,
        *,
        uncertain: bool = False,
        max_cost: float | None = None,
        concurrency: int | None = None,
        allow_unknown_cost: bool = False,
    ) -> pd.DataFrame:
        """As :meth:`run`, and makes what has failed anew. Until that has come out well, the old error stands.

        Args:
            uncertain: whether what was perhaps submitted is submitted again; if it was taken, both are paid.
            max_cost, concurrency, allow_unknown_cost: as for :meth:`run`.
        """
        again = frozenset({"failed", "expired", *(["uncertain"] if uncertain else [])})
        self._begin(max_cost, concurrency, allow_unknown_cost, waiting=True, again=again)
        return self.results

    def start(
        self, *, max_cost: float | None = None, concurrency: int | None = None, allow_unknown_cost: bool = False
    ) -> Sweep:
        """As :meth:`run`, and returns at once: itself, which can be awaited.

        Args:
            max_cost, concurrency, allow_unknown_cost: as for :meth:`run`.
        """
        self._begin(max_cost, concurrency, allow_unknown_cost)
        return self

    def _begin(
        self,
        max_cost: float | None,
        concurrency: int | None,
        allow_unknown_cost: bool,
        *,
        waiting: bool = False,
        again: frozenset[str] = frozenset(),
    ) -> None:
        cap = _checked_cost(max_cost)
        ceiling = _checked_count(concurrency)
        if self._last is not None and not self._last.can_be_replaced:
            raise InvalidInputError(
                f"{self.name} is running already: await it, look at its .results, or .cancel() it first."
            )
        if self._runner.backend == "live":
            for model in self._reader.models:
                warn_of_age(model)
        if cap is not None and not allow_unknown_cost:
            self._refuse_unknown_cost(again)
        reader = self._new_reader()
        # Now, since whoever asked may change the files next, or end.
        reader.keep_files(lambda upload: keep_file(upload, self._runner.store))
        self._remember(reader, self._resolved)
        run = self._last = SweepRun(
            self.account,
            reader,
            self._runner,
            cap=cap,
            ceiling=ceiling,
            allow_unpriced=allow_unknown_cost,
            again=again,
            on_selected=functools.partial(self._remember, reader),
            on_change=self._tell,
        )
        start(run.drive())
        try:
            with self._show(self, waiting=waiting):
                if waiting:
                    self._wait(run)
        except KeyboardInterrupt:  # also while it is being put on screen
            self.cancel()
            raise KeyboardInterrupt(self._stopped()) from None

    def cancel(self) -> None:
        """Stops submitting. What has been submitted is still fetched and kept."""
        if self._last is not None:
            self._last.stop()

    @property
    @gc_paused()
    def results(self) -> pd.DataFrame:
        """How every row stands, at this moment, in the order of the plan.

        Returns:
            A column for every input and axis, and ``take status job_id path error reused submitted_at seconds cost
            width height fps duration backend size_bytes sha256``. ``status`` is that of a job, or ``invalid``;
            ``reused``, whether the video was there before; times are UTC, seconds count from the submission. ``cost``
            is an estimate in USD, by the seconds that were made; a cap and the line of progress go by the plan's.
        """
        from .tables import TO_TELL, results_of

        run = self._last
        # A run knows what its own reader has read.
        reader, rows = (run.reader, run.rows) if run and run.rows else (self._reader, self._rows())
        return results_of(
            reader,
            rows,
            self._standing(rows, TO_TELL),
            name=self.account,
            folder=self._runner.store.folder,
            backend=self._runner.backend,
            made=run.made if run else None,
        )

    # How it goes.

    @property
    def over(self) -> bool:
        """Whether nothing of it is under way here."""
        return self._last is None or self._last.over

    @property
    def blocks_a_cell(self) -> bool:
        """Whether the main thread, where cells run, waits for it."""
        return self._blocked > 0

    @property
    def progress(self) -> Progress:
        """How far it has come. Where it has not run here, it is as the store has it."""
        return self._last.progress if self._last else self._stored_progress()

    def __await__(self) -> Generator[Any, None, pd.DataFrame]:
        return self._awaited().__await__()

    def __repr__(self) -> str:
        if self._last is None:
            return f"<Sweep of {len(self):,} rows: .plan tells what would run, .run() runs it>"
        now = self._last.progress
        if self._last.error is not None:
            return f"<Sweep {self.name}, not begun: {printable(now.note)}>"
        ended = "ended" if self.over else "running"
        return f"<Sweep {self.name}, {ended}: {now.done + now.reused} of {now.total} done, {now.failed} failed>"

    # What it is made of.

    def _new_reader(self) -> Reader:
        return Reader(self._axes, self._runner.endpoint, self._runner.price, self._extras)

    def _rows(self) -> list[Row]:
        """The rows, as they were when they were last read: after a run has read them, they are read once more."""
        with self._reading:
            rows = self._planned
            if rows is None:
                store = self._runner.store
                rows = self._planned = self._reader.read(
                    resolved=self._resolved, keep=lambda upload: in_store(inspect(upload), store)
                )
            return rows

    def _standing(self, rows: list[Row], columns: Sequence[str]) -> Standing:
        """What the store says of the rows: by columns that begin with the plan's."""
        return self._runner.store.latest_by_request({row.request for row in rows if row.request}, columns)

    def _stored_progress(self) -> Progress:
        from .tables import TO_PLAN, state_of

        rows = self._rows()
        standing = self._standing(rows, TO_PLAN)
        # A row that asks for the same as another stands as that one does.
        firsts = [row if row.same_as is None else rows[row.same_as] for row in rows]
        jobs = [standing.get(row.key) for row in firsts]
        count = Counter(
            "rejected" if job and job[2] == "rejected" and not row.error else state_of(row, job)[0]
            for row, job in zip(firsts, jobs, strict=True)
        )
        spent, unknown = self._runner.store.spent(self.account)
        notes = [
            (count["in flight"], "So it stood when this was shown."),
            (count["new"] or count["in flight"] or count["rejected"], ".run() makes what is not there yet."),
            (count["invalid"], f"{step('plan')} says why rows are invalid."),
        ]
        return Progress(
            len(rows),
            done=count["reused"],
            running=count["in flight"],
            waiting=count["new"],
            failed=count["failed"] + count["uncertain"] + count["rejected"],
            invalid=count["invalid"],
            payment=self._runner.payment,
            cost=spent,
            cost_unknown=unknown > 0,
            note=" ".join(note for holds, note in notes if holds),
        )

    def _remember(self, reader: Reader, resolved: Mapping[str, str]) -> None:
        """Writes down what is about to be run; the plan goes by what is there from now on."""
        text = definition_of(self._axes, reader, self._extras)
        self._runner.store.keep_sweep(self.name, text)
        with self._reading:
            self._resolved, self._planned = dict(resolved), None

    def _refuse_unknown_cost(self, again: frozenset[str]) -> None:
        from .tables import TO_PLAN, state_of

        rows = self._rows()
        standing = self._standing(rows, TO_PLAN)
        states = {"new", *again}
        refuse_unpriced(row for row in rows if state_of(row, standing.get(row.key))[0] in states)

    # Waiting for it.

    def _not_picklable(self) -> Exception:
        return NotPicklableError(
            "A sweep lives in the process that made it and cannot be pickled: "
            "once it has run, decart_nb.sweep.load(name) loads it in another one."
        )

    def _in_place_of_a_future(self, library: str) -> str:
        return f"A sweep is no future: await it, or give {library} asyncio.ensure_future(sweep)."

    def _called(self) -> str:
        return f"sweep {self.name}"

    def _wait(self, run: SweepRun) -> None:
        here = threading.current_thread() is threading.main_thread()
        self._blocked += here
        try:
            with self._changed:
                self._changed.wait_for(lambda: run.over)
        finally:
            self._blocked -= here
        if run.error is not None:
            raise run.error.with_traceback(None)

    def _stopped(self) -> str:
        return f"{self.name} submits no more. What was submitted is still fetched; run it again to go on."

    async def _awaited(self) -> pd.DataFrame:
        run = self._last
        if run is None:
            raise InvalidInputError(
                f"{self.name} has not been started, and waiting starts nothing: .start(max_cost=…) does, and can be "
                "awaited; .run(max_cost=…) starts it and waits; .results tells what is there already."
            )
        try:
            await self._until(lambda: run.over)
        except asyncio.CancelledError:  # an interrupt too comes as that
            self.cancel()
            raise asyncio.CancelledError(self._stopped()) from None
        if run.error is not None:
            raise run.error.with_traceback(None)
        return self.results


def _checked_cost(cap: Any) -> float | None:
    if cap is None:
        return None
    if not is_nonnegative(cap):
        raise InvalidInputError(f"{step('max_cost')} must be USD, as a number from 0, not {cap!r:.60}.")
    return float(cap)


def _checked_count(count: Any) -> int | None:
    if count is None:
        return None
    if is_flag(count) or not isinstance(count, Integral) or count < 1:
        raise InvalidInputError(f"{step('concurrency')} must be a whole number of jobs from 1, not {count!r:.60}.")
    return int(count)
