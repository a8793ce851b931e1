"""The grid of clips in JupyterLab: it fills while a sweep runs, plays in step, and is looked at by keyboard."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from decart_nb import media

from .lab import IN_FRONT, THEMES, Lab, Notebook, Queue, finish_sweep, screenshot

_HTML = "<img src=x onerror=window.hacked=1>"
#: The times of all videos that are open, in seconds.
_TIMES = "board => [...board.querySelectorAll('video')].map(video => video.currentTime)"
_PLAYING = "board => [...board.querySelectorAll('video')].filter(video => !video.paused).length"
#: A table of results of clips that lie beside the notebook.
_TABLE = """
import pandas as pd
rows = [
    {{"model": model, "prompt": prompt, "seed": seed, "status": "completed", "path": f"clip{{seed}}.mp4",
      "width": 64, "height": 48, "fps": 10.0, "duration": {length}}}
    for prompt in {prompts} for model in ["lucy-2.5", "lucy-restyle-2"] for seed in range({seeds})
]
table = pd.DataFrame(rows)
"""


def _board(cell: Locator) -> Locator:
    return cell.locator(".decart-board")


def _tiles(cell: Locator) -> Locator:
    return cell.locator(".decart-tile")


@pytest.fixture(scope="module")
def clips(lab: Lab) -> None:
    """Two clips of 3 s beside the notebook, red and blue, which get brighter."""
    for seed, channel in enumerate((0, 2)):
        frames = np.zeros((30, 48, 64, 3), np.uint8)
        frames[..., channel] = np.linspace(80, 250, 30, dtype=np.uint8)[:, None, None]
        media.encode(frames, lab.folder / f"clip{seed}.mp4", fps=10)


def _table(notebook: Notebook, prompts: str = "['a cliff', 'a gorge', 'a dune']", seeds: int = 2) -> None:
    notebook.execute(_TABLE.format(prompts=prompts, seeds=seeds, length=3.0))


def test_a_running_sweep_fills_its_grid_and_the_cell_below_does_not_move(notebook: Notebook, queue: Queue) -> None:
    prompts = [f"a scarp {_HTML}", "a ravine"]
    sweep = f"sw = dnb.sweep(model='lucy-pro-t2v', prompt={prompts}, seed=range(4), name='filling')\n"
    cell = notebook.run(f"{sweep}sw.start(concurrency=4)")
    below = notebook.run("print('below')")
    expect(_tiles(cell)).to_have_count(8)
    expect(_tiles(cell).get_by_text(re.compile("^(queued|processing)")).first).to_be_visible()
    screenshot(cell, "grid, running")
    top = (below.bounding_box() or {})["y"] - (cell.bounding_box() or {})["y"]
    finish_sweep(cell, queue)
    expect(cell.locator(".decart-tile.decart-is-done")).to_have_count(8)
    expect(cell.locator(".decart-tile img:visible").first).to_be_visible()
    assert abs((below.bounding_box() or {})["y"] - (cell.bounding_box() or {})["y"] - top) < 1
    assert _tiles(cell).first.evaluate(IN_FRONT) == "IMG"
    expect(cell.locator(".decart-facts")).to_contain_text(re.compile(r"lucy-pro-t2v.*\d+×\d+.*\d s"))
    screenshot(cell, "grid, ended")
    notebook.theme(THEMES[1])
    screenshot(cell, "grid, dark")
    assert notebook.page.evaluate("window.hacked") is None


def _play_in_step(board: Locator, count: int) -> None:
    """Check that clips play within 80 ms of each other, three times in a row; on a busy machine they catch up first."""
    deadline, in_step = time.monotonic() + 15, 0
    while in_step < 3:
        board.page.wait_for_timeout(100)
        times, playing = board.evaluate(_TIMES), board.evaluate(_PLAYING)
        spread = max(abs((one - other + 1.5) % 3.0 - 1.5) for one in times for other in times)
        in_step = in_step + 1 if len(times) == playing == count and spread < 0.08 else 0
        assert time.monotonic() < deadline, f"{playing} of {len(times)} play, {spread:.3f} s apart"


def test_all_clips_play_in_step_and_loop_together(notebook: Notebook, clips: None) -> None:
    _table(notebook)
    board = _board(notebook.run("table.decart.grid()"))
    expect(_tiles(board)).to_have_count(12)
    board.scroll_into_view_if_needed()
    board.get_by_role("slider", name="Size of the cells").fill("96")
    board.get_by_role("button", name="Play all").click()
    page = notebook.page
    for seconds in (3.0, 2.0):  # the second time in the second loop
        page.wait_for_timeout(1000 * seconds)
        _play_in_step(board, 12)
    screenshot(board, "grid, playing")
    board.get_by_role("button", name="Pause").click()
    board.get_by_role("slider", name="Time of all clips").fill("1.5")
    deadline = time.monotonic() + 10
    while any(abs(at - 1.5) > 0.05 for at in board.evaluate(_TIMES)) and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert board.evaluate(_TIMES) == pytest.approx([1.5] * 12, abs=0.05)
    assert board.evaluate(_PLAYING) == 0


def test_choosers_filter_and_sorting(notebook: Notebook, clips: None) -> None:
    _table(notebook)
    board = _board(notebook.run("table.decart.grid(rows='prompt', cols='model')"))
    expect(board.get_by_role("columnheader", name="lucy-2.5")).to_be_visible()
    expect(_tiles(board)).to_have_count(12)
    # The tiles of a cell are beside each other, and all columns fit.
    tops = [(tile.bounding_box() or {})["y"] for tile in _tiles(board).all()[:4]]
    assert tops == tops[:1] * 4
    assert board.locator(".decart-scroll").evaluate("part => part.scrollWidth <= part.clientWidth")
    board.get_by_role("combobox", name="seed").select_option(label="seed 1")
    expect(_tiles(board)).to_have_count(6)
    expect(board.get_by_text("6 of 12 clips")).to_be_visible()
    board.get_by_role("combobox", name="columns").select_option("seed")
    expect(_tiles(board)).to_have_count(12)
    expect(board.get_by_role("columnheader", name="seed 1")).to_be_visible()
    board.get_by_role("combobox", name="rows").select_option("seed")  # they change places
    expect(board.get_by_role("rowheader", name="seed 1")).to_be_visible()
    board.get_by_role("searchbox", name="Filter").fill("gorge seed>=1")
    expect(_tiles(board)).to_have_count(2)
    board.get_by_role("searchbox", name="Filter").fill("")
    board.get_by_role("combobox", name="sort").select_option("seed")
    expect(board.get_by_role("rowheader").first).to_have_text("seed 1")


def test_the_lightbox_by_keyboard(notebook: Notebook, clips: None) -> None:
    _table(notebook, seeds=1)
    board = _board(notebook.run("table.decart.grid(rows='prompt', cols='model')"))
    _tiles(board).first.focus()
    page = notebook.page
    page.keyboard.press("Enter")
    box = board.get_by_role("dialog")
    expect(box.get_by_role("heading")).to_have_text("lucy-2.5, a cliff")
    for key, name in (
        ("ArrowRight", "lucy-restyle-2, a cliff"),
        ("ArrowDown", "lucy-restyle-2, a gorge"),
        ("ArrowLeft", "lucy-2.5, a gorge"),
        ("ArrowUp", "lucy-2.5, a cliff"),
    ):
        page.keyboard.press(key)
        expect(box.get_by_role("heading")).to_have_text(name)
    expect(box.locator("video")).to_have_count(1)
    screenshot(box, "lightbox")
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    assert page.evaluate("document.activeElement.classList.contains('decart-tile')")
    page.keyboard.press("m")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("m")
    page.keyboard.press("c")
    expect(board.get_by_role("heading", name="Comparison")).to_be_visible()
    page.keyboard.press("2")
    expect(board.get_by_role("slider", name="Wipe")).to_be_visible()
    screenshot(board.get_by_role("dialog"), "comparison from the grid")
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    assert notebook.printed("len(get_ipython().history_manager.input_hist_parsed) > 0") == "True"  # no cell was cut


def test_a_clip_whose_file_is_gone_looks_like_a_failure(notebook: Notebook, lab: Lab, clips: None) -> None:
    for number in range(3):
        shutil.copy(lab.folder / "clip0.mp4", lab.folder / f"goes{number}.mp4")
    notebook.run(
        "import pandas as pd\n"
        "table = pd.DataFrame({'model': 'lucy-2.5', 'seed': range(3), 'status': 'completed', 'width': 64, 'height': 48,"
        " 'fps': 10.0, 'duration': 3.0, 'path': [f'goes{number}.mp4' for number in range(3)]})"
    )
    (lab.folder / "goes2.mp4").unlink()
    board = _board(notebook.run("table.decart.grid()"))
    missing = board.locator('.decart-tile.decart-is-bad[data-status="missing"]')
    expect(missing).to_contain_text("the file is missing")
    expect(missing.locator(".decart-reason")).to_have_text("goes2.mp4 was moved or removed")
    expect(board.locator(".decart-tile img:visible")).to_have_count(2)
    (lab.folder / "goes1.mp4").unlink()  # it goes while the grid is on screen
    _tiles(board).nth(1).click()
    dialog = board.get_by_role("dialog")
    expect(dialog.get_by_role("status")).to_contain_text("The file of this clip is missing: goes1.mp4")
    dialog.get_by_role("button", name="Close").click()
    expect(missing).to_have_count(2)
    expect(board.locator(".decart-tile img:visible")).to_have_count(1)
    screenshot(board, "grid, missing files")


def test_stars_are_in_the_table_after_a_restart(notebook: Notebook, queue: Queue) -> None:
    page = notebook.page
    make = "sw = dnb.sweep(model='lucy-pro-t2v', prompt=['a fjord', 'a mesa'], seed=[5], name='rated')\n"
    cell = notebook.run(make + "sw.start()")
    finish_sweep(cell, queue)
    expect(cell.locator(".decart-tile.decart-is-done")).to_have_count(2)
    _tiles(cell).first.focus()
    page.keyboard.press("4")
    expect(_tiles(cell).first).to_contain_text("★★★★☆")
    page.keyboard.press("Enter")
    box = cell.get_by_role("dialog")
    box.get_by_role("textbox", name="Note").fill("the best")
    box.get_by_role("button", name="Close").click()
    notebook.comes_to_say("[*map(str, sw.results[['rating', 'note']].iloc[0])]", "['4', 'the best']")
    notebook.restart()
    notebook.connect(queue)
    assert (
        notebook.printed("[*map(str, dnb.sweep.load('rated').results[['rating', 'note']].iloc[0])]")
        == "['4', 'the best']"
    )
    again = notebook.run("dnb.sweep.load('rated').grid()")
    expect(_tiles(again).first).to_contain_text("★★★★☆")


def test_another_take_has_a_tile_of_its_own(notebook: Notebook, queue: Queue) -> None:
    cell = notebook.run(
        "sw = dnb.sweep(model='lucy-pro-t2v', prompt='a geyser', seed=[1, 2], name='takes')\nsw.start()"
    )
    finish_sweep(cell, queue)
    _tiles(cell).first.click()
    cell.get_by_role("dialog").get_by_role("button", name=re.compile("^Another take")).click()
    cell.get_by_role("dialog").get_by_role("button", name="Close").click()
    expect(_tiles(cell)).to_have_count(3)
    expect(cell.get_by_text(re.compile("^(queued|processing)")).first).to_be_visible()
    queue.finish()
    expect(cell.locator(".decart-tile.decart-is-done")).to_have_count(3)


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_without_a_kernel_the_posters_remain(app: str, in_app: Notebook, clips: None) -> None:
    notebook = in_app
    notebook.restart()  # connected to no queue, its kernel has no store that would have the posters later
    notebook.execute("import decart_nb")
    _table(notebook)
    cell = notebook.run("table.decart.grid()")
    expect(_tiles(cell)).to_have_count(12)
    expect(cell.locator(".decart-fallback")).to_be_hidden()
    screenshot(cell, f"grid in {app}")
    notebook.save()
    notebook.shut_down()
    notebook.load()
    kept = notebook.page.locator(".jp-Notebook .jp-Cell:has(.decart-fallback)")
    expect(kept.locator(".decart-fallback img:visible")).to_have_count(12)
    expect(kept.locator(".decart-board")).to_have_count(0)
    screenshot(kept, f"grid, static in {app}")
    assert Path(notebook.path).stat().st_size < 300_000


def test_a_clip_made_from_a_video_is_compared_with_it(notebook: Notebook, queue: Queue, clips: None) -> None:
    page = notebook.page
    cell = notebook.run("sw = dnb.sweep(model='lucy-2.5', prompt='a reef', data='clip0.mp4', seed=[3, 4])\nsw.start()")
    finish_sweep(cell, queue)
    cell = notebook.run("sw.grid()")
    expect(cell.locator(".decart-thumbnail")).to_be_visible()
    _tiles(cell).first.focus()
    page.keyboard.press("m")
    cell.get_by_role("button", name="Compare with its input").click()
    box = cell.get_by_role("dialog")
    expect(box.get_by_text("the input").first).to_be_visible()
    expect(box.locator("video")).to_have_count(2)
    screenshot(box, "before and after")
