"""The pandas accessor ``df.decart`` for tables of jobs and results. Importing this module registers it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._util.text import did_you_mean, listing
from ..errors import InvalidInputError
from ..job.clip import Clip
from ..job.printable_frame import PrintableFrame
from ..job.table import JOB_COLUMNS, as_results
from ..sweeps.table_inputs import jobs_of

_FAILED = ("failed", "rejected", "uncertain", "unreachable", "expired")

if getattr(getattr(pd.DataFrame, "decart", None), "__module__", None) == __name__:
    del pd.DataFrame.decart  # the module is being reloaded: pandas would warn


@pd.api.extensions.register_dataframe_accessor("decart")
class DecartAccessor:
    """Runs a table of jobs, and shows, pivots and summarizes a table of results.

    ``run()`` needs the column ``model``; the other methods need columns of a results table.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        if not {"model", "status"} & set(frame.columns):
            raise AttributeError(
                "df.decart needs a column model, to run what the table asks for, or the columns status and path of a "
                f"table of results; this table has {listing(frame.columns)}."
            )
        self._frame = frame

    def run(self, *, name: str | None = None, **options: Any) -> pd.DataFrame:
        """Runs a sweep with one job for each row, and returns its results. Stored results are reused.

        Args:
            name: the name of the sweep.
            options: passed to the sweep's ``run``: ``max_cost``, ``concurrency``, ``allow_unknown_cost``.
        """
        self._need("run()", "model")
        from ..session.session import sweep

        results: pd.DataFrame = sweep(self._frame, name=name).run(**options)
        return results

    @property
    def clips(self) -> pd.Series:
        """The clip of each row, or ``None``. The video files are not read."""
        self._need("clips", "status", "path")
        return pd.Series(self._clips(), index=self._frame.index, dtype="object", name="clip")

    def pivot(self, rows: str | list[str], cols: str | list[str]) -> ClipTable:
        """Arranges the clips in a table, which a notebook shows as posters.

        A cell holds the clip of its row, or its status and error as text. A cell for several rows, such as takes, holds
        a tuple of these; a cell without rows is missing.

        Args:
            rows, cols: a column, or a list of columns.

        Raises:
            InvalidInputError: there is no such column.
        """
        self._need("pivot()", "status", "path")
        down, across = self._names("rows", rows), self._names("cols", cols)
        lines, line_of = _groups(self._frame, down)
        columns, column_of = _groups(self._frame, across)
        shown = self._frame[[name for name in ("status", "error") if name in self._frame]]
        texts = map(_status_text, _rows(as_results(shown)))
        cells: dict[tuple[int, int], list[Clip | str]] = {}
        for clip, text, line, column in zip(self._clips(), texts, line_of, column_of, strict=True):
            cells.setdefault((line, column), []).append(clip or text)
        grid = np.full((len(lines), len(columns)), None, dtype=object)
        for position, items in cells.items():
            grid[position] = items[0] if len(items) == 1 else tuple(items)
        return ClipTable(grid, index=_labels(lines), columns=_labels(columns))

    def summary(self, by: str | list[str] | None = None) -> pd.DataFrame:
        """Counts, median duration and total cost of each group of rows.

        The columns: ``count`` of all rows; ``completed``; ``failed``, with rejected, uncertain and unreachable ones;
        ``reused``; ``seconds``, the median; ``cost``, the sum of the known estimates in USD, also of reused results;
        ``cost_unknown``, the number of completed rows without an estimate.

        Args:
            by: a column, or a list of columns; groups are in order of first appearance.

        Raises:
            InvalidInputError: there is no such column.
        """
        self._need("summary()", "status", "reused", "seconds", "cost")
        names = [] if by is None else self._names("by", by)
        table = as_results(self._frame[["status", "reused", "seconds", "cost"]])
        firsts, groups = _groups(self._frame, names)
        completed = table["status"].eq("completed").fillna(False)
        each = {
            "count": table["status"].isna() | True,
            "completed": completed,
            "failed": table["status"].isin(_FAILED),
            "reused": table["reused"].fillna(False),
            "seconds": table["seconds"].where(completed),
            "cost": table["cost"],
            "cost_unknown": completed & table["cost"].isna(),
        }
        types = {name: "Float64" if name in ("seconds", "cost") else "Int64" for name in each}
        grouped = pd.DataFrame({name: column.array for name, column in each.items()}).astype(types).groupby(groups)
        summary = grouped.sum()
        summary["seconds"] = grouped["seconds"].median()
        summary["cost"] = grouped["cost"].sum(min_count=1)  # unknown if no cost is known
        if names:
            return summary.set_axis(_labels(firsts))
        counts = [name for name, dtype in types.items() if dtype == "Int64"]
        return summary.reindex(range(1)).fillna(dict.fromkeys(counts, 0))  # one row, also of an empty table

    def _clips(self) -> list[Clip | None]:
        from ..request.catalogue import models

        fields = {model.name: {field.name for field in model.fields or ()} for model in models}
        table = as_results(self._frame)
        # An input named like a job column has the column input_<name>.
        inputs = {name: _input_name(name) for name in table.columns if name not in JOB_COLUMNS}
        clips: list[Clip | None] = []
        for row, path in zip(_rows(table), self._paths(table), strict=True):
            accepted = fields.get(row.get("model", ""))  # other columns are not inputs of the model
            given = {name: row[column] for column, name in inputs.items() if accepted is None or name in accepted}
            clips.append(_clip(row, path, {name: value for name, value in given.items() if value is not None}))
        return clips

    @staticmethod
    def _paths(table: pd.DataFrame) -> list[Path | None]:
        """The path of each row's video: in the current store if that has it, else as in the table."""
        from ..session.session import open_store

        store, recorded = open_store(), [None if path is None else Path(path) for path in _values(table["path"])]
        if store is None or "job_id" not in table:
            return recorded
        jobs = jobs_of(table["job_id"], store)
        if "sha256" in table:  # a row without a job id may have a known video
            digests = _values(table["sha256"])
            jobs = [
                job or (next(iter(store.find(sha256=digest)), None) if digest else None)
                for job, digest in zip(jobs, digests, strict=True)
            ]
        return [(store.video(job) if job else None) or path for job, path in zip(jobs, recorded, strict=True)]

    def _names(self, argument: str, given: Any) -> list[Any]:
        columns = list(self._frame.columns)
        names = (
            list(given) if isinstance(given, list) or (isinstance(given, tuple) and given not in columns) else [given]
        )
        if not names:
            raise InvalidInputError(f"{argument} must name a column of the table, or several.")
        for name in names:
            if name not in columns:
                meant = did_you_mean(str(name), map(str, columns))
                raise InvalidInputError(f"{argument} must name columns of the table; it has no {name}.{meant}")
            if columns.count(name) > 1:
                raise InvalidInputError(f"The table has more than one column of the name {name}; rename one.")
        return names

    def _need(self, what: str, *names: str) -> None:
        missing = [name for name in names if name not in self._frame.columns]
        if missing:
            raise AttributeError(
                f"df.decart.{what} needs the column{'s' * (len(missing) > 1)} {listing(missing)}, which the table "
                f"does not have; it has {listing(self._frame.columns)}."
            )


class ClipTable(PrintableFrame):
    """A DataFrame of clips, which a notebook shows as posters."""

    @property
    def _constructor(self) -> type[ClipTable]:
        return ClipTable

    def _repr_html_(self) -> str | None:
        from ..display.poster_table import table_html

        return table_html(self)


def _clip(row: Mapping[Any, Any], path: Path | None, inputs: dict[Any, Any]) -> Clip | None:
    """The clip of a completed row; fields that the table does not have are zero or empty."""
    if row["status"] != "completed" or path is None:
        return None
    submitted, seconds = row.get("submitted_at"), row.get("seconds")
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
        seconds=seconds,
        cost=row.get("cost"),
        reused=row.get("reused") or False,
        take=row.get("take") or 0,
        made_at=None if submitted is None or seconds is None else submitted.timestamp() + seconds,
    )


def _size(path: Path) -> int:
    """A file's size, or 0: the size decides whether a notebook embeds the video."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _status_text(row: Mapping[Any, Any]) -> str:
    """The status and the error, shown in place of a clip."""
    if row["status"] == "completed":
        return "completed, but the table has no path"
    status = row["status"] or "no status"
    return f"{status}: {row['error']}" if row.get("error") else status


def _input_name(column: Any) -> Any:
    name = column
    while isinstance(name, str) and name.startswith("input_"):
        name = name.removeprefix("input_")
    return name if name in JOB_COLUMNS else column


def _groups(frame: pd.DataFrame, names: list[Any]) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """The groups of rows with the same values, in the order in which they appear, and which one each row is in.

    pandas' own grouping loses the order, or the missing values, in one version or another.
    """
    values = [_values(frame[name]) for name in names]
    keys = zip(*values, strict=True) if values else [()] * len(frame)
    found: dict[tuple[Any, ...], int] = {}
    firsts, groups = [], []
    for position, key in enumerate(keys):
        if key not in found:
            found[key] = len(found)
            firsts.append(position)
        groups.append(found[key])
    return frame[names].iloc[firsts], np.array(groups, dtype=np.intp)


def _labels(firsts: pd.DataFrame) -> pd.Index:
    if firsts.shape[1] == 1:
        return pd.Index(firsts.iloc[:, 0].array, name=firsts.columns[0])
    return pd.MultiIndex.from_frame(firsts)


def _values(column: pd.Series) -> list[Any]:
    """The values of a column: ``None`` where missing, text for values that cannot be hashed."""
    return [
        None if gone else value if isinstance(value, Hashable) else str(value)
        for value, gone in zip(column.tolist(), column.isna(), strict=True)
    ]


def _rows(table: pd.DataFrame) -> Iterable[dict[Any, Any]]:
    columns = {name: _values(column) for name, column in table.items()}
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
