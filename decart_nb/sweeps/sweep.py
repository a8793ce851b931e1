"""Sweeps: a table of prompts × models × seeds as a plan, a run, and results."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._util.public import public
from .._util.short_traceback import with_short_traceback
from .._util.text import printable, short_repr
from ..errors import InvalidInputError
from ..job.event_loop import start, wait_for
from ..job.runner import Runner
from ..job.table import gc_paused
from ..request.validation import warn_if_outdated
from .awaitable_sweep import AwaitableSweep
from .axes import Axes
from .definition import definition_of
from .files import in_store, keep_file
from .planner import Reader
from .progress import Progress
from .rows import Row, inspect
from .run import SweepRun
from .run_options import checked_cost, checked_count
from .selection import refuse_unpriced
from .totals import totals_of
from .views import Views

if TYPE_CHECKING:
    import pandas as pd

    from .tables import Plan, Standing


@public
class Sweep(AwaitableSweep):
    """A table of jobs: every combination of the axes, or the rows of a table. Made by ``decart_nb.sweep``.

    Nothing is sent before :meth:`run` or :meth:`start`.

    Once it is started, ``await`` it for its results, as a cell's last line or in a coroutine.

    Attributes:
        name: for ``decart_nb.sweep.load(name)``; derived from the rows unless one was given.
        over: whether no run of it is under way in this process.
    """

    def __init__(
        self,
        axes: Axes,
        runner: Runner,
        *,
        name: str | None = None,
        extras: Collection[str] = (),
        account: str | None = None,
        views: Views,
    ) -> None:
        super().__init__()
        if name is not None and (not isinstance(name, str) or not name.strip() or not name.isprintable()):
            raise InvalidInputError(f"The name of a sweep must be text, in one line, not {short_repr(name)}.")
        self._axes, self._runner, self._extras, self._views = axes, runner, extras, views
        self._reader = self._new_reader()
        self._reading = threading.Lock()
        self._given_name = name.strip() if name else None
        self._account = account or self._given_name
        self._planned: list[Row] | None = None
        self._resolved: dict[str, str] = {}

    # What it is.

    def __len__(self) -> int:
        return len(self._axes)

    @property
    def name(self) -> str:
        """The name that ``decart_nb.sweep.load`` takes: the one that was given, or one derived from the rows."""
        if self._given_name is None:
            keys = "\n".join(f"{row.request or row.asked} {row.take} {row.error}" for row in self._rows())
            self._given_name = f"sweep-{hashlib.sha256(keys.encode()).hexdigest()[:10]}"
        return self._given_name

    @property
    def account(self) -> str:
        """The name of its budget in the store: its own, or that of the named sweep that it is a sample of."""
        return self._account or self.name

    def sample(self, n: int, seed: int | None = None) -> Sweep:
        """A sweep of some of the rows, chosen at random without repetition, in the order of the plan.

        Args:
            n: how many.
            seed: the same seed draws the same rows.

        Returns:
            A sweep with a name of its own. If this one was given a name, both share one budget.

        Raises:
            InvalidInputError: there are not that many.
        """
        drawn = self._axes.sample(n, seed)
        return Sweep(drawn, self._runner, extras=self._extras, account=self._account, views=self._views)

    def resolve(self) -> Sweep:
        """Ask the queue what the ``-latest`` names mean today, for the plan to use. Return the sweep itself.

        Raises:
            QueueStatusError: the queue does not say.
        """

        async def ask() -> dict[str, str]:
            return {model.name: await self._runner.resolved(model) for model in self._reader.schema.models}

        self._resolved, self._planned = wait_for(ask()), None
        return self

    @property
    @gc_paused()
    def plan(self) -> Plan:
        """The rows, what a run would do with each, and what it would cost. Nothing is sent for it.

        Returns:
            A row a job, with its inputs; and ``plan``: whether it is ``new``, ``reused`` (stored already, or the same
            as a row above), ``in flight``, ``failed`` or ``uncertain`` (submitted again only by :meth:`retry`), or
            ``invalid``, and ``why``; then ``seconds`` of video, and the estimated ``cost`` in USD. Unknown values are
            missing.
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
        """Submit the rows that have no video yet, show the progress, and wait until all have ended.

        Running it again continues. An interrupt stops the submitting; what has been submitted is still fetched. A row
        that fails stops no other, and is submitted again only by :meth:`retry`.

        Args:
            max_cost: the most that the sweep may cost in its whole life, in USD, by the estimates of its plan: failed
                and uncertain jobs count too. Rows over the cap are not submitted and stay ``planned``; the progress
                line says so. It holds for this call: one without it has no cap.
            concurrency: the most jobs in flight at once. Below that, the number per model rises until the service
                pushes back.
            allow_unknown_cost: whether rows without a known price are submitted although there is a ``max_cost``. The
                first of a model is submitted alone; if its video tells the cost, the others count for as much.

        Returns:
            :attr:`results`.

        Raises:
            InvalidInputError: an argument is invalid, or rows have no known price under a ``max_cost``.
            DecartSDKError: the run could not begin; nothing was submitted.
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
        """As :meth:`run`, and submit failed rows again. The old error stays in the results until that has succeeded.

        Args:
            uncertain: whether rows that may have been submitted are submitted again; if they were, both are paid.
            max_cost, concurrency, allow_unknown_cost: as for :meth:`run`.
        """
        again = frozenset({"failed", "expired", *(["uncertain"] if uncertain else [])})
        self._begin(max_cost, concurrency, allow_unknown_cost, waiting=True, again=again)
        return self.results

    def start(
        self, *, max_cost: float | None = None, concurrency: int | None = None, allow_unknown_cost: bool = False
    ) -> Sweep:
        """As :meth:`run`, without waiting. Return the sweep itself, which can be awaited.

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
        cap, ceiling = checked_cost(max_cost), checked_count(concurrency)
        if self._last is not None and not self._last.can_be_replaced:
            raise InvalidInputError(
                f"{self.name} is running already: await it, look at its .results, or .cancel() it first."
            )
        if self._runner.backend == "live":
            for model in self._reader.schema.models:
                warn_if_outdated(model)
        if cap is not None and not allow_unknown_cost:
            self._refuse_unknown_cost(again)
        reader = self._new_reader()
        # Now: the user may change the files, or end the process, as soon as this returns.
        reader.keep_files(lambda upload: keep_file(upload, self._runner.store))
        self._store_definition(reader, self._resolved)
        run = self._last = SweepRun(
            self.account,
            reader,
            self._runner,
            cap=cap,
            ceiling=ceiling,
            allow_unpriced=allow_unknown_cost,
            again=again,
            on_selected=functools.partial(self._store_definition, reader),
            on_change=self._notify,
        )
        start(run.drive())
        try:
            with self._views.show(self, waiting=waiting):
                if waiting:
                    self._wait(run)
        except KeyboardInterrupt:  # also while it is being put on screen
            self.cancel()
            raise with_short_traceback(KeyboardInterrupt(self._stopped())) from None

    @property
    @gc_paused()
    def results(self) -> pd.DataFrame:
        """The state and the result of every row at this moment, in the order of the plan.

        Returns:
            The columns of :func:`decart_nb.jobs`. ``status`` is that of a job, or ``invalid``; ``reused``, whether the
            video was there before. ``cost`` is an estimate in USD, by the seconds of video that were made; a cap and
            the progress line use the plan's.
        """
        from .tables import TO_TELL, results_of

        run = self._last
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

    def grid(self, rows: str | None = None, cols: str | None = None) -> Any:
        """The clips as a grid, in which they play in step, and are enlarged, compared and rated. It fills during a run.

        Args:
            rows, cols: the columns whose values are down the side and across the top; chosen unless given.

        Raises:
            InvalidInputError: there is no such column.
        """
        return self._views.grid(self, rows=rows, cols=cols)

    # Its state.

    @property
    def runner(self) -> Runner:
        """What carries out its jobs, and has the store of their clips."""
        return self._runner

    @property
    def progress(self) -> Progress:
        """Counts, costs and the time left. If it has not run in this process, they come from the store."""
        return self._last.progress if self._last else self._stored_progress()

    def __repr__(self) -> str:
        if self._last is None:
            return f"<Sweep of {len(self):,} rows: .plan tells what would run, .run() runs it>"
        now = self._last.progress
        if self._last.error is not None:
            return f"<Sweep {self.name}, not begun: {printable(now.note)}>"
        ended = "ended" if self.over else "running"
        return f"<Sweep {self.name}, {ended}: {now.done + now.reused} of {now.total} done, {now.failed} failed>"

    # Its rows.

    def _new_reader(self) -> Reader:
        return Reader(self._axes, self._runner.endpoint, self._runner.price, self._extras)

    def _rows(self) -> list[Row]:
        """The rows, read once; and once more after a run, which may have resolved names and fetched files."""
        with self._reading:
            rows = self._planned
            if rows is None:
                store = self._runner.store
                rows = self._planned = self._reader.read(
                    resolved=self._resolved, keep=lambda upload: in_store(inspect(upload), store)
                )
            return rows

    def _standing(self, rows: list[Row], columns: Sequence[str]) -> Standing:
        """The latest job of each row, by its request and take."""
        return self._runner.store.latest_by_request({row.request for row in rows if row.request}, columns)

    def _stored_progress(self) -> Progress:
        from .tables import TO_PLAN, stored_progress

        rows, spent = self._rows(), self._runner.store.spent(self.account)
        return stored_progress(rows, self._standing(rows, TO_PLAN), spent, self._runner.payment)

    def _store_definition(self, reader: Reader, resolved: Mapping[str, str]) -> None:
        """Store the definition of the sweep, and let the next plan read the rows anew."""
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
