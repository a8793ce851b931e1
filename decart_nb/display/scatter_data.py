"""The contents of a scatter plot of clips: a point for each row of a table that has both values, in groups."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._util.text import counted, did_you_mean, listing, printable, safe_str, short_repr
from ..errors import InvalidInputError
from ..job.table import as_results
from .grid_columns import GridColumns, key_of
from .grid_measures import axis_keys, measures_of

if TYPE_CHECKING:
    import pandas as pd

#: So many groups have a colour and a shape of their own; what remains is one more.
MAX_GROUPS = 7
_OTHERS = "others"
#: Larger numbers have no distance that is a number.
_MAX_VALUE = 1e300
_MAX_LABEL_LENGTH = 80


@dataclass(frozen=True)
class Point:
    """A clip in a scatter plot.

    Attributes:
        row: its number in the table.
        x, y: its values.
        group: the number of its group.
    """

    row: int
    x: float
    y: float
    group: int


@dataclass(frozen=True)
class ScatterData:
    """A scatter plot of clips.

    Attributes:
        x, y: the names of the columns whose values are across and up.
        by: the name of the column that parts the points into groups; may be empty.
        groups: a label for each group. Without a column there is a single one, whose label is empty.
        points: the clips that have both values.
        missing: how many rows have not.
    """

    x: str
    y: str
    by: str
    groups: list[str]
    points: list[Point]
    missing: int

    @property
    def note(self) -> str:
        """How many rows have no point, as a sentence; empty if all have one."""
        total = len(self.points) + self.missing
        has = "has" if self.missing == 1 else "have"
        return f"{self.missing:,} of {counted(total, 'row')} {has} no value." if self.missing else ""


def scatter_data(table: pd.DataFrame, x: Hashable, y: Hashable, by: Hashable | None = None) -> ScatterData:
    """The points of the rows of a table.

    Args:
        table: a table of results.
        x, y: columns of numbers.
        by: a column whose values part the points into groups; one of many numbers has ranges.

    Raises:
        InvalidInputError: there is no such column, it has no numbers, or no row has both values.
    """
    typed = as_results(table)
    (x_name, xs), (y_name, ys) = (_numbers(typed, *given) for given in (("x", x), ("y", y)))
    name, groups, labels = _groups(typed, by)
    points = [
        Point(row, one, other, group)
        for row, (one, other, group) in enumerate(zip(xs, ys, groups, strict=True))
        if one is not None and other is not None
    ]
    if not points:
        both = listing(dict.fromkeys((x_name, y_name)))
        raise InvalidInputError(f"No row of the table has a value of {both}. df.decart.measure() measures clips.")
    return ScatterData(x_name, y_name, name, labels, points, len(table) - len(points))


def _numbers(table: pd.DataFrame, argument: str, given: Any) -> tuple[str, list[float | None]]:
    """A column's name as it is shown, and its values; ``None`` where there is no finite one."""
    columns = [*table.columns]
    if not isinstance(given, Hashable) or given not in columns:
        meant = did_you_mean(safe_str(given), map(safe_str, columns))
        raise InvalidInputError(f"{argument} must name a column of the table; it has no {short_repr(given)}.{meant}")
    column = table[given]
    numeric = [safe_str(name) for name in columns if table[name].dtype.kind in "iuf"]
    if column.dtype.kind not in "iuf" and not column.isna().all():
        raise InvalidInputError(
            f"{argument} must name a column of numbers, and {short_repr(given)} is none: {listing(numeric)} are."
        )
    values = [None if gone else value for value, gone in zip(column.tolist(), column.isna(), strict=True)]
    known = [value if value is not None and abs(value) < _MAX_VALUE else None for value in values]
    if all(value is None or float(value).is_integer() for value in known):  # counts, among which some are missing
        known = [None if value is None else int(value) for value in known]
    return printable(safe_str(given), limit=_MAX_LABEL_LENGTH), known


def _groups(table: pd.DataFrame, by: Hashable | None) -> tuple[str, list[int], list[str]]:
    """The name of the column of groups, the number of each row's group, and the groups' labels."""
    if by is None:
        return "", [0] * len(table), [""]
    columns = GridColumns(table)
    name = columns.find("by", by)
    values = columns.values[name]
    measure = measures_of({name: values}, columns.axes, columns.metrics).get(name)
    labels = axis_keys(name, values, measure, is_sorted=False)
    numbers = {key: min(number, MAX_GROUPS) for number, key in enumerate(labels)}
    groups = [numbers[key_of(measure.placed(value) if measure else value)] for value in values]
    shown = [printable(label, limit=_MAX_LABEL_LENGTH) for label in labels.values()]
    if len(shown) > MAX_GROUPS:
        shown = [*shown[:MAX_GROUPS], _OTHERS if len(shown) > MAX_GROUPS + 1 else shown[MAX_GROUPS]]
    return name, groups, shown
