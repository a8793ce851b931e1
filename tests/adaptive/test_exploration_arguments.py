"""What an exploration can be asked for, and what it refuses."""

from __future__ import annotations

import pytest

from decart_nb import InvalidInputError
from tests.explored_sweep import explored_sweep, prefers


def test_the_values_of_any_input_can_be_compared(tmp_path) -> None:
    sweep = explored_sweep(tmp_path, ("a", "b", "c"), prompts=3)
    exploration = sweep.explored(by="prompt", rater=prefers())
    exploration.run()
    pairs = exploration.comparisons[["value", "other"]].to_numpy().tolist()
    assert pairs == [["p0", "p1"], ["p0", "p2"], ["p1", "p2"]]
    assert exploration.comparisons["ties"].tolist() == [3, 3, 3]  # one for each model


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"budget": None}, r"An exploration needs a limit: a budget in USD, explore\(budget=5\)"),
        ({"budget": -1}, "budget must be USD, as a number from 0, not -1"),
        ({"budget": "much"}, "budget must be USD"),
        ({"max_rows": 0}, "max_rows must be a whole number of rows from 1, not 0"),
        ({"batch": 0}, "batch must be a whole number of rows from 1, not 0"),
        ({"batch": None}, "batch must be a whole number of rows from 1, not None"),
        ({"error_rate": 0}, "error_rate must be a number above 0 and below 0.5, such as 0.05, not 0"),
        ({"error_rate": float("nan")}, "error_rate must be a number"),
        ({"error_rate": True}, "error_rate must be a number"),
        ({"seed": "x"}, "seed must be a whole number or None, not 'x'"),
        ({"rater": 5}, "rater must be the name of the person who votes, or a function of two clips"),
        ({"rater": " "}, "rater must be the name of the person who votes, not ' '"),
        ({"by": "modl"}, r"by must name a column of the table; it has no 'modl'\. Did you mean model"),
        ({"by": ["model"]}, "by must be the name of one column, as text"),
        ({"by": "status"}, "by must name an input of the sweep, which status is not"),
    ],
    ids=str,
)
def test_wrong_arguments_give_one_clear_error(sweep, options, said) -> None:
    with pytest.raises(InvalidInputError, match=said):
        sweep.explored(**options)
    assert sweep.begun == []


def test_a_function_without_a_name_of_its_own_is_refused_since_its_votes_would_be_those_of_others(sweep) -> None:
    with pytest.raises(InvalidInputError, match="a lambda has none: give rater a function that is defined with def"):
        sweep.explored(rater=lambda left, right: "left")


def test_too_many_values_are_refused_before_each_is_matched_with_each(tmp_path) -> None:
    sweep = explored_sweep(tmp_path, prompts=500)
    with pytest.raises(InvalidInputError, match=r"'prompt' has 500 values, and each is compared with each: .* most 20"):
        sweep.explored(by="prompt")


def test_a_sweep_in_which_nothing_can_be_compared_is_refused(tmp_path) -> None:
    one = explored_sweep(tmp_path, ("a",))
    with pytest.raises(InvalidInputError, match="All rows have the same model, 'a', and at least two values"):
        one.explored()
    apart = explored_sweep(tmp_path)
    apart.table["prompt"] = [f"p{number}" for number in range(40)]
    with pytest.raises(InvalidInputError, match=r"No two rows with another model share everything else: .* prompt"):
        apart.explored()
    invalid = explored_sweep(tmp_path)
    for row in invalid.rows[:20]:
        row.error = "There is no file in.mp4."
    with pytest.raises(InvalidInputError, match=r"No two valid rows .* \.plan tells which rows are invalid"):
        invalid.explored()
