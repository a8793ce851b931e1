"""Layouts for export, made from grids of clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from decart_nb.errors import InvalidInputError
from decart_nb.export.captions import Captions
from decart_nb.export.layout import Layout, layout_of
from tests.export.grids import GREEN, HOSTILE, RED, make_clip, make_layout


def _layout(rows: list[dict[str, Any]], down: str | None = None, across: str | None = None) -> Layout:
    """The layout of a table of results with these rows."""
    usual = {"model": "lucy-2.5", "prompt": "a lake", "status": "planned", "path": None}
    return layout_of(pd.DataFrame([usual | row for row in rows], dtype=object).decart.grid(down, across))


def test_labels_are_those_of_the_grid() -> None:
    rows = [{"style": style, "seed": seed} for style in ("oil", "") for seed in (0, 1)]
    layout = _layout(rows, "style", "seed")
    assert (layout.rows, layout.cols) == (["style oil", "no style"], ["seed 0", "seed 1"])
    assert (layout.row_name, layout.col_name, layout.title) == ("style", "seed", "0 clips by style and seed")


def test_a_table_in_which_one_column_varies_has_an_empty_label_across() -> None:
    layout = _layout([{"prompt": "a lake"}, {"prompt": "a city"}])
    assert (layout.rows, layout.cols, layout.col_name) == (["a lake", "a city"], [""], "")
    assert layout.title == "0 clips by prompt"


def test_a_cell_holds_clips_statuses_or_nothing(tmp_path: Path) -> None:
    clip = make_clip(tmp_path, (RED, 2))
    done = {"status": "completed", "path": str(clip.path)}
    rows = [
        {"seed": 0, "model": "lucy-2.5", **done},
        {"seed": 0, "model": "lucy-2.5", "status": "failed", "error": "no memory"},
        {"seed": 0, "model": "lucy-2.6"},
        {"seed": 1, "model": "lucy-2.6", "status": "completed", "path": str(tmp_path / "gone.mp4")},
    ]
    cells = _layout(rows, "seed", "model").cells
    assert [getattr(item, "path", item) for item in cells[0][0]] == [clip.path, "failed: no memory"]
    assert cells[0][1] == ["not begun"]
    assert cells[1] == [[], ["the file is missing: gone.mp4 was moved or removed"]]


def test_labels_of_files_name_no_folder() -> None:
    given = ["/home/someone/in.mp4", "C:\\Users\\someone\\other.mp4", "https://host/a/b.mp4?key=1", "/else/in.mp4"]
    layout = _layout([{"data": name} for name in given], "data")
    assert layout.rows == ["data in.mp4", "data other.mp4", "data b.mp4", "data in.mp4 (2)"]


def test_hostile_labels_become_one_printable_line() -> None:
    layout = _layout([{"prompt": text, "name\x1b[0m": text} for text in HOSTILE], "prompt", "name\x1b[0m")
    assert all(label.isprintable() or "\u200d" in label for label in layout.rows)
    assert all(len(label) <= 1000 for label in layout.rows)
    assert "\x1b" not in layout.col_name


def test_a_table_of_more_rows_than_a_grid_shows_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"at most 1,000 rows, and this table has 1,001: filter the table"):
        _layout([{"seed": seed} for seed in range(1001)])


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="no rows"):
        layout_of(pd.DataFrame({"status": [], "path": []}).decart.grid())


@pytest.mark.parametrize(("rows", "cells"), [(["a"], []), (["a"], [[[], []]]), ([], [])])
def test_cells_that_fit_no_labels_are_refused(rows: list[str], cells: list[list[list[str]]]) -> None:
    with pytest.raises(InvalidInputError):
        Layout(rows=rows, cols=["x"], row_name="", col_name="", cells=cells, title="")


def test_captions_say_what_clips_do_not_share(tmp_path: Path) -> None:
    first = make_clip(tmp_path, (RED, 10), inputs={"prompt": "a lake", "style": "oil", "steps": 4})
    second = make_clip(tmp_path, (GREEN, 10), inputs={"prompt": "a lake", "style": "ink", "steps": 4}, take=1)
    layout = Layout(["x"], ["y"], "model", "", [[[first, second]]], "")
    captions = Captions(layout)
    assert captions.shared == "a lake · steps 4 · 96×64 · local preview"
    assert captions.of(first) == "take 0 · 1.0 s · style oil"
    assert captions.of(second) == "take 1 · 1.0 s · style ink"


def test_captions_do_not_repeat_the_labels(tmp_path: Path) -> None:
    clips = [make_clip(tmp_path, (RED, 10), inputs={"prompt": "a lake", "seed": seed}) for seed in range(2)]
    captions = Captions(make_layout([[clips[0]], [clips[1]]]))
    assert "a lake" not in captions.shared
    assert [captions.of(clip) for clip in clips] == ["1.0 s", "1.0 s"]
