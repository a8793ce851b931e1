"""Sweeps: what is asked for, in axes and by itself, and that what is there already is not made again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import decart_nb as dnb
from tests.sweeping import T2V

pytestmark = [pytest.mark.usefixtures("live"), pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")]


def test_one_prompt_more_costs_exactly_its_own_cells(submitted, small_video) -> None:
    axes: dict[str, Any] = {"model": [T2V, "lucy-2.5"], "data": small_video, "seed": [1, 2]}
    first = dnb.sweep(prompt=["a", "b", "c", "d"], **axes).run()
    assert submitted() == len(first) == 16
    assert not first["reused"].any()
    more = dnb.sweep(prompt=["a", "b", "c", "d", "e"], **axes)
    assert more.plan["plan"].value_counts().to_dict() == {"reused": 16, "new": 4}
    table = more.run()
    assert submitted() == 20
    assert table["status"].eq("completed").all()
    assert table["reused"].eq(table["prompt"] != "e").all()
    assert dnb.sweep(prompt=["a"], **axes).run()["reused"].all()
    assert submitted() == 20


def test_a_clip_made_alone_is_reused_by_a_sweep_and_the_other_way_round(live, submitted, small_video) -> None:
    clip = dnb.generate("lucy-2.5", "a", data=small_video, seed=1)
    table = dnb.sweep(model="lucy-2.5", prompt="a", data=str(small_video), seed=[1, 2]).run()
    assert list(table["reused"]) == [True, False]
    assert table["job_id"][0] == clip.job_id
    assert dnb.generate("lucy-latest", "a", data=small_video.read_bytes(), seed=2).job_id == table["job_id"][1]
    assert submitted() == 2


def test_rows_that_ask_for_the_same_share_a_job(submitted) -> None:
    sweep = dnb.sweep(model=T2V, prompt=["a", "b", "a"], resolution=[None, "720p"])
    assert list(sweep.plan["plan"]) == ["new", "reused", "new", "reused", "reused", "reused"]
    assert list(sweep.plan["why"].fillna("")) == [
        *("", "the same request as row 0", "", "the same request as row 2"),
        *["the same request as row 0"] * 2,
    ]
    table = sweep.run()
    assert submitted() == 2
    assert list(table["reused"]) == [False, True, False, True, True, True]
    assert table.groupby("prompt")["job_id"].nunique().to_dict() == {"a": 1, "b": 1}
    assert (sweep.progress.done, sweep.progress.reused) == (2, 4)


def test_repeat_makes_takes(submitted) -> None:
    table = dnb.sweep(model=T2V, prompt=["a", "b"], repeat=3).run()
    assert list(table["take"]) == [0, 1, 2, 0, 1, 2]
    assert table["job_id"].nunique() == submitted() == 6
    assert table[table["take"] > 0].decart.run()["job_id"].isin(table["job_id"]).all()
    assert dnb.sweep(model=T2V, prompt="a", repeat=4).run()["reused"].sum() == 3
    assert dnb.generate(T2V, "a").job_id == table["job_id"][0]
    assert submitted() == 7


def test_invalid_rows_say_why_and_stop_nothing(submitted, small_video) -> None:
    sweep = dnb.sweep(
        model=[T2V, "lucy-2.5", "lucy-9"], prompt=["a", "x" * 1001], data=[small_video, "gone.mp4"], seed=1
    )
    states = list(sweep.plan["plan"])
    assert states == [*("new", "reused"), *["invalid"] * 2, "new", *["invalid"] * 3, *["invalid"] * 4]
    table = sweep.run()
    assert submitted() == 2
    invalid = table[table["status"] == "invalid"]
    assert len(invalid) == 9
    assert invalid["error"].notna().all()
    assert invalid["job_id"].isna().all()
    assert "no file gone.mp4" in table["error"][5]
    assert "1001 characters" in table["error"][6]
    assert "Model lucy-9 not found" in table["error"][8]
    assert list(table["prompt"][8:10]) == ["a", "a"]
    assert table["status"].value_counts()["completed"] == 3
    assert (sweep.progress.invalid, sweep.progress.failed) == (9, 0)
    assert "invalid" in sweep.progress.note


def test_a_sweep_of_nothing_but_invalid_rows_ends(submitted) -> None:
    assert list(dnb.sweep(model="lucy-9", prompt="a").run()["status"]) == ["invalid"]
    assert submitted() == 0


def test_inputs_that_a_model_does_not_take_are_left_out_and_told(submitted, small_video) -> None:
    sweep = dnb.sweep(model=[T2V, "lucy-2.5"], prompt="a", data=small_video, orientation=["portrait", "landscape"])
    assert list(sweep.plan["left_out"]) == ["data", "data", "orientation", "orientation"]
    assert "left_out" not in dnb.sweep(model=T2V, prompt="a").plan
    table = sweep.run()
    assert submitted() == 3  # the second model makes one of its two rows
    assert list(table["data"].notna()) == [False, False, True, True]


def test_axes_that_go_together_mix_with_others(submitted) -> None:
    table = dnb.sweep(dnb.zip_axes(prompt=["a", "b"], resolution=["480p", "720p"]), model=T2V, seed=[1, 2]).run()
    assert table[["prompt", "resolution", "seed"]].to_numpy().tolist() == [
        *(["a", "480p", 1], ["a", "480p", 2]),
        *(["b", "720p", 1], ["b", "720p", 2]),
    ]
    assert submitted() == 4


def test_templates_keep_themselves_and_their_choices_as_columns(submitted) -> None:
    sweep = dnb.sweep(model=T2V, prompt="a {animal} in {place}", animal=["cat", "dog"], place=["Rome", "snow"])
    table = sweep.run()
    assert list(table["prompt"]) == ["a cat in Rome", "a cat in snow", "a dog in Rome", "a dog in snow"]
    assert list(table["animal"]) == ["cat", "cat", "dog", "dog"]
    assert table["prompt_template"].eq("a {animal} in {place}").all()
    assert dnb.generate(T2V, "a dog in snow").reused
    again = table[table["animal"] == "cat"].decart.run()
    assert again["reused"].all()
    assert list(again["prompt"]) == ["a cat in Rome", "a cat in snow"]
    assert {"animal", "place", "prompt_template"} <= set(again.columns)
    assert submitted() == 4


def test_a_sample_is_a_sweep_of_some_rows(submitted) -> None:
    sweep = dnb.sweep(model=T2V, prompt=["a", "b", "c"], seed=range(50), resolution="480p")
    drawn = sweep.sample(4, seed=1)
    assert len(drawn) == 4
    assert drawn.plan.equals(sweep.sample(4, seed=1).plan)
    table = drawn.run()
    assert submitted() == 4
    assert dnb.sweep.load(drawn.name).run()["reused"].all()
    assert sweep.plan["plan"].value_counts().to_dict() == {"new": 146, "reused": 4}
    assert table[["prompt", "seed"]].drop_duplicates().shape == (4, 2)


def test_it_can_be_awaited_once_it_has_begun(submitted) -> None:
    async def awaited() -> pd.DataFrame:
        return await dnb.sweep(model=T2V, prompt=["a", "b"]).start()

    assert asyncio.run(awaited())["status"].eq("completed").all()
    assert submitted() == 2


def test_waiting_and_looking_spend_nothing(submitted) -> None:
    sweep = dnb.sweep(model=T2V, prompt=["a", "b"])

    async def awaited(wait: Callable[[Any], Awaitable[object]]) -> None:
        await wait(sweep)

    for wait in (lambda sweep: sweep, asyncio.gather, lambda sweep: asyncio.wait_for(sweep, 5)):
        with pytest.raises(dnb.InvalidInputError, match=r"has not been started, .*\.start\(max_cost=…\)"):
            asyncio.run(awaited(wait))
    assert sweep.plan["plan"].eq("new").all()
    assert sweep.results["status"].eq("planned").all()
    assert sweep.progress.waiting == 2
    sweep.cancel()
    assert "2 rows" in repr(sweep)
    assert len(dnb.jobs()) == submitted() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_cost": -1}, "max_cost must be USD"),
        ({"max_cost": float("nan")}, "max_cost must be USD"),
        ({"max_cost": "5"}, "max_cost must be USD"),
        ({"max_cost": True}, "max_cost must be USD"),
        ({"concurrency": 0}, "concurrency must be a whole number"),
        ({"concurrency": 2.5}, "concurrency must be a whole number"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_before_anything_is_sent(options, message, submitted) -> None:
    sweep = dnb.sweep(model=T2V, prompt="a")
    for begin in (sweep.run, sweep.start, sweep.retry):
        with pytest.raises(dnb.InvalidInputError, match=message):
            begin(**options)
    assert sweep.over
    assert submitted() == 0


@pytest.mark.parametrize(
    ("tables", "named", "message"),
    [
        ([], {"prompt": "a"}, "needs a model"),
        ([], {"model": T2V, "promt": "a"}, r"promt is not an input .* Did you mean prompt\?"),
        ([], {"model": T2V, "prompt": []}, "without values"),
        ([], {"model": T2V, "prompt": "a", "repeat": 0}, "repeat must be"),
        ([], {"model": T2V, "prompt": "a", "name": "two\nlines"}, "name of a sweep"),
        ([], {"model": T2V, "prompt": "a", "name": 3}, "name of a sweep"),
        (["gone.csv"], {"model": T2V}, r"There is no table gone\.csv"),
        (["table.xlsx"], {"model": T2V}, r"There is no table table\.xlsx"),
        ([pd.DataFrame({"model": []})], {}, "table is empty"),
        ([3], {"model": T2V}, "Only a DataFrame and zip_axes"),
    ],
)
def test_what_is_no_sweep_is_refused(tables, named, message) -> None:
    with pytest.raises(dnb.InvalidInputError, match=message):
        dnb.sweep(*tables, **named)


@pytest.mark.parametrize("content", [b"", b"prompt\n", b"prompt\n\xff\xfe\n"])
def test_a_file_that_is_no_table_is_refused(content) -> None:
    Path("broken.csv").write_bytes(content)
    with pytest.raises(dnb.InvalidInputError, match=r"broken\.csv (cannot be read|is not UTF-8|is empty)"):
        dnb.sweep("broken.csv", model=T2V)


def test_numbers_of_numpy_are_numbers(submitted) -> None:
    sweep = dnb.sweep(model=T2V, prompt="a", seed=np.arange(3))
    table = sweep.run(max_cost=np.float32(0.5), concurrency=np.int64(2))
    assert table["status"].value_counts().to_dict() == {"completed": 2, "planned": 1}
    assert submitted() == 2


def test_a_sweep_says_what_it_is(submitted) -> None:
    sweep = dnb.sweep(model=T2V, prompt=["a", "b"])
    assert repr(sweep) == "<Sweep of 2 rows: .plan tells what would run, .run() runs it>"
    assert sweep.name == dnb.sweep(prompt=["a", "b"], model=T2V).name != dnb.sweep(model=T2V, prompt="a").name
    sweep.run()
    assert repr(sweep) == f"<Sweep {sweep.name}, ended: 2 of 2 done, 0 failed>"
