"""The way to a sweep: ``decart_nb.sweep``, which makes one of axes and tables, or loads one by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._util.text import did_you_mean, short_repr
from ..errors import InvalidInputError
from ..job.runner import Runner
from .axes import read_axes
from .definition import read_definition
from .sweep import Show, Sweep
from .table_inputs import sweep_table

#: What may be asked of a job or of a run, but not here.
_ELSEWHERE = {
    "max_cost": "it goes to the run, sweep(…).run(max_cost=…)",
    "concurrency": "it goes to the run, sweep(…).run(concurrency=…)",
    "fresh": "repeat=2 makes more takes of each row",
    "models": "an axis is called what the input is, model=[…]",
}


class SweepFactory:
    """What ``decart_nb.sweep`` is: call it to make a sweep, or load one by its name.

    Args:
        runner: gives what the sweeps are run with.
        show: puts a sweep on screen while it runs.
    """

    def __init__(self, runner: Callable[[], Runner], show: Show) -> None:
        self._runner, self._show = runner, show

    def __repr__(self) -> str:
        return "<decart_nb.sweep: sweep(model=[…], prompt=[…]) makes a sweep, sweep.load(name) loads one>"

    def __call__(self, *tables: Any, name: str | None = None, repeat: int = 1, **axes: Any) -> Sweep:
        """A sweep: the product of its axes, or a row a job of a table, or the product of both. Nothing is sent yet.

        Lists, ranges, Series and one-dimensional arrays are axes; anything else is held. An input that a model does not
        take is left out for that model. ``prompt="a {animal} in {place}", animal=[…], place=[…]`` fills the prompt.

        Args:
            tables: tables with a row a job: DataFrames of any library, or paths of files, which are CSV, Excel, JSON,
                Parquet, or text with a prompt a line. A table of results asks for the same again. And what
                ``decart_nb.zip_axes`` gives, where inputs go together.
            name: what it is found by; else it gets one by what it asks for. Under one name, ``max_cost`` holds for
                all its runs together.
            repeat: how many takes of each row.
            axes: the model, and its inputs as for ``submit``; the last changes fastest.

        Raises:
            InvalidInputError: there is no model, an axis is empty, or a name is none that anything takes.
        """
        for word, where in _ELSEWHERE.items():
            if word in axes:
                raise InvalidInputError(f"{word} is nothing that a sweep varies: {where}.")
        runner = self._runner()
        groups = [sweep_table(table, runner.store) for table in tables]
        extras = {column for group in groups if hasattr(group, "columns") for column in group.columns}
        return Sweep(read_axes(groups, axes, repeat=repeat), runner, name=name, extras=extras, show=self._show)

    def shown_by(self, show: Show) -> SweepFactory:
        """The same factory, whose sweeps are shown by another function while they run."""
        return SweepFactory(self._runner, show)

    def load(self, name: str) -> Sweep:
        """A sweep that was begun with this store, in this kernel or another.

        Args:
            name: the sweep's.

        Raises:
            InvalidInputError: there is none of that name.
            StoreError: a file that it was made from is gone.
        """
        runner = self._runner()
        known = runner.store.sweeps()
        if not isinstance(name, str) or name not in known:
            listed = f" It knows {', '.join([*known][-10:])}." if known else ""
            raise InvalidInputError(
                f"The store {runner.store.folder.name}/ knows no sweep called {short_repr(name)}."
                f"{did_you_mean(name, known) if isinstance(name, str) else ''}{listed}"
            )
        axes, extras = read_definition(known[name], runner.store)
        return Sweep(axes, runner, name=name, extras=extras, show=self._show)
