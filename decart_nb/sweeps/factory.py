"""``decart_nb.sweep``: makes sweeps of axes and tables, and loads them by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from .._util.text import did_you_mean, short_repr
from ..errors import InvalidInputError
from ..job.runner import Runner
from .axes import read_axes
from .definition import read_definition
from .sweep import Sweep
from .table_inputs import sweep_table
from .views import Views

#: Arguments of jobs and runs, which are no axes, and where they belong.
_ELSEWHERE = {
    "max_cost": "it goes to the run, sweep(…).run(max_cost=…)",
    "concurrency": "it goes to the run, sweep(…).run(concurrency=…)",
    "fresh": "repeat=2 makes more takes of each row",
    "fit": 'a video is fitted before, data=decart_nb.fit("in.mov", "lucy-2.5")',
    "models": "an axis is called what the input is, model=[…]",
}


class SweepFactory:
    """Makes and loads sweeps. ``decart_nb.sweep`` is one.

    Args:
        runner: returns the runner of the jobs.
        views: how they are shown.
    """

    def __init__(self, runner: Callable[[], Runner], views: Views) -> None:
        self._runner, self._views = runner, views

    def __repr__(self) -> str:
        return "<decart_nb.sweep: sweep(model=[…], prompt=[…]) makes a sweep, sweep.load(name) loads one>"

    def __call__(self, *tables: Any, name: str | None = None, repeat: int = 1, **axes: Any) -> Sweep:
        """Make a sweep: every combination of axes, or a job for each row of a table, or both. Nothing is sent yet.

        Lists, ranges, Series and one-dimensional arrays are axes; a sweep runs every combination, the last axis varying
        fastest. Any other value is constant. An input that a model does not take is left out for that model.
        ``prompt="a {animal} in {place}", animal=[…], place=[…]`` fills the prompt.

        Args:
            tables: tables with a row a job: DataFrames of any library, or files by their paths or fsspec addresses
                (``s3://bucket/rows.csv``), which are CSV, Excel, JSON, Parquet, or text with a prompt a line. A table
                of results makes the same requests again. Or axes of ``decart_nb.zip_axes``, where inputs change
                together.
            name: for ``decart_nb.sweep.load``; derived from the rows unless given. ``max_cost`` holds for all runs
                under one name together.
            repeat: the number of takes of each row.
            axes: the model, and its inputs as for ``submit``.

        Raises:
            InvalidInputError: there is no model, an axis is empty, or no model takes an input.

        Examples:
            >>> import decart_nb as dnb
            >>> session = dnb.connect("local")
            >>> styles = ["An oil painting", "A woodcut"]
            >>> sweep = dnb.sweep(model="lucy-2.5", prompt=styles, seed=[1, 2], data=dnb.sample())
            >>> len(sweep.plan)
            4
        """
        for word, where in _ELSEWHERE.items():
            if word in axes:
                raise InvalidInputError(f"{word} is not a sweep axis: {where}.")
        runner = self._runner()
        groups = [sweep_table(table, runner.store) for table in tables]
        extras = {column for group in groups if hasattr(group, "columns") for column in group.columns}
        return Sweep(read_axes(groups, axes, repeat=repeat), runner, name=name, extras=extras, views=self._views)

    def shown_by(self, show: Callable[..., AbstractContextManager[object]]) -> SweepFactory:
        """The same factory, whose sweeps are shown by another function while they run."""
        return SweepFactory(self._runner, self._views._replace(show=show))

    def load(self, name: str) -> Sweep:
        """Load a sweep that was run with this store, in this kernel or another.

        Args:
            name: the sweep's.

        Raises:
            InvalidInputError: there is no sweep of that name.
            StoreError: its definition is damaged, or an input file is missing.
        """
        runner = self._runner()
        known = runner.store.sweeps()
        if not isinstance(name, str) or name not in known:
            listed = f" It has {', '.join([*known][-10:])}." if known else ""
            raise InvalidInputError(
                f"The store {runner.store.folder.name}/ has no sweep called {short_repr(name)}."
                f"{did_you_mean(name, known) if isinstance(name, str) else ''}{listed}"
            )
        axes, extras = read_definition(known[name], runner.store)
        return Sweep(axes, runner, name=name, extras=extras, views=self._views)
