"""The tables of a sweep, its plan and its results. Imported when one is needed, since it imports pandas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from .._util.interface_names import step
from .._util.paths import relative_path
from ..job.job_frame import JobFrame
from ..job.money import Payment
from ..job.results_frame import ResultsFrame
from ..job.table import JOB_COLUMNS, column_names, typed
from ..store.job_row import JUDGED, UNDER_WAY
from .planner import Reader
from .progress import Progress
from .rows import MODEL, PROMPT, TAKE, TEMPLATE, Row

#: The columns of the store that the plan and the results need, beside the status.
TO_PLAN = ("job_id", "error")
TO_TELL = (
    *(*TO_PLAN, "drawn_seed", "path", "sweep", "submitted_at", "waited", "made", "cost"),
    *("width", "height", "fps", "duration", "size_bytes", "sha256", *JUDGED),
)
_PLANNED = ("plan", "why", "left_out")
_NO_JOB: tuple[Any, ...] = (None,) * (3 + len(TO_TELL))
#: Statuses in the store that tables show under another name.
_STATUS = {None: "planned", "cancelled": "planned"}
Standing = Mapping[tuple[str, int], tuple[Any, ...]]


class Plan(JobFrame):
    """A plan as a DataFrame that shows its totals above its rows. Selections of it are ordinary DataFrames."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame  # type: ignore[no-any-return]


def inputs_of(reader: Reader, rows: Sequence[Row], more: Sequence[str] = ()) -> dict[str, list[Any]]:
    """The columns of the model, the inputs, and the user's own columns.

    Args:
        reader, rows: the rows.
        more: the names of further columns of the table, which an input must not have.
    """
    columns: dict[str, list[Any]] = {MODEL: reader.column(MODEL)}
    names = [name for name in reader.schema.axes.names if name not in (MODEL, TAKE)]
    for name, column in column_names(names, [*more, *([TEMPLATE] if reader.schema.has_templates else [])]).items():
        values = reader.column(name)
        if name == PROMPT and reader.schema.has_templates:
            columns[column], columns[TEMPLATE] = reader.prompts(), values
        else:
            columns.setdefault(column, values)
        if not reader.schema.is_varied(name):
            takes = {model.name for model in reader.schema.models if reader.schema.takes(model, name)}
            if takes:  # a constant value is no input of a model that does not take it
                columns[column] = [
                    value if row.model is None or row.model.name in takes else None
                    for value, row in zip(columns[column], rows, strict=True)
                ]
    return columns


def plan_of(
    reader: Reader, rows: Sequence[Row], states: Sequence[str], whys: Sequence[str], *, totals: str, name: str
) -> Plan:
    """The plan as a table.

    Args:
        reader, rows: the rows.
        states: of each row, as :func:`state_of`.
        whys: the reasons for these states; may be empty.
        totals: the summary line.
        name: the sweep's.
    """
    columns: dict[str, Sequence[Any]] = {**inputs_of(reader, rows, _PLANNED)}
    columns["take"] = [row.take for row in rows]
    columns["plan"] = states
    columns["why"] = [why or None for why in whys]
    left_out = {model.name: ", ".join(reader.schema.left_out(model)) or None for model in reader.schema.models}
    if any(left := [row.model and left_out[row.model.name] for row in rows]):
        columns["left_out"] = left
    columns["seconds"] = [row.seconds for row in rows]
    columns["cost"] = [row.cost for row in rows]
    plan = Plan(typed(columns))
    plan.attrs.update(sweep=name, totals=totals)
    return plan.with_pictures(reader.pictures())


def results_of(
    reader: Reader,
    rows: Sequence[Row],
    standing: Standing,
    *,
    name: str,
    folder: Path,
    backend: str,
    made: Collection[tuple[str, int]] | None,
) -> pd.DataFrame:
    """The results as a table.

    Args:
        reader, rows: the rows.
        standing: what the store says of their requests: a row of :meth:`Store.standing`, with :data:`TO_TELL`.
        name: the sweep's.
        folder: the store's.
        backend: where it runs.
        made: the requests whose videos this run of the sweep has made; ``None`` where it has not run here.
    """
    shown = relative_path(folder)
    columns: dict[str, Sequence[Any]] = {**inputs_of(reader, rows)}
    jobs = [standing.get((row.request, row.take), _NO_JOB) if row.request else _NO_JOB for row in rows]
    names = ("request", "take", "status", *TO_TELL)
    own: dict[str, Sequence[Any]] = dict(zip(names, zip(*jobs, strict=True), strict=True))
    own["status"] = status = [_STATUS.get(said, said) for said in own["status"]]
    own["error"] = errors = [*own["error"]]
    for number, job in enumerate(jobs):
        if job is _NO_JOB and (why := rows[number].error):
            status[number], errors[number] = "invalid", _in_a_line(why)
    own["path"] = [path and f"{shown}/{path}" for path in own["path"]]
    own["backend"] = [backend] * len(rows)
    own["reused"] = [
        (row.same_as is not None or (sweep != name if made is None else row.key not in made))
        if said == "completed"
        else None
        for row, sweep, said in zip(rows, own["sweep"], status, strict=True)
    ]
    own["take"] = [row.take for row in rows]
    columns.update({column: own[column] for column in JOB_COLUMNS if column in own})
    results = ResultsFrame(typed(columns))
    results.attrs["sweep"] = name
    return results.with_pictures(reader.pictures())


def state_of(row: Row, job: tuple[Any, ...] | None) -> tuple[str, str]:
    """The state of a row in a plan, from its latest job in the store, and the reason for it."""
    status, job_id, error = (job or _NO_JOB)[2:5]
    if row.error:
        return "invalid", _in_a_line(row.error)
    if row.same_as is not None:
        return "reused", f"the same request as row {row.same_as}"
    if status == "completed":
        return "reused", ""
    if status in UNDER_WAY and job_id:
        return "in flight", ""
    if status in ("failed", "expired", "uncertain"):
        said = "uncertain" if status == "uncertain" else "failed"
        again = {"failed": f"{step('retry')} makes", "uncertain": f"{step('retry uncertain')} submits"}[said]
        return said, f"{error} {again} it again"
    if status == "unreachable":
        return "in flight", error or ""
    return "new", "" if row.request else "its input is fetched first"


def stored_progress(rows: Sequence[Row], standing: Standing, spent: tuple[float, int], payment: Payment) -> Progress:
    """The progress of a sweep that has not run in this process, by the jobs in the store.

    Args:
        rows: of the sweep.
        standing: their latest jobs, with :data:`TO_PLAN`.
        spent: as :meth:`decart_nb.store.store.Store.spent`.
        payment: as in :class:`Progress`.
    """
    # A row that asks for the same as another is in that one's state.
    firsts = [row if row.same_as is None else rows[row.same_as] for row in rows]
    jobs = [standing.get(row.key) for row in firsts]
    count = Counter(
        "rejected" if job and job[2] == "rejected" and not row.error else state_of(row, job)[0]
        for row, job in zip(firsts, jobs, strict=True)
    )
    notes = [
        (count["in flight"], "Status when this was shown."),
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
        payment=payment,
        cost=spent[0],
        cost_unknown=spent[1] > 0,
        note=" ".join(note for holds, note in notes if holds),
    )


def _in_a_line(why: str) -> str:
    """An error in one line: tables show a line break as two characters."""
    return " ".join(why.replace("\n  - ", " ").split()) if "\n" in why else why
