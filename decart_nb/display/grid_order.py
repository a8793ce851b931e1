"""The order of a grid's rows: a table of results sorted by one of its columns, as the live grid sorts it."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from ..job.table import as_results
from .grid_columns import GridColumns, key_of
from .grid_measures import number_of

if TYPE_CHECKING:
    import pandas as pd

_DIGITS = re.compile(r"(\d{1,100})")


def sorted_table(table: pd.DataFrame, column: Hashable, *, descending: bool = True) -> pd.DataFrame:
    """The table sorted by a column; rows of the same value keep their order, and those without one are last.

    Args:
        table: a table of results.
        column: the column. Numbers in texts are compared as numbers.
        descending: whether the largest value is first.

    Raises:
        InvalidInputError: there is no such column.
    """
    columns = GridColumns(as_results(table))
    values = columns.values[columns.find("sort", column)]
    known = [number for number, value in enumerate(values) if key_of(value) is not None]
    missing = [number for number, value in enumerate(values) if key_of(value) is None]
    known.sort(key=lambda number: _sort_key(values[number]), reverse=descending)
    return table.iloc[known + missing]


def _sort_key(value: Any) -> tuple[bool, Any]:
    """What a value is sorted by: numbers before texts, in which numbers count as such."""
    if (known := number_of(value)) is not None:
        return False, known
    parts = _DIGITS.split(str(value).casefold())
    return True, [int(part) if number % 2 else part for number, part in enumerate(parts)]
