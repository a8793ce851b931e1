"""Several clips of one cell, and the space that is kept for clips before they come."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from decart_nb import media

from .lab import THEMES, Notebook, Queue, plays, screenshot

_PROMPTS = ("a heron in the reeds", "a crane over a frozen lake at dawn, seen from far above, in winter", "a stork")
_SUBMIT = "jobs = [dnb.submit('lucy-pro-t2v', prompt, fresh=True{more}) for prompt in {prompts!r}]"
#: Records each height that a cell has from now on.
_RECORD = """cell => {
    const heights = window.heights = [];
    const look = () => {
        const {height} = cell.getBoundingClientRect();
        if (heights.at(-1) !== height) heights.push(height);
        requestAnimationFrame(look);
    };
    look();
}"""


@pytest.fixture
def wide(notebook: Notebook) -> Notebook:
    """The shared notebook in a window of 1280 pixels."""
    notebook.page.set_viewport_size({"width": 1280, "height": 1000})
    return notebook


@pytest.fixture
def sized(queue: Queue, tmp_path: Path) -> Iterator[Queue]:
    """The queue, which answers with videos of the model's size, upright or not."""
    usual = queue.jobs.canned
    queue.jobs.canned = tmp_path / "sized.mp4"
    _encode(queue.jobs.canned, 1280, 704)
    yield queue
    queue.jobs.canned = usual


def _encode(path: Path, width: int, height: int) -> None:
    frames = np.full((4, height, width, 3), 90, np.uint8)
    frames[:, height // 4 : height // 2, width // 4 : width // 2] = 200
    media.encode(frames, path, fps=4)


def _boxes(cell: Locator) -> list[dict[str, float]]:
    boxes = [video.bounding_box() for video in cell.locator("video").all()]
    return [dict(box) for box in boxes if box]


@pytest.mark.parametrize("theme", THEMES[:2])
def test_the_cell_below_three_submits_does_not_move_when_their_clips_arrive(
    wide: Notebook, sized: Queue, theme: str
) -> None:
    wide.theme(theme)
    cell = wide.run(_SUBMIT.format(prompts=_PROMPTS, more=""))
    below = wide.run("'below'")
    expect(cell.get_by_role("button", name="Stop waiting")).to_have_count(3)
    sized.begin()
    expect(cell.get_by_text("processing")).to_have_count(3)
    for prompt in _PROMPTS:
        expect(cell.locator(".decart-job-line .decart-prompt").filter(has_text=prompt[:20])).to_be_visible()
    lines = [line.bounding_box() for line in cell.locator(".decart-job-line").all()]
    assert len({(line["x"], line["width"]) for line in lines if line}) == 1
    screenshot(cell, f"three lines, {theme}")
    cell.evaluate(_RECORD)
    under = below.evaluate("cell => cell.offsetTop")
    sized.finish()
    expect(cell.get_by_role("button", name="Another take")).to_have_count(3)
    expect(cell.locator("video")).to_have_count(3)
    plays(cell.locator("video").last)
    assert wide.page.evaluate("heights.length") == 1
    assert below.evaluate("cell => cell.offsetTop") == under
    boxes = _boxes(cell)
    assert len({box["y"] for box in boxes}) == 1  # in a strip
    gaps = [right["x"] - left["x"] - left["width"] for left, right in pairwise(boxes)]
    assert gaps == pytest.approx([12, 12])
    for prompt in _PROMPTS:  # which tells apart whose buttons are whose
        expect(cell.locator(".decart-actions .decart-prompt").filter(has_text=prompt[:20])).to_be_visible()
    screenshot(cell, f"three clips, {theme}")


def test_a_tall_clip_takes_at_most_60_percent_of_the_window_and_its_space_is_kept(wide: Notebook, sized: Queue) -> None:
    assert sized.jobs.canned
    _encode(sized.jobs.canned, 704, 1280)
    wide.page.set_viewport_size({"width": 1280, "height": 800})
    cell = wide.run(_SUBMIT.format(prompts=["a tower"], more=", orientation='portrait'"))
    expect(cell.get_by_role("button", name="Stop waiting")).to_be_visible()
    screenshot(cell, "tall, under way")
    cell.evaluate(_RECORD)
    sized.finish()
    expect(cell.get_by_role("button", name="Another take")).to_be_visible()
    (box,) = _boxes(cell)
    assert box["height"] == pytest.approx(0.6 * 800, abs=1)
    assert box["width"] / box["height"] == pytest.approx(704 / 1280, rel=0.01)
    assert wide.page.evaluate("heights.length") == 1
    screenshot(cell, "tall")
