"""The tables of sweeps: the plan before anything is sent, the results at any moment, and what brings them back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import decart_nb as dnb
from decart_nb.job.table import as_results
from decart_nb.local.queue import LocalQueue
from decart_nb.session.current import set_current_session
from tests import sweeping
from tests.sweeping import T2V, connected, ended, failing, kernel, same, wait_until

pytestmark = [pytest.mark.usefixtures("live"), pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")]

#: The columns of results, after the inputs.
OWN = (
    *("take", "drawn_seed", "status", "job_id", "path", "error", "reused", "submitted_at", "waited", "made", "cost"),
    *("width", "height", "fps", "duration", "backend", "size_bytes", "sha256", "rating", "note"),
)


def test_a_plan_tells_what_is_new_reused_in_flight_failed_uncertain_and_invalid(small_video, tmp_path) -> None:
    takes = [0.1]
    with LocalQueue(tmp_path / "slow", canned=small_video, draw_duration=lambda: takes[-1]) as queue:
        connected(queue)
        dnb.generate(T2V, "made")
        with failing(queue):
            dnb.sweep(model=T2V, prompt="failed").run()
        ended(kernel(queue, sweeping.cut_off, "uncertain"))
        connected(queue)  # which finds what that kernel has left
        takes.append(2.0)
        under_way = dnb.submit(T2V, "under way")
        wait_until(lambda: dnb.jobs()["status"].eq("pending").any())
        _check_the_plan(lambda: sweeping.submitted(queue), under_way)


def _check_the_plan(submitted: Callable[[], int], under_way: dnb.Job) -> None:
    taken = submitted()
    sweep = dnb.sweep(model=T2V, prompt=["made", "failed", "uncertain", "under way", "new", "new", ""])
    plan = sweep.plan
    assert list(plan["plan"]) == ["reused", "failed", "uncertain", "in flight", "new", "reused", "invalid"]
    assert "retry() makes it again" in plan["why"][1]
    assert "retry(uncertain=True)" in plan["why"][2]
    assert plan["why"][[0, 3, 4]].isna().all()
    assert (plan["seconds"][4], plan["cost"][4]) == (5.0, 0.2)
    for words in ("7 rows", "2 reused", "1 in flight", "1 invalid", "5 s of video", "about $0.20", "perhaps"):
        assert words in plan.attrs["totals"]
    assert repr(plan).startswith(plan.attrs["totals"])
    assert plan.attrs["totals"] in plan._repr_html_()
    assert json.dumps(plan.attrs)
    assert submitted() == taken

    table = sweep.run()
    assert submitted() == taken + 1
    assert list(table["status"]) == [*("completed", "failed", "uncertain"), *["completed"] * 3, "invalid"]
    assert "nobody knows" in table["error"][2]
    assert table["job_id"][3] == under_way.id


def test_a_plan_and_names_ask_no_server(live, canned_queue) -> None:
    canned_queue.stop()
    plan = dnb.sweep(model=[T2V, "lucy-latest"], prompt="a", data="http://127.0.0.1:9/a.mp4").plan
    assert list(plan["plan"]) == ["new", "new"]
    assert plan["why"][1] == "its input is fetched first"


def test_what_is_not_known_is_missing_and_is_not_taken_for_nothing(small_video) -> None:
    plan = dnb.sweep(model=["lucy-2.6", T2V], prompt="a", data=small_video).plan
    assert list(plan["cost"].isna()) == [True, False]
    assert "about $0.20 · 1 of unknown cost" in plan.attrs["totals"]
    assert {str(plan[name].dtype) for name in ("seconds", "cost")} == {"Float64"}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from([T2V, "lucy-2.5", "lucy-9"]), min_size=1, max_size=3),
    st.lists(st.sampled_from(["a", "b", "", None, "x" * 1001]), min_size=1, max_size=4),
    st.lists(st.sampled_from([1, 2, -1, 0.5, None]), min_size=1, max_size=3),
    st.integers(1, 3),
)
def test_every_row_of_a_plan_is_valid_or_says_why_not(models, prompts, seeds, repeat) -> None:
    sweep = dnb.sweep(model=models, prompt=prompts, seed=seeds, repeat=repeat)
    plan = sweep.plan
    assert len(plan) == len(sweep) == len(models) * len(prompts) * len(seeds) * repeat
    assert set(plan["plan"]) <= {"new", "reused", "invalid"}
    assert plan.loc[plan["plan"] == "invalid", "why"].str.len().gt(0).all()
    assert plan.loc[plan["plan"] == "new", "why"].isna().all()
    assert plan.loc[plan["plan"] == "invalid", "cost"].isna().all()
    other = dnb.sweep(seed=seeds, model=models, prompt=prompts, repeat=repeat)
    assert sorted(plan["plan"]) == sorted(other.plan["plan"])


def test_the_local_queue_costs_nothing_unless_it_is_rehearsed(monkeypatch, live) -> None:
    monkeypatch.setenv("DECART_BACKEND", "local")
    set_current_session(None)
    opened = dnb.connect("local", store="other")
    plan = opened.sweep(model=[T2V, "lucy-2.6"], prompt="a").plan
    assert plan["cost"][0] == 0.0
    assert dnb.connect("local", store="other", prices={T2V: 0.1}).sweep(model=T2V, prompt="a").plan["cost"][0] == 0.5


def test_results_are_typed_and_complete(submitted, small_video) -> None:
    sweep = dnb.sweep(model=["lucy-2.5"], prompt=["a", "b"], data=small_video, seed=3)
    before = sweep.results
    assert list(before["status"]) == ["planned", "planned"]
    table = sweep.run()
    assert tuple(table.columns) == ("model", "prompt", "data", "seed", *OWN)
    pd.testing.assert_series_equal(before.dtypes, table.dtypes)
    assert (table.attrs["sweep"], json.dumps(table.attrs) != "") == (sweep.name, True)
    row = table.iloc[1]
    assert (row["seed"], row["take"], row["backend"]) == (3, 0, "live")
    assert not Path(row["data"]).is_absolute()  # no path of the machine, and one that leads there
    assert Path(row["data"]).samefile(small_video)
    assert (row["width"], row["height"], row["fps"], row["duration"]) == (64, 48, 10.0, 1.0)
    assert row["cost"] == pytest.approx(0.04)
    assert Path(row["path"]).read_bytes() == small_video.read_bytes()
    assert row["size_bytes"] == small_video.stat().st_size
    assert row["waited"] >= 0
    assert 0 < row["made"] < 60
    clip = table.decart.clips[1]
    assert (clip.job_id, clip.inputs["prompt"]) == (row["job_id"], "b")
    same(table, sweep.results)


def test_results_come_back_from_parquet_and_csv_and_run_without_a_submission(submitted, small_video) -> None:
    table = dnb.sweep(
        model=[T2V, "lucy-2.5"], prompt="a {x}", x=["b", "c"], data=[small_video, "gone.mp4"], seed=[None, 2]
    ).run()
    taken = submitted()
    assert {"completed", "invalid"} == set(table["status"])
    table.to_parquet("table.parquet")
    table.to_csv("table.csv", index=False)
    same(pd.read_parquet("table.parquet"), table)
    assert pd.read_parquet("table.parquet").attrs == table.attrs
    read = as_results(pd.read_csv("table.csv"))
    same(read, table)
    for kept in (pd.read_parquet("table.parquet"), pd.read_csv("table.csv"), read.sort_values("x")):
        again = kept.decart.run()
        assert list(again["status"]) == list(kept["status"])
        assert again["reused"][again["status"].eq("completed")].all()
        assert list(again["job_id"].fillna("")) == list(kept["job_id"].fillna(""))
    assert list(dnb.sweep("table.csv").run()["status"]) == list(table["status"])
    assert submitted() == taken


def test_a_clip_as_input_has_a_path_relative_to_the_notebook(small_video) -> None:
    clip = dnb.generate("lucy-2.5", prompt="a", data=small_video)
    sweep = dnb.sweep(model="lucy-2.5", prompt="b", data=clip, seed=[1, 2])
    for table in (sweep.plan, sweep.run(), sweep.results):
        assert table["data"].tolist() == [f"decart_runs/{clip.path.name}"] * 2
        assert 'src="data:image/webp;base64,' in table._repr_html_()
    clip.path.rename("gone.mp4")
    with pytest.raises(dnb.InvalidInputError) as caught:
        dnb.generate("lucy-2.5", prompt="c", data=clip)
    assert str(Path.cwd()) not in str(caught.value)


def test_another_kernel_loads_equal_results(live, canned_queue, submitted, small_video) -> None:
    text = "a.mp4"
    table = pd.DataFrame({"model": "lucy-2.5", "prompt": [text, "{name}"], "name": text, "data": text, "n": [1, 2]})
    Path(text).write_bytes(small_video.read_bytes())
    sweep = dnb.sweep(table, name="mine")
    results = sweep.run()
    assert results["status"].eq("completed").all()
    results.to_pickle("here.pickle")
    ended(kernel(canned_queue, sweeping.load_and_keep, "mine", "there.pickle"))
    same(pd.read_pickle("there.pickle"), results)
    assert submitted() == 1  # the second row asks for the same


def test_a_sweep_that_nobody_knows_is_an_error_that_knows_better() -> None:
    with pytest.raises(dnb.InvalidInputError, match="has no sweep called 'mnie'"):
        dnb.sweep.load("mnie")
    dnb.sweep(model=T2V, prompt="a", name="mine").run()
    with pytest.raises(dnb.InvalidInputError, match=r"Did you mean mine\? It has mine\."):
        dnb.sweep.load("mnie")


def test_a_sweep_whose_input_was_removed_says_so(small_video) -> None:
    dnb.sweep(model="lucy-2.5", prompt="a", data=small_video, name="mine").run()
    next(Path("decart_runs/inputs").iterdir()).unlink()
    with pytest.raises(dnb.StoreError, match=r"small\.mp4, which the sweep was made from, is no longer in"):
        dnb.sweep.load("mine")


def test_a_video_that_was_removed_is_fetched_again(submitted) -> None:
    sweep = dnb.sweep(model=T2V, prompt=["a", "b"])
    Path(sweep.run()["path"][0]).unlink()
    again = sweep.run()
    assert again["status"].eq("completed").all()
    assert Path(again["path"][0]).is_file()
    assert sweep.progress.cost == pytest.approx(0.4)
    assert submitted() == 2
