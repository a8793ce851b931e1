"""Stored definitions of sweeps: they are read back as they were, and a damaged one is an error of the store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import decart_nb as dnb
from decart_nb.store.store import Store

pytestmark = [pytest.mark.usefixtures("live"), pytest.mark.filterwarnings("ignore::decart_nb.ModelWarning")]

OWN = dnb.ModelDefinition("mine", 64, 48, 10, seconds=5.0, prices={"720p": 0.04})


@pytest.fixture
def definition(small_video: Path) -> dict[str, Any]:
    """The definition of a sweep that has a file, a model of the user's own, takes and an invalid value."""
    sweep = dnb.sweep(
        model=[OWN, "lucy-2.5"], prompt="a", data=small_video, take=[0, 1], name="s", seed=[{"$file": "x"}, 1]
    ).sample(3, seed=0)
    named = dnb.sweep.load(_kept(sweep))
    assert named.plan["cost"].isna().tolist() == sweep.plan["cost"].isna().tolist()
    return json.loads(Store(Path("decart_runs")).sweeps()[sweep.name])


def _kept(sweep: dnb.Sweep) -> str:
    sweep.start().cancel()
    return sweep.name


def _file(definition: dict[str, Any]) -> dict[str, Any]:
    return _factor(definition, "data")["rows"][0][0]


def _factor(definition: dict[str, Any], name: str) -> dict[str, Any]:
    return next(factor for factor in definition["factors"] if factor["names"] == [name])


def _model(definition: dict[str, Any]) -> dict[str, Any]:
    return _factor(definition, "model")["rows"][0][0]["$model"]


DAMAGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a file of a negative length": lambda made: _file(made)["$file"].update(seconds=-5),
    "a file whose length is text": lambda made: _file(made)["$file"].update(seconds="5"),
    "a file without a name": lambda made: _file(made)["$file"].update(filename=5),
    "a file that is not called anything": lambda made: _file(made).pop("shown"),
    "a model of a negative length": lambda made: _model(made).update(seconds=-5),
    "a model of a negative price": lambda made: _model(made).update(prices={"720p": -1}),
    "a model without a size": lambda made: _model(made).update(width=0),
    "a negative take": lambda made: _factor(made, "take").update(rows=[[-1], [0]]),
    "a take that is text": lambda made: _factor(made, "take").update(rows=[["0"], ["1"]]),
    "rows of the wrong width": lambda made: _factor(made, "prompt").update(rows=[["a", "b"]]),
    "no rows": lambda made: _factor(made, "prompt").update(rows=[]),
    "a name twice": lambda made: _factor(made, "prompt").update(names=["data"]),
    "a sample of rows that there are not": lambda made: made.update(drawn=[10**6]),
    "a sample of negative rows": lambda made: made.update(drawn=[-1]),
    "a sample that is no list": lambda made: made.update(drawn={}),
    "extras that are no texts": lambda made: made.update(extras=[5]),
    "a flag that is none": lambda made: _factor(made, "prompt").update(held="yes"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_definition_is_an_error_of_the_store(live, definition, damage) -> None:
    damage(definition)
    Store(Path("decart_runs")).save_sweep("damaged", json.dumps(definition))
    with pytest.raises(dnb.StoreError, match=r"is damaged\. Make the sweep anew"):
        dnb.sweep.load("damaged")


def test_a_model_of_a_negative_length_is_refused() -> None:
    with pytest.raises(dnb.InvalidInputError, match="seconds of model mine must be"):
        dnb.ModelDefinition("mine", 64, 48, 10, seconds=-5.0)


def test_a_file_that_is_a_link_is_not_read(definition, tmp_path) -> None:
    Store(Path("decart_runs")).save_sweep("linked", json.dumps(definition))
    dnb.sweep.load("linked")
    kept = next((Path("decart_runs") / "inputs").glob("*.mp4"))
    kept.rename(tmp_path / "elsewhere.mp4")
    kept.symlink_to(tmp_path / "elsewhere.mp4")
    with pytest.raises(dnb.StoreError, match="is no longer in"):
        dnb.sweep.load("linked")


def test_a_factory_says_how_to_make_a_sweep() -> None:
    assert "sweep.load(name)" in repr(dnb.sweep)
