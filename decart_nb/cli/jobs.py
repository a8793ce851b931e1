"""The command ``decart-nb jobs``: the jobs of a store, a line each, or as CSV."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._util.console import say
from .._util.text import printable
from .._util.text_table import text_table
from ..errors import InvalidInputError, StoreError
from .width import columns

if TYPE_CHECKING:
    import pandas as pd

    from ..store.store import Store

#: Characters of a job's id that are shown, unless more are needed to tell two ids apart.
_ID_LENGTH = 8
_NUMBERS = ("waited", "made", "cost")
#: What a narrow terminal cuts, and what it omits, in order.
_CUT = ("prompt",)
#: The width from which the time of submission is shown.
_WIDE = 80
_OMIT = ("path", "waited", "made", "cost")
_MAX_VALUE_LENGTH, _MAX_ERROR_LENGTH = 200, 300


def add_to(commands: Any) -> None:
    """Adds the command to the subparsers of ``decart-nb``."""
    command = commands.add_parser("jobs", help="list the jobs that a folder of videos remembers")
    add_store_option(command)
    command.add_argument("--status", metavar="STATUS", help="only those, such as completed or failed")
    command.add_argument("--csv", action="store_true", help="print all columns as CSV, for programs")
    command.set_defaults(run=_run)


def add_store_option(command: argparse.ArgumentParser) -> None:
    """Adds the option that names the store's folder."""
    command.add_argument("--store", type=Path, metavar="FOLDER", help="folder of videos (decart_runs, here or above)")


def existing_store(folder: Path | None) -> Store:
    """The store in a folder.

    Raises:
        StoreError: there is none.
    """
    from ..session.store_folder import find_folder, relative_name
    from ..store.store import DATABASE, Store

    found = find_folder(folder)
    if not (found / DATABASE).is_file():
        raise StoreError(f"There is no store in {folder or relative_name(found)}/; --store names another folder.")
    return Store(found)


def whole_id(given: str, known: list[str]) -> str:
    """The id that begins so, or what was given where the store has no such id: another process may have submitted it.

    Raises:
        InvalidInputError: several ids begin so.
    """
    found = [job_id for job_id in dict.fromkeys(known) if job_id.startswith(given)]
    if given in found or not found:
        return given
    if len(found) > 1:
        raise InvalidInputError(f"{len(found)} jobs have ids that begin with {printable(given)}; give more of it.")
    return found[0]


def _run(options: argparse.Namespace) -> None:
    from ..job.table import frame

    store = existing_store(options.store)
    found = store.find() if options.status is None else store.find(status=options.status)
    table = frame([*reversed(found)], store.folder)  # the newest first, as decart_nb.jobs()
    if options.csv:
        from ..job.spreadsheets import csv_text

        say(csv_text(table))
    elif table.empty:
        say("No jobs yet." if options.status is None else f"No job is {options.status}.")
    else:
        say(_lines(table))


def _lines(table: pd.DataFrame) -> str:
    """The table of jobs, each with its error in a line below it."""
    ids = [_text(value) for value in table["job_id"].tolist()]
    length = _ID_LENGTH
    while len({job_id[:length] for job_id in ids}) < len(set(ids)):
        length += 1
    width = columns()
    names = ["model", "status", *(["submitted_at"] if width >= _WIDE else []), *_NUMBERS, "prompt", "path"]
    shown = {name: [_cell(name, value) for value in table[name].tolist()] for name in names if name in table}
    shown = {("submitted" if name == "submitted_at" else name): cells for name, cells in shown.items()}
    shown = {name: cells for name, cells in shown.items() if any(cells)}
    lines = text_table(
        {"id": [job_id[:length] for job_id in ids], **shown}, right=_NUMBERS, cut=_CUT, omit=_OMIT, width=width
    ).split("\n")
    told = [lines[0]]
    for line, error in zip(lines[1:], table["error"].tolist(), strict=True):
        told.append(line)
        if reason := _text(error):
            told.append(f"  {printable(reason, limit=min(width - 2, _MAX_ERROR_LENGTH))}")
    return "\n".join(told)


def _text(value: Any) -> str:
    import pandas as pd

    return "" if value is None or pd.isna(value) else printable(str(value))


def _cell(name: str, value: Any) -> str:
    """A value of the table of jobs, as one printable text."""
    import pandas as pd

    if value is None or pd.isna(value):
        return ""
    if name == "submitted_at":
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:.3g}" if name in _NUMBERS else printable(str(value), limit=_MAX_VALUE_LENGTH)
