"""Which rows are made next."""

from __future__ import annotations

from typing import Any

import pytest

from decart_nb.adaptive.blocks import Limits, blocks_of, independent_matches, next_batch
from decart_nb.rating.pairs import Match, find_matches
from tests.rating_tables import results

TABLE = results(model=["a", "b", "c"], prompt=["p", "q"], seed=[1, 2])  # of each model, rows 0-3, 4-7, 8-11
ALL = ((0, 1), (0, 2), (1, 2))


def _blocks(seed: str = "s") -> list[list[Match]]:
    return blocks_of(find_matches(TABLE, "model").matches, seed)


def _next(count: int, **changes: Any) -> tuple[list[int], bool]:
    usual: dict[str, Any] = {
        "undecided": ALL,
        "there": set(),
        "possible": set(range(12)),
        "paid": set(),
        "costs": [0.1] * 12,
        "limits": Limits(),
    }
    return next_batch(_blocks(), count, **usual | changes)


def test_a_block_has_the_rows_that_share_everything_else() -> None:
    blocks = [sorted({row for match in block for row in match.rows}) for block in _blocks()]
    assert sorted(blocks) == [[0, 4, 8], [1, 5, 9], [2, 6, 10], [3, 7, 11]]


def test_the_order_is_random_and_the_same_for_the_same_seed_with_new_prompts_first() -> None:
    assert _blocks("one") == _blocks("one")
    assert len({str(_blocks(str(seed))) for seed in range(20)}) > 3
    for seed in range(20):
        prompts = [block[0].shared["prompt"] for block in _blocks(str(seed))]
        assert {*prompts[:2]} == {*prompts[2:]} == {"p", "q"}


def test_without_a_prompt_of_their_own_blocks_with_other_inputs_come_first() -> None:
    table = results(model=["a", "b"], prompt_template=["a {thing}"], thing=["cat", "dog"], seed=[1, 2, 3])
    for seed in range(20):
        things = [block[0].shared["thing"] for block in blocks_of(find_matches(table, "model").matches, str(seed))]
        assert {*things[:2]} == {*things[2:4]} == {"cat", "dog"}


def test_whole_blocks_are_made_and_none_twice() -> None:
    rows, limited = _next(2)
    assert len(rows) == 6
    assert not limited
    assert {row % 4 for row in rows} == {row % 4 for row in rows if row < 4}
    others, _ = _next(4, there=set(rows))
    assert sorted(rows + others) == [*range(12)]
    assert _next(4, there=set(range(12))) == ([], False)


def test_only_rows_of_values_that_are_not_told_apart_are_made() -> None:
    assert sorted(_next(9, undecided=[(1, 2)])[0]) == [4, 5, 6, 7, 8, 9, 10, 11]
    assert _next(9, undecided=[]) == ([], False)


def test_a_row_that_can_be_compared_with_none_is_not_made() -> None:
    rows, _ = _next(9, possible={0, 4, 1, 2}, undecided=[(0, 1)])
    assert sorted(rows) == [0, 4]
    assert _next(9, possible={1}, there={5})[0] == [1]  # what it is compared with is there


def test_a_block_that_exceeds_a_limit_is_left_out_and_that_is_told() -> None:
    assert len(_next(4, limits=Limits(money=0.7))[0]) == 6
    assert _next(4, limits=Limits(money=0.7))[1]
    assert len(_next(4, limits=Limits(rows=8))[0]) == 6
    assert _next(4, limits=Limits(money=0.0)) == ([], True)
    assert len(_next(4, limits=Limits(money=1.2))[0]) == 12  # the sum of the costs is not exact
    assert not _next(4, limits=Limits(money=1.2, rows=12))[1]
    cheap = [10.0] * 3 + [0.1] + [10.0] * 3 + [0.1] + [10.0] * 3 + [0.1]
    assert sorted(_next(1, limits=Limits(money=1.0), costs=cheap)[0]) == [3, 7, 11]


def test_a_row_that_is_paid_already_costs_nothing_more() -> None:
    rows, limited = _next(1, limits=Limits(money=0.0, rows=0), paid=set(range(12)))
    assert len(rows) == 3
    assert not limited


def test_a_clip_is_compared_with_one_of_each_other_value() -> None:
    # The model c takes no seed: the same clip for both.
    first = {9: 8, 11: 10}
    kept = independent_matches(find_matches(TABLE, "model").matches, first)
    of_c = [match.rows for match in kept if match.values == (1, 2)]
    assert sorted(other for _, other in of_c) == [8, 10]
    assert len([match for match in kept if match.values == (0, 1)]) == 4


@pytest.mark.parametrize("number", [0, 5])
def test_the_same_request_is_not_compared_with_itself(number) -> None:
    match = Match((number, 7), (0, 1), {})
    assert independent_matches([match], {7: number}) == []
