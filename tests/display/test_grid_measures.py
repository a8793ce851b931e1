"""Measured columns of a grid: badges, outliers, ranges as rows or columns, and the order."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from decart_nb import InvalidInputError
from decart_nb.display.grid_measures import measures_of, number_text
from tests.export.galleries import make_table

_HTML = "<img src=x onerror=alert(1)>"
_MOTION = [3.1, 2.9, 3.3, 3.0, 9.25, 3.2, 2.8, 3.05, 3.15, 2.95, 3.25, None]


def _planned(**columns: list[Any]) -> pd.DataFrame:
    """A table of as many rows as the columns have values, for each of which no clip was made yet."""
    count = len(next(iter(columns.values())))
    return pd.DataFrame({"model": "lucy-2.5", "seed": range(count), "status": "planned", "path": None} | columns)


def _measured(metrics: list[str], **columns: list[Any]) -> pd.DataFrame:
    table = _planned(**columns)
    table.attrs["metrics"] = metrics
    return table


def _marks(values: list[Any]) -> list[str]:
    measure = measures_of({"motion": values}, [], [])["motion"]
    return [measure.mark(value) for value in values]


def test_a_value_far_beyond_the_quartiles_is_an_outlier() -> None:
    assert _marks(_MOTION) == ["", "", "", "", "high", "", "", "", "", "", "", ""]
    assert _marks([-value if value else value for value in _MOTION])[4] == "low"
    assert _marks([0] * 17 + [2])[-1] == "high"


def test_of_few_values_and_of_equal_ones_none_is_an_outlier() -> None:
    assert _marks([1.0] * 6 + [100.0]) == [""] * 7
    assert _marks([0.1 + 0.2] * 9 + [0.3]) == [""] * 10


def test_values_become_ranges_of_round_numbers_with_about_as_many_clips_in_each() -> None:
    measure = measures_of({"motion": _MOTION}, [], [])["motion"]
    assert measure.ranges == ["< 3", "3–3.1", "3.1–3.2", "≥ 3.2"]
    assert [measure.placed(value) for value in (2.9, 3.0, 9.25, None)] == ["< 3", "3–3.1", "≥ 3.2", None]
    close = measures_of({"ssim": [0.99 + number / 10_000 for number in range(40)]}, [], [])["ssim"]
    counts = [sum(close.placed(0.99 + number / 10_000) == label for number in range(40)) for label in close.ranges]
    assert all(8 <= count <= 12 for count in counts)
    assert max(map(len, close.ranges)) < 16
    assert measures_of({"freezes": [0] * 20 + [*range(1, 9)]}, [], [])["freezes"].ranges == ["< 2", "≥ 2"]


def test_an_infinite_value_is_the_largest() -> None:
    table = _measured(["psnr"], psnr=[40.0, math.inf, *(41.0 + number for number in range(10))])
    grid = table.decart.grid(rows="psnr", sort="psnr")
    assert grid.data()["tiles"][0]["badges"] == [("psnr", "inf", "high")]
    arranged = table.decart.grid(rows="psnr").contents.arranged()
    assert arranged.cells[len(arranged.row_labels) - 1, 0][0] == 1
    assert arranged.row_labels[-1].startswith("psnr ≥ ")


def test_few_values_stand_for_themselves_in_their_order() -> None:
    table = _measured(["cuts"], cuts=[2.0, 0.0, 1.0, None, 0.0])
    arranged = table.decart.grid(rows="cuts").contents.arranged()
    assert arranged.row_labels == ["cuts 0", "cuts 1", "cuts 2", "no cuts"]
    assert arranged.cells == {(0, 0): [1, 4], (1, 0): [2], (2, 0): [0], (3, 0): [3]}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.83123, "0.831"), (3.0, "3.00"), (100.0, "100"), (12, "12"), (1204, "1,204"), (4321.5, "4,322"), (0.0, "0.00")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number_text(value) == text


def test_ranges_are_rows_in_the_order_of_their_values_unless_the_grid_is_sorted_by_them() -> None:
    table = _measured(["motion"], motion=_MOTION)
    ascending = ["motion < 3", "motion 3–3.1", "motion 3.1–3.2", "motion ≥ 3.2", "no motion"]
    assert table.decart.grid(rows="motion").contents.arranged().row_labels == ascending
    assert table.decart.grid(rows="motion", sort="seed").contents.arranged().row_labels == ascending
    descending = table.decart.grid(rows="motion", sort="motion").contents.arranged().row_labels
    assert descending == [*ascending[3::-1], "no motion"]


def test_the_clips_are_in_the_order_of_a_column_and_those_without_a_value_last() -> None:
    table = _measured(["motion"], motion=[2.0, None, 9.0, 3.0], prompt=["p 10", "p 2", "", "P 1"])

    def seeds(**options: Any) -> list[int]:
        grid = table.decart.grid(**options)
        return [tile["values"][grid.contents.names.index("seed")] for tile in grid.data()["tiles"]]

    assert seeds() == [0, 1, 2, 3]
    assert seeds(sort="motion") == [2, 3, 0, 1]
    assert seeds(sort="motion", descending=False) == [0, 3, 2, 1]
    assert seeds(sort="prompt", descending=False) == [3, 1, 0, 2]
    assert table.decart.grid(sort="motion", descending=False).data()["sort"] == {"name": "motion", "descending": False}


def test_infinite_values_are_the_ends_of_the_order() -> None:
    table = _measured(["level"], level=[-3.0, -math.inf, math.inf, 4.0])
    grid = table.decart.grid(sort="level")
    levels = [tile["values"][grid.contents.names.index("level")] for tile in grid.data()["tiles"]]
    assert levels == ["inf", 4.0, -3.0, "-inf"]


def test_a_long_table_is_cut_after_it_is_sorted() -> None:
    table = _planned(motion=[float(number) for number in range(1200)])
    grid = table.decart.grid(sort="motion")
    values = [tile["values"][grid.contents.names.index("motion")] for tile in grid.data()["tiles"]]
    assert (values[0], values[-1]) == (1199.0, 200.0)


@pytest.mark.parametrize("argument", ["sort", "badges"])
def test_a_column_that_is_not_there_is_an_error(argument: str) -> None:
    table = _planned(motion=[1.0, 2.0])
    with pytest.raises(InvalidInputError, match=f"{argument} must name a column .* Did you mean motion"):
        table.decart.grid(**{argument: "motoin"})


def test_the_metrics_of_a_table_are_its_badges_and_no_choice_above_the_grid() -> None:
    table = _measured(["motion", "gone", "cuts"], motion=_MOTION, cuts=[0, 1] * 6)
    data = table.decart.grid().data()
    assert data["badges"] == ["motion", "cuts"]
    assert [tile["badges"] for tile in data["tiles"]][3:5] == [
        [("motion", "3.00", ""), ("cuts", "1", "")],
        [("motion", "9.25", "high"), ("cuts", "0", "")],
    ]
    assert data["tiles"][11]["badges"] == [("cuts", "1", "")]
    columns = {column["name"]: column for column in data["columns"]}
    assert [columns[name]["axis"] for name in ("seed", "motion", "cuts")] == [True, False, False]
    assert "motion" not in data["tiles"][0]["name"]


def test_a_metric_that_is_the_same_of_all_is_said_once_above_the_grid() -> None:
    table = _measured(
        ["freezes", "motion", "ssim", "none"], freezes=[0.0] * 3, motion=[1.0, 2.0, 3.0], ssim=[0.98765] * 3
    )
    table["none"] = pd.array([None] * 3, "Float64")
    data = table.decart.grid().data()
    assert data["badges"] == ["motion"]
    assert data["facts"] == ["lucy-2.5", "freezes 0", "ssim 0.988"]
    assert table.decart.grid(badges=["freezes"]).data()["badges"] == ["freezes"]


def test_why_a_clip_was_not_measured_is_a_fact_of_it_and_no_choice_above_the_grid() -> None:
    grid = _measured(["motion"], motion=[1.0, None], measure_error=[None, "too short"]).decart.grid()
    assert "measure_error" not in grid.contents.varying
    assert ("measure_error", "too short") in grid.contents.tiles[1].facts


def test_counts_have_no_digits_after_the_point() -> None:
    tiles = _measured(["cuts"], cuts=[0.0, 3.0, None]).decart.grid().data()["tiles"]
    assert [tile["badges"] for tile in tiles] == [[("cuts", "0", "")], [("cuts", "3", "")], []]


def test_badges_are_any_columns_or_none() -> None:
    table = _measured(["motion"], motion=[1.0, 2.0], score=[7, None], style=["oil", "ink"])
    assert [tile["badges"] for tile in table.decart.grid(badges=[]).data()["tiles"]] == [[], []]
    badges = [tile["badges"] for tile in table.decart.grid(badges=["score", "style"]).data()["tiles"]]
    assert badges == [[("score", "7", ""), ("style", "oil", "")], [("style", "ink", "")]]
    assert table.decart.grid(badges="seed").data()["badges"] == ["seed"]
    assert table.decart.grid(rows="seed", badges="seed").contents.arranged().row_labels == ["seed 0", "seed 1"]


@pytest.mark.parametrize("metrics", [None, "motion", 3, [7, ["x"]], {"motion": 1}], ids=range(5))
def test_whatever_a_table_says_of_its_metrics_the_grid_is_shown(metrics: Any) -> None:
    assert _measured(metrics, motion=[1.0, math.inf]).decart.grid().data()["badges"] == []


def test_badges_are_in_the_static_form_the_text_and_the_gallery(tmp_path: Path) -> None:
    table = make_table(tmp_path / "made", models=["lucy-2.5"], prompts=["a"], seeds=9)
    table["motion"] = [1.0 + number / 10 for number in range(8)] + [50.0]
    table[_HTML] = [number / 10 for number in range(9)]
    table.attrs["metrics"] = ["motion", _HTML]
    grid = table.decart.grid()
    assert "lucy-2.5, a" not in grid.text()  # what all share is said once
    assert f"seed 8: done · motion 50.0 ▲ high · {_HTML} 0.800" in grid.text()
    html = grid.html(None)
    assert html.count("▲ high") == 1
    assert "<img src=x" not in html
    assert "1.5 interquartile ranges beyond the quartiles" in html
    page = table.decart.to_html(tmp_path / "gallery", sort="motion", badges="motion")
    data = (page.parent / "data.js").read_text()
    assert '["motion", "50.0", "high"]' in data
    assert '"sort": {"name": "motion", "descending": true}' in data


def test_a_grid_without_outliers_says_no_rule() -> None:
    assert "quartiles" not in _measured(["motion"], motion=[1.0, 2.0]).decart.grid().html(None)
