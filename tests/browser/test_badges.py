"""Metrics in the grid in JupyterLab: badges below the clips, ranges as rows, and the order."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from decart_nb import media

from .lab import THEMES, Lab, Notebook, screenshot

_TABLE = """
import pandas as pd
import decart_nb
rows = [{"model": model, "prompt": prompt, "seed": seed, "status": "completed", "path": "measured.mp4", "width": 64,
         "height": 48, "fps": 10.0, "duration": 1.0}
        for prompt in ["a cliff", "a gorge"] for model in ["lucy-2.5", "lucy-restyle-2"] for seed in range(3)]
table = pd.DataFrame(rows)
table["motion"] = [3.1, 2.9, 3.3, 3.0, 9.25, 3.2, 2.8, 3.05, 3.15, 2.95, 3.25, None]
table["<b>sharp</b>"] = [0.5 + number / 64 for number in range(12)]
table.attrs["metrics"] = ["motion", "<b>sharp</b>"]
"""


@pytest.fixture(scope="module")
def clip(lab: Lab) -> None:
    """A clip beside the notebook."""
    frames = np.full((10, 48, 64, 3), 120, np.uint8)
    frames[:, :20, :30] = (30, 90, 160)
    media.encode(frames, lab.folder / "measured.mp4", fps=10)


def _names(board: Locator) -> list[str]:
    return [tile.get_attribute("aria-label") or "" for tile in board.locator(".decart-tile").all()]


def test_metrics_are_badges_rows_and_the_order(notebook: Notebook, clip: None) -> None:
    notebook.run(_TABLE)
    board = notebook.run("table.decart.grid(rows='prompt', cols='model', sort='motion')").locator(".decart-board")
    expect(board.locator(".decart-badge")).to_have_count(23)
    outlier = board.locator(".decart-badge.decart-is-outlier")
    expect(outlier).to_have_text("motion9.25▲ high")
    expect(board.locator(".decart-badge").filter(has_text="<b>sharp</b>").first).to_be_visible()
    assert "seed 1" in _names(board)[0]
    assert _names(board)[0].endswith("motion 9.25, high")
    screenshot(board, "badges")
    notebook.theme(THEMES[1])
    screenshot(board, "badges, dark")
    notebook.light()

    first = _names(board)[0]
    board.get_by_role("button", name="Descending").click()
    assert _names(board)[0] != first
    board.get_by_role("combobox", name="badges").select_option("outliers")
    expect(board.locator(".decart-badge:visible")).to_have_count(1)
    board.get_by_role("combobox", name="sort").select_option(label="as given")
    board.get_by_role("combobox", name="rows").select_option("motion")
    ranges = board.get_by_role("rowheader")
    expect(ranges.first).to_contain_text("motion < ")
    expect(ranges.last).to_have_text("no motion")
    assert 4 <= ranges.count() <= 5
    screenshot(board, "badges, ranges")


def test_infinite_values_are_the_ends_of_the_order(notebook: Notebook, clip: None) -> None:
    notebook.run(f"{_TABLE}table = table[:4].assign(level=[-3.5, -float('inf'), float('inf'), 4.5], model='lucy-2.5')")
    board = notebook.run("table.decart.grid(rows='prompt', cols='model', badges='level')").locator(".decart-board")
    badges = board.locator(".decart-badge > b:first-of-type")
    expect(badges).to_have_text(["-3.50", "-inf", "inf", "4.50"])
    board.get_by_role("combobox", name="sort").select_option("level")
    expect(badges).to_have_text(["inf", "4.50", "-3.50", "-inf"])
