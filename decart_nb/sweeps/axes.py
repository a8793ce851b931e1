"""The axes of a sweep. A sweep runs every combination of their values."""

from __future__ import annotations

import itertools
import math
import numbers
import os
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._util.plain_values import NotPlainError, is_missing, text, whole
from .._util.public import public
from .._util.text import printable, safe_str, short_repr
from ..errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

#: The most values of an axis, and the most rows of a sweep; a sample may be of a larger product.
MAX_ROWS = 1_000_000
#: The highest number of a take that the store can hold.
LAST_TAKE = 2**63 - 1
_SINGLE = (str, bytes, bytearray, memoryview, os.PathLike, Mapping)


@dataclass(frozen=True, eq=False, repr=False)
class Axis:
    """One factor of a sweep: one or more inputs that change together.

    Attributes:
        names: of the inputs.
        rows: at each position, one value for each name.
        constant: whether it is a single value, which is no axis to compare along.
    """

    names: tuple[str, ...]
    rows: Sequence[tuple[Any, ...]]
    constant: bool = False

    def __repr__(self) -> str:
        return f"<Axis of {', '.join(self.names)}: {len(self.rows)} row{'s' * (len(self.rows) != 1)}>"


class Axes:
    """The product of factors, or a sample of it. Its rows are computed on iteration.

    Attributes:
        factors: of the product.
        names: of all inputs, in the order given, but ``take`` last.
        snapshots: the contents of values that can be read only once, such as streams; filled by their readers.
        size: the number of rows; unlike ``len``, also of a product that is too large to iterate over.
    """

    def __init__(
        self,
        factors: Iterable[Axis],
        drawn: Sequence[int] | None = None,
        snapshots: dict[Any, Any] | None = None,
    ) -> None:
        self.factors = tuple(factors)
        self.snapshots = {} if snapshots is None else snapshots
        self.drawn = drawn  # the sample's rows, as their numbers in the product
        names = [name for factor in self.factors for name in factor.names]
        self.names = tuple(sorted(names, key=lambda name: name == "take"))
        self.size = math.prod(len(factor.rows) for factor in self.factors) if drawn is None else len(drawn)

    def __len__(self) -> int:
        if self.size > MAX_ROWS:
            raise InvalidInputError(
                f"This sweep would have {self.size:,} rows, and at most {MAX_ROWS:,} are taken: "
                "give shorter axes, or draw some of its rows with .sample(100, seed=0)."
            )
        return self.size

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        """For each row, a position in each factor; the last factor changes fastest."""
        len(self)  # refuses what is too large
        if self.drawn is not None:
            return map(self._positions, self.drawn)
        return itertools.product(*(range(len(factor.rows)) for factor in self.factors))

    def sample(self, n: int, seed: int | None = None) -> Axes:
        """Some of the rows, chosen at random without repetition, in their order.

        Args:
            n: how many.
            seed: the same seed draws the same rows.

        Raises:
            InvalidInputError: there are not as many rows, or one of the two is no whole number.
        """
        n, seed, most = _plain(n), _plain(seed), min(self.size, MAX_ROWS)
        if not _is_whole(n) or not 1 <= n <= most:
            raise InvalidInputError(
                f"sample(n) draws 1 to {most:,} of this sweep's {self.size:,} rows, not {short_repr(n)}."
            )
        if seed is not None and not _is_whole(seed):
            raise InvalidInputError(f"The seed of a sample must be a whole number or None, not {short_repr(seed)}.")
        # Floyd's way, since random.sample stops at sys.maxsize.
        draw, chosen = random.Random(seed), set[int]()
        for last in range(self.size - n, self.size):
            pick = draw.randrange(last + 1)
            chosen.add(last if pick in chosen else pick)
        drawn = [pick if self.drawn is None else self.drawn[pick] for pick in sorted(chosen)]
        return Axes(self.factors, drawn, self.snapshots)

    def _positions(self, number: int) -> tuple[int, ...]:
        positions = []
        for factor in reversed(self.factors):
            number, position = divmod(number, len(factor.rows))
            positions.append(position)
        return tuple(reversed(positions))


@dataclass(frozen=True)
class _Marked:
    """A value that the user has marked as a single value or as an axis."""

    given: Any
    single: bool


@public
def axis(values: Iterable[Any]) -> object:
    """Mark a list as an axis where it would be taken for one value: ``trajectory=axis(points)``."""
    return _Marked(values, single=False)


@public
def value(thing: Any) -> object:
    """Mark a list as one value where it would be taken for an axis: ``path=value([1, 2, 3])``."""
    return _Marked(thing, single=True)


@public
def zip_axes(**columns: Any) -> Axis:
    """One axis along which several inputs change together: ``sweep(zip_axes(data=[…], prompt=[…]), seed=range(3))``.

    Args:
        columns: lists of one length; a single value is repeated.

    Raises:
        InvalidInputError: the lengths differ, or a column cannot be an axis.
    """
    read = {name: _read(name, given) for name, given in columns.items()}
    lengths = {name: len(values) for name, (values, constant) in read.items() if not constant}
    if not read:
        raise InvalidInputError("zip_axes needs columns by name: zip_axes(data=[…], prompt=[…]).")
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise InvalidInputError(f"The columns of zip_axes must have the same number of values: {counts}.")
    length = max(lengths.values(), default=1)
    repeated = [values * length if constant else values for values, constant in read.values()]
    return Axis(tuple(read), list(zip(*repeated, strict=True)), constant=not lengths)


def frame_axis(frame: pd.DataFrame) -> Axis:
    """An axis of a table: one position for each row, one input for each column.

    Raises:
        InvalidInputError: it is empty, or two columns have one name, or a name is no text.
    """
    names = tuple(frame.columns)
    for name, count in Counter(names).items():
        if not isinstance(name, str) or count > 1:
            raise InvalidInputError(
                f"Each column of a table needs a name of its own, as text, which {short_repr(name)} is not; "
                "frame.columns = […] renames them."
            )
        try:
            text(name)
        except NotPlainError as error:
            raise InvalidInputError(f"The name of a column, {short_repr(name)}, {error}") from None
    if not len(frame) or not names:
        raise InvalidInputError("The table is empty; a sweep needs a row for each job, and columns such as model.")
    return Axis(names, list(zip(*(_column(column) for _, column in frame.items()), strict=True)))


def read_axes(groups: Sequence[Axis | pd.DataFrame], named: Mapping[str, Any], *, repeat: int = 1) -> Axes:
    """The product of the arguments of a sweep.

    Args:
        groups: zipped axes and tables; they come first, so that they change slowest.
        named: axes and single values, by name.
        repeat: the number of takes of each row.

    Raises:
        InvalidInputError: an argument cannot be an axis, or a name was given twice.
    """
    factors = [frame_axis(group) if _is_frame(group) else group for group in groups]
    for factor in factors:
        if not isinstance(factor, Axis):
            raise InvalidInputError(
                "Only a DataFrame and zip_axes(…) go into a sweep without a name; all else needs one, "
                f"as in prompt=[…]: {short_repr(factor)}."
            )
    for name, given in named.items():
        values, constant = _read(name, given)
        factors.append(Axis((name,), [(one,) for one in values], constant))
    repeat = _plain(repeat)
    if not _is_whole(repeat) or not 1 <= repeat <= MAX_ROWS:
        raise InvalidInputError(f"repeat must be a whole number from 1 to {MAX_ROWS:,}, not {short_repr(repeat)}.")
    has_takes = any("take" in factor.names for factor in factors)
    if has_takes and repeat > 1:
        raise _refused("take", "is given, and repeat makes takes too; leave one of the two out.")
    if has_takes:
        factors = [_with_takes(factor) for factor in factors]
    if repeat > 1:
        factors.append(Axis(("take",), [(take,) for take in range(repeat)]))
    for name, count in Counter(name for factor in factors for name in factor.names).items():
        if count > 1:
            raise _refused(name, f"is given {count} times; give it once.")
    return Axes(factors)


def _with_takes(factor: Axis) -> Axis:
    """The same factor, with its takes as integers."""
    if "take" not in factor.names:
        return factor
    place = factor.names.index("take")
    rows = [(*row[:place], _take(row[place]), *row[place + 1 :]) for row in factor.rows]
    return Axis(factor.names, rows, factor.constant)


def _read(name: str, given: Any) -> tuple[list[Any], bool]:
    """The values of an argument, and whether it is a single, constant value."""
    marked = isinstance(given, _Marked)
    if marked and given.single:
        return [_plain(given)], True
    given = _plain(given.given if marked else given)
    if isinstance(given, Axis) or _is_frame(given):
        what, way = ("a DataFrame", "df") if _is_frame(given) else ("several columns", "zip_axes(…)")
        raise _refused(
            name, f"is {what}, which has names of its own: give it first and without a name, sweep({way}, …)."
        )
    if isinstance(given, (set, frozenset)):
        raise _refused(name, f"is a set, which has no order: sorted({name}) has one, and so has a list.")
    if isinstance(given, _SINGLE) or not isinstance(given, Iterable):
        if marked:
            raise _refused(name, f"is marked as an axis, so it must be a list of values, not {short_repr(given)}.")
        return [given], True
    if not marked and (given.ndim != 1 if hasattr(given, "ndim") else hasattr(given, "read")):
        return [given], True
    try:
        values = _column(given, MAX_ROWS + 1)  # it may have no end
    except Exception as error:  # noqa: BLE001 - whatever somebody's own iteration raises
        raise _refused(name, f"cannot be iterated over: {printable(safe_str(error), limit=200)}.") from None
    if not values:
        raise _refused(name, "is an axis without values; give at least one, or leave it out.")
    if len(values) > MAX_ROWS:
        raise _refused(
            name, f"has more than {MAX_ROWS:,} values; give some of them, such as random.sample({name}, 100)."
        )
    if name == "trajectory" and not marked and any(map(_is_point, values)):
        return [values], True
    return values, False


def _column(given: Iterable[Any], most: int | None = None) -> list[Any]:
    """The values as Python's own; integers that pandas made floats, to have a place for a missing one, as integers."""
    values = [_plain(one) for one in itertools.islice(given, most)]
    if str(getattr(given, "dtype", "")).startswith("float") and any(one is None for one in values):
        there = [one for one in values if one is not None]
        if all(isinstance(one, float) and one.is_integer() for one in there):
            return [None if one is None else int(one) for one in values]
    return values


def _plain(one: Any) -> Any:
    """NumPy's and pandas' scalars as Python's; what is missing in their ways as ``None``."""
    if isinstance(one, _Marked) and one.single:
        one = one.given
    if is_missing(one):
        return None
    if getattr(one, "ndim", None) == 0:
        # Of nanoseconds, item() makes a number.
        unit = {"M": "datetime64[us]", "m": "timedelta64[us]"}.get(getattr(getattr(one, "dtype", None), "kind", ""))
        one = (one.astype(unit) if unit else one).item()
    return one


def _take(given: Any) -> int:
    """The number of a take; 0 where a row has none."""
    if given is None:
        return 0
    try:
        take = whole(given)
    except NotPlainError:
        take = -1
    if take < 0:
        raise _refused("take", f"must be whole numbers from 0, not {short_repr(given)}.")
    if take > LAST_TAKE:
        raise _refused("take", f"is {short_repr(take)}; it must be below 2**63.")
    return take


def _refused(name: str, reason: str) -> InvalidInputError:
    return InvalidInputError(f"{name} {reason}", {"fields": [name]})


def _is_frame(thing: Any) -> bool:
    pandas = sys.modules.get("pandas")  # a DataFrame exists only if pandas was imported
    return pandas is not None and isinstance(thing, pandas.DataFrame)


def _is_point(one: Any) -> bool:
    """Whether it is one point of a trajectory."""
    if isinstance(one, Mapping):
        return "frame" in one
    listed = isinstance(one, (list, tuple)) or getattr(one, "ndim", None) == 1
    return listed and len(one) == 3 and all(isinstance(part, numbers.Real) for part in one)


def _is_whole(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)
