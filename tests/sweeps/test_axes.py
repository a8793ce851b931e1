"""What is an axis and what is one value, their product, samples of it, and what goes along."""

from __future__ import annotations

import datetime as dt
import io
import itertools
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from decart_nb import ModelDefinition
from decart_nb.errors import InvalidInputError
from decart_nb.sweeps.axes import MAX_ROWS, Axes, Axis, axis, frame_axis, read_axes, value, zip_axes

POINTS = [{"frame": 0, "x": 0.1, "y": 0.2}, {"frame": 9, "x": 0.5, "y": 0.5}]
TRIPLES = [[0, 0.1, 0.2], (9, 0.5, 0.5)]


def rows(axes: Axes) -> list[dict[str, Any]]:
    return [
        {
            name: one
            for factor, position in zip(axes.factors, positions, strict=True)
            for name, one in zip(factor.names, factor.rows[position], strict=True)
        }
        for positions in axes
    ]


def read(name: str, given: Any) -> tuple[list[Any], bool]:
    """The values that are read from what was given under a name, and whether they are held."""
    (factor,) = read_axes([], {name: given}).factors
    return [one for (one,) in factor.rows], factor.constant


@pytest.mark.parametrize(
    ("given", "values"),
    [
        (["a", "b"], ["a", "b"]),
        (("a",), ["a"]),
        (range(3), [0, 1, 2]),
        ((letter for letter in "ab"), ["a", "b"]),
        (iter(["a", "b"]), ["a", "b"]),
        ({"a": 1, "b": 2}.keys(), ["a", "b"]),
        ({"a": 1, "b": 2}.values(), [1, 2]),
        (pd.Series(["a", None]), ["a", None]),
        (pd.Series(["a"], index=["read"]), ["a"]),
        (pd.Index([1, 2]), [1, 2]),
        (pd.Categorical(["b", "a"]), ["b", "a"]),
        (np.array([1, 2]), [1, 2]),
        (np.array(["a", "b"]), ["a", "b"]),
        ([[1, 2], [3]], [[1, 2], [3]]),
        (axis(["a", "b"]), ["a", "b"]),
        ([value(["a"]), "b"], [["a"], "b"]),
    ],
    ids=lambda given: type(given).__name__,
)
def test_what_lists_values_is_an_axis(given, values) -> None:
    assert read("name", given) == (values, False)


@pytest.mark.parametrize(
    "given",
    [
        "street.mp4",
        b"bytes",
        bytearray(b"bytes"),
        memoryview(b"bytes"),
        Path("street.mp4"),
        {"frame": 1},
        7,
        0.5,
        True,
        None,
        Image.new("RGB", (4, 4)),
        np.zeros((2, 2)),
        np.zeros((5, 4, 4, 3), np.uint8),
        io.BytesIO(b"film"),
        io.StringIO("text"),
        ModelDefinition(name="own", width=64, height=48, fps=10),
    ],
    ids=lambda given: type(given).__name__,
)
def test_what_is_one_value_is_held_as_it_is(given) -> None:
    (one,), held = read("name", given)
    assert held
    assert one is given
    assert read("name", [given])[0][0] is given
    assert not read("name", [given])[1]


def test_value_and_axis_say_it_where_it_could_be_either() -> None:
    assert read("path", value([1, 2])) == ([[1, 2]], True)
    assert read("trajectory", axis(POINTS)) == (POINTS, False)
    assert read("trajectory", value([POINTS])) == ([[POINTS]], True)
    frames, held = read("data", axis(np.zeros((3, 4, 4))))
    assert ([frame.shape for frame in frames], held) == ([(4, 4)] * 3, False)
    zipped = zip_axes(path=value([1, 2]), trajectory=axis(POINTS))
    assert list(zipped.rows) == [([1, 2], POINTS[0]), ([1, 2], POINTS[1])]


@pytest.mark.parametrize("one", [POINTS, TRIPLES, [np.array([0, 0.1, 0.2])] * 2], ids=["mappings", "triples", "arrays"])
def test_a_list_of_points_is_one_trajectory_and_a_list_of_such_lists_an_axis(one) -> None:
    assert read("trajectory", one) == ([one], True)
    assert read("trajectory", (point for point in one)) == ([one], True)
    assert read("trajectory", [one, one]) == ([one, one], False)
    assert read("other", one) == (one, False)
    assert len(zip_axes(trajectory=one, seed=[1, 2]).rows) == 2


def test_scalars_of_numpy_and_pandas_become_pythons_and_what_is_missing_becomes_none() -> None:
    given = [np.int64(1), np.float32(0.5), np.str_("a"), np.bool_(True), np.array(3), float("nan"), pd.NA, pd.NaT, None]
    values, _ = read("name", given)
    assert values == [1, 0.5, "a", True, 3, None, None, None, None]
    assert [type(one) for one in values[:5]] == [int, float, str, bool, int]
    assert read("name", np.float64("nan")) == ([None], True)
    assert read("name", value(np.array(3))) == ([3], True)


def test_integers_that_a_missing_one_made_floats_are_integers_again() -> None:
    def types(series: pd.Series) -> list[str]:
        return [type(one).__name__ for one in read("seed", series)[0]]

    assert types(pd.Series([1, None])) == ["int", "NoneType"]
    assert types(pd.Series([1.0, 2.0])) == ["float", "float"]
    assert types(pd.Series([1, 2.5, None])) == ["float", "float", "NoneType"]
    assert types(pd.Series([1.0, math.inf, None])) == ["float", "float", "NoneType"]
    assert types(pd.Series([1, None], dtype="Int64")) == ["int", "NoneType"]
    assert types(pd.Series([1.0, None], dtype=object)) == ["float", "NoneType"]
    assert types(pd.Series([None, None], dtype=float)) == ["NoneType", "NoneType"]


def test_the_last_factor_changes_fastest_and_takes_last_of_all() -> None:
    axes = read_axes([zip_axes(data=["a.mp4", "b.mp4"], prompt=["x", "y"])], {"model": "m", "seed": range(2)}, repeat=2)
    assert axes.names == ("data", "prompt", "model", "seed", "take")
    assert [tuple(row.values()) for row in rows(axes)] == [
        (data, prompt, "m", seed, take)
        for (data, prompt), seed, take in itertools.product([("a.mp4", "x"), ("b.mp4", "y")], range(2), range(2))
    ]
    assert [tuple(row) for row in rows(axes)] == [axes.names] * len(axes)
    assert [factor.constant for factor in axes.factors] == [False, True, False, False]


def test_takes_that_are_given_are_the_last_column_wherever_they_stand() -> None:
    axes = read_axes([], {"take": [0, 2], "seed": [1, 2]})
    assert axes.names == ("seed", "take")
    assert rows(axes)[1] == {"seed": 2, "take": 0}
    assert read_axes([], {"seed": 1}).names == ("seed",)
    assert rows(read_axes([], {"take": 3})) == [{"take": 3}]


def test_zip_axes_repeats_what_is_one_value_and_is_held_only_if_all_of_it_is() -> None:
    zipped = zip_axes(data=["a", "b"], seed=np.arange(2), prompt="p")
    assert list(zipped.rows) == [("a", 0, "p"), ("b", 1, "p")]
    assert zipped.names == ("data", "seed", "prompt")
    assert not zipped.constant
    assert zip_axes(seed=1, prompt="p").constant
    assert repr(zipped) == "<Axis of data, seed, prompt: 2 rows>"


def test_a_table_is_an_axis_with_all_of_its_columns() -> None:
    frame = pd.DataFrame(
        {"prompt": ["a", "b", None], "seed": [1, None, 3], "shot": ["1", "2", "3"], "path": [[1], [2], [3]]},
        index=[7, 7, 7],
    )
    table = frame_axis(frame)
    assert table.names == ("prompt", "seed", "shot", "path")
    assert list(table.rows) == [("a", 1, "1", [1]), ("b", None, "2", [2]), (None, 3, "3", [3])]
    assert len(read_axes([frame], {"model": ["m", "n"]})) == 6
    assert rows(read_axes([pd.DataFrame({"take": [1, 0]})], {"seed": 1}))[0] == {"seed": 1, "take": 1}


@pytest.mark.parametrize(
    ("groups", "named", "repeat", "message"),
    [
        ([], {"prompt": {"a", "b"}}, 1, r"prompt is a set.*sorted\(prompt\)"),
        ([], {"prompt": axis(frozenset("ab"))}, 1, "prompt is a set"),
        ([], {"prompt": []}, 1, "prompt is an axis without values"),
        ([], {"trajectory": []}, 1, "trajectory is an axis without values"),
        ([], {"prompt": iter(())}, 1, "prompt is an axis without values"),
        ([], {"prompt": axis([])}, 1, "prompt is an axis without values"),
        ([], {"prompt": axis("a cat")}, 1, "prompt is marked as an axis.*'a cat'"),
        ([], {"seed": axis(3)}, 1, "seed is marked as an axis"),
        ([], {"seed": axis(np.array(3))}, 1, "seed is marked as an axis"),
        ([], {"seed": axis(axis([3]))}, 1, "seed is marked as an axis"),
        ([], {"seed": itertools.count()}, 1, "seed has more than 1,000,000 values"),
        ([], {"seed": range(2**70)}, 1, r"seed has more than 1,000,000 values.*random\.sample\(seed"),
        ([], {"data": pd.DataFrame({"a": [1]})}, 1, "data is a DataFrame.*without a name"),
        ([], {"data": zip_axes(a=[1])}, 1, "data is several columns.*without a name"),
        ([["a", "b"]], {}, 1, r"without a name; all else needs one.*\['a', 'b'\]"),
        ([pd.Series([1])], {}, 1, "without a name; all else needs one"),
        ([zip_axes(seed=[1, 2])], {"seed": 3}, 1, "seed is given 2 times"),
        ([pd.DataFrame({"seed": [1]}), zip_axes(seed=[1])], {"seed": 3}, 1, "seed is given 3 times"),
        ([pd.DataFrame()], {}, 1, "table is empty"),
        ([pd.DataFrame({"a": []})], {}, 1, "table is empty"),
        ([pd.DataFrame([[1, 2]], columns=["a", "a"])], {}, 1, "name of its own, as text, which 'a' is not"),
        ([pd.DataFrame([[1, 2]])], {}, 1, "name of its own, as text, which 0 is not"),
        ([], {"seed": 1}, 0, "repeat must be a whole number from 1"),
        ([], {"seed": 1}, True, "repeat must be a whole number from 1"),
        ([], {"seed": 1}, 2.0, "repeat must be a whole number from 1"),
        ([], {"seed": 1}, 10**12, "repeat must be a whole number from 1"),
        ([], {"take": [0, 1]}, 2, "take is given, and repeat makes takes too"),
        ([pd.DataFrame({"take": [0]})], {}, 2, "take is given, and repeat makes takes too"),
        ([], {"take": [0, -1]}, 1, "take must be whole numbers from 0, not -1"),
        ([], {"take": [True]}, 1, "take must be whole numbers from 0, not True"),
        ([], {"take": 0.5}, 1, "take must be whole numbers from 0, not 0.5"),
        ([zip_axes(seed=[1], take=["a"])], {}, 1, "take must be whole numbers from 0, not 'a'"),
    ],
)
def test_what_cannot_be_an_axis_is_refused_with_advice(groups, named, repeat, message) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read_axes(groups, named, repeat=repeat)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "needs columns by name"),
        ({"data": ["a", "b"], "prompt": ["x"]}, "data has 2, prompt has 1"),
        ({"data": ["a", "b"], "prompt": []}, "prompt is an axis without values"),
        ({"data": {"a"}}, "data is a set"),
        ({"data": zip_axes(a=[1])}, "data is several columns"),
        ({"data": pd.DataFrame({"a": [1]})}, "data is a DataFrame"),
    ],
)
def test_what_cannot_be_zipped_is_refused_with_advice(columns, message) -> None:
    with pytest.raises(InvalidInputError, match=message):
        zip_axes(**columns)


def test_an_error_names_its_field_for_programs_too() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_axes([], {"prompt": []})
    assert caught.value.data == {"fields": ["prompt"]}


def test_too_large_a_product_is_refused_when_it_is_gone_through_but_can_be_drawn_from() -> None:
    axes = read_axes([], {f"axis_{number}": range(1000) for number in range(40)})
    assert axes.size == 1000**40
    for go_through in (len, iter, list):
        with pytest.raises(InvalidInputError, match=r"at most 1,000,000.*\.sample\("):
            go_through(axes)
    sample = axes.sample(50, seed=1)
    assert len({*sample}) == len(sample) == 50
    assert [*sample] == sorted(sample)
    assert [*sample.sample(50)] == [*sample]
    assert len(read_axes([], {"seed": range(MAX_ROWS)})) == MAX_ROWS


def test_a_sample_larger_than_the_sweep_or_of_no_size_is_refused() -> None:
    axes = read_axes([], {"seed": range(6)})
    for n in (0, -1, 7, True, 2.0, None, "3"):
        with pytest.raises(InvalidInputError, match="draws 1 to 6 of this sweep's 6 rows"):
            axes.sample(n)
    for seed in ("a", [1], 1.5, True):
        with pytest.raises(InvalidInputError, match="seed of a sample"):
            axes.sample(1, seed=seed)
    assert len(axes.sample(np.int64(6), seed=np.int64(1))) == 6


def test_a_seed_draws_the_same_rows_for_ever() -> None:
    """Whoever changes this makes other sweeps of the same cells, and somebody pays for them."""
    axes = read_axes([], {"model": ["m", "n"], "seed": range(50)})
    assert [*axes.sample(5, seed=0)] == [(0, 5), (0, 33), (0, 49), (1, 3), (1, 15)]
    assert {positions for draw in range(300) for positions in axes.sample(2, seed=draw)} == {*axes}


def test_it_loads_without_pandas_and_numpy() -> None:
    code = "import sys; from decart_nb.sweeps.axes import read_axes; axes = read_axes([], {'seed': range(3)}, repeat=2)"
    code += "; print(len(axes), sorted({'numpy', 'pandas'} & {*sys.modules}))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["6", "[]"]


NAMES = ["model", "prompt", "seed", "data", "style", "shot"]
VALUES = st.text(max_size=3) | st.integers(0, 9) | st.none()


@st.composite
def sweeps(draw: st.DrawFn) -> tuple[list[Axis], dict[str, Any], int]:
    """Zipped axes, named ones and single values, and a number of takes."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=5))
    together = draw(st.integers(0, len(names)))
    groups = []
    if together:
        length = draw(st.integers(1, 3))
        columns = {name: draw(st.lists(VALUES, min_size=length, max_size=length)) for name in names[:together]}
        groups.append(zip_axes(**columns))
    named = {name: draw(VALUES | st.lists(VALUES, min_size=1, max_size=3)) for name in names[together:]}
    return groups, named, draw(st.integers(1, 3))


@settings(deadline=None)  # the machine may be busy
@given(sweeps())
def test_a_sweep_is_as_large_as_the_product_of_its_axes(sweep) -> None:
    groups, named, repeat = sweep
    axes = read_axes(groups, named, repeat=repeat)
    lengths = [len(group.rows) for group in groups]
    lengths += [len(given) if isinstance(given, list) else 1 for given in named.values()]
    assert axes.size == len(axes) == len([*axes]) == math.prod(lengths) * repeat
    assert len({*axes}) == len(axes)
    assert [*axes] == sorted(axes)


@settings(deadline=None)  # the machine may be busy
@given(sweeps())
def test_products_and_zips_mix_as_nested_loops_would(sweep) -> None:
    groups, named, repeat = sweep
    loops = [[dict(zip(group.names, row, strict=True)) for row in group.rows] for group in groups]
    for name, one in named.items():
        loops.append([{name: each} for each in (one if isinstance(one, list) else [one])])
    if repeat > 1:
        loops.append([{"take": take} for take in range(repeat)])
    expected = [{name: one for part in parts for name, one in part.items()} for parts in itertools.product(*loops)]
    assert rows(read_axes(groups, named, repeat=repeat)) == expected


@settings(deadline=None)  # the machine may be busy
@given(sweeps(), st.randoms())
def test_the_order_of_keywords_changes_no_row(sweep, shuffler) -> None:
    groups, named, repeat = sweep
    shuffled = [*named.items()]
    shuffler.shuffle(shuffled)

    def as_a_bag(axes: Axes) -> list[str]:
        return sorted(repr(sorted(row.items())) for row in rows(axes))

    one, other = (read_axes(groups, keywords, repeat=repeat) for keywords in (named, dict(shuffled)))
    assert as_a_bag(one) == as_a_bag(other)


@settings(deadline=None)  # the machine may be busy
@given(sweeps(), st.data(), st.integers())
def test_a_sample_is_distinct_rows_of_the_sweep_in_its_order(sweep, data, seed) -> None:
    groups, named, repeat = sweep
    axes = read_axes(groups, named, repeat=repeat)
    n = data.draw(st.integers(1, axes.size))
    sample = axes.sample(n, seed=seed)
    assert sample.size == len(sample) == len({*sample}) == n
    assert {*sample} <= {*axes}
    assert [*sample] == sorted(sample) == [*axes.sample(n, seed=seed)]
    assert (sample.names, sample.factors) == (axes.names, axes.factors)
    again = sample.sample(data.draw(st.integers(1, n)))
    assert {*again} <= {*sample}
    assert [*again] == sorted(again)


def test_dates_of_numpy_stay_dates() -> None:

    days = np.array(["2026-01-02", "NaT"], dtype="datetime64[ns]")
    (factor,) = read_axes([], {"day": days}).factors
    assert factor.rows == [(pd.Timestamp("2026-01-02").to_pydatetime(),), (None,)]
    (factor,) = read_axes([], {"long": np.array([90], dtype="timedelta64[s]")}).factors
    assert factor.rows == [(dt.timedelta(seconds=90),)]


def test_an_axis_that_cannot_be_gone_through_is_refused() -> None:
    def broken():
        yield 1
        raise ZeroDivisionError("in the middle")

    with pytest.raises(InvalidInputError, match=r"seed cannot be iterated over: in the middle"):
        read_axes([], {"seed": broken()})


def test_takes_are_one_rule_with_seeds() -> None:
    (factor,) = read_axes([], {"take": ["0", 1.0, None, "7.0"]}).factors
    assert factor.rows == [(0,), (1,), (0,), (7,)]
