"""The columns of a grid: their names, and the values and labels that stand for a table's values."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from decart_nb import InvalidInputError
from decart_nb.display.grid_columns import GridColumns, label_of
from decart_nb.job.table import as_results

_ROW = {"model": "lucy-2.5", "prompt": "a lake", "status": "planned", "path": None}


def _columns(*rows: dict[Any, Any]) -> GridColumns:
    return GridColumns(as_results(pd.DataFrame([_ROW | row for row in rows])))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("word " * 1000 + "day", "word " * 1000 + "night"),
        ("a lake\nat night", "a lake at night"),
        ("a\x00lake", "a lake"),
    ],
    ids=["differ after what is shown", "differ in a line break", "differ in what cannot be printed"],
)
def test_texts_that_differ_stay_different_however_they_are_shown(one: str, other: str) -> None:
    columns = _columns({"prompt": one}, {"prompt": other}, {"prompt": one})
    first, second, third = columns.values["prompt"]
    assert (first != second, first == third) == (True, True)
    assert second == f"{first} (2)"
    assert len(first) <= 2000
    assert columns.count("prompt") == 2


def test_columns_whose_names_are_no_text_are_shown_and_found() -> None:
    day = dt.date(2026, 11, 26)
    columns = _columns({7: "x", ("a", 1): "y", day: "z"})
    assert [columns.values[name] for name in ("7", "('a', 1)", "2026-11-26")] == [["x"], ["y"], ["z"]]
    assert [columns.find("rows", given) for given in (7, ("a", 1), day, "7")] == ["7", "('a', 1)", "2026-11-26", "7"]


def test_columns_of_one_shown_name_are_not_mixed() -> None:
    columns = _columns({1: "number", "1": "text", "1 (2)": "other text", ("1",): "tuple", "note": "kept"})
    assert {name: columns.values[name] for name in ("1", "1 (2)", "1 (3)")} == {
        "1": ["text"],
        "1 (2)": ["other text"],
        "1 (3)": ["number"],
    }
    assert (columns.find("rows", 1), columns.find("rows", "1")) == ("1 (3)", "1")
    assert columns.values["note"] == ["kept"]


def test_a_name_that_cannot_be_shown_breaks_nothing() -> None:
    class Broken:
        def __str__(self) -> str:
            raise ValueError("no name")

    columns = _columns({pd.NA: 1, Broken(): 2, "\x1b[2J": 3})
    assert [1] in columns.values.values()
    assert [2] in columns.values.values()


@pytest.mark.parametrize(
    "given", ["promt", [], ([],), 8], ids=["misspelt", "a list", "a tuple with a list", "a number"]
)
def test_a_column_that_is_not_there_is_an_error(given: Any) -> None:
    with pytest.raises(InvalidInputError, match="rows must name a column of the table, not"):
        _columns({}).find("rows", given)


@pytest.mark.parametrize(
    ("name", "value", "label"),
    [
        ("seed", 0, "seed 0"),
        ("seed", 2.0, "seed 2"),
        ("strength", 0.5, "strength 0.5"),
        ("enhance_prompt", True, "enhance_prompt True"),
        ("style", "oil", "style oil"),
        ("prompt", "a lake", "a lake"),
        ("prompt", None, "no prompt"),
        ("style", "", "no style"),
    ],
    ids=range(8),
)
def test_a_label_has_the_name_of_its_column_where_the_value_alone_says_nothing(
    name: str, value: Any, label: str
) -> None:
    assert label_of(name, value) == label
