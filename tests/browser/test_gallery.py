"""Static galleries, moved elsewhere and opened from the disk."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.export.galleries import make_table

from .lab import IN_FRONT, screenshot

_HTML = "<img src=x onerror=window.hacked=1>"
_SCRIPT = "</script><script>window.hacked=1</script>"
_PROMPTS = (f"a cliff {_HTML}", f"a gorge {_SCRIPT}", "a dune")
_SECONDS = 4.0
#: Of the videos that are open, the largest distance between two times, in seconds on the circle of a loop.
_SPREAD = f"""() => {{
    const videos = [...document.querySelectorAll('.decart-tile video')];
    const times = videos.map((video) => video.currentTime % {_SECONDS}).sort((a, b) => a - b);
    const gaps = times.map((time, index) => (index ? time - times[index - 1] : time + {_SECONDS} - times.at(-1)));
    const playing = videos.filter((video) => !video.paused).length;
    return {{count: times.length, playing, first: times[0], spread: {_SECONDS} - Math.max(...gaps)}};
}}"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """A clip for each of 2 models, 3 prompts and 2 seeds."""
    folder = tmp_path_factory.mktemp("made")
    ratings = [3, 1, 5, 2, 4, 1, 2, 3, 4, 5, 1, 2]
    return make_table(folder, prompts=_PROMPTS, seeds=2, seconds=_SECONDS, fps=12, rating=ratings, note=_HTML)


@pytest.fixture(scope="module")
def gallery(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of these clips, moved, with nothing left where it was made."""
    folder = tmp_path_factory.mktemp("galleries")
    page = table.decart.to_html(folder / "made here", title=f"Cliffs {_HTML}")
    return Path(shutil.move(page.parent, folder / "moved & renamed #1")) / page.name


@pytest.fixture
def opened(page: Page, gallery: Path) -> Iterator[Page]:
    """The gallery in a browser window, which loads nothing from elsewhere and runs no foreign script."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(gallery.as_uri())
    yield page
    own = (gallery.parent.as_uri(), "blob:", "data:")
    assert [url for url in asked if not url.startswith(own)] == []
    assert page.evaluate("window.hacked") is None


def _tile(page: Page, *texts: str) -> Locator:
    """The tile whose name has these texts."""
    found = page.locator(".decart-tile")
    for text in texts:
        found = found.and_(page.locator(f'[aria-label*="{text}"]'))
    return found


def _names(page: Page) -> list[str]:
    return [tile.get_attribute("aria-label") or "" for tile in page.locator(".decart-tile").all()]


def test_it_opens_from_the_disk_with_posters_and_without_a_script_of_somebody_else(opened: Page) -> None:
    expect(opened.locator(".decart-tile.decart-is-done")).to_have_count(12)
    expect(opened.get_by_role("heading", level=1)).to_have_text(f"Cliffs {_HTML}")
    expect(opened.get_by_role("rowheader").filter(has_text="a cliff")).to_have_text(_PROMPTS[0])
    expect(opened.get_by_role("rowheader").filter(has_text="a gorge")).to_have_text(_PROMPTS[1])
    opened.wait_for_function("""() => {
        const images = [...document.querySelectorAll('.decart-tile img')];
        return images.length === 12 && images.every((image) => image.complete && image.naturalWidth > 0);
    }""")
    expect(opened.locator("video")).to_have_count(0)
    assert _tile(opened, "lucy-2.5", "a cliff", "seed 0").evaluate(IN_FRONT) == "IMG"
    screenshot(opened.locator("main"), "gallery")


def test_all_clips_play_in_step_also_in_the_second_loop(opened: Page) -> None:
    opened.set_viewport_size({"width": 1280, "height": 1400})
    opened.get_by_role("button", name="Play all").click()
    began = "() => document.querySelectorAll('.decart-tile video').length === 12"
    opened.wait_for_function(began)
    opened.wait_for_function(f"() => {{ const now = ({_SPREAD})(); return now.playing === 12 && now.first >= 3; }}")
    assert opened.evaluate(_SPREAD)["spread"] < 0.08
    opened.wait_for_function(f"() => {{ const now = ({_SPREAD})(); return now.playing === 12 && now.first < 1; }}")
    opened.wait_for_function(f"() => {{ const now = ({_SPREAD})(); return now.first > 1.5; }}")
    now = opened.evaluate(_SPREAD)
    assert (now["count"], now["playing"]) == (12, 12)
    assert now["spread"] < 0.08


def test_a_chooser_changes_what_is_down_and_across(opened: Page) -> None:
    expect(opened.get_by_role("rowheader")).to_have_count(3)
    opened.get_by_role("combobox", name="rows").select_option("seed")
    expect(opened.get_by_role("rowheader")).to_have_text(["seed 0", "seed 1"])
    expect(opened.get_by_role("columnheader")).to_have_text(["lucy-2.5", "lucy-2.6"])
    opened.get_by_role("combobox", name="prompt").select_option(label="a dune")
    expect(opened.locator(".decart-tile")).to_have_count(4)
    expect(opened.get_by_role("status").filter(has_text="of 12 clips")).to_have_text("4 of 12 clips")


def test_filter_and_sort_use_any_column(opened: Page) -> None:
    opened.get_by_role("searchbox", name="Filter").fill("rating>=4 model:2.5")
    expect(opened.locator(".decart-tile")).to_have_count(2)
    expect(_tile(opened, "lucy-2.5", "5 of 5 stars")).to_be_visible()
    opened.get_by_role("searchbox", name="Filter").fill("dune")
    expect(opened.locator(".decart-tile")).to_have_count(4)
    opened.get_by_role("searchbox", name="Filter").fill("")
    opened.get_by_role("combobox", name="sort").select_option("rating")
    assert "5 of 5 stars" in _names(opened)[0] or "5 of 5 stars" in _names(opened)[1]
    opened.get_by_role("button", name="Descending").click()
    assert "1 of 5 stars" in _names(opened)[0]


def test_the_lightbox_plays_tells_and_goes_to_the_neighbours_by_arrow_keys(opened: Page) -> None:
    _tile(opened, "lucy-2.5", "a cliff", "seed 0").click()
    dialog = opened.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text(f"lucy-2.5, {_PROMPTS[0]}, seed 0")
    expect(dialog.get_by_text(_PROMPTS[0], exact=True)).to_be_visible()
    expect(dialog.get_by_role("link", name="Save as…")).to_have_attribute("href", re.compile(r"^clips/0000-"))
    opened.wait_for_function("() => document.querySelector('dialog video').currentTime > 0.1")
    screenshot(dialog, "gallery-lightbox")
    # Within a cell, then to the next one; and down the prompts.
    for key, name in (
        ("ArrowRight", f"lucy-2.5, {_PROMPTS[0]}, seed 1"),
        ("ArrowRight", f"lucy-2.6, {_PROMPTS[0]}, seed 0"),
        ("ArrowDown", f"lucy-2.6, {_PROMPTS[1]}, seed 0"),
        ("ArrowUp", f"lucy-2.6, {_PROMPTS[0]}, seed 0"),
    ):
        opened.keyboard.press(key)
        expect(dialog.get_by_role("heading")).to_have_text(name)
    opened.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(_tile(opened, "lucy-2.6", "a cliff", "seed 0")).to_be_focused()


def test_a_click_beside_the_lightbox_closes_it_and_one_in_its_padding_does_not(opened: Page) -> None:
    _tile(opened, "lucy-2.5", "a cliff", "seed 0").click()
    dialog = opened.get_by_role("dialog")
    box = dialog.bounding_box() or {}
    opened.mouse.click(box["x"] + 3, box["y"] + 3)
    expect(dialog).to_be_visible()
    opened.mouse.click(box["x"] - 3, box["y"] + 3)
    expect(dialog).to_be_hidden()


def test_code_that_cannot_be_copied_is_shown_and_selected(opened: Page) -> None:
    opened.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')); }")
    _tile(opened, "lucy-2.5", "a dune", "seed 0").click()
    dialog = opened.get_by_role("dialog")
    dialog.get_by_role("button", name="Copy as code").click()
    expect(dialog.get_by_role("status")).to_have_text("selected, to be copied")
    assert opened.evaluate("getSelection().toString()").startswith("import decart_nb as dnb")


def test_two_marked_clips_are_compared(opened: Page) -> None:
    for number, seed in enumerate(("seed 0", "seed 1"), 1):
        tile = _tile(opened, "lucy-2.5", "a dune", seed)
        tile.focus()
        opened.keyboard.press("m")
        expect(tile.locator(".decart-marked")).to_have_text(str(number))
    opened.get_by_role("button", name="Play all").click()
    expect(tile.locator("video")).to_be_visible()
    mark = tile.locator(".decart-marked")
    box = mark.bounding_box() or {}
    in_front = "(mark, {x, y}) => document.elementFromPoint(x + 3, y + 3) === mark"
    assert mark.evaluate(in_front, box)
    opened.keyboard.press("c")
    dialog = opened.get_by_role("dialog")
    expect(dialog.locator(".decart-compare figure:visible video")).to_have_count(2)
    opened.wait_for_function(
        "() => [...document.querySelectorAll('dialog figure video')].every((video) => video.readyState >= 2)"
    )
    screenshot(dialog, "gallery-compare")
    opened.keyboard.press("Escape")
    expect(opened.get_by_role("dialog")).to_have_count(0)


def test_failures_stay_text_with_and_without_scripts(page: Page, table: pd.DataFrame, tmp_path: Path) -> None:
    failed = table.copy()
    failed.loc[0, ["status", "path", "error"]] = ["failed", None, f"no {_HTML}{_SCRIPT}"]
    written = failed.decart.to_html(tmp_path / "gallery")
    page.goto(written.as_uri())
    tile = _tile(page, "lucy-2.5", "a cliff", "seed 0")
    expect(tile.locator(".decart-reason")).to_have_text(f"no {_HTML}{_SCRIPT}")
    expect(page.locator(".decart-tile.decart-is-bad")).to_have_count(1)
    assert page.evaluate("window.hacked") is None

    assert page.context.browser
    context = page.context.browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(written.as_uri())
    items = plain.locator("li")
    expect(items).to_have_count(12)
    expect(items.first).to_have_text(f"lucy-2.5, {_PROMPTS[0]}, seed 0: failed: no {_HTML}{_SCRIPT}")
    expect(items.locator("a[href^='clips/']")).to_have_count(11)
    expect(items.locator("img")).to_have_count(11)
    expect(plain.locator("img[src=x]")).to_have_count(0)
    screenshot(plain.locator("main"), "gallery-no-scripts")
    context.close()


def test_columns_by_which_the_grid_would_be_nearly_empty_are_not_drawn(page: Page, tmp_path: Path) -> None:
    count = 101
    rows = {"model": "lucy-2.5", "status": "planned", "path": None, "seed": range(count)}
    table = pd.DataFrame(rows | {"prompt": [f"a hill {number}" for number in range(count)]})
    page.goto(table.decart.to_html(tmp_path / "gallery", rows="prompt").as_uri())
    page.get_by_role("combobox", name="columns").select_option("seed")
    note = "Not across: seed, by which 101 × 101 cells would be nearly all empty. Choose a column of fewer values."
    expect(page.get_by_role("status").filter(has_text="Not across")).to_have_text(note)
    expect(page.locator(".decart-board tbody td")).to_have_count(count)
    expect(page.locator(".decart-tile").last).to_contain_text("seed 100")
    page.get_by_role("searchbox", name="Filter").fill("seed<50")
    expect(page.locator(".decart-board tbody td")).to_have_count(50 * 50)
    expect(page.get_by_role("columnheader", name="seed 49")).to_be_attached()


def test_a_single_page_plays_from_what_is_in_it(page: Page, table: pd.DataFrame, tmp_path: Path) -> None:
    written = table.head(3).decart.to_html(tmp_path / "page.html", single_file=True)
    moved = Path(shutil.move(written, tmp_path / "sent.html"))
    page.goto(moved.as_uri())
    page.get_by_role("button", name="Play all").click()
    page.wait_for_function("""() => {
        const videos = [...document.querySelectorAll('.decart-tile video')];
        return videos.length === 3 && videos.every((video) => !video.paused && video.currentTime > 0.5);
    }""")
    assert page.evaluate("window.hacked") is None
