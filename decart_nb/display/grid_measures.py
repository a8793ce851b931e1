"""Numeric columns of a grid whose values are measured: the ranges that they have as an axis, and their outliers."""

from __future__ import annotations

import itertools
import math
import statistics
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .grid_columns import key_of, label_of

#: A column with more distinct values than this has ranges as an axis, and so many ranges.
_MAX_VALUES, _RANGES = 6, 4
#: Rounding the end of a range moves at most this part of the values.
_MAX_MOVED = 20
#: Of fewer values no outliers are told, and how far beyond the quartiles they are, in interquartile ranges.
MIN_VALUES, DISTANCE = 8, 1.5
#: What marks a value as an outlier.
MARKS = {"high": "▲ high", "low": "▼ low"}
OUTLIER_RULE = f"high, low: more than {DISTANCE:g} interquartile ranges beyond the quartiles of all these clips"
#: Rounding errors within this part of a value are no difference.
_TOLERANCE = 1e-9
_LARGE, _MAX_GROUPED, _MAX_DIGITS = 1000, 1e15, 15
#: JSON has no infinite number, such as the PSNR of equal videos: a grid has a text for it.
_INFINITE = {"inf": math.inf, "-inf": -math.inf}
#: Whole numbers that a job has and that measure nothing.
_NAMES = frozenset({"take", "drawn_seed"})
#: What may be measured although no row has it yet.
_LATER = frozenset({"rating"})


@dataclass(frozen=True)
class Measure:
    """A numeric column: how its values are parted and which of them are outliers.

    Attributes:
        name: of the column.
        edges: where one range ends and the next begins, ascending; empty if each value stands for itself.
        low, high: values below and above these are outliers; infinite if there are too few values to tell.
        is_whole: whether all values are whole numbers, such as counts, which need no digits after the point.
    """

    name: str
    edges: tuple[float, ...]
    low: float
    high: float
    is_whole: bool

    @property
    def ranges(self) -> list[str]:
        """The ranges as text, ascending; empty if each value stands for itself."""
        if not self.edges:
            return []
        texts = [f"{edge:,.{_MAX_DIGITS}g}" for edge in self.edges]  # which are rounded
        between = [f"{low}–{high}" for low, high in itertools.pairwise(texts)]
        return [f"< {texts[0]}", *between, f"≥ {texts[-1]}"]

    def placed(self, value: Any) -> Any:
        """What stands for a value on an axis: its range, or the value itself."""
        number = number_of(value)
        if not self.edges or number is None:
            return value
        return self.ranges[sum(number >= edge for edge in self.edges)]

    def text(self, value: Any) -> str:
        """A value as a person reads it."""
        return number_text(int(value) if self.is_whole else value) if is_number(value) else str(value)

    def mark(self, value: Any) -> str:
        """``"high"`` or ``"low"`` for an outlier, else an empty text."""
        number = number_of(value)
        if number is None:
            return ""
        return "high" if number > self.high else "low" if number < self.low else ""

    def data(self) -> dict[str, Any]:
        """The measure as JSON for a frontend: its ranges, each with the edge that ends it."""
        ends = [*self.edges, None]
        return {"ranges": [{"label": label, "below": end} for label, end in zip(self.ranges, ends, strict=False)]}


def measures_of(columns: Mapping[str, Sequence[Any]], axes: Iterable[str], named: Iterable[str]) -> dict[str, Measure]:
    """The measures among a grid's columns, by their names.

    Args:
        columns: the values of each column.
        axes: the columns that are inputs: their values stand for themselves.
        named: the columns that are measures although they look like inputs, such as metrics of few distinct values.
    """
    inputs = {*axes} - {*named} | _NAMES
    return {
        name: _measure(name, values)
        for name, values in columns.items()
        if name not in inputs and (_is_numeric(values) or name in _LATER)
    }


def badge_texts(names: Iterable[str], row: Mapping[str, Any], measures: Mapping[str, Measure]) -> list[tuple[str, ...]]:
    """The badges of a row: of each column that has a value its name, the value as text, and the mark of an outlier.

    Args:
        names: of the columns, in their order.
        row: the row's values, by column.
        measures: as :func:`measures_of`.
    """
    shown = [(name, row[name]) for name in names if key_of(row[name]) is not None]
    return [
        (name, measures[name].text(value), measures[name].mark(value)) if name in measures else (name, str(value), "")
        for name, value in shown
    ]


def with_mark(badge: Sequence[str]) -> tuple[str, ...]:
    """A badge whose mark is as a person reads it: ``▲ high``."""
    name, text, mark = badge
    return name, text, MARKS.get(mark, "")


def axis_keys(name: str, values: Sequence[Any], measure: Measure | None, *, is_sorted: bool) -> dict[Hashable, str]:
    """The keys of an axis with their labels: of a measure by its values, else in the order in which they appear.

    Args:
        name: of the column; empty for none.
        values: of each tile.
        measure: of that column, if it is one.
        is_sorted: whether the tiles are sorted by this column: then the order of a measure is theirs.
    """
    if measure is not None and not is_sorted:
        values = sorted(values, key=lambda value: (key_of(value) is None, number_of(value) or 0.0))
    labels: dict[Hashable, str] = {}
    for value in values:
        placed = value if measure is None else measure.placed(value)
        text = measure.text(placed) if measure is not None and is_number(placed) else placed
        labels.setdefault(key_of(placed), label_of(name, text) if name else "")
    return labels


def is_number(value: Any) -> bool:
    """Whether a value is a number, and no truth value."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def number_of(value: Any) -> float | None:
    """A value of a measure as a number, also an infinite one, which stands in a grid as text."""
    return _INFINITE.get(value) if isinstance(value, str) else value if is_number(value) else None


def number_text(value: float) -> str:
    """A number in three digits, or all digits of a whole one: ``0.831``, ``2.00``, ``12``, ``1,204``."""
    if isinstance(value, int) or abs(value) >= _LARGE:
        return f"{value:,.0f}" if abs(value) < _MAX_GROUPED else f"{value:.3g}"
    return f"{value:#.3g}".rstrip(".")


def _is_numeric(values: Sequence[Any]) -> bool:
    known = [value for value in values if value is not None]
    return any(map(is_number, known)) and all(number_of(value) is not None for value in known)


def _measure(name: str, values: Sequence[Any]) -> Measure:
    known = sorted(value for value in values if is_number(value))
    low, high = _fences(known)
    is_whole = all(float(value).is_integer() for value in known)
    return Measure(name, _edges(known, is_whole) if len({*known}) > _MAX_VALUES else (), low, high, is_whole)


def _fences(ordered: Sequence[float]) -> tuple[float, float]:
    """The values beyond which others are outliers: Tukey's fences, as in a box plot."""
    if len(ordered) < MIN_VALUES:
        return -math.inf, math.inf
    first, _, third = statistics.quantiles(ordered, n=4, method="inclusive")
    reach = DISTANCE * (third - first) + _TOLERANCE * max(abs(first), abs(third))
    return first - reach, third + reach


def _edges(ordered: Sequence[float], is_whole: bool) -> tuple[float, ...]:
    """The quantiles between ranges, rounded as far as that moves hardly any value to another range."""
    exact = statistics.quantiles(ordered, n=_RANGES, method="inclusive")
    edges = _parting(map(math.ceil, exact) if is_whole else exact, ordered)
    allowed = max(1, len(ordered) // _MAX_MOVED)
    for digits in range(2, _MAX_DIGITS):
        rounded = _parting([float(f"{edge:.{digits}g}") for edge in edges], ordered)
        if len(rounded) == len(edges) and all(
            abs(bisect_left(ordered, one) - bisect_left(ordered, other)) <= allowed
            for one, other in zip(rounded, edges, strict=True)
        ):
            return tuple(rounded)
    return tuple(edges)


def _parting(edges: Iterable[float], ordered: Sequence[float]) -> list[float]:
    """The edges, without those that would leave the range before or after them empty."""
    parting: list[float] = []
    for edge in sorted({*edges}):
        least = parting[-1] if parting else -math.inf
        if ordered[-1] >= edge and any(least <= value < edge for value in ordered):
            parting.append(edge)
    return parting
