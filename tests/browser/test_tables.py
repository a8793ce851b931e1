"""Tables of jobs and errors, as a person reads them at 1280 pixels."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from .lab import THEMES, Lab, Notebook, screenshot

_PLAN = """
sw = dnb.sweep(
    model=["lucy-2.5", "lucy-pro-flf2v", "lucy-pro-v2v"],
    prompt=["An oil painting with thick strokes, of a stormy sea at dusk, seen from very far away", "A woodcut"],
    seed=[1, 2],
    data="street.mp4",
)
sw.plan
"""
_IN_VIEW = """cell => {
    const {left, right} = cell.getBoundingClientRect();
    const box = cell.closest('.decart-rows').getBoundingClientRect();
    return left >= box.left && right <= box.right && right <= window.innerWidth;
}"""


@pytest.fixture
def wide(notebook: Notebook, lab: Lab, small_video: Path) -> Notebook:
    """The shared notebook in a window of 1280 pixels, with a video beside it."""
    shutil.copy(small_video, lab.folder / "street.mp4")
    notebook.page.set_viewport_size({"width": 1280, "height": 900})
    return notebook


def _output(cell: Locator) -> Locator:
    return cell.locator(".jp-OutputArea-child")


@pytest.mark.parametrize("theme", THEMES[:2])
def test_a_plan_of_12_rows_with_4_invalid_is_low_and_shows_state_and_cost(wide: Notebook, theme: str) -> None:
    wide.theme(theme)
    cell = wide.run(_PLAN)
    table = cell.locator(".decart-table")
    expect(table.locator("tbody tr")).to_have_count(12)
    screenshot(cell, f"plan, {theme}")
    box = _output(cell).bounding_box()
    assert box
    assert box["height"] < 600
    for kind in ("td.decart-state", "th:has-text('cost')", "td.decart-model"):
        for one in table.locator(kind).all():
            assert one.evaluate(_IN_VIEW), kind
            assert one.evaluate("cell => cell.scrollWidth <= cell.clientWidth"), kind  # nothing of it is cut
    expect(table.locator("td.decart-state.decart-bad")).to_have_text(["✗ invalid"] * 4)
    expect(table.locator("p.decart-bad")).to_have_text(
        re.compile(r"✗ 4 rows \(4–7\): start is missing: .* end is missing")
    )
    expect(table.locator("p.decart-said img")).to_have_count(1)
    assert table.locator("p.decart-said img").evaluate("image => image.complete && image.naturalWidth > 0")
    expect(table.get_by_text("street.mp4")).to_have_count(1)
    expect(table.locator("td", has_text="An oil painting")).to_have_count(6)
    long = table.locator("td", has_text="An oil painting").first
    assert (long.get_attribute("title") or "").endswith("seen from very far away")
    assert long.evaluate("cell => getComputedStyle(cell).textAlign") == "left"


def test_twenty_rows_and_then_all_under_a_head_that_stays(wide: Notebook) -> None:
    cell = wide.run("dnb.sweep(model='lucy-pro-t2v', prompt='a river', seed=range(60)).plan")
    table = cell.locator(".decart-table")
    visible = table.locator("tbody tr").filter(visible=True)
    expect(visible).to_have_count(20)
    table.get_by_text("show all 60 rows").click()
    expect(visible).to_have_count(60)
    box = table.locator("details .decart-rows")
    box.evaluate("box => { box.scrollTop = box.scrollHeight }")
    head = table.locator("details thead th").nth(1)
    assert (
        head.evaluate(
            "head => head.getBoundingClientRect().top - head.closest('.decart-rows').getBoundingClientRect().top"
        )
        < 2
    )
    expect(table.locator("details tbody tr").last).to_be_in_viewport()
    screenshot(cell, "all rows")
    table.get_by_text("show all 60 rows").click()
    expect(visible).to_have_count(20)


@pytest.mark.parametrize("theme", THEMES[:2])
def test_a_typo_gives_at_most_six_lines(wide: Notebook, theme: str) -> None:
    wide.theme(theme)
    cell = wide.run("dnb.generate('lucy-2.5', promt='An oil painting', data='street.mp4')")
    error = cell.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr'], .jp-RenderedText").last
    expect(error).to_contain_text("promt is not an input of lucy-2.5. Did you mean prompt")
    screenshot(cell, f"typo, {theme}")
    lines = error.evaluate(
        "output => output.firstElementChild.getBoundingClientRect().height"
        " / parseFloat(getComputedStyle(output.firstElementChild).lineHeight)"
    )
    assert lines <= 6
