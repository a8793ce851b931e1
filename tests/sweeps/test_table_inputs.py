"""What sweeps are made from: tables, files of every sort, models of one's own and those whose names move."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import decart_nb as dnb
from tests.scripted import answer, serving
from tests.sweeping import T2V, connected, same, wait_until

pytestmark = [pytest.mark.usefixtures("live"), pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")]

POINTS = [{"frame": 0, "x": 0.1, "y": 0.2}, {"frame": 9, "x": 0.5, "y": 0.5}]
#: The columns of results, after the inputs.
OWN = (
    *("take", "drawn_seed", "status", "job_id", "path", "error", "reused", "submitted_at", "waited", "made", "cost"),
    *("width", "height", "fps", "duration", "backend", "size_bytes", "sha256", "rating", "note"),
)


def test_a_table_is_a_row_a_job_and_keeps_its_own_columns(submitted, small_video) -> None:
    given = pd.DataFrame(
        {
            "model": [T2V, "lucy-2.5", T2V],
            "prompt": ["a", "b", None],
            "data": [None, small_video, None],
            "seed": [1, None, 2],
            "note": ["mine", None, "yours"],
            "weight": [0.5, 1.5, None],
            "when": [dt.datetime(2026, 1, 2, tzinfo=dt.UTC)] * 3,
        },
        index=[7, 8, 9],
    )
    results = dnb.sweep(given).run()
    assert list(results["status"]) == ["completed", "completed", "invalid"]
    assert list(results["input_note"].fillna("")) == ["mine", "", "yours"]
    assert list(results["weight"].fillna(0)) == [0.5, 1.5, 0]
    assert str(results["seed"].dtype) == "Int64"
    loaded = dnb.sweep.load(results.attrs["sweep"]).results
    for table in (results, loaded):
        assert table["when"].dt.year.eq(2026).all()
    same(loaded, results, but=["when"])
    assert tuple(results.columns) == ("model", "prompt", "data", "seed", "input_note", "weight", "when", *OWN)
    assert len(dnb.sweep(given, resolution=["480p", "720p"])) == 6
    assert submitted() == 2


def test_what_was_measured_is_no_input(live) -> None:
    mine = dnb.ModelDefinition(name="mine", width=64, height=48, fps=10)  # any column may be an input of it
    measured = pd.DataFrame({"prompt": ["a"], "motion": [1.5], "measure_error": ["too short"], "strength": [2]})
    measured.attrs["metrics"] = ["motion"]
    plan = dnb.sweep(measured, model=mine).plan
    assert {"prompt", "strength"} <= {*plan.columns}
    assert not {"motion", "measure_error"} & {*plan.columns}


def test_a_csv_file_is_a_row_a_job(submitted) -> None:
    Path("jobs.csv").write_text(f'\ufeffmodel,prompt,seed,note\n{T2V},NA,1,x\n{T2V},"b, c",,\n', encoding="utf-8")
    table = dnb.sweep("jobs.csv").run()
    assert table[["prompt", "input_note"]].fillna("").to_numpy().tolist() == [["NA", "x"], ["b, c", ""]]
    assert table["seed"].isna().tolist() == [False, True]
    assert submitted() == 2


@pytest.mark.parametrize("text", ["prompt\na cat, in a hat\n", 'prompt\n"a cat, in a hat"\n', "prompt\r\na cat\r\n"])
def test_a_csv_file_may_have_one_column(text) -> None:
    Path("prompts.csv").write_text(text.replace("cat, in a hat\n", "cat\n"), encoding="utf-8", newline="")
    plan = dnb.sweep(Path("prompts.csv"), model=T2V, seed=[1, 2]).plan
    assert len(plan) == 2
    assert plan["prompt"].str.startswith("a cat").all()


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_csv_file_may_have_other_separators(separator) -> None:
    Path("prompts.csv").write_text(f"prompt{separator}seed\na, b{separator}1\n", encoding="utf-8")
    assert dnb.sweep("prompts.csv", model=T2V).plan[["prompt", "seed"]].to_numpy().tolist() == [["a, b", 1]]


def test_files_of_every_sort_are_read_and_kept(live, submitted, small_video, small_image) -> None:
    Path("in.mp4").write_bytes(small_video.read_bytes())
    given = ["in.mp4", small_video.read_bytes(), io.BytesIO(b"another"), np.zeros((3, 48, 64, 3), np.uint8)]
    sweep = dnb.sweep(model="lucy-2.5", prompt="a", data=given)
    table = sweep.run()
    assert list(table["status"]) == ["completed", "completed", "invalid", "completed"]
    assert table["data"][0] == "in.mp4"
    assert Path(table["data"][1]).read_bytes() == small_video.read_bytes()
    assert Path(table["data"][3]).is_relative_to("decart_runs/inputs")
    assert submitted() == 2
    Path("in.mp4").unlink()
    assert list(dnb.sweep.load(sweep.name).run()["status"]) == list(table["status"])
    image = dnb.sweep(model="lucy-pro-i2v", prompt="a", data=[Image.open(small_image), str(small_image)])
    assert image.run()["status"].eq("completed").all()


def test_a_file_that_one_model_does_not_take_is_another_ones(submitted, small_image, small_video) -> None:
    sweep = dnb.sweep(model=["lucy-2.5", "lucy-pro-i2v"], prompt="a", data=[small_image, small_video, __file__])
    assert list(sweep.plan["plan"]) == ["invalid", "new", "invalid", "new", "invalid", "invalid"]
    table = sweep.run()
    assert "must be a video" in table["error"][0]
    assert "must be an image" in table["error"][4]
    assert submitted() == 2
    same(dnb.sweep.load(sweep.name).results, table)


def test_a_file_from_an_address_is_fetched_once_and_then_found_by_its_bytes(submitted, small_video) -> None:
    made = dnb.generate("lucy-2.5", "a", data=small_video)
    with serving(answer(body=small_video.read_bytes(), content_type="video/mp4")) as server:
        url = f"{server.url}/in.mp4"
        with pytest.raises(dnb.InvalidInputError, match="known only when it has been fetched"):
            dnb.sweep(model="lucy-2.5", prompt="a", data=url).run(max_cost=1)
        sweep = dnb.sweep(model=["lucy-2.5", "lucy-pro-i2v"], prompt=["a", "b"], data=url)
        assert sweep.name != dnb.sweep(model=["lucy-2.5", "lucy-pro-i2v"], prompt=["a", "c"], data=url).name
        table = sweep.run()
        assert len(server.asked) == 1
    assert list(table["status"]) == ["completed", "completed", "invalid", "invalid"]
    assert list(table["data"]) == [url] * 4
    assert (table["job_id"][0], bool(table["reused"][0])) == (made.job_id, True)
    assert "must be an image" in table["error"][2]
    assert submitted() == 2
    same(dnb.sweep.load(sweep.name).results, table.assign(reused=[False, False, pd.NA, pd.NA]), but=["reused"])
    assert dnb.sweep.load(sweep.name).run()["reused"][:2].all()  # from the store: the server has gone
    assert submitted() == 2


def test_a_file_that_cannot_be_fetched_makes_its_rows_invalid(submitted, small_video) -> None:
    with serving(answer(status=404)) as server:
        data = [f"{server.url}/gone.mp4", str(small_video)]
        table = dnb.sweep(model="lucy-2.5", prompt="a", data=data).run()
    assert list(table["status"]) == ["invalid", "completed"]
    assert "404" in table["error"][0]
    assert submitted() == 1


@pytest.mark.filterwarnings("ignore::decart_nb.ModelWarning")  # the model is retired, and the queue is not Decart
def test_trajectories_in_a_table_are_values(submitted, small_image) -> None:
    points = [POINTS, [(0, 0.1, 0.2), (5, 0.3, 0.4)]]
    table = pd.DataFrame({"model": "lucy-motion", "data": str(small_image), "trajectory": points})
    results = dnb.sweep(table).run()
    assert results["status"].eq("completed").all()
    assert json.loads(results["trajectory"][0]) == POINTS
    assert results.decart.run()["reused"].all()
    assert dnb.sweep(model="lucy-motion", data=small_image, trajectory=POINTS).run()["reused"].all()
    assert submitted() == 2


def test_a_model_of_ones_own_is_swept_and_loaded(submitted, small_video) -> None:
    mine = dnb.ModelDefinition(name="lucy-9", width=64, height=48, fps=10, url_path="/v1/jobs/lucy-2.5")
    Path("mask.mp4").write_bytes(small_video.read_bytes())
    sweep = dnb.sweep(model=mine, prompt="a", data=small_video, mask=Path("mask.mp4"), seed=[1, 2])
    table = sweep.run()
    assert list(table["status"]) == ["completed", "completed"]
    assert table["mask"].eq("mask.mp4").all()
    loaded = dnb.sweep.load(sweep.name)
    same(loaded.results, table)
    assert loaded.run()["reused"].all()
    assert submitted() == 2


def test_a_moving_name_is_asked_for_when_it_runs(submitted, small_video) -> None:
    sweep = dnb.sweep(model="lucy-vton-latest", prompt="a", data=small_video, seed=[1, 2])
    assert sweep.resolve() is sweep
    assert list(sweep.plan["plan"]) == ["new", "new"]
    assert sweep.run()["status"].eq("completed").all()
    assert dnb.generate("lucy-vton-3.6", "a", data=small_video, seed=2).reused
    assert submitted() == 2


def test_a_moving_name_that_nobody_can_tell_ends_the_run_before_it_began(canned_queue, small_video) -> None:
    sweep = dnb.sweep(model="lucy-latest", prompt="a", data=small_video)
    connected(canned_queue, patience=dnb.Patience(submission=0.0))
    gone = dnb.sweep(model="lucy-latest", prompt="b", data=small_video)
    canned_queue.stop()
    for begin in (gone.run, gone.resolve):
        with pytest.raises(dnb.QueueStatusError):
            begin()
    assert list(gone.results["status"]) == ["planned"]
    assert sweep.over


@pytest.mark.parametrize(
    "text",
    ["prompt,note\nA tree, soft light,x\n", "prompt\nA tree, soft light\n"],
)
def test_a_comma_that_is_not_in_quotes_moves_no_text_into_another_column(live, text) -> None:
    Path("prompts.csv").write_text(text)
    with pytest.raises(dnb.InvalidInputError, match=r"Line 2 of prompts\.csv has more columns .* must be in quotes"):
        live.sweep("prompts.csv", model="lucy-2.5")


def test_a_run_warns_of_a_retired_model_and_so_does_no_plan(live) -> None:
    sweep = live.sweep(model="lucy-pro-t2v", prompt="a")
    assert list(sweep.plan.plan) == ["new"]
    with pytest.warns(dnb.ModelWarning, match="lucy-pro-t2v is retired"):
        sweep.run()


def test_images_of_the_memory_are_told_apart_before_and_after(live, small_video) -> None:
    images = [Image.new("RGB", (64, 48), color) for color in ("red", "blue")]
    asked = {"model": "lucy-2.5", "prompt": "a", "data": small_video, "reference_image": images}
    planned = list(live.sweep(**asked).plan.reference_image)
    assert len(set(planned)) == 2
    assert list(live.sweep(**asked).run().reference_image) == planned
    assert list(live.sweep(**asked).results.reference_image) == planned


def test_a_file_that_the_next_line_overwrites_is_used_as_it_was(submitted, small_video) -> None:
    path = Path("frame.mp4")
    path.write_bytes(small_video.read_bytes())
    sweep = dnb.sweep(model="lucy-2.5", prompt=["a", "b"], data=path).start()
    path.write_bytes(b"another")
    wait_until(lambda: sweep.over)
    assert sweep.progress.done == 2
    path.write_bytes(small_video.read_bytes())
    assert sweep.run()["reused"].all()
    assert submitted() == 2
