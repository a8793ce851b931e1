"""The summary of a table of results: counts, median times, the total cost and the median metrics of groups of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .._util.text import listing
from ..errors import InvalidInputError
from ..job.table import as_results
from .clips import column_values

#: The columns with seconds: in the queue, and from then until the video was made.
_TIMES = ("waited", "made")
#: The statuses that count as failed.
_FAILED = ("failed", "rejected", "uncertain", "unreachable", "expired")
#: The columns that every summary has.
COLUMNS = ("count", "completed", "failed", "reused", *_TIMES, "cost", "cost_unknown")


def summary_of(table: pd.DataFrame, by: Sequence[Any], metrics: Sequence[Any]) -> pd.DataFrame:
    """Summarize a table of results, one row for each group of its rows.

    Args:
        table: a table of results, with the columns ``status``, ``reused`` and ``cost``.
        by: the names of the columns that the rows are grouped by; without any, all are one group.
        metrics: the names of the columns of which each group has the median.

    Raises:
        InvalidInputError: a metric is no column of numbers, or has the name of one of :data:`COLUMNS`.
    """
    used = table[[name for name in ("status", "reused", *_TIMES, "cost") if name in table]]
    # A table of an earlier version has neither time.
    rows = as_results(used.assign(**{name: None for name in _TIMES if name not in used}))
    firsts, groups = _groups(table, by)
    completed = rows["status"].eq("completed").fillna(False)
    each = {
        "count": rows["status"].isna() | True,
        "completed": completed,
        "failed": rows["status"].isin(_FAILED),
        "reused": rows["reused"].fillna(False),
        **{name: rows[name].where(completed) for name in _TIMES},
        "cost": rows["cost"],
        "cost_unknown": completed & rows["cost"].isna(),
    }
    types = {name: "Float64" if name in (*_TIMES, "cost") else "Int64" for name in COLUMNS}
    grouped = pd.DataFrame({name: each[name].array for name in COLUMNS}).astype(types).groupby(groups)
    summary = grouped.sum()
    for name in _TIMES:
        summary[name] = grouped[name].median()
    summary["cost"] = grouped["cost"].sum(min_count=1)  # unknown if no cost is known
    for name in metrics:
        summary[name] = pd.Series(_numbers(table, name)).groupby(groups).median()
    if by:
        return summary.set_axis(_labels(firsts))
    counts = [name for name, dtype in types.items() if dtype == "Int64"]
    return summary.reindex(range(1)).fillna(dict.fromkeys(counts, 0))  # one row, also of an empty table


def _numbers(table: pd.DataFrame, name: Any) -> Any:
    """The values of a column as an array of numbers with room for missing ones."""
    if name in COLUMNS:
        raise InvalidInputError(f"A metric may not have the name of a column of the summary: rename {name}.")
    try:
        return pd.array(np.asarray(pd.to_numeric(table[name]).astype("Float64").to_numpy(float, np.nan)), "Float64")
    except (TypeError, ValueError):
        numeric = [column for column in table if table[column].dtype.kind in "iuf"]
        raise InvalidInputError(
            f"The summary has the median of columns of numbers, and {name} is none: {listing(numeric)} are."
        ) from None


def _groups(frame: pd.DataFrame, names: Sequence[Any]) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """The first row of each group of rows with the same values, in order of appearance; and each row's group number.

    pandas' own grouping loses the order, or the missing values, in one version or another.
    """
    values = [column_values(frame[name]) for name in names]
    keys = zip(*values, strict=True) if values else [()] * len(frame)
    found: dict[tuple[Any, ...], int] = {}
    firsts, groups = [], []
    for position, key in enumerate(keys):
        if key not in found:
            found[key] = len(found)
            firsts.append(position)
        groups.append(found[key])
    return frame[[*names]].iloc[firsts], np.array(groups, dtype=np.intp)


def _labels(firsts: pd.DataFrame) -> pd.Index:
    """The index of the summary, from the first row of each group."""
    if not firsts.shape[1]:  # no columns to group by
        return pd.Index([""] * len(firsts))
    if firsts.shape[1] == 1:
        return pd.Index(firsts.iloc[:, 0].array, name=firsts.columns[0])
    return pd.MultiIndex.from_frame(firsts)
