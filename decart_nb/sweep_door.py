"""The way to a sweep: ``decart_nb.sweep``, which makes one of axes and tables, or loads one by its name."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .axes import read_axes
from .errors import InvalidInputError, did_you_mean
from .runner import Runner
from .sweep_definitions import read_definition
from .sweeps import Show, Sweep
from .table import OWN

#: The columns of results that say what became of a row; a sweep of such a table asks anew.
_OUTCOME = frozenset(OWN) - {"model", "take"}


#: What may be asked of a job or of a run, but not here.
_ELSEWHERE = {
    "max_cost": "it goes to the run, sweep(…).run(max_cost=…)",
    "concurrency": "it goes to the run, sweep(…).run(concurrency=…)",
    "fresh": "repeat=2 makes more takes of each row",
    "models": "an axis is called what the input is, model=[…]",
}


class Sweeps:
    """What ``decart_nb.sweep`` is: call it to make a sweep, or load one by its name.

    Args:
        runner: gives what the sweeps are run with.
        show: puts a sweep on screen while it runs.
    """

    def __init__(self, runner: Callable[[], Runner], show: Show) -> None:
        self._runner, self._show = runner, show

    def __call__(self, *tables: Any, name: str | None = None, repeat: int = 1, **axes: Any) -> Sweep:
        """A sweep: the product of its axes, or a row a job of a table, or the product of both. Nothing is sent yet.

        Lists, ranges, Series and one-dimensional arrays are axes; anything else is held. An input that a model does not
        take is left out for that model. ``prompt="a {animal} in {place}", animal=[…], place=[…]`` fills the prompt.

        Args:
            tables: DataFrames, or the path of a CSV file, with a row a job; and what ``decart_nb.zip_axes`` gives,
                where inputs go together.
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
        groups = [_table(table) for table in tables]
        extras = {column for group in groups if hasattr(group, "columns") for column in group.columns}
        return Sweep(read_axes(groups, axes, repeat=repeat), self._runner(), name=name, extras=extras, show=self._show)

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
        if name not in known:
            listed = f" It knows {', '.join([*known][-10:])}." if known else ""
            raise InvalidInputError(
                f"The store {runner.store.folder.name}/ knows no sweep called {name!r:.60}."
                f"{did_you_mean(str(name), known)}{listed}"
            )
        axes, extras = read_definition(known[name], runner.store)
        return Sweep(axes, runner, name=name, extras=extras, show=self._show)


def _table(given: Any) -> Any:
    """A table of jobs, without the columns that only tell what became of them."""
    if isinstance(given, (str, os.PathLike)):
        given = _read_csv(Path(given))
    if not hasattr(given, "columns"):
        return given
    return given.drop(columns=[name for name in _OUTCOME if name in given.columns])


def _read_csv(path: Path) -> Any:
    import pandas as pd

    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        raise InvalidInputError(
            f"{path.name} is no CSV file, and other tables are read with pandas first. If it is a model, it goes by "
            "name: sweep(model=…, prompt=[…])."
        )
    try:
        with path.expanduser().open(encoding="utf-8-sig") as stream:  # a sheet's export may begin with that mark
            head = stream.readline()
        separator = max(",;\t", key=head.count)  # pandas' own guess takes a letter, where there is but one column
        # Text stays text: a prompt may be "NA", and only what is empty is missing.
        with path.expanduser().open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream, delimiter=separator))
        for number, row in enumerate(rows, 1):
            if len(row) > len(rows[0]):
                raise InvalidInputError(
                    f"Line {number} of {path.name} has more columns than its head. A text with {separator!r} in it "
                    'belongs in quotes: "a tree, soft light".'
                )
        return pd.read_csv(
            path.expanduser(),
            sep=separator,
            encoding="utf-8-sig",
            keep_default_na=False,
            na_values=[""],
            index_col=False,
        )
    except UnicodeDecodeError as cause:
        raise InvalidInputError(f"{path.name} is not UTF-8; save it as that.", cause=cause) from None
    except (OSError, ValueError, csv.Error) as cause:
        reason = str(getattr(cause, "strerror", None) or cause).strip().rstrip(".")
        raise InvalidInputError(f"{path.name} cannot be read as a table: {reason}.", cause=cause) from None
