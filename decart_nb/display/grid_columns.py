"""The columns of a grid of clips: their names, and the values and labels that stand for the values of a table."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .._util.text import did_you_mean, printable, safe_str, short_repr
from ..errors import InvalidInputError
from ..job.file_names import distinct_names, shown_name
from ..job.table import MEASURE_ERROR, OWN_COLUMNS, metrics_of

if TYPE_CHECKING:
    import pandas as pd

#: Columns of results that a grid does not offer: a tile tells them itself, or they differ in every row.
NOT_SHOWN = ("job_id", "path", "error", "sha256", "size_bytes", "submitted_at", "reused", "prompt_template", "backend")
#: Columns that every grid has.
_ALWAYS = ("rating", "note")
#: A numeric column with more distinct values than this is a measurement, and no axis.
_MAX_NUMBERS = 20
#: The most characters of a text that are shown.
MAX_TEXT_LENGTH = 2000
_MAX_NAME_LENGTH = 100
#: The index of a table that was written to a CSV and read back.
_UNNAMED = re.compile(r"Unnamed: \d+")
#: Columns whose values say by themselves what they are; a value of another column stands behind its name.
_ALONE = ("model", "prompt", "status")
_MAX_ROUND = 1e15


class GridColumns:
    """The columns of a table of results that a grid shows.

    Args:
        table: with the types of results.

    Attributes:
        values: by the name of a column, which no other has, its value in each row: text, a number, a truth value or
            ``None``. A long text is cut; two values that differ in the table differ here.
        own: the same of the columns that a grid does not offer, by their names in a table of results.
        axes: the columns that are offered as rows, columns or a choice.
        metrics: the columns that are metrics of the table.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self._names = _shown_names(table.columns)
        columns = {self._names[name]: column for name, column in table.items() if name in self._names}
        self.values = {
            name: _notes(column) if name == "note" else _shown(name, column) for name, column in columns.items()
        }
        for name in _ALWAYS:
            self.values.setdefault(name, [None] * len(table))
        self.own = {name: _notes(table[name]) if name in table else [None] * len(table) for name in NOT_SHOWN}
        self.axes = [name for name, values in self.values.items() if _is_axis(name, values)]
        self.metrics = [name for name in metrics_of(table) if name in self.values]

    def find(self, argument: str, given: Hashable) -> str:
        """The shown name of a column.

        Args:
            argument: the parameter that names the column.
            given: its name in the table, or its shown one.

        Raises:
            InvalidInputError: there is no such column.
        """
        try:
            shown = self._names.get(given, given)
        except TypeError:  # a list
            shown = None
        if isinstance(shown, str) and shown in self.values:
            return shown
        names = [*self.values]
        raise InvalidInputError(
            f"{argument} must name a column of the table, not {short_repr(given)}."
            f"{did_you_mean(safe_str(given), names)} It has {', '.join(names)}."
        )

    def find_all(self, argument: str, given: Any) -> list[str]:
        """The shown names of a column, or of several in a list; see :meth:`find`."""
        is_name = isinstance(given, tuple) and any(given == name for name in self._names)
        several = isinstance(given, (list, tuple, set)) and not is_name
        return [*dict.fromkeys(self.find(argument, name) for name in (given if several else [given]))]

    def count(self, name: str) -> int:
        """The number of a column's values; missing ones count for nothing if it is the model that leaves them out."""
        values, model_names = self.values[name], self.values.get("model", [])
        known = {key_of(value) for value in values if value is not None}
        having = {model for model, value in zip(model_names, values, strict=False) if value is not None}
        lacking = {model for model, value in zip(model_names, values, strict=False) if value is None}
        is_gap = None in values and (not model_names or bool(having & lacking))
        return len(known) + is_gap


def stands_alone(name: str) -> bool:
    """Whether a column's values say by themselves what they are."""
    return name in _ALONE


def label_of(name: str, value: Any) -> str:
    """A value as a person reads it: ``seed 0``, or the value alone where that says what it is. See ``arrange.js``."""
    if value is None or value == "":
        return f"no {name}"
    if isinstance(value, float) and value.is_integer() and abs(value) < _MAX_ROUND:
        value = int(value)  # pandas makes floats of integers where one is missing
    return str(value) if stands_alone(name) else f"{name} {value}"


def key_of(value: Any) -> Hashable:
    """What two values share if they are the same to a grid: 1 and 1.0, but not 1 and ``True``."""
    return None if value is None or value == "" else (isinstance(value, bool), value)


def _shown_names(columns: Iterable[Hashable]) -> dict[Hashable, str]:
    """The shown name of each column that a grid offers. A name that is text stays as it is; others make way for it."""
    texts = [name for name in columns if isinstance(name, str)]
    others = [name for name in columns if not isinstance(name, str)]
    shown = distinct_names(others, _name_text, taken=(*texts, *_ALWAYS))
    for name in texts:
        if name not in NOT_SHOWN and not _UNNAMED.fullmatch(name):
            shown[name] = name
    return {name: shown[name] for name in columns if name in shown}


def _name_text(name: Any) -> str:
    return printable(safe_str(name), limit=_MAX_NAME_LENGTH) or "column"


def _shown(name: str, column: pd.Series) -> list[Any]:
    """A column's values as JSON has them, with texts cut to what is shown. Different values stay different."""
    values = _plain_values(column)
    texts = distinct_names(
        (value for value in values if isinstance(value, str)),
        lambda text: printable(shown_name(name, text), limit=MAX_TEXT_LENGTH),
    )
    return [texts[value] if isinstance(value, str) else value for value in values]


def _notes(column: pd.Series) -> list[Any]:
    """The values of a column that is read, and never arranged by."""
    return [
        printable(value, limit=MAX_TEXT_LENGTH) if isinstance(value, str) else value for value in _plain_values(column)
    ]


def _plain_values(column: pd.Series) -> list[Any]:
    return [None if gone else _plain(value) for value, gone in zip(column.tolist(), column.isna(), strict=True)]


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**53):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return safe_str(value)


def _is_axis(name: str, values: Sequence[Any]) -> bool:
    """Whether a column is offered as rows, columns or a choice: an input, and no measurement."""
    if name in OWN_COLUMNS or name == MEASURE_ERROR:
        return name in ("model", "take")
    return not (any(isinstance(value, float) for value in values) and len(set(map(key_of, values))) > _MAX_NUMBERS)
