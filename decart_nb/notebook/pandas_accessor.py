"""``df.decart``: what a table of jobs or of results can do. To import this module is to register it with pandas."""

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
    del pd.DataFrame.decart  # of this module before it was reloaded: pandas would warn of it


@pd.api.extensions.register_dataframe_accessor("decart")
class DecartAccessor:
    """What decart_nb can do with a table: a row a job, in whatever order, and wherever it was kept.

    ``run()`` needs the column ``model``; the others need columns of a table of results, and say which.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        if not {"model", "status"} & set(frame.columns):
            raise AttributeError(
                "df.decart needs a column model, to run what the table asks for, or the columns status and path of a "
                f"table of results; this table has {listing(frame.columns)}."
            )
        self._frame = frame

    def run(self, *, name: str | None = None, **options: Any) -> pd.DataFrame:
        """Runs a sweep of the table, a row a job, and gives its results. What is stored already is not made again.

        Args:
            name: the sweep's.
            options: as of a sweep's ``run``: ``max_cost``, ``concurrency``, ``allow_unknown_cost``.
        """
        self._need("run()", "model")
        from ..session.session import sweep

        results: pd.DataFrame = sweep(self._frame, name=name).run(**options)
        return results

    @property
    def clips(self) -> pd.Series:
        """The clip of each row, and ``None`` where there is none. The videos themselves are not looked at."""
        self._need("clips", "status", "path")
        return pd.Series(self._clips(), index=self._frame.index, dtype="object", name="clip")

    def pivot(self, rows: str | list[str], cols: str | list[str]) -> ClipTable:
        """A table of clips, which a notebook shows as posters.

        A cell holds the clip of its row; in place of one that is not there, its status and why, as text. A cell with
        several rows, such as takes, has a tuple of these; one with none is missing.

        Args:
            rows, cols: a column each, or several.

        Raises:
            InvalidInputError: there is no such column.
        """
        self._need("pivot()", "status", "path")
        down, across = self._names("rows", rows), self._names("cols", cols)
        lines, line_of = _groups(self._frame, down)
        columns, column_of = _groups(self._frame, across)
        told = map(_told, _rows(as_results(self._frame[[name for name in ("status", "error") if name in self._frame]])))
        cells: dict[tuple[int, int], list[Clip | str]] = {}
        for clip, words, line, column in zip(self._clips(), told, line_of, column_of, strict=True):
            cells.setdefault((line, column), []).append(clip or words)
        grid = np.full((len(lines), len(columns)), None, dtype=object)
        for place, items in cells.items():
            grid[place] = items[0] if len(items) == 1 else tuple(items)
        return ClipTable(grid, index=_labels(lines), columns=_labels(columns))

    def summary(self, by: str | list[str] | None = None) -> pd.DataFrame:
        """How many rows there are, how they ended, how long they took and what they cost: a row a group.

        The columns: ``count`` of all rows; ``completed``; ``failed``, which counts what was rejected, uncertain or
        out of reach too; ``reused``; ``seconds``, the median; ``cost``, an estimate in USD of all that has a known
        one, whether it was paid now or earlier; ``cost_unknown``, how many completed rows have none.

        Args:
            by: a column, or several; the groups are in the order in which they first appear.

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
        summary["cost"] = grouped["cost"].sum(min_count=1)  # of nothing known, it is unknown
        if names:
            return summary.set_axis(_labels(firsts))
        counts = [name for name, dtype in types.items() if dtype == "Int64"]
        return summary.reindex(range(1)).fillna(dict.fromkeys(counts, 0))  # one row, also of an empty table

    def _clips(self) -> list[Clip | None]:
        from ..request.catalogue import models

        fields = {model.name: {field.name for field in model.fields or ()} for model in models}
        table = as_results(self._frame)
        # An input that is called like one of the job's own columns is kept under another name.
        inputs = {name: _input_name(name) for name in table.columns if name not in JOB_COLUMNS}
        clips: list[Clip | None] = []
        for row, path in zip(_rows(table), self._paths(table), strict=True):
            asked = fields.get(row.get("model", ""))  # what else is in the table was not asked for
            given = {name: row[column] for column, name in inputs.items() if asked is None or name in asked}
            clips.append(_clip(row, path, {name: value for name, value in given.items() if value is not None}))
        return clips

    @staticmethod
    def _paths(table: pd.DataFrame) -> list[Path | None]:
        """Where each row's video lies: in the open store, wherever that is, or else where the table says."""
        from ..session.session import open_store

        store, told = open_store(), [None if path is None else Path(path) for path in _values(table["path"])]
        if store is None or "job_id" not in table:
            return told
        jobs = jobs_of(table["job_id"], store)
        if "sha256" in table:  # a job's id may be missing, and its video be known
            digests = _values(table["sha256"])
            jobs = [
                job or (next(iter(store.find(sha256=digest)), None) if digest else None)
                for job, digest in zip(jobs, digests, strict=True)
            ]
        return [(store.video(job) if job else None) or path for job, path in zip(jobs, told, strict=True)]

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
    """A table whose cells are clips: a notebook shows their posters."""

    @property
    def _constructor(self) -> type[ClipTable]:
        return ClipTable

    def _repr_html_(self) -> str | None:
        from ..display.poster_table import table_html

        return table_html(self)


def _clip(row: Mapping[Any, Any], path: Path | None, inputs: dict[Any, Any]) -> Clip | None:
    """The clip that a row tells of; what it does not tell is zero or empty."""
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
    """How large a file is of which the table does not say it: what is large is not put into a notebook."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _told(row: Mapping[Any, Any]) -> str:
    """What is said in place of a clip."""
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
    """The values, with ``None`` for what is missing, and text for what nothing can be found by."""
    return [
        None if gone else value if isinstance(value, Hashable) else str(value)
        for value, gone in zip(column.tolist(), column.isna(), strict=True)
    ]


def _rows(table: pd.DataFrame) -> Iterable[dict[Any, Any]]:
    columns = {name: _values(column) for name, column in table.items()}
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
