"""The arrangement of a grid's tiles in rows and columns."""

from __future__ import annotations

import pandas as pd
import pytest

from decart_nb.display.grid_arrangement import MAX_CELLS, arrange


def _table(count: int, **columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(
        {"model": ["lucy-2.5"] * count, "status": ["planned"] * count, "path": [None] * count} | columns
    )


def test_tiles_are_in_the_order_in_which_their_values_appear() -> None:
    arranged = arrange([("b", 1), ("a", 1), ("b", 0), ("b", 1)], "prompt", "seed")
    assert (arranged.row_labels, arranged.col_labels) == (["b", "a"], ["seed 1", "seed 0"])
    assert arranged.cells == {(0, 0): [0, 3], (1, 0): [1], (0, 1): [2]}
    assert arranged.lines() == [[[0, 3], [2]], [[1], []]]


def test_values_that_only_read_alike_are_apart() -> None:
    arranged = arrange([("no prompt", 1), (None, True), ("", 1.0)], "prompt", "seed")
    assert arranged.row_labels == ["no prompt", "no prompt"]
    assert arranged.cells == {(0, 0): [0], (1, 1): [1], (1, 0): [2]}


def test_without_columns_each_row_is_one_cell() -> None:
    arranged = arrange([("a", None), ("b", None), ("a", None)], "prompt", "")
    assert (arranged.col_labels, arranged.cells) == ([""], {(0, 0): [0, 2], (1, 0): [1]})


def test_a_grid_that_would_be_nearly_empty_is_drawn_by_rows_alone_and_says_so() -> None:
    count = 1000
    grid = _table(count, prompt=[f"p{n}" for n in range(count)], seed=[*range(count)]).decart.grid("prompt", "seed")
    html = grid.html(None)
    assert html.count("<td") == count
    assert "seed 999" in html  # told by the tile, since no column does
    assert "Not across: seed, by which 1,000 × 1,000 cells would be nearly all empty." in html
    assert grid.data()["most_cells"] == MAX_CELLS
    assert grid.data()["cols"] == "seed"


@pytest.mark.parametrize(("seeds", "across"), [(100, 100), (101, 1)], ids=["as many as are drawn", "one more"])
def test_the_bound_is_on_cells(seeds: int, across: int) -> None:
    arranged = arrange([(n % 100, n % seeds) for n in range(100 * seeds)], "prompt", "seed")
    assert len(arranged.col_labels) == across
    assert bool(arranged.note) == (across == 1)
    assert sum(map(len, arranged.cells.values())) == 100 * seeds
