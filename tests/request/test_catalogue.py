"""The catalogue against the facts of Decart's models, restated here as data."""

from __future__ import annotations

import enum
import itertools
import json
import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from decart_nb import InvalidInputError, ModelDefinition, ModelNotFoundError, models
from decart_nb._util.interface_names import shell_names
from decart_nb.request.validation import check, invalid_inputs
from tests.model_facts import (
    BOTH_RESOLUTIONS,
    EMPTY_PROMPT,
    FACTS,
    IMAGES,
    ONE_RESOLUTION,
    POINT,
    RESTYLES,
    SUCCESSORS,
    inputs_of,
    problems_of,
    value_of,
)


class Seven(enum.IntEnum):
    ONE = 7


def test_the_catalogue_has_the_models_of_the_facts_and_no_others() -> None:
    assert sorted(model.name for model in models) == sorted(FACTS)
    assert len(models) == 22


@pytest.mark.parametrize("name", FACTS)
def test_a_model_is_what_the_facts_say(name: str) -> None:
    model, fact = models.video(name), FACTS[name]
    assert model.fields is not None
    assert {field.name for field in model.fields if field.required} == set(fact.required.split())
    assert {field.name for field in model.fields if not field.required} == set(f"{fact.optional} {fact.either}".split())
    assert set(model.exactly_one) == set(fact.either.split())
    assert (model.width, model.height) == model.size() == fact.size
    assert model.fps == fact.fps
    assert model.status == fact.status
    assert model.price == fact.price
    assert model.seconds == fact.seconds
    assert model.successor == SUCCESSORS.get(name)
    assert model.url_path == f"/v1/jobs/{name}"
    assert model.kind


@pytest.mark.parametrize("name", FACTS)
def test_each_file_input_is_of_the_kind_that_the_facts_say(name: str) -> None:
    types = {field.name: field.type for field in models.video(name).fields or ()}
    expected = {"data": "image" if name in IMAGES else "video", "start": "image", "end": "image"}
    expected["reference_image"] = "image"
    assert {field: types[field] for field in types if field in expected} == {
        field: kind for field, kind in expected.items() if field in types
    }


@pytest.mark.parametrize("name", FACTS)
def test_the_servers_defaults_are_known(name: str) -> None:
    known = {"resolution": "720p", "enhance_prompt": True, "orientation": "landscape", "self_anchor": True}
    for field in models.video(name).fields or ():
        assert field.default == known.get(field.name), field.name


def test_prices_follow_resolution_and_an_alias_costs_what_its_target_costs() -> None:
    assert models.video("lucy-pro-t2v").prices == {"720p": 0.08, "480p": 0.04}
    aliases = [model for model in models if model.alias_of]
    assert {model.name for model in aliases} == {name for name in FACTS if name.endswith("-latest")}
    for model in aliases:
        assert model.price == models.video(str(model.alias_of)).price


@pytest.mark.parametrize("name", FACTS)
def test_the_least_that_a_model_needs_is_enough_and_each_part_is_needed(name: str) -> None:
    assert problems_of(name) == {}
    for field in FACTS[name].required.split():
        assert "is missing" in problems_of(name, **{field: None})[field]


@pytest.mark.parametrize("name", [name for name in FACTS if "prompt" in inputs_of(name)])
@pytest.mark.parametrize("length", [0, 1, 1000, 1001])
def test_a_prompt_has_1_to_1000_characters_and_only_lucy_2_takes_an_empty_one(name: str, length: int) -> None:
    taken = length in (1, 1000) or (length == 0 and name in EMPTY_PROMPT)
    assert ("prompt" not in problems_of(name, prompt="ö" * length)) is taken


@pytest.mark.parametrize("prompt", [5, b"a cat", ["a cat"], True])
def test_a_prompt_is_text(prompt: Any) -> None:
    assert "must be text" in problems_of("lucy-2.5", prompt=prompt)["prompt"]


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize("seed", [0, 4294967295, np.int64(7), np.uint32(4294967295)])
def test_a_seed_is_any_integer_of_32_bits(name: str, seed: Any) -> None:
    sent = value_of(name, "seed", seed)
    assert sent == seed
    assert type(sent) is int


@pytest.mark.parametrize(
    "seed",
    ["7", " +7 ", "7.0", "007", 7.0, np.float32(7), np.array(7), Decimal("7.00"), Fraction(7), np.str_("7"), Seven.ONE],
)
def test_a_seed_is_one_rule_whatever_type_it_has(seed: Any) -> None:
    sent = value_of("lucy-2.5", "seed", seed)
    assert (sent, type(sent)) == (7, int)


@pytest.mark.parametrize(
    "seed", [None, math.nan, np.float64("nan"), pd.NA, pd.NaT, Decimal("snan"), np.datetime64("NaT")]
)
def test_a_missing_seed_is_left_out(seed: Any) -> None:
    assert "seed" not in check(models.video("lucy-2.5"), {"seed": seed})[0]
    assert "seed" not in problems_of("lucy-2.5", seed=seed)


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize(
    "seed",
    [
        *(-1, 4294967296, True, 1.5, "1e3", "7.5", "", "0x7", "seven", b"7", np.array([1, 2]), np.True_),
        *(math.inf, Decimal("1e999999999"), Decimal("inf"), Fraction(1, 3), 7 + 0j, 10**400, "9" * 400),
    ],
)
def test_no_other_seed_is_taken(name: str, seed: Any) -> None:
    assert list(problems_of(name, seed=seed)) == ["seed"]


@pytest.mark.parametrize("name", BOTH_RESOLUTIONS)
@pytest.mark.parametrize("resolution", ["720p", "480p"])
def test_both_resolutions_are_taken_where_there_are_two(name: str, resolution: str) -> None:
    assert value_of(name, "resolution", resolution) == resolution


@pytest.mark.parametrize("name", ONE_RESOLUTION)
def test_only_720p_is_taken_where_there_is_no_other(name: str) -> None:
    assert value_of(name, "resolution", "720p") == "720p"
    assert "720p" in problems_of(name, resolution="480p")["resolution"]


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize("resolution", ["1080p", "720P", "", 720, ["720p"]])
def test_no_other_resolution_is_taken(name: str, resolution: Any) -> None:
    assert list(problems_of(name, resolution=resolution)) == ["resolution"]


def test_an_array_is_no_resolution() -> None:
    assert list(problems_of("lucy-pro-t2v", resolution=np.array(["720p", "480p"]))) == ["resolution"]


def test_an_orientation_is_landscape_or_portrait() -> None:
    assert value_of("lucy-pro-t2v", "orientation", "portrait") == "portrait"
    assert value_of("lucy-pro-t2v", "orientation", "landscape") == "landscape"
    assert "landscape or portrait" in problems_of("lucy-pro-t2v", orientation="upright")["orientation"]


@pytest.mark.parametrize("field", ["enhance_prompt", "self_anchor"])
@pytest.mark.parametrize("value", [True, False, np.True_, np.False_, "true", "FALSE", "1", " 0 ", 1, 0.0, np.int64(1)])
def test_a_flag_is_a_boolean(field: str, value: Any) -> None:
    sent = value_of("lucy-2.5", field, value)
    assert type(sent) is bool
    assert sent == (str(value).strip().lower() in ("true", "1"))


@pytest.mark.parametrize("field", ["enhance_prompt", "self_anchor"])
@pytest.mark.parametrize("value", [2, -1, "yes", "", 0.5, object(), np.array([True, False])])
def test_nothing_else_is_a_flag(field: str, value: Any) -> None:
    assert "True or False" in problems_of("lucy-2.5", **{field: value})[field]


@pytest.mark.parametrize("name", [name for name in FACTS if name != "lucy-2.5"])
def test_only_lucy_2_5_anchors_itself(name: str) -> None:
    assert f"is not an input of {name}" in problems_of(name, self_anchor=True)["self_anchor"]


@pytest.mark.parametrize("name", RESTYLES)
def test_restyle_takes_exactly_one_of_prompt_and_reference_image(name: str) -> None:
    assert problems_of(name, prompt=None, reference_image=b"i") == {}
    assert "not both" in problems_of(name, reference_image=b"i")["reference_image"]
    assert "prompt or reference_image" in problems_of(name, prompt=None)["prompt"]


@pytest.mark.parametrize("name", RESTYLES)
def test_restyle_enhances_a_prompt_only_if_there_is_one(name: str) -> None:
    assert problems_of(name, enhance_prompt=False) == {}
    refused = problems_of(name, prompt=None, reference_image=b"i", enhance_prompt=False)
    assert "only with prompt" in refused["enhance_prompt"]


@pytest.mark.parametrize("count", [2, 1000])
def test_a_trajectory_has_2_to_1000_points(count: int) -> None:
    assert len(value_of("lucy-motion", "trajectory", [POINT] * count)) == count


@pytest.mark.parametrize("count", [0, 1, 1001])
def test_no_other_number_of_points_is_taken(count: int) -> None:
    assert "2 to 1000" in problems_of("lucy-motion", trajectory=[POINT] * count)["trajectory"]


@pytest.mark.parametrize(
    "trajectory",
    [
        [{"frame": 0, "x": 0, "y": 0.5}, {"frame": 24, "x": 640, "y": 352}],
        [(0, 0, 0.5), (24, 640, 352)],
        np.array([[0, 0, 0.5], [24, 640, 352]]),
        np.array([[0, 0, 0.5], [24, 640, 352]], np.float32),
        ([frame, x, y] for frame, x, y in ((0, 0, 0.5), (24, 640, 352))),
        [{"frame": np.int64(0), "x": np.float64(0), "y": 0.5, "note": "more keys"}, (24.0, 640, 352)],
    ],
    ids=["dicts", "tuples", "array", "float32", "generator", "mixed"],
)
def test_points_may_be_dicts_tuples_or_rows_of_an_array(trajectory: Any) -> None:
    sent = value_of("lucy-motion", "trajectory", trajectory)
    assert sent == [{"frame": 0, "x": 0.0, "y": 0.5}, {"frame": 24, "x": 640.0, "y": 352.0}]
    assert {type(value) for point in sent for value in point.values()} == {int, float}


@pytest.mark.parametrize(
    "point",
    [
        POINT | {"frame": -1},
        POINT | {"x": -0.1},
        POINT | {"y": -1},
        POINT | {"x": float("nan")},
        POINT | {"y": float("inf")},
        POINT | {"frame": 0.5},
        POINT | {"x": "left"},
        {"frame": 0, "x": 0.5},
        (0, 0.5),
        (0, 0.5, 0.5, 0.5),
        7,
        None,
    ],
    ids=repr,
)
def test_a_point_that_is_none_is_named_by_its_place(point: Any) -> None:
    assert "point 1" in problems_of("lucy-motion", trajectory=[POINT, point])["trajectory"]


@pytest.mark.parametrize("trajectory", ["0,0,0", b"", POINT, 3])
def test_a_trajectory_is_a_list(trajectory: Any) -> None:
    assert "must be a list of points" in problems_of("lucy-motion", trajectory=trajectory)["trajectory"]


def test_one_error_names_every_bad_field() -> None:
    model = models.video("lucy-2.5")
    _, problems = check(model, {"prompt": "x" * 1001, "seed": -1, "promt": "y", "resolution": "8k"})
    error = invalid_inputs(model, problems)
    assert isinstance(error, InvalidInputError)
    assert error.message.startswith("Invalid inputs for lucy-2.5:")
    assert sorted(error.data["fields"]) == sorted(["prompt", "seed", "promt", "resolution", "data"])
    assert all(re.search(rf"\b{field} ", error.message) for field in error.data["fields"])
    assert "Did you mean prompt" in error.message
    assert "It takes prompt, data, reference_image" in error.message


def test_none_counts_as_left_out() -> None:
    values, problems = check(models.video("lucy-2.5"), inputs_of("lucy-2.5", seed=None, nonsense=None))
    assert (set(values), problems) == ({"prompt", "data"}, [])


@pytest.mark.parametrize(
    ("asked", "offered"),
    [("lucy-pro-t2w", "lucy-pro-t2v"), ("LUCY-2.5", "lucy-2.5"), ("lucy-motions", "lucy-motion")],
)
def test_an_unknown_model_is_told_the_closest_ones(asked: str, offered: str) -> None:
    with pytest.raises(ModelNotFoundError, match=f"Model {asked} not found.*{re.escape(offered)}") as caught:
        models.video(asked)
    assert caught.value.model == asked


@pytest.mark.parametrize("prompt", ["A cat playing piano", "Lucy in the sky", "弹钢琴的猫", "cat!", 'it\'s "me"'])
def test_a_prompt_in_the_place_of_the_model_is_told_what_to_type(prompt: str) -> None:
    with pytest.raises(ModelNotFoundError, match="looks like a prompt") as caught:
        models.video(prompt)
    (call,) = re.findall(r"decart_nb\.generate\((.*), data=decart_nb\.sample\(\)\)", caught.value.message)
    assert eval(f"dict(model={call})") == {"model": "lucy-2.5", "prompt": prompt}
    assert "Did you mean" not in caught.value.message


@pytest.mark.parametrize("name", ["cat", "lucy 2.5", " lucy-2.4 ", "lucy_pro", "acme/video:2", "x" * 200, "", " "])
def test_what_may_be_a_name_is_no_prompt(name: str) -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        models.video(name)
    assert "prompt" not in caught.value.message


def test_in_a_shell_a_prompt_is_told_the_command_to_type() -> None:
    with (
        shell_names(),
        pytest.raises(ModelNotFoundError, match=r"decart-nb make lucy-2\.5 --prompt 'A red cat' --sample"),
    ):
        models.video("A red cat")


@pytest.mark.parametrize("asked", [None, 5, ["lucy-2.5"]])
def test_what_is_no_name_is_no_model(asked: Any) -> None:
    with pytest.raises(ModelNotFoundError):
        models.video(asked)


def test_a_model_of_the_callers_own_takes_its_inputs_as_they_are() -> None:
    own = ModelDefinition(name="lucy-9", width=640, height=360, fps=24)
    anything = {"prompt": "x" * 5000, "seed": -3, "glow": [1, 2]}
    assert check(own, anything | {"nothing": None}) == (anything, [])
    assert (own.url_path, own.status, own.price) == ("/v1/jobs/lucy-9", "custom", None)
    assert "custom model" in repr(own)
    assert ModelDefinition(name="a", width=2, height=2, fps=1, url_path="/v2/a").url_path == "/v2/a"


@pytest.mark.parametrize(
    "wrong",
    [
        *({"width": 0}, {"height": -1}, {"fps": 0}, {"fps": True}, {"width": 2.0}, {"width": "2"}, {"height": None}),
        *({"name": 5}, {"name": ""}, {"name": None}, {"name": "two\nlines"}),
        *({"url_path": 5}, {"url_path": "v1/jobs"}, {"url_path": ".evil.test/"}, {"url_path": "/a\r\nb"}),
        *({"prices": 0.04}, {"prices": {"720p": "x"}}, {"prices": {"720p": math.nan}}, {"prices": {"720p": -1}}),
    ],
    ids=str,
)
def test_a_model_that_cannot_be_one_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(wrong))):
        ModelDefinition(**({"name": "lucy-9", "width": 2, "height": 2, "fps": 1} | wrong))


def test_numpys_numbers_make_a_model_too() -> None:
    own = ModelDefinition(name="lucy-9", width=np.int64(640), height=np.int32(360), fps=np.uint8(24))
    assert [type(value) for value in (own.width, own.height, own.fps)] == [int, int, int]


class Prompt(str, enum.Enum):  # noqa: UP042 - of which str() is not the text
    CAT = "a cat"


def test_of_an_enums_member_the_text_is_sent() -> None:
    values, problems = check(models.video("lucy-pro-t2v"), {"prompt": Prompt.CAT})
    assert (values, problems) == ({"prompt": "a cat"}, [])
    assert type(values["prompt"]) is str


@pytest.mark.parametrize("name", ["prompt", "seed", "resolution", "orientation"])
def test_a_number_that_cannot_be_written_out_is_refused_like_any_other(name: str) -> None:
    (problem,) = check(models.video("lucy-pro-t2v"), {"prompt": "x", name: 10**5000})[1]
    assert problem.field == name


@pytest.mark.parametrize("name", FACTS)
def test_a_request_at_480p_is_480_high_in_the_models_own_shape(name: str) -> None:
    model = models.video(name)
    width, height = model.size("480p")
    assert height == 480
    assert width % 8 == 0
    assert abs(width - model.width * 480 / model.height) <= 4
    assert model.size("480p", "portrait") == (height, width)
    assert model.size("720p", "landscape") == model.size() == model.size(orientation="portrait")[::-1]


@pytest.mark.parametrize("name", [[], {}, set(), None, 7, np.array(["lucy-2.5"]), float("nan"), b"lucy-2.5"])
def test_what_is_no_name_is_in_no_catalogue(name: Any) -> None:
    assert name not in models
    with pytest.raises(ModelNotFoundError) as caught:
        models.video(name)
    assert "No model" in caught.value.message or "model" in caught.value.message


@pytest.mark.parametrize("bad", [["123", "456"], [b"123", b"456"], "abc", itertools.repeat((0, 0, 0)), [{"frame": 0}]])
def test_what_is_no_list_of_points_is_refused_and_ends(bad: Any) -> None:
    assert "trajectory" in problems_of("lucy-motion", trajectory=bad)


def test_a_trajectory_may_be_text_as_json_or_as_python_prints_it() -> None:
    points = [{"frame": 0, "x": 0.1, "y": 0.2}, {"frame": 5, "x": 0.3, "y": 0.4}]
    for text in (json.dumps(points), str(points), f" {json.dumps(points)}\n", str([(0, 0.1, 0.2), (5, 0.3, 0.4)])):
        assert value_of("lucy-motion", "trajectory", text) == points
