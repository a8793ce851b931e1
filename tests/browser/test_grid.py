"""The grid of clips in JupyterLab: it fills while a sweep runs, plays in step, and is looked at by keyboard."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from .lab import THEMES, Notebook, Queue, finish_sweep, screenshot

_HTML = "<img src=x onerror=window.hacked=1>"
#: The times of all videos that are open, in seconds.
_TIMES = "board => [...board.querySelectorAll('video')].map(video => video.currentTime)"


def _sweep(name: str, *, prompts: str = "['a cliff', 'a gorge', 'a dune']", seeds: int = 2) -> str:
    return (
        f"sw = dnb.sweep(model=['lucy-pro-t2v', 'lucy-2.5'], prompt={prompts}, seed=range({seeds}), name={name!r}, "
        "data=dnb_video)\n"
    )


def _video(notebook: Notebook) -> None:
    """A video as the input, and clips of two lengths as the canned answers are the same everywhere."""
    notebook.run(
        "import numpy as np\nfrom decart_nb import media\n"
        "dnb_video = 'input.mp4'\n"
        "_ = media.encode(np.full((24, 64, 96, 3), 90, np.uint8), dnb_video, fps=12)"
    )


def _board(cell: Locator) -> Locator:
    return cell.locator(".decart-board")


def _tiles(cell: Locator) -> Locator:
    return cell.locator(".decart-tile")


def test_a_running_sweep_fills_its_grid_and_the_cell_below_does_not_move(notebook: Notebook, queue: Queue) -> None:
    _video(notebook)
    cell = notebook.run(
        _sweep(f"filling {_HTML}", prompts=f"['a cliff {_HTML}', 'a gorge']") + "sw.start(concurrency=4)"
    )
    below = notebook.run("print('below')")
    expect(_tiles(cell)).to_have_count(8)
    expect(_tiles(cell).get_by_text(re.compile("^(queued|processing)")).first).to_be_visible()
    screenshot(cell, "grid, running")
    top = (below.bounding_box() or {})["y"] - (cell.bounding_box() or {})["y"]
    finish_sweep(cell, queue)
    expect(cell.locator(".decart-tile.decart-is-done")).to_have_count(8)
    expect(cell.locator(".decart-tile img:visible").first).to_be_visible()
    assert abs((below.bounding_box() or {})["y"] - (cell.bounding_box() or {})["y"] - top) < 1
    screenshot(cell, "grid, ended")
    notebook.theme(THEMES[1])
    screenshot(cell, "grid, dark")
    assert notebook.page.evaluate("window.hacked") is None
