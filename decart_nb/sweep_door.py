"""The way to a sweep: ``decart_nb.sweep``, which makes one of axes and tables, or loads one by its name."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .axes import read_axes
from .catalogue import Field, models
from .errors import InvalidInputError, did_you_mean
from .runner import Runner
from .sweep_definitions import read_definition
from .sweeps import Show, Sweep
from .table import OWN
from .values import shown

#: The columns of results that say what became of a row; a sweep of such a table asks anew.
_OUTCOME = frozenset(OWN) - {"model", "take"}
_NOTHING = ' \t\r\n,;"'


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
        if not isinstance(name, str) or name not in known:
            listed = f" It knows {', '.join([*known][-10:])}." if known else ""
            raise InvalidInputError(
                f"The store {runner.store.folder.name}/ knows no sweep called {shown(name)}."
                f"{did_you_mean(name, known) if isinstance(name, str) else ''}{listed}"
            )
        axes, extras = read_definition(known[name], runner.store)
        return Sweep(axes, runner, name=name, extras=extras, show=self._show)


def _table(given: Any) -> Any:
    """A table of jobs, without the columns that only tell what became of them."""
    if isinstance(given, (str, os.PathLike)):
        given = _read_csv(given)
    if not hasattr(given, "columns"):
        return given
    return given.drop(columns=[name for name in _OUTCOME if name in given.columns])


def _read_csv(given: str | os.PathLike[Any]) -> Any:
    import pandas as pd

    path = Path(os.fsdecode(given))
    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        raise InvalidInputError(
            f"{path.name} is no CSV file, and other tables are read with pandas first. If it is a model, it goes by "
            "name: sweep(model=…, prompt=[…])."
        )
    try:
        head, *rows = _csv_rows(path.expanduser())
    except UnicodeDecodeError as cause:
        raise InvalidInputError(f"{path.name} is not UTF-8; save it as that.", cause=cause) from None
    except (OSError, RuntimeError, ValueError, csv.Error) as cause:  # also for the folder of an unknown user
        reason = str(getattr(cause, "strerror", None) or cause).strip().rstrip(".")
        raise InvalidInputError(f"{path.name} cannot be read as a table: {reason}.", cause=cause) from None
    names = [name or f"Unnamed: {place}" for place, name in enumerate(head)]  # as pandas calls an index
    reads = [_CONVERTERS.get(name, str) for name in names]
    # Text stays text: a prompt may be "NA" or "1984", and only what is empty is missing.
    table = [
        [read(text) if text else None for read, text in zip(reads, [*row, *[""] * (len(head) - len(row))], strict=True)]
        for row in rows
    ]
    return pd.DataFrame(table, columns=names, dtype=object)


def _csv_rows(path: Path) -> list[list[str]]:
    """The rows that are not empty, the head first."""
    with path.open(encoding="utf-8-sig") as stream:  # a sheet's export may begin with that mark
        head = next((line for line in stream if line.strip(_NOTHING)), "")
    separator = max(",;\t", key=head.count)
    rows: list[list[str]] = []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, delimiter=separator)
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if rows and len(row) > len(rows[0]):
                raise InvalidInputError(
                    f"Line {reader.line_num} of {path.name} has more columns than its head. A text with "
                    f'{separator!r} in it belongs in quotes: "a tree, soft light".'
                )
            rows.append(row)
    if not rows:
        raise ValueError("it is empty")
    return rows


#: What becomes of the columns of a CSV that are no text.
_CONVERTERS: dict[str, Callable[[str], Any]] = {
    "take": Field("take", "integer").parse,
    **{spec.name: spec.parse for model in models for spec in model.fields or () if spec.type in ("integer", "flag")},
}
