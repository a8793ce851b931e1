"""Sweeps: a table of prompts × models × seeds as a plan, a run, and results."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._util.public import public
from .._util.text import printable
from ..job.event_loop import wait_for
from ..job.table import gc_paused
from .run_options import checked_count
from .run_time import past_jobs
from .running_sweep import RunningSweep
from .totals import totals_of

if TYPE_CHECKING:
    import pandas as pd

    from .tables import Plan


@public
class Sweep(RunningSweep):
    """A table of jobs: every combination of the axes, or the rows of a table. Made by ``decart_nb.sweep``.

    Nothing is sent before :meth:`run` or :meth:`start`.

    Once it is started, ``await`` it for its results, as a cell's last line or in a coroutine.

    Attributes:
        name: for ``decart_nb.sweep.load(name)``; derived from the rows unless one was given.
        over: whether no run of it is under way in this process.
    """

    # What it is.

    def __len__(self) -> int:
        return len(self._axes)

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

        Input files at fsspec addresses are downloaded for it, each once, and a run sends what was downloaded.

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
        totals = totals_of(
            rows, states, functools.partial(past_jobs, self._runner), self._runner.prior, self._runner.payment
        )
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
            made=self._made_here if run else None,
        )

    def grid(self, rows: str | None = None, cols: str | None = None) -> Any:
        """The clips as a grid, in which they play in step, and are enlarged, compared and rated. It fills during a run.

        Args:
            rows, cols: the columns whose values are down the side and across the top; chosen unless given.

        Raises:
            InvalidInputError: there is no such column.
        """
        return self._views.grid(self, rows=rows, cols=cols)

    def explore(
        self,
        budget: float | None = None,
        *,
        by: str = "model",
        rater: str | Callable[[Any, Any], str] = "me",
        max_rows: int | None = None,
        batch: int = 4,
        error_rate: float = 0.05,
        concurrency: int | None = None,
        allow_unknown_cost: bool = False,
        seed: int | None = None,
    ) -> Any:
        """Make rows only as long as blind votes do not tell which values of an input are better.

        A few rows of each value are made; their clips are rated as pairs that share everything else; and more are made
        only of the values that no votes tell apart, until all are told apart or the budget is spent. Rows and votes
        that exist are used first. The same call, in any kernel on that store, continues; an exploration of the sweep
        that is still under way in this one is stopped by it.

        Args:
            budget: the most that the sweep may cost in its whole life, in USD, like ``max_cost`` of :meth:`run`.
            by: the input whose values are compared, of which there may be twenty.
            rater: the name of the person who votes in a notebook, which is not blocked meanwhile. Or a function
                of two clips that returns ``"left"``, ``"right"``, ``"tie"`` or ``"bad"``: the call then waits for the
                end. Its votes are stored under its name, so that it may be no lambda.
            max_rows: the most rows that have a video or a job, those from before included. Either this or a budget is
                needed: where videos cost nothing, no budget is ever spent.
            batch: how many rows of each value are made at a time.
            error_rate: the most probable share of explorations that call the worse of two values better, or call one
                better where none is; see :mod:`decart_nb.adaptive.sequential`.
            concurrency, allow_unknown_cost: as for :meth:`run`.
            seed: of the order of the rows, which are drawn at random; derived from the sweep's name unless given.

        Returns:
            An :class:`~decart_nb.adaptive.exploration.Exploration`, which a notebook shows.

        Raises:
            InvalidInputError: an argument is invalid, there is nothing to compare, or rows have no known price under a
                ``budget``.
        """
        return self._views.explore(
            self,
            self._rows(),
            functools.partial(self._begin, budget, concurrency, allow_unknown_cost),
            budget=budget,
            by=by,
            rater=rater,
            max_rows=max_rows,
            batch=batch,
            error_rate=error_rate,
            seed=seed,
        )

    def determinism(
        self,
        n: int = 2,
        *,
        max_cost: float | None = None,
        concurrency: int | None = None,
        allow_unknown_cost: bool = False,
    ) -> pd.DataFrame:
        """Make the same requests again, and measure how alike the takes are: a seed is a promise, which may be broken.

        Each row that has a video is repeated until it has ``n`` takes with one seed: its own, or the one that was drawn
        for it. Takes that are there are not made again; the same call continues. Further takes cost as much as the
        first.

        Args:
            n: how many takes each row has then, its own included.
            max_cost: the most that the takes may cost, in USD, and with them the sweep, if it was given a name. Takes
                over the cap are not made.
            concurrency, allow_unknown_cost: as for :meth:`run`.

        Returns:
            A row a request: its inputs and its seed; ``takes``, how many have a video; ``identical_bytes`` and
            ``identical_frames``, whether all files, and all decoded frames, are the same; ``least_ssim``, the least
            SSIM of a take with the first; and ``error``, why a take is missing. With fewer than two takes, nothing is
            known. ``decart_nb.sweep.load(table.attrs["sweep"]).grid()`` shows the takes.

        Raises:
            InvalidInputError: an argument is invalid, no row has a video, or rows have no known price under a
                ``max_cost``.
        """
        from . import determinism

        takes = checked_count(n, "n", "takes") or 2
        rows = self._rows()
        made = determinism.made_rows(rows, self._standing(rows, ("drawn_seed",)))
        axes = determinism.repeated(made, takes)
        again = Sweep(axes, self._runner, extras=self._extras, account=self._account, views=self._views)
        results = again.run(max_cost=max_cost, concurrency=concurrency, allow_unknown_cost=allow_unknown_cost)
        return determinism.likeness(results, takes, self._runner.store)

    def __repr__(self) -> str:
        if self._last is None:
            return f"<Sweep of {len(self):,} rows: .plan tells what would run, .run() runs it>"
        now = self._last.progress
        if self._last.error is not None:
            return f"<Sweep {self.name}, not begun: {printable(now.note)}>"
        ended = "ended" if self.over else "running"
        return f"<Sweep {self.name}, {ended}: {now.done + now.reused} of {now.total} done, {now.failed} failed>"
