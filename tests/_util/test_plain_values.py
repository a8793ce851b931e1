"""Plain values: what is sent as it is, what becomes Python's own, and what is refused with a sentence."""

from __future__ import annotations

import enum
import json
import math
from collections import UserList
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from decart_nb import InvalidInputError, ModelDefinition
from decart_nb._util.plain_values import NotPlainError, is_flag, is_nonnegative, plain
from decart_nb._util.text import short_repr
from decart_nb.media.numbers import finite_number
from decart_nb.request.digest import digest_of
from decart_nb.request.request import prepare

OWN = ModelDefinition(name="lucy-9", width=640, height=360, fps=10)


class Mood(str, enum.Enum):  # noqa: UP042 - of which str() is not the text
    BLUE = "blue"


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Level(enum.IntEnum):
    HIGH = 3


JSON = [
    *(None, True, False, 0, -1, 2**70, 0.5, -1e308, "", "a cat", "Ä\u2028\x00🐈"),
    *([], {}, [[], [{}]], {"": None}, {"a": [1, {"b": [True, None, "c"]}]}),
]


@pytest.mark.parametrize("value", JSON, ids=repr)
def test_what_json_can_say_is_left_as_it_is(value: Any) -> None:
    assert plain(value) == value
    assert type(plain(value)) is type(value)
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == value


@pytest.mark.parametrize(
    ("value", "same"),
    [
        (np.int64(3), 3),
        (np.uint8(3), 3),
        (np.array(3), 3),
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("blue"), "blue"),
        (pd.Series([3])[0], 3),
        (Fraction(1, 2), 0.5),
        (Mood.BLUE, "blue"),
        (Level.HIGH, 3),
        ((1, (2, np.int8(3))), [1, [2, 3]]),
        (UserList([1, range(2)]), [1, [0, 1]]),
        ({"a": (np.float64(1),)}, {"a": [1.0]}),
        (MappingProxyType({"a": 1}), {"a": 1}),
    ],
    ids=repr,
)
def test_what_counts_as_a_plain_value_becomes_one_of_pythons_own(value: Any, same: Any) -> None:
    made = plain(value)
    assert made == same
    assert type(made) is type(same)
    request = prepare(OWN, {"glow": value})
    assert request.values == {"glow": same}
    assert not request.files
    json.dumps(request.values, allow_nan=False)
    digest = digest_of("local", "lucy-9", OWN, request.values, {})
    assert digest == digest_of("local", "lucy-9", OWN, {"glow": same}, {})
    assert all(isinstance(text, str) for text in request.form().values())


def deep() -> Any:
    endless: list[Any] = []
    endless.append(endless)
    return endless


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (math.nan, "nan, which cannot be sent; a number must be finite"),
        (-math.inf, "-inf, which cannot be sent; a number must be finite"),
        (np.float32("nan"), "a number must be finite and in the range of a float"),
        (Fraction(10**400), "a number must be finite and in the range of a float"),
        (10**5000, "too many digits"),
        ({"x": [math.inf]}, "inf, which cannot be sent; a number must be finite"),
        ({1, 2}, "a set;"),
        (frozenset(), "a frozenset;"),
        ({"x": {1}}, "has a set in it;"),
        ({"x": Path("a.png")}, "Path in it;"),
        ([b"bytes"], "has a bytes in it;"),
        ([np.zeros(3)], "has a ndarray in it;"),
        ({3: "x"}, "has 3 as a key"),
        ({"x": {None: 1}}, "has None as a key"),
        (Decimal("1.5"), "is a Decimal;"),
        (date(2026, 1, 2), "is a date;"),
        (np.datetime64("2026-01-02"), "is a date;"),
        (1j, "is a complex;"),
        (pd.NA, "is a NAType;"),
        (object(), "is an object;"),
        (Broken(), "is a Broken;"),
        ({Broken(): 1}, "a Broken as a key"),
        (iter([1]), "is a list_iterator;"),
        (deep(), "nested more than 64 levels"),
        ("half \ud800", "half of a character"),
        ({"x\udc00": 1}, "half of a character"),
    ],
    ids=lambda value: short_repr(value)[:20],
)
def test_any_other_is_refused_with_a_sentence(value: Any, words: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        prepare(OWN, {"prompt": "x", "glow": value})
    assert words in caught.value.message
    assert caught.value.message.startswith("Invalid inputs for lucy-9: glow ")
    assert caught.value.data["fields"] == ["glow"]


@pytest.mark.parametrize("name", [3, "", None, ("a",), "two\nlines", "half \ud800"])
def test_an_input_has_a_name(name: Any) -> None:
    for model in (OWN, "lucy-2.5"):
        from decart_nb import models

        with pytest.raises(InvalidInputError, match="name of an input must be text"):
            prepare(models.video(model) if isinstance(model, str) else model, {name: 1})


@pytest.mark.parametrize("value", [True, False, np.bool_(True), np.True_])
def test_a_flag_is_true_or_false(value: Any) -> None:
    assert is_flag(value)


@pytest.mark.parametrize("value", [0, 1, "yes", None, np.int8(1), np.array([True]), 1.0])
def test_nothing_else_is_a_flag(value: Any) -> None:
    assert not is_flag(value)


@pytest.mark.parametrize("value", [0, 0.0, 3, 1e9, np.int64(3), np.float32(0.5)])
def test_numbers_begin_at_nought(value: Any) -> None:
    assert is_nonnegative(value)


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, -0.1, True, "3", None, 10**400, np.bool_(True), 1j])
def test_what_is_no_number_is_none(value: Any) -> None:
    assert not is_nonnegative(value)


@pytest.mark.parametrize("value", [*JSON, "x" * 10**6, list(range(1000)), OWN], ids=lambda value: type(value).__name__)
def test_any_value_can_be_shown_in_a_few_words(value: Any) -> None:
    assert 0 < len(short_repr(value)) <= 60


def test_what_cannot_be_shown_is_named() -> None:
    assert short_repr(Broken()) == "a Broken"
    assert short_repr(10**5000) == "an int"
    with pytest.raises(NotPlainError):
        plain(Broken())


@pytest.mark.parametrize(
    "value",
    [1, 1.5, np.float32(1.5), np.float16(1.5), np.int64(1), np.uint8(1), np.array(1.5), Fraction(3, 2)],
    ids=repr,
)
def test_a_finite_number_is_a_float_whichever_library_it_comes_from(value: Any) -> None:
    number = finite_number("fps", value, above=0, at_most=2)
    assert (type(number), number) == (float, float(value))


@pytest.mark.parametrize(
    "value",
    [
        True,
        np.True_,
        np.array(True),
        "1",
        b"1",
        None,
        [1],
        np.array([1]),
        1j,
        Decimal(1),
        object,
        Broken(),
        math.nan,
        math.inf,
        -math.inf,
        np.float32("nan"),
        0,
        -0.0,
        -1,
        2.001,
        10**400,
        np.datetime64("2026-01-01"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, (Broken, type)) else repr(value)[:30],
)
def test_what_is_no_number_of_the_range_is_refused_in_one_sentence(value: Any) -> None:
    with pytest.raises(InvalidInputError) as caught:
        finite_number("fps", value, above=0, at_most=2)
    assert caught.value.message.startswith("fps must be a finite number, more than 0 and at most 2, not ")
    assert "\n" not in caught.value.message
