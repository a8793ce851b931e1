"""`df.decart` on tables of results, whatever has been done to them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from decart_nb import InvalidInputError
from decart_nb.job.clip import Clip
from decart_nb.job.table import typed

_START = 1_700_000_000.0


def _table(video: Path, *rows: dict[str, Any]) -> pd.DataFrame:
    """A table of results: each row is a completed job of ``video``, unless it says otherwise."""
    usual = {
        "model": "lucy-2.5",
        "prompt": "a",
        "seed": None,
        "remark": "mine",
        "take": 0,
        "status": "completed",
        "job_id": "j1",
        "path": str(video),
        "error": None,
        "reused": False,
        "submitted_at": _START,
        "waited": 0.5,
        "made": 2.0,
        "cost": 0.2,
        "width": 64,
        "height": 48,
        "fps": 10.0,
        "duration": 1.0,
        "backend": "live",
        "size_bytes": 999,
        "sha256": "0f" * 32,
    }
    nothing = {"status": "failed", "error": "no <memory>", "path": None, "cost": None, "waited": None, "made": None}
    made = [{**usual, **(nothing if "status" in row else {}), **row} for row in rows]
    return typed({name: [row[name] for row in made] for name in usual})


@pytest.fixture
def results(small_video: Path) -> pd.DataFrame:
    return _table(
        small_video,
        {"prompt": "b", "seed": 1},
        {"prompt": "b", "model": "lucy-2.6", "reused": True, "waited": 8.0, "made": 10.0},
        {"prompt": "a", "seed": 1, "cost": None, "waited": 2.0, "made": 4.0},
        {"prompt": "a", "model": "lucy-2.6", "status": "failed"},
    )


def test_a_table_without_the_columns_names_them(results) -> None:
    with pytest.raises(AttributeError, match=r"needs a column model.*status and path.*this table has x and y\."):
        _ = pd.DataFrame({"x": [1], "y": [2]}).decart
    with pytest.raises(AttributeError, match="this table has decart"):
        _ = pd.DataFrame({"decart": [1]}).decart
    with pytest.raises(AttributeError, match="and 8 more"):
        _ = pd.DataFrame({f"x{number}": [] for number in range(20)}).decart
    assert not hasattr(pd.DataFrame(), "decart")
    with pytest.raises(AttributeError, match=r"clips needs the columns status and path, .* it has model\."):
        _ = results[["model"]].decart.clips
    with pytest.raises(AttributeError, match=r"grid\(\) needs the column path"):
        results[["status", "prompt", "model"]].decart.grid("prompt", "model")
    with pytest.raises(AttributeError, match=r"summary\(\) needs the columns reused and cost"):
        results[["status"]].decart.summary()
    with pytest.raises(AttributeError, match=r"run\(\) needs the column model"):
        results.drop(columns="model").decart.run()


def test_clips_are_made_from_the_rows_alone(small_video) -> None:
    table = _table(small_video, {"path": "gone/a.mp4", "seed": 3, "take": 1, "reused": True}, {"status": "failed"})
    clip, missing = table.decart.clips
    assert missing is None
    assert isinstance(clip, Clip)
    assert (clip.path, clip.job_id, clip.model) == (Path("gone/a.mp4"), "j1", "lucy-2.5")
    assert clip.inputs == {"prompt": "a", "seed": 3}  # the remark was not asked for
    assert (clip.width, clip.height, clip.fps, clip.duration) == (64, 48, 10.0, 1.0)
    assert (clip.size_bytes, clip.sha256, clip.backend) == (999, "0f" * 32, "live")
    assert (clip.waited, clip.made, clip.cost, clip.reused, clip.take) == (0.5, 2.0, 0.2, True, 1)
    assert clip.made_at == _START + 2.5
    assert {type(value) for value in (clip.width, clip.take)} == {int}


def test_a_model_of_ones_own_was_asked_for_all_that_is_there(small_video) -> None:
    table = _table(small_video, {"model": "mine"}).assign(input_status="calm", input_pad=1)
    (clip,) = table.decart.clips
    assert clip.inputs == {"prompt": "a", "remark": "mine", "status": "calm", "input_pad": 1}


def test_what_was_measured_is_no_input_of_a_clip(small_video) -> None:
    table = _table(small_video, {"model": "mine"}).assign(motion=1.5, duplicate_group=0)
    table.attrs["metrics"] = ["motion"]
    (clip,) = table.decart.clips
    assert clip.inputs == {"prompt": "a", "remark": "mine"}


def test_clips_keep_the_index_of_what_is_filtered_sorted_and_put_together(results) -> None:
    some = results[results["prompt"] == "b"].sort_values("model", ascending=False)
    clips = pd.concat([some, results.iloc[[3]]]).decart.clips
    assert list(clips.index) == [1, 0, 3]
    assert [clip and clip.model for clip in clips] == ["lucy-2.6", "lucy-2.5", None]
    assert clips.dtype == object
    assert results.iloc[:0].decart.clips.empty


def test_what_was_read_back_has_the_same_clips(results, tmp_path) -> None:
    results.to_csv("table.csv", index=False)
    results.to_parquet("table.parquet")
    wanted = [clip and vars(clip) for clip in results.decart.clips]
    for read in (pd.read_csv("table.csv"), pd.read_parquet("table.parquet")):
        assert [clip and vars(clip) for clip in read.decart.clips] == wanted
    text = pd.read_csv("table.csv", dtype=str).decart
    assert [clip and clip.made_at for clip in text.clips] == [row and row["made_at"] for row in wanted]
    pd.testing.assert_frame_equal(text.summary(), results.decart.summary())


def test_a_few_columns_are_enough_for_clips(results, small_video) -> None:
    clip = results[["status", "path"]].decart.clips[0]
    assert (clip.model, clip.width, clip.sha256, clip.cost, clip.made_at) == ("", 0, "", None, None)
    assert clip.size_bytes == small_video.stat().st_size


def test_a_grid_has_a_tile_for_each_row_by_the_columns_that_vary(results) -> None:
    data = results.decart.grid().data()
    assert (data["rows"], data["cols"]) == ("prompt", "model")
    assert [tile["status"] for tile in data["tiles"]] == ["completed"] * 3 + ["failed"]
    assert data["tiles"][3]["error"] == "no <memory>"
    other = results.decart.grid(rows="seed", cols="prompt").data()
    assert (other["rows"], other["cols"]) == ("seed", "prompt")


def test_a_grid_is_shown_as_text_and_as_static_html(results) -> None:
    grid = results.decart.grid()
    assert "failed: no <memory>" in repr(grid)
    html = grid._repr_html_()
    assert html.count("<img ") == 3
    assert "no &lt;memory&gt;" in html
    assert "<memory>" not in html


def test_a_grid_has_no_columns_by_which_it_would_be_nearly_empty(small_video) -> None:
    table = _table(small_video, *({"prompt": f"p{number}", "seed": number} for number in range(30)))
    data = table.decart.grid().data()
    assert (data["rows"], data["cols"]) == ("prompt", "")


def test_a_table_that_was_read_back_has_no_column_for_its_index(results, tmp_path) -> None:
    results.to_csv(tmp_path / "results.csv")
    read = pd.read_csv(tmp_path / "results.csv")
    assert not [column["name"] for column in read.decart.grid().data()["columns"] if "Unnamed" in column["name"]]


def test_a_grid_of_no_rows_is_empty(results) -> None:
    grid = results.iloc[:0].decart.grid()
    assert len(grid) == 0
    assert "<img" not in grid._repr_html_()


def test_exports_take_the_columns_that_the_grid_takes(results, tmp_path) -> None:
    assert results.decart.contact_sheet(tmp_path / "sheet.png").stat().st_size > 1000
    assert results.decart.grid_video(tmp_path / "grid.mp4", rows="seed").stat().st_size > 1000
    assert (results.decart.to_html(tmp_path / "gallery").parent / "clips").is_dir()


def test_an_unknown_column_is_an_error_that_knows_better(results) -> None:
    with pytest.raises(InvalidInputError, match=r"rows must name a column .* not 'promt'\. Did you mean prompt\?"):
        results.decart.grid("promt", "model")
    with pytest.raises(InvalidInputError, match="cols must name a column"):
        results.decart.grid("prompt", [])
    with pytest.raises(InvalidInputError, match="two different columns"):
        results.decart.grid("prompt", "prompt")
    with pytest.raises(InvalidInputError, match="by must name columns"):
        results.decart.summary(by="modle")
    twice = pd.concat([results, results[["prompt"]]], axis=1)
    with pytest.raises(InvalidInputError, match="more than one column of the name prompt"):
        twice.decart.grid("prompt", "model")
    with pytest.raises(InvalidInputError, match="more than one column of the name prompt"):
        _ = twice.decart.clips


def test_a_summary_counts_and_adds_up(results) -> None:
    (row,) = results.decart.summary().to_dict("records")
    assert (row["count"], row["completed"], row["failed"], row["reused"]) == (4, 3, 1, 1)
    assert (row["waited"], row["made"]) == (2.0, 4.0)
    assert row["cost"] == pytest.approx(0.4)
    assert row["cost_unknown"] == 1


def test_a_summary_by_a_column_keeps_its_order(results) -> None:
    summary = results.decart.summary(by="prompt")
    assert (list(summary.index), summary.index.name) == (["b", "a"], "prompt")
    assert summary["count"].tolist() == [2, 2]
    assert summary["waited"].tolist() == [4.25, 2.0]
    assert summary["made"].tolist() == [6.0, 4.0]
    assert summary["cost"].tolist() == [0.4, pd.NA]  # nothing of it is known
    assert summary["cost_unknown"].tolist() == [0, 1]
    kinds = {name: str(dtype) for name, dtype in summary.dtypes.items()}
    assert kinds == {
        **dict.fromkeys(("count", "completed", "failed", "reused", "cost_unknown"), "Int64"),
        **dict.fromkeys(("waited", "made", "cost"), "Float64"),
    }


def test_a_summary_keeps_what_has_no_value_and_knows_all_that_failed(small_video) -> None:
    table = _table(
        small_video,
        {"seed": None},
        {"seed": 2, "status": "rejected"},
        {"seed": None, "status": "uncertain"},
        {"seed": 2, "status": "invalid"},
        {"seed": 2, "status": None},
    )
    summary = table.decart.summary(by=["seed", "model"])
    assert summary["count"].tolist() == [2, 3]
    assert summary["failed"].tolist() == [1, 1]
    assert summary["completed"].tolist() == [1, 0]
    assert table.decart.summary(by="status")["count"].sum() == 5


def test_a_table_of_an_earlier_version_has_its_clips_and_a_summary_without_times(results) -> None:
    old = results.drop(columns=["waited", "made"]).assign(seconds=[2.5, 10.5, 4.5, None])
    clip = old.decart.clips[0]
    assert (clip.made, clip.made_at) == (None, _START + 2.5)
    assert "seconds" not in clip.inputs
    summary = old.decart.summary()
    assert summary[["waited", "made"]].isna().to_numpy().all()
    assert summary["completed"].tolist() == [3]


def test_a_summary_of_nothing_is_a_row_of_nothing(results) -> None:
    empty = results.iloc[:0].decart
    summary = empty.summary()
    assert summary[["count", "completed", "cost_unknown"]].to_numpy().tolist() == [[0, 0, 0]]
    assert summary[["waited", "made", "cost"]].isna().to_numpy().all()
    pd.testing.assert_series_equal(summary.dtypes, results.decart.summary().dtypes)
    assert empty.summary(by="model").empty


def test_columns_of_any_kind_do_no_harm(results) -> None:
    table = results.assign(when=dt.date(2024, 1, 1), what=[[1], [2], [1], {}]).rename(columns={"remark": 7})
    assert len(table.decart.grid("what", "model")) == 4
    assert table.decart.summary(by=("when", 7))["count"].tolist() == [4]
    assert len(table.decart.clips) == 4
