"""The metrics in a table's summary."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from decart_nb import InvalidInputError


def _results(**columns: list[Any]) -> pd.DataFrame:
    """Results of four rows, of which the last has failed."""
    status = ["completed", "completed", "completed", "failed"]
    made = {"model": ["a", "a", "b", "b"], "status": status, "reused": False, "cost": 0.1, "waited": 1.0, "made": 2.0}
    table = pd.DataFrame(made | columns)
    table.attrs["metrics"] = [name for name in columns if name.startswith("m")]
    return table


def test_each_metric_has_its_median_under_its_own_name() -> None:
    table = _results(motion=[1.0, 4.0, 7.0, None], minutes=[1, 2, 3, 4], score=[1, 2, 3, 4])
    summary = table.decart.summary(by="model")
    assert summary["motion"].tolist() == [2.5, 7.0]
    assert summary["minutes"].tolist() == [1.5, 3.5]
    assert "score" not in summary
    assert str(summary["motion"].dtype) == "Float64"
    assert table.decart.summary()["motion"].tolist() == [4.0]
    assert table.decart.summary(by="model", metrics="score")["score"].tolist() == [1.5, 3.5]
    assert [*table.decart.summary(metrics=[]).columns] == [*_results().decart.summary().columns]


def test_a_group_without_a_value_has_none() -> None:
    summary = _results(motion=[1.0, 2.0, None, None]).decart.summary(by="model")
    assert summary["motion"].tolist() == [1.5, pd.NA]


def test_a_column_of_text_is_no_metric() -> None:
    table = _results(motion=[1.0, 2.0, 3.0, 4.0])
    with pytest.raises(InvalidInputError, match=r"columns of numbers, and model is none: .*motion are"):
        table.decart.summary(metrics="model")


def test_a_metric_with_the_name_of_a_column_of_the_summary_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="rename count"):
        _results(count=[1, 2, 3, 4]).decart.summary(metrics="count")


@pytest.mark.parametrize("metrics", ["motion", [["x"], 3, "gone"]], ids=["text", "a list of what is no name"])
def test_whatever_a_table_says_of_its_metrics_it_has_a_summary(metrics: Any) -> None:
    table = _results(motion=[1.0, 2.0, 3.0, 4.0])
    table.attrs["metrics"] = metrics
    assert "motion" not in table.decart.summary()


def test_a_summary_of_no_rows_has_no_median() -> None:
    table = _results(motion=[1.0, 2.0, 3.0, 4.0]).iloc[:0]
    assert table.decart.summary()["motion"].tolist() == [pd.NA]
