"""The clips of a table of results: found in the store by job id or digest, else where the table says that they lie."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..job.clip import Clip
from ..job.table import OWN_COLUMNS, as_results, measured_columns
from ..request.catalogue import models
from ..store.job_row import Record
from ..store.store import Store
from .table_inputs import jobs_of

if TYPE_CHECKING:
    import pandas as pd


def records_of(table: pd.DataFrame, store: Store | None) -> list[Record | None]:
    """The job of each row in a store, by its ``job_id``, or by the digest of its video; ``None`` if it has none.

    Args:
        table: its columns ``job_id`` and ``sha256`` may be missing.
        store: the store, if there is one.
    """
    if store is None:
        return [None] * len(table)
    jobs: list[Record | None] = [None] * len(table)
    if "job_id" in table:
        jobs = jobs_of(column_values(table["job_id"]), store)
    if "sha256" in table:  # a row without a job id may have a known video
        digests = column_values(table["sha256"])
        jobs = [
            job or (next(iter(store.find(sha256=digest)), None) if digest else None)
            for job, digest in zip(jobs, digests, strict=True)
        ]
    return jobs


def clips_of(table: pd.DataFrame, records: Sequence[Record | None], store: Store | None) -> list[Clip | None]:
    """The clip of each row, or ``None``. The video files are not read.

    Args:
        table: with the columns ``status`` and ``path``.
        records: the rows' jobs in the store, as :func:`records_of`.
        store: that store.
    """
    fields = {model.name: {field.name for field in model.fields or ()} for model in models}
    typed = as_results(table)
    # An input named like a job column has the column input_<name>.
    others = {*OWN_COLUMNS, *measured_columns(typed)}
    inputs = {name: _input_name(name) for name in typed.columns if isinstance(name, str) and name not in others}
    clips: list[Clip | None] = []
    for row, record in zip(table_rows(typed), records, strict=True):
        path = store.video(record) if store is not None and record is not None else None
        if path is None and row.get("path") is not None:
            path = Path(row["path"])
        accepted = fields.get(row.get("model", ""))  # other columns are not inputs of the model
        given = {name: row[column] for column, name in inputs.items() if accepted is None or name in accepted}
        given["seed"] = row.get("drawn_seed") if given.get("seed") is None else given["seed"]
        clips.append(_clip(row, path, {name: value for name, value in given.items() if value is not None}))
    return clips


def column_values(column: pd.Series) -> list[Any]:
    """The values of a column: ``None`` where missing, text for values that cannot be hashed."""
    return [
        None if gone else value if isinstance(value, Hashable) else str(value)
        for value, gone in zip(column.tolist(), column.isna(), strict=True)
    ]


def table_rows(table: pd.DataFrame) -> Iterable[dict[Any, Any]]:
    """The rows of a table as dicts, with :func:`column_values`."""
    columns = {name: column_values(column) for name, column in table.items()}
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def _clip(row: Mapping[Any, Any], path: Path | None, inputs: dict[Any, Any]) -> Clip | None:
    """The clip of a completed row; fields that the table does not have are zero or empty."""
    if row["status"] != "completed" or path is None:
        return None
    waited, made, submitted = row.get("waited"), row.get("made"), row.get("submitted_at")
    seconds = row.get("seconds") if waited is None or made is None else waited + made
    return Clip(
        path=path,
        job_id=row.get("job_id") or "",
        model=row.get("model") or "",
        inputs=inputs,
        width=row.get("width") or 0,
        height=row.get("height") or 0,
        fps=row.get("fps") or 0.0,
        duration=row.get("duration") or 0.0,
        size_bytes=row.get("size_bytes") or _size(path),
        sha256=row.get("sha256") or "",
        backend=row.get("backend") or "",
        waited=waited,
        made=made,
        cost=row.get("cost"),
        reused=row.get("reused") or False,
        take=row.get("take") or 0,
        made_at=None if submitted is None or seconds is None else submitted.timestamp() + seconds,
    )


def _size(path: Path) -> int:
    """A file's size, or 0: the size decides whether a notebook embeds the video."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0


def _input_name(column: str) -> str:
    name = column
    while name.startswith("input_"):
        name = name.removeprefix("input_")
    return name if name in OWN_COLUMNS else column
