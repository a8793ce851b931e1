"""A grid of clips: which rows it shows, and what it says of clips whose files are gone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from decart_nb import MediaError
from decart_nb.display.grid import ClipGrid
from decart_nb.display.media_channel import content_of
from decart_nb.display.sweep_grid import SweepGrid
from decart_nb.session.views import grid_of
from decart_nb.sweeps.progress import Progress
from tests.export.galleries import make_table
from tests.fake_sweep import FakeSweep

_HTML = "<img src=x onerror=alert(1)>"


class LookedUp(SimpleNamespace):
    """A store that has no jobs, and counts how often one is looked for."""

    count = 0

    def find(self, **_: Any) -> list[Any]:
        self.count += 1
        return []


@pytest.fixture
def store() -> LookedUp:
    return LookedUp(folder=Path.cwd() / "decart_runs")


def _of_a_table(store: LookedUp) -> ClipGrid:
    table = pd.DataFrame({"status": "planned", "path": None, "sha256": [f"{number:064x}" for number in range(1200)]})
    return grid_of(table, SimpleNamespace(store=store, payment="free"))  # type: ignore[arg-type]  # its store suffices


def _of_a_sweep(store: LookedUp) -> ClipGrid:
    sweep = FakeSweep(Progress(1200), over=True)
    sweep.runner.store = store
    sweep.results["sha256"] = [f"{number:064x}" for number in range(1200)]
    return SweepGrid(sweep)


@pytest.mark.parametrize("make", [_of_a_table, _of_a_sweep], ids=["a table", "a sweep"])
def test_a_long_table_is_cut_before_its_rows_are_looked_up(make: Any, store: LookedUp) -> None:
    grid = make(store)
    assert (store.count, len(grid), grid.row_count) == (1000, 1000, 1200)
    assert grid.data()["note"] == "the first 1,000 of 1,200 rows"
    assert "The first 1,000 of 1,200 rows." in grid.html(None)
    assert grid.text().endswith("the first 1,000 of 1,200 rows")


def test_a_clip_whose_file_is_gone_is_missing_everywhere(tmp_path: Path) -> None:
    table = make_table(tmp_path / "made")
    Path(table.path[1]).unlink()
    table.loc[2, "path"] = None
    grid = table.decart.grid()
    told = [(tile["status"], tile["label"], tile["error"], tile["video"]) for tile in grid.data()["tiles"]]
    assert told == [
        ("completed", "done", None, "0"),
        ("missing", "the file is missing", "clip 1.mp4 was moved or removed", None),
        ("missing", "the file is missing", "its video has no path", None),
        ("completed", "done", None, "3"),
    ]
    for shown in (grid.html(None), grid.text()):
        assert "the file is missing: clip 1.mp4 was moved or removed" in shown
        assert str(tmp_path) not in shown
    assert grid.html(None).count("<img") == 2


def test_a_file_that_goes_later_is_told_when_somebody_looks(tmp_path: Path) -> None:
    table = make_table(tmp_path / f"made {_HTML[:4]}")
    grid = table.decart.grid()
    heard: dict[int, dict[str, Any]] = {}
    grid.observe(heard.update)
    Path(table.path[0]).unlink()
    with pytest.raises(MediaError, match=r"The file of this clip is missing: clip 0\.mp4 was moved or removed\."):
        content_of(grid.files["video", "0"].source)
    assert {number: tile["label"] for number, tile in heard.items()} == {0: "the file is missing"}
    Path(table.path[1]).unlink()
    assert [tile["status"] for tile in grid.data()["tiles"]] == ["missing", "missing", "completed", "completed"]
    assert heard.keys() == {0, 1}


def test_an_input_that_was_given_without_a_name_is_told_in_words(tmp_path: Path) -> None:
    table = make_table(tmp_path / "made", data=f"decart_runs/inputs/{'0f' * 32}.mp4")
    assert "data a video given in memory" in table.decart.grid().data()["facts"]


def test_a_column_that_is_no_text_is_down_the_side(tmp_path: Path) -> None:
    table = make_table(tmp_path / "made").assign(**{"1": "text"})
    table[1] = ["x", "y", "x", "y"]
    grid = table.decart.grid(rows=1, cols="model")
    assert (grid.data()["rows"], grid.data()["cols"]) == ("1 (2)", "model")
    assert "1 (2) y" in grid.html(None)


def test_a_column_that_is_no_text_is_no_input_of_a_clip(tmp_path: Path) -> None:
    table = make_table(tmp_path / "made", models=["mine"])  # of a model that nobody knows, any column may be an input
    table[("a", 1)] = "x"
    assert [{*clip.inputs} for clip in table.decart.clips] == [{"prompt", "seed"}] * 2
    assert table.decart.contact_sheet(tmp_path / "sheet.png", cols=("a", 1)).is_file()
