"""Sweeps of what is broken: it is refused or invalid, in our own words, and nobody pays for it, now or later."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import decart_nb as dnb
from decart_nb.sweeps.tables import Plan
from tests.sweeping import T2V

pytestmark = [pytest.mark.usefixtures("live"), pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")]

#: A number that Python does not write out.
HUGE = 10**5000


class Broken:
    def __repr__(self) -> str:
        raise ZeroDivisionError

    __str__ = __repr__


def kind(value: Any) -> str:
    return value if isinstance(value, str) and value.isascii() else type(value).__name__


def circle() -> list[Any]:
    ring: list[Any] = []
    ring.append(ring)
    return ring


def plan_of(text: str, **axes: Any) -> Plan:
    Path("rows.csv").write_text(text, encoding="utf-8")
    return dnb.sweep("rows.csv", **({"model": T2V} | axes)).plan


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("prompt", b"bytes"),
        ("prompt", Path("a/b")),
        ("prompt", dnb.models.video(T2V)),
        ("prompt", Broken()),
        ("prompt", HUGE),
        ("prompt", uuid.UUID(int=1)),
        ("prompt", dt.date(2026, 1, 2)),
        ("seed", fractions.Fraction(1, 3)),
        ("seed", HUGE),
        ("seed", {"$file": 1}),
        ("resolution", Broken()),
    ],
    ids=kind,
)
def test_what_was_invalid_is_so_for_whoever_loads_the_sweep(name, bad, submitted) -> None:
    given = {"prompt": "an invalid row", name: dnb.value(bad)}
    results = dnb.sweep(model=T2V, name="invalid", **given).run()
    loaded = dnb.sweep.load("invalid")
    for again in (loaded.run(), dnb.sweep.load("invalid").results):
        assert again["error"].tolist() == results["error"].tolist()
        assert again[name].tolist() == results[name].tolist()
        assert again["status"].tolist() == ["invalid"]
    assert submitted() == 0


def test_a_file_is_one_only_for_the_model_that_takes_it(submitted) -> None:
    own = dnb.ModelDefinition(name="own-model", width=64, height=48, fps=10)
    dnb.sweep(model=[own, T2V], prompt=dnb.value(b"a prompt"), name="both").run()
    paid = submitted()
    loaded = dnb.sweep.load("both")
    assert loaded.plan["plan"].tolist()[1] == "invalid"
    loaded.run()
    assert submitted() == paid


def test_a_path_where_no_file_is_stays_one(small_video) -> None:
    dnb.sweep(model="lucy-2.5", prompt="a", data=Path("later.mp4"), name="later").run()
    assert dnb.sweep.load("later").plan["plan"].tolist() == ["invalid"]
    Path("later.mp4").write_bytes(small_video.read_bytes())
    assert dnb.sweep.load("later").plan["plan"].tolist() == ["new"]


def test_a_model_that_is_none_stays_none(submitted) -> None:
    dnb.sweep(model=dnb.axis([object(), None, ["a", 1]]), prompt="p", name="models").run()
    plan = dnb.sweep.load("models").plan
    assert plan["why"].tolist()[0] == 'model is a object; give models.video("…"), a name, or a ModelDefinition.'
    assert plan["why"].tolist()[1] == "The row has no model."
    assert set(plan["plan"]) == {"invalid"}


def test_what_is_read_as_something_plain_is_kept_as_that(submitted) -> None:
    def sweep() -> dnb.Sweep:
        return dnb.sweep(
            model=T2V, prompt="{who} {n}", who=[Path("a/b"), "c"], n=fractions.Fraction(1, 2), seed=np.int8(3)
        )

    sweep().sample(2).run()
    whole = sweep()
    assert whole.run()["reused"].all()
    assert dnb.sweep.load(whole.name).plan["plan"].tolist() == ["reused", "reused"]
    assert dnb.sweep.load(whole.name).plan["prompt"].tolist() == ["a/b 1/2", "c 1/2"]


@pytest.mark.parametrize(
    "extra",
    [
        *(HUGE, Broken(), circle(), {(1, 2): 3}, {1: [Broken()]}, {"$file": "mine"}, 1j, object()),
        *(Path("a/b.png"), uuid.UUID(int=1), dt.date(2026, 1, 2), decimal.Decimal("1.5"), fractions.Fraction(1, 3)),
        *(pd.Period("2026"), pd.Timedelta(1), pd.Interval(0, 1), [float("inf")], b"bytes", "half \udcff"),
    ],
    ids=kind,
)
def test_a_column_of_ones_own_may_hold_anything(extra) -> None:
    given = pd.DataFrame({"model": [T2V], "prompt": ["own"], "x": pd.Series([extra], dtype=object)})
    sweep = dnb.sweep(given, name="own")
    assert sweep.plan["x"].notna().all()
    results = sweep.run()
    assert results["status"].tolist() == ["completed"]
    assert dnb.sweep.load("own").results["x"].tolist() == results["x"].tolist()


def test_the_texts_of_ones_own_are_what_they_say() -> None:
    given = pd.DataFrame({"model": [T2V], "prompt": ["own"], "x": [uuid.UUID(int=1)], "y": [dt.date(2026, 1, 2)]})
    row = dnb.sweep(given).plan.iloc[0]
    assert (row["x"], row["y"]) == ("00000000-0000-0000-0000-000000000001", "2026-01-02")


@pytest.mark.parametrize("head", ["\n", " \n\n", ",,\n"])
def test_the_head_of_a_csv_is_its_first_row_that_is_not_empty(head) -> None:
    plan = plan_of(head + "prompt,seed,note\na,1,x\n\nb,2,y\n,,\n")
    assert plan[["prompt", "seed", "input_note"]].values.tolist() == [["a", 1, "x"], ["b", 2, "y"]]


def test_a_line_of_a_csv_is_counted_as_an_editor_counts() -> None:
    with pytest.raises(dnb.InvalidInputError, match=r"^Line 5 of rows\.csv has more columns"):
        plan_of('prompt,seed\n"two\nlines",1\n\na tree, soft light,2\n')


def test_a_csv_is_text_but_for_numbers_and_flags(small_video) -> None:
    plan = plan_of(
        "prompt,code,seed,take,enhance_prompt,note\n"
        "1984 {code},007,7,1,TRUE,1e3\n"
        "NA {code},008,8.0,0,false,0010\n"
        "{code},x,1e3,0,maybe,true\n",
        model="lucy-2.5",
        data=small_video,
    )
    assert plan["prompt"].tolist() == ["1984 007", "NA 008", "x"]
    assert plan["input_note"].tolist() == ["1e3", "0010", "true"]
    assert plan["take"].tolist() == [1, 0, 0]
    assert plan["plan"].tolist() == ["new", "new", "invalid"]
    assert "seed must be an integer, not '1e3'" in plan["why"][2]
    assert "enhance_prompt must be True or False, not 'maybe'" in plan["why"][2]
    short = plan_of("prompt,seed\na\nb," + "9" * 5000 + "\n")
    assert short["plan"].tolist() == ["new", "invalid"]


def test_the_index_that_pandas_writes_is_a_column_of_ones_own() -> None:
    pd.DataFrame({"prompt": ["a"], "seed": [1]}).to_csv("indexed.csv")
    assert dnb.sweep("indexed.csv", model=T2V).plan["plan"].tolist() == ["new"]


def test_a_prompt_is_not_spelt_before_it_is_text() -> None:
    plan = dnb.sweep(model=T2V, prompt=[HUGE, Broken(), "a {n}"], n=[HUGE, Broken()], seed=[HUGE, 1]).plan
    assert len(plan) == 12
    assert plan["plan"].value_counts().to_dict() == {"invalid": 10, "new": 2}


def test_a_trajectory_that_is_too_deep_is_invalid() -> None:
    plan = dnb.sweep(model="lucy-motion", data="a.png", trajectory="[" * 200_000).plan
    assert "trajectory is nested too deep to be read." in plan["why"][0]


@pytest.mark.parametrize("take", [2**63, 2**70, HUGE], ids=kind)
def test_a_take_is_a_number_that_the_store_can_hold(take) -> None:
    with pytest.raises(dnb.InvalidInputError, match=r"take is .*; it must be below 2\*\*63"):
        dnb.sweep(model=T2V, prompt="a", take=[take])


def test_half_of_a_character_is_no_name_of_a_column() -> None:
    given = pd.DataFrame([[T2V, "a", 1]], columns=pd.Index(["model", "prompt", "\udcff"], dtype=object))
    with pytest.raises(dnb.InvalidInputError, match=r"The name of a column, '\\udcff', has half of a character"):
        dnb.sweep(given)


@pytest.mark.parametrize("work", [lambda: dnb.sweep.load(["a"]), lambda: dnb.sweep("~nobodyofthatname/a.csv")])
def test_what_is_found_nowhere_is_refused(work) -> None:
    with pytest.raises(dnb.InvalidInputError):
        work()


def test_columns_of_ones_own_stand_beside_those_of_the_plan() -> None:
    given = pd.DataFrame({"model": [T2V], "prompt": ["{a}"], "a": "b", "plan": "P", "why": "W", "left_out": "L"})
    given["prompt_template"] = "T"
    sweep = dnb.sweep(given)
    wanted = {"input_plan": "P", "input_why": "W", "input_left_out": "L", "input_prompt_template": "T"}
    assert sweep.plan[[*wanted]].iloc[0].to_dict() == wanted
    assert sweep.plan["plan"].tolist() == ["new"]
    assert sweep.plan["prompt_template"].tolist() == ["{a}"]
    assert sweep.run()["plan"].tolist() == ["P"]
    many = dnb.sweep(dnb.zip_axes(seconds=[1], cost=["c"]), model=T2V, prompt="{seconds} {cost}").plan
    assert many[["input_seconds", "input_cost"]].values.tolist() == [[1, "c"]]
    assert many["cost"].tolist() == [0.2]


@pytest.mark.parametrize("name", ["models", "Models"])
def test_a_model_under_another_name_is_pointed_out(name) -> None:
    with pytest.raises(dnb.InvalidInputError, match=r"It has '.*'; did you mean model\?"):
        dnb.sweep(pd.DataFrame({name: [T2V], "prompt": ["a"]}))


def test_tables_need_no_pyarrow(small_video) -> None:
    subprocess.run([sys.executable, "-c", _WITHOUT_PYARROW, str(small_video)], check=True, timeout=120)


_WITHOUT_PYARROW = """
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "pyarrow":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Without())
import decart_nb as dnb

dnb.connect("local")
sweep = dnb.sweep(model="lucy-2.5", prompt=["a"], data=sys.argv[1], resolution="480p")
assert len(sweep.plan) == 1
assert sweep.run()["prompt"].dtype == "string"
assert dnb.sweep.load(sweep.name).results["status"].tolist() == ["completed"]
assert dnb.jobs()["model"].tolist() == ["lucy-2.5"]
assert "pyarrow" not in sys.modules
"""
