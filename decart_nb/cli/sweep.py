"""The command ``decart-nb sweep``: plans and runs a table of jobs."""

from __future__ import annotations

import argparse
import contextlib
import functools
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._util.console import say, stderr
from .._util.files import os_reason
from .._util.interface_names import shell_names
from .._util.text import printable
from .._util.text_table import terminal_columns, text_table
from ..errors import InvalidInputError, StoreError
from ..job.spreadsheets import write_csv
from ..sweeps.responses import await_responses
from ..sweeps.table_files import read_table
from .session import add_options, command_session, pairs

if TYPE_CHECKING:
    import pandas as pd

    from ..session.session import Session
    from ..sweeps.sweep import Sweep

_MAX_ROWS, _MAX_FAILED = 60, 20
_WIDEST, _MAX_WHY_LENGTH = 40, 300
#: Columns of a plan that are always shown, beside those that vary.
_ALWAYS = ("model", "plan", "seconds", "cost")
_LAST = ("left_out", "why")


def add_to(commands: Any) -> None:
    """Adds the command to the subparsers of ``decart-nb``."""
    sweep = commands.add_parser("sweep", help="make the videos that a table asks for, a row a job")
    sweep.add_argument(
        "table", metavar="TABLE", help="CSV, Excel, JSON, Parquet, or a prompt a line; a file, s3://…, or - for stdin"
    )
    sweep.add_argument("--model", action="append", default=[], help="for every row, unless the table says it")
    sweep.add_argument("--seed", action="append", default=[], help="for every row")
    sweep.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another input, for every row")
    sweep.add_argument("--repeat", type=int, default=1, metavar="N", help="takes of each row (%(default)s)")
    sweep.add_argument("--name", help="what the sweep is found by; its --max-cost holds for all its runs together")
    sweep.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where all is kept; and results.csv")
    sweep.add_argument("--max-cost", type=float, metavar="USD", help="the most that the sweep may cost, by estimate")
    sweep.add_argument("--concurrency", type=int, metavar="N", help="the most jobs in flight")
    sweep.add_argument("--allow-unknown-cost", action="store_true", help="also what has no known price, under a cap")
    sweep.add_argument("--retry", action="store_true", help="make anew what has failed")
    sweep.add_argument("--uncertain", action="store_true", help="with --retry: also what was perhaps submitted")
    sweep.add_argument("--dry-run", action="store_true", help="show the plan; write nothing, and send nothing")
    add_options(sweep)
    sweep.epilog = "--model, --seed and --set may be given several times: every row is made with each of the values."
    sweep.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    """Runs the command. Returns 0 if every row is completed, or no row of a dry run is invalid."""
    if options.uncertain and not options.retry:
        raise InvalidInputError("--uncertain goes with --retry.")
    axes, table = _axes(options), read_table(options.table)  # before the session creates a folder
    with shell_names(store="--out FOLDER"), command_session(options, options.out) as session:
        return _run_sweep(_sweep(session, table, axes, options), options)


def _run_sweep(sweep: Sweep, options: argparse.Namespace) -> int:
    plan = sweep.plan
    say(plan.attrs["totals"])
    if options.dry_run:
        say(_table(plan))
        return int((plan["plan"] == "invalid").any())
    began = time.monotonic()
    try:
        results = _results(sweep, options)
    except KeyboardInterrupt:
        with contextlib.suppress(KeyboardInterrupt):  # a second interrupt ends the wait
            await_responses(sweep)
        _write_results(sweep.results, options.out)
        raise KeyboardInterrupt(
            f"{sweep.name} submits no more. The same command again fetches what was submitted, and goes on."
        ) from None
    return _report(sweep, results, _write_results(results, options.out), began)


def _axes(options: argparse.Namespace) -> dict[str, list[Any]]:
    """The values of each input that the options give."""
    axes: dict[str, list[Any]] = {}
    for name, value in (*(("model", one) for one in options.model), *(("seed", one) for one in options.seed)):
        axes.setdefault(name, []).append(value)
    for name, text in pairs("--set", options.set):
        if name in ("name", "repeat"):
            raise InvalidInputError(f"--set is for what goes into a model; --{name} is an option of its own.")
        axes.setdefault(name, []).append(_parse_value(name, text))
    return axes


def _sweep(session: Session, table: Any, axes: dict[str, list[Any]], options: argparse.Namespace) -> Sweep:
    """Creates the sweep from a table and the options."""
    from ..display.terminal import sweep_progress

    def show(sweep: Sweep, *, waiting: bool) -> contextlib.AbstractContextManager[None]:
        return sweep_progress(sweep, outcome=False)

    given = {name: values[0] if len(values) == 1 else values for name, values in axes.items()}
    return session.sweep.shown_by(show)(table, name=options.name, repeat=options.repeat, **given)


def _parse_value(name: str, text: str) -> Any:
    """Parses a text as the input of that name, by the first model in the catalogue that has it."""
    from ..request.catalogue import models

    spec = next((field for model in models for field in model.fields or () if field.name == name), None)
    return text if spec is None else spec.parse(text)


def _results(sweep: Sweep, options: argparse.Namespace) -> pd.DataFrame:
    """Runs or retries the sweep, and returns its results."""
    run = functools.partial(sweep.retry, uncertain=options.uncertain) if options.retry else sweep.run
    return run(
        max_cost=options.max_cost, concurrency=options.concurrency, allow_unknown_cost=options.allow_unknown_cost
    )


def _write_results(results: pd.DataFrame, folder: Path) -> Path:
    """Writes results.csv atomically, and returns its path."""
    path = folder.expanduser() / "results.csv"
    try:
        write_csv(results, path)
    except OSError as cause:
        raise StoreError(
            f"{folder / path.name} cannot be written: {os_reason(cause)}. The videos are kept, and the same "
            "command again makes none of them anew.",
            cause=cause,
        ) from None
    return folder / path.name


def _report(sweep: Sweep, results: pd.DataFrame, path: Path, began: float) -> int:
    """Prints the outcome, and returns the exit status."""
    from ..display.text import sweep_line, sweep_note

    say(f"{sweep_line(sweep, began=began)}. The table: {path}")
    bad = results[~results["status"].isin(["completed", "planned"])]
    for row, one in bad.head(_MAX_FAILED).iterrows():
        asked = [one["model"], *(one.get(name) for name in ("seed", "prompt"))]
        said = " · ".join(printable(str(part), limit=_WIDEST) for part in asked if _is_present(part))
        why = f": {printable(one['error'], limit=_MAX_WHY_LENGTH)}" if _is_present(one["error"]) else ""
        say(f"row {row}, {said}: {one['status']}{why}", stderr)
    if len(bad) > _MAX_FAILED:
        say(f"and {len(bad) - _MAX_FAILED:,} more", stderr)
    if note := sweep_note(sweep.progress):
        say(note, stderr)
    return int(not (results["status"] == "completed").all())


def _table(plan: pd.DataFrame) -> str:
    """Formats a plan for the terminal: the columns that vary, and what will happen to each row."""
    varied = [name for name in plan.columns if name in _ALWAYS or plan[name].nunique(dropna=False) > 1]
    columns = [name for name in varied if name not in _LAST]
    columns += [name for name in _LAST if name in plan and plan[name].notna().any()]
    part = plan[columns].head(_MAX_ROWS)
    texts = {"row": [str(row) for row in part.index]}
    texts |= {printable(name): [_cell_text(name, value) for value in part[name].tolist()] for name in columns}
    numbers = ["row", *(name for name in columns if part[name].dtype.kind in "if")]
    more = f"\nand {len(plan) - _MAX_ROWS:,} more rows" if len(plan) > _MAX_ROWS else ""
    texts_only = [name for name in texts if name not in (*numbers, *_ALWAYS)]
    return text_table(texts, right=numbers, cut=texts_only, width=terminal_columns()) + more


def _cell_text(name: str, value: Any) -> str:
    if not _is_present(value):
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    return printable(str(value), limit=_MAX_WHY_LENGTH if name == "why" else _WIDEST)


def _is_present(value: Any) -> bool:
    import pandas as pd

    return value is not None and not (pd.api.types.is_scalar(value) and pd.isna(value))
