"""Layouts of grids, made from tables of clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import decart_nb
from decart_nb.errors import InvalidInputError
from decart_nb.export.captions import Captions
from decart_nb.export.layout import Layout, layout_of
from tests.export.grids import GREEN, HOSTILE, RED, make_clip, make_layout


def _table(values: list[list[object]], rows: pd.Index, cols: pd.Index) -> pd.DataFrame:
    grid = np.full((len(rows), len(cols)), None, dtype=object)
    for row, line in enumerate(values):
        for col, value in enumerate(line):
            grid[row, col] = value
    return pd.DataFrame(grid, index=rows, columns=cols)


def test_labels_name_the_column_where_the_value_alone_says_nothing() -> None:
    rows = pd.Index(["An oil painting", "720p", "7", ""], name="style")
    cols = pd.Index([0, 1.5, 2.0, True, None], name="seed", dtype=object)
    layout = layout_of(_table([], rows, cols))
    assert layout.rows == ["An oil painting", "720p", "style 7", "no style"]
    assert layout.cols == ["seed 0", "seed 1.5", "seed 2", "seed True", "no seed"]
    assert (layout.row_name, layout.col_name) == ("style", "seed")


def test_a_table_of_one_unnamed_column_has_an_empty_label() -> None:
    layout = layout_of(_table([], pd.Index(["a lake"], name="prompt"), pd.Index([""])))
    assert (layout.cols, layout.col_name, layout.title) == ([""], "", "0 clips by prompt")


def test_several_columns_make_one_label() -> None:
    cols = pd.MultiIndex.from_tuples([("lucy-2.5", 0), ("lucy-2.5", 1)], names=["model", "seed"])
    layout = layout_of(_table([], pd.Index(["x y"], name="prompt"), cols))
    assert layout.cols == ["lucy-2.5 · seed 0", "lucy-2.5 · seed 1"]
    assert layout.col_name == "model · seed"
    assert layout.title == "0 clips by prompt, model and seed"


def test_a_cell_holds_clips_texts_or_nothing(tmp_path: Path) -> None:
    clip = make_clip(tmp_path, (RED, 2))
    table = _table([[clip, (clip, "failed: no memory"), None, pd.NA, 3]], pd.Index(["x"]), pd.RangeIndex(5))
    assert layout_of(table).cells == [[[clip], [clip, "failed: no memory"], [], [], ["3"]]]


def test_a_results_table_becomes_a_layout(canned_queue, tmp_path: Path) -> None:
    with decart_nb.connect("live", api_key=canned_queue.api_key, base_url=canned_queue.base_url) as session:
        results = session.sweep(model="lucy-pro-t2v", prompt=["a lake", "a city"], seed=range(2)).run()
        clips = results.assign(clip=results.decart.clips)
        layout = layout_of(clips.pivot(index="prompt", columns="seed", values="clip"))
    assert layout.rows == ["a city", "a lake"]
    assert layout.cols == ["seed 0", "seed 1"]
    assert [(row, col) for row, col, _ in layout.clips()] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_labels_of_files_name_no_folder() -> None:
    rows = pd.Index(
        ["/home/someone/in.mp4", "C:\\Users\\someone\\other.mp4", "https://host/a/b.mp4?key=1"], name="data"
    )
    assert layout_of(_table([], rows, pd.Index([Path("/srv/x.png")], name="mask"))).rows == [
        "in.mp4",
        "other.mp4",
        "b.mp4",
    ]
    assert layout_of(_table([], rows, pd.Index([Path("/srv/x.png")], name="mask"))).cols == ["x.png"]


def test_hostile_labels_become_one_printable_line() -> None:
    layout = layout_of(_table([], pd.Index(HOSTILE, name="prompt\x1b[0m", dtype=object), pd.Index([1], name="seed")))
    assert all(label.isprintable() or "\u200d" in label for label in layout.rows)
    assert all(len(label) <= 1000 for label in layout.rows)
    assert "\x1b" not in layout.row_name


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
    assert captions.of(first) == "take 1 · 1.0 s · oil"
    assert captions.of(second) == "take 2 · 1.0 s · ink"


def test_captions_do_not_repeat_the_labels(tmp_path: Path) -> None:
    clips = [make_clip(tmp_path, (RED, 10), inputs={"prompt": "a lake", "seed": seed}) for seed in range(2)]
    captions = Captions(make_layout([[clips[0]], [clips[1]]]))
    assert "a lake" not in captions.shared
    assert [captions.of(clip) for clip in clips] == ["1.0 s", "1.0 s"]
