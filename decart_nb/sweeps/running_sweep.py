"""Base class of sweeps: their rows, and the runs that make them."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from .._util.short_traceback import with_short_traceback
from .._util.text import short_repr
from ..errors import InvalidInputError
from ..job.event_loop import start
from ..job.runner import Runner
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
from .views import Views

if TYPE_CHECKING:
    from .tables import Standing


class RunningSweep(AwaitableSweep):
    """The rows of a sweep, and the runs that make them. What a person types is in :class:`~.sweep.Sweep`."""

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
        self._made_before: frozenset[tuple[str, int]] = frozenset()  # by the earlier runs of an exploration

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

    @property
    def runner(self) -> Runner:
        """The runner of its jobs; ``runner.store`` has their clips."""
        return self._runner

    @property
    def progress(self) -> Progress:
        """Counts, costs and the time left. If it has not run in this process, they come from the store."""
        return self._last.progress if self._last else self._stored_progress()

    def _begin(
        self,
        max_cost: float | None,
        concurrency: int | None,
        allow_unknown_cost: bool,
        *,
        waiting: bool = False,
        again: frozenset[str] = frozenset(),
        only: Collection[int] | None = None,
    ) -> None:
        """Begin a run, of some rows only if their numbers are given; such a run is not shown."""
        cap, ceiling = checked_cost(max_cost), checked_count(concurrency)
        if self._last is not None and not self._last.can_be_replaced:
            raise InvalidInputError(
                f"{self.name} is running already: await it, look at its .results, or .cancel() it first."
            )
        if self._runner.backend == "live":
            for model in self._reader.schema.models:
                warn_if_outdated(model)
        if cap is not None and not allow_unknown_cost:
            self._refuse_unknown_cost(again, only)
        reader = self._new_reader()
        # Now: the user may change the files, or end the process, as soon as this returns.
        reader.keep_files(lambda upload: keep_file(upload, self._runner.store))
        self._store_definition(reader, self._resolved)
        self._made_before = self._made_here if only is not None else frozenset()
        run = self._last = SweepRun(
            self.account,
            reader,
            self._runner,
            cap=cap,
            ceiling=ceiling,
            allow_unpriced=allow_unknown_cost,
            again=again,
            only=only,
            on_selected=functools.partial(self._store_definition, reader),
            on_change=self._notify,
        )
        start(run.drive())
        if only is not None:
            return
        try:
            with self._views.show(self, waiting=waiting):
                if waiting:
                    self._wait(run)
        except KeyboardInterrupt:  # also while it is being put on screen
            self.cancel()
            raise with_short_traceback(KeyboardInterrupt(self._stopped())) from None

    @property
    def _made_here(self) -> frozenset[tuple[str, int]]:
        """The requests whose videos its latest run has made; of an exploration, all of its runs."""
        return self._made_before.union(self._last.made if self._last else ())

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
        self._runner.store.save_sweep(self.name, text)
        with self._reading:
            self._resolved, self._planned = dict(resolved), None

    def _refuse_unknown_cost(self, again: frozenset[str], only: Collection[int] | None) -> None:
        from .tables import TO_PLAN, state_of

        rows = [row for number, row in enumerate(self._rows()) if only is None or number in only]
        standing = self._standing(rows, TO_PLAN)
        states = {"new", *again}
        refuse_unpriced(row for row in rows if state_of(row, standing.get(row.key))[0] in states)
