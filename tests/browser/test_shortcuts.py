"""The frontends' own shortcuts: none of them takes a key that is pressed in a view with keys of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .lab import Lab, Notebook
from .test_rating import RATE, TABLE

#: Each of the views with keys of its own: the code that shows it, and what gets the focus in it.
_VIEWS = {
    "dnb.compare('small.mp4', 'small.mp4')": ".decart-compare-stage",
    "dnb.trajectory('small.png', [(0, 0.5, 0.5), (9, 0.6, 0.6)])": ".decart-trajectory-point",
    "dnb.keyframes('small.mp4')": ".decart-keyframes-stage",
    RATE.format(mark="shortcuts"): ".decart-rating button:visible",
}
#: In a frontend they cut a cell, delete it, make one of another kind, fold it, go to the next one, and run it.
_KEYS = ("x", "d", "d", "m", "c", "b", "ArrowDown", "ArrowLeft", "j", "Shift+M", "Delete")
_CELLS = "return notebook.widgets.map((cell) => [cell.model.type, cell.model.sharedModel.getSource()])"


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_a_key_that_is_pressed_in_a_view_changes_no_cell_and_leaves_the_focus_there(
    in_app: Notebook, lab: Lab, small_video: Path, small_image: Path, app: str
) -> None:
    for path in (small_video, small_image):
        shutil.copy(path, lab.folder)
    notebook, page = in_app, in_app.page
    notebook.run(
        TABLE.format("one", "other", prompts=8, prompt="a reef", mark="shortcuts").replace("2 * shortcuts", "9")
    )
    for code, part in _VIEWS.items():
        cell = notebook.run(code)
        focused = cell.locator(part).first
        cells, inside = notebook.script(_CELLS), cell.locator(".decart:focus-within, .decart:focus")
        for key in _KEYS:
            focused.focus()
            page.keyboard.press(key)
            expect(inside).to_have_count(1)
        assert notebook.script(_CELLS) == cells
        page.keyboard.press("Escape")
        expect(inside).to_have_count(0)
        expect(cell).to_be_focused()
