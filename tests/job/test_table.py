"""Tables have typed columns, and have them again after Parquet and CSV."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given, settings, strategies as st

from decart_nb import InvalidInputError
from decart_nb.job.table import JOB_COLUMNS, as_results, column_names, frame, typed
from decart_nb.store.job_row import Record

_DIGEST = "0f" * 32


@pytest.fixture
def results() -> pd.DataFrame:
    """Two rows of a sweep: one that was completed, one that failed."""
    table = typed(
        {
            "model": ["lucy-2.5", "lucy-pro-t2v"],
            "prompt": ["a <b> “c”, d\ne", "x\ud800y"],
            "seed": [7, None],
            "enhance_prompt": [None, False],
            "strength": [0.5, 1],
            "trajectory": [[{"frame": 0, "x": 0.5, "y": 1.0}], None],
            "animal": ["cat", None],
            "reference_image": [None, None],
            "take": [0, 1],
            "drawn_seed": [2**32 - 1, None],
            "status": ["completed", "failed"],
            "job_id": ["j1", None],
            "path": ["decart_runs/a.mp4", None],
            "error": [None, "out of memory, twice"],
            "reused": [True, False],
            "submitted_at": [1_700_000_000.123456, None],
            "waited": [0.5, None],
            "made": [2.75, None],
            "cost": [0.2, None],
            "width": [1280, None],
            "height": [704, None],
            "fps": [25.0, None],
            "duration": [5.0, None],
            "backend": ["live", "live"],
            "size_bytes": [2**33, None],
            "sha256": [_DIGEST, None],
            "rating": [4, None],
            "note": ["the best, so far", None],
        }
    )
    table.attrs = {"sweep": "animals"}
    return table


def _types(table: pd.DataFrame) -> dict[str, str]:
    return {name: str(dtype).partition("[p")[0] for name, dtype in table.dtypes.items()}


def test_a_jobs_own_columns_have_their_types_also_where_all_is_missing(results) -> None:
    nothing = typed({name: [None, None] for name in JOB_COLUMNS})
    for table in (results, nothing, typed({name: [] for name in JOB_COLUMNS})):
        types = _types(table)
        assert {name: types[name] for name in JOB_COLUMNS} == JOB_COLUMNS


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["a", None], "string"),
        ([1, None, 2**40], "Int64"),
        ([True, None], "boolean"),
        ([1, 0.5, None], "Float64"),
        ([1.0, float("nan")], "Float64"),
        ([None, None], "string"),
        (["a", float("nan"), pd.NA], "string"),
        ([np.int64(1), 2], "Int64"),
        (np.array([1.5, 2.5]), "Float64"),
        (pd.Series([1, 2]), "Int64"),
        (pd.Series(["a", None]), "string"),
        (pd.Series([2**63], dtype="uint64"), "uint64"),
        (pd.Categorical(["a", "b"]), "category"),
    ],
)
def test_an_input_has_the_type_that_fits_all_of_its_values(values: Any, dtype: str) -> None:
    assert _types(typed({"x": values})) == {"x": dtype}


def test_times_stay_times() -> None:
    assert typed({"x": [pd.Timestamp("2024-01-01"), None]})["x"].dtype.kind == "M"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([{"frame": 0, "x": 0.5}], '[{"frame": 0, "x": 0.5}]'),
        ({"ü": (1, 2)}, '{"ü": [1, 2]}'),
        (np.array([1, 2]), "[1, 2]"),
        (Path("a/b.mp4"), "a/b.mp4"),
        (2**70, str(2**70)),
        (dt.date(2024, 1, 2), "2024-01-02"),
        ("x\ud800y\udc00", "x\ufffdy\ufffd"),
        ("\ud83d\ude00", "😀"),
    ],
)
def test_whatever_else_there_is_becomes_text(value: Any, text: str) -> None:
    assert typed({"x": [value, None]})["x"].tolist() == [text, pd.NA]


def test_what_is_mixed_becomes_text() -> None:
    assert typed({"x": ["a", 1, None, True, [1]]})["x"].tolist() == ["a", "1", pd.NA, "True", "[1]"]


def test_times_are_utc() -> None:
    (time, missing) = typed({"submitted_at": [1_700_000_000.25, None]})["submitted_at"]
    assert time == pd.Timestamp("2023-11-14 22:13:20.25", tz="UTC")
    assert missing is pd.NaT


def _through_parquet(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    table.to_parquet(folder / "table.parquet")
    return pd.read_parquet(folder / "table.parquet")


def _through_csv(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    table.to_csv(folder / "table.csv", index=False)
    return pd.read_csv(folder / "table.csv")


@pytest.mark.parametrize("through", [_through_parquet, _through_csv])
def test_a_table_comes_back_as_it_was(
    results, tmp_path: Path, through: Callable[[pd.DataFrame, Path], pd.DataFrame]
) -> None:
    pd.testing.assert_frame_equal(as_results(through(results, tmp_path)), results)


def test_parquet_keeps_the_types_and_the_sweep_by_itself(results, tmp_path) -> None:
    read = _through_parquet(results, tmp_path)
    pd.testing.assert_frame_equal(read, results)
    assert read.attrs == as_results(read).attrs == {"sweep": "animals"}


def test_an_index_is_kept(results) -> None:
    results.index = pd.Index(["x", "y"], name="row")
    pd.testing.assert_frame_equal(as_results(results), results)


def test_what_was_read_as_text_alone_gets_its_types_too(results, tmp_path) -> None:
    results.to_csv(tmp_path / "table.csv", index=False)
    read = as_results(pd.read_csv(tmp_path / "table.csv", dtype=str))
    own = list(JOB_COLUMNS)
    pd.testing.assert_frame_equal(read[own], results[own])


def test_an_id_that_looks_like_a_number_is_text_again() -> None:
    assert as_results(pd.DataFrame({"job_id": [12.0, None]}))["job_id"].tolist() == ["12", pd.NA]


def test_what_cannot_be_of_its_type_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"column made should be of type float.*soon"):
        as_results(pd.DataFrame({"made": ["soon"]}))
    with pytest.raises(InvalidInputError, match="column submitted_at should be of type datetime"):
        as_results(pd.DataFrame({"submitted_at": ["yesterday"]}))
    with pytest.raises(InvalidInputError, match="column width should be of type int"):
        typed({"width": [320, 1.5, None]})
    with pytest.raises(InvalidInputError, match="more than one column of the name status"):
        as_results(pd.DataFrame([["a", "b"]], columns=["status", "status"]))


@settings(deadline=None)  # the machine may be busy
@example([0, 18_376_249_789_883_314_176])
@given(
    st.lists(st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(-1e18, 1e18) | st.just(float("nan")))
)
def test_numbers_come_as_pandas_would_make_them(values) -> None:
    # Beside a NaN, pandas itself reads whole numbers as floats.
    has_nan = any(value is not None and value != value for value in values)
    assume(not (has_nan and any(type(value) is int and abs(value) > 2**53 for value in values)))
    for name, dtype in {"width": "Int64", "fps": "Float64"}.items():
        try:
            with np.errstate(invalid="ignore"):  # NumPy warns of what pandas then refuses
                expected = pd.Series(pd.array(values, dtype=dtype), name=name)
        except (TypeError, ValueError, OverflowError):
            with pytest.raises(InvalidInputError):
                typed({name: values})
            continue
        pd.testing.assert_series_equal(typed({name: values})[name], expected)


def test_an_input_that_is_called_like_a_column_of_the_job_stands_beside_it() -> None:
    assert column_names(["prompt", "status", "input_status", "model"]) == {
        "prompt": "prompt",
        "status": "input_input_status",
        "input_status": "input_status",
        "model": "input_model",
    }
    records = [
        Record("", "local", "local", "m", "m-latest", inputs={"status": "calm", "seconds": 3}, status="failed"),
        Record("", "local", "local", "m", "m-latest", inputs={"prompt": "a"}, status="planned"),
    ]
    table = frame(records, Path("runs"))
    assert list(table.columns[:4]) == ["model", "input_status", "input_seconds", "prompt"]
    assert table["status"].tolist() == ["failed", "planned"]
    assert table["input_status"].tolist() == ["calm", pd.NA]
    assert table["input_seconds"].tolist() == [3, pd.NA]
    assert table["model"].tolist() == ["m-latest"] * 2


def test_a_table_of_an_earlier_version_is_read(results, tmp_path) -> None:
    old = results.drop(columns=["waited", "made", "note"]).assign(seconds=[3.25, None], rating=["good", None])
    old.to_csv(tmp_path / "table.csv", index=False)
    read = as_results(pd.read_csv(tmp_path / "table.csv"))
    assert read["seconds"].tolist() == [3.25, pd.NA]
    assert read["rating"].tolist() == ["good", pd.NA]  # before there were ratings, it was the caller's own
    assert str(read["rating"].dtype).startswith("str")


def test_the_table_of_jobs_has_the_columns_of_results(tmp_path) -> None:
    record = Record(
        "", "local", "local", "m", "m", status="completed", path="a.mp4", size_bytes=5, sha256=_DIGEST, submitted_at=1.0
    )
    table = frame([record], Path.cwd() / "runs")
    assert _types(table) == JOB_COLUMNS
    (row,) = table.to_dict("records")
    assert (row["path"], row["size_bytes"], row["sha256"]) == ("runs/a.mp4", 5, _DIGEST)
    assert not row["reused"]
    assert frame([], tmp_path).empty
    assert _types(frame([], tmp_path)) == JOB_COLUMNS
