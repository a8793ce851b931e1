"""What makes two requests the same, and what makes them two."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import pytest
from hypothesis import assume, given, strategies as st

from decart_nb import models
from decart_nb.request.digest import digest_of
from decart_nb.request.models import FILE_TYPES, Field, ModelDefinition

_TEXT = st.text(min_size=1, max_size=40)
_POINTS = st.lists(
    st.fixed_dictionaries({"frame": st.integers(0, 100), "x": st.floats(0, 1), "y": st.floats(0, 1)}),
    min_size=2,
    max_size=4,
)


def _value(field: Field) -> st.SearchStrategy[Any]:
    return {
        "text": _TEXT,
        "integer": st.integers(field.minimum, field.maximum),
        "flag": st.booleans(),
        "choice": st.sampled_from(field.choices or ("720p",)),
        "trajectory": _POINTS,
    }[field.type]


@st.composite
def requests(draw: st.DrawFn) -> tuple[ModelDefinition, dict[str, Any], dict[str, str]]:
    """A model, some of its plain fields, and digests for some of its files."""
    model = draw(st.sampled_from(list(models)))
    fields = draw(st.lists(st.sampled_from(model.fields or ()), unique_by=lambda field: field.name))
    values = {field.name: draw(_value(field)) for field in fields if field.type not in FILE_TYPES}
    files = {field.name: draw(st.sampled_from("abc")) for field in fields if field.type in FILE_TYPES}
    return model, values, files


def _digest(model: ModelDefinition, values: dict[str, Any], files: dict[str, str], endpoint: str = "local") -> str:
    return digest_of(endpoint, model.name, model, values, files)


@given(requests(), st.randoms())
def test_order_and_spelled_out_defaults_change_nothing(request, random) -> None:
    model, values, files = request
    defaults = {field.name: field.default for field in model.fields or () if field.default is not None}
    spelled = [*({**defaults, **values}).items()]
    random.shuffle(spelled)
    nothing = {field.name: None for field in model.fields or () if field.name not in {**defaults, **values}}
    assert _digest(model, {**nothing, **dict(spelled)}, files) == _digest(model, values, files)


@given(requests(), requests())
def test_other_requests_have_other_digests(one, other) -> None:
    def whole(model: ModelDefinition, values: dict[str, Any], files: dict[str, str]) -> Any:
        defaults = {field.name: field.default for field in model.fields or () if field.default is not None}
        return model.name, {**defaults, **values}, files

    assume(whole(*one) != whole(*other))
    assert _digest(*one) != _digest(*other)


@given(requests(), st.data())
def test_each_part_counts(request, data) -> None:
    model, values, files = request
    same = _digest(model, values, files)
    assert _digest(model, values, files, "https://api.decart.ai") != same
    assert digest_of("local", "lucy-9", model, values, files) != same
    field = data.draw(st.sampled_from([field for field in model.fields or () if field.type not in FILE_TYPES]))
    value = data.draw(_value(field))
    assume(value != values.get(field.name, field.default))
    assert _digest(model, {**values, field.name: value}, files) != same
    assert _digest(model, values, {**files, "data": "0" * 64}) != same


def test_one_number_has_one_spelling_and_a_flag_is_no_number() -> None:
    own = ModelDefinition(name="own", width=64, height=48, fps=10)
    assert _digest(own, {"strength": 1.0}, {}) == _digest(own, {"strength": 1}, {})
    assert _digest(own, {"path": [{"x": 2.0}]}, {}) == _digest(own, {"path": ({"x": 2},)}, {})
    assert len({_digest(own, {"strength": value}, {}) for value in (1, True, "1", 1.5, [1])}) == 5


def test_the_digest_is_the_same_for_ever() -> None:
    """Whoever changes this leaves every store behind without its clips: raise the version, and look both up."""
    model = models.video("lucy-pro-t2v")
    assert (
        _digest(model, {"prompt": "Ä", "seed": 7}, {})
        == "592a97ed05889810f75748c2de1021c0063dc672614bd9fbbcd6dd10ede23b9f"
    )


def test_percent_signs_are_what_they_are() -> None:
    fields = (Field("50%", "text", default="%d"), Field("%s", "text"))
    model = ModelDefinition(name="100%s", width=64, height=48, fps=10, fields=fields)
    said = (
        '{"endpoint":"https://a/%7Eb","fields":{"%s":"%s","50%":"%d"},"files":{"f%":"c%"},"model":"100%s","version":1}'
    )
    made = digest_of("https://a/%7Eb", "100%s", model, {"%s": "%s"}, {"f%": "c%"})
    assert made == hashlib.sha256(said.encode()).hexdigest()


def test_the_canonical_form_has_sorted_names_no_spaces_whole_numbers_and_no_field_that_is_omitted() -> None:
    fields = (Field("note", "text"), Field("size", "choice", default="720p"), Field("data", "video"))
    model = ModelDefinition(name="own", width=64, height=48, fps=10, fields=fields, url_path="/v2/own")
    made = _digest(model, {"path": [{"y": 0.5, "x": 2.0}, {"y": 1, "x": "Ä"}]}, {"start": "cd", "data": "ab"})
    said = (
        '{"endpoint":"local","fields":{"path":[{"x":2,"y":0.5},{"x":"\\u00c4","y":1}],"size":"720p"},'
        '"files":{"data":"ab","start":"cd"},"model":"own","path":"/v2/own","version":1}'
    )
    assert made == hashlib.sha256(said.encode()).hexdigest()


@pytest.mark.parametrize("value", [math.nan, math.inf, [-math.inf]], ids=str)
def test_what_json_has_no_number_for_has_no_digest(value) -> None:
    own = ModelDefinition(name="own", width=64, height=48, fps=10)
    with pytest.raises(ValueError, match="JSON"):
        _digest(own, {"strength": value}, {})


def test_an_alias_and_what_it_means_are_one_request() -> None:
    for model in models:
        meant = model.alias_of or model.successor
        if meant is None:
            continue
        values = {"prompt": "a", "seed": 1}
        assert digest_of("local", meant, model, values, {}) == digest_of(
            "local", meant, models.video(meant), values, {}
        )


def test_another_address_of_a_model_is_another_request() -> None:
    one = ModelDefinition(name="own", width=64, height=48, fps=10)
    other = ModelDefinition(name="own", width=64, height=48, fps=10, url_path="/v2/jobs/own")
    assert _digest(one, {"x": 1}, {}) != _digest(other, {"x": 1}, {})
