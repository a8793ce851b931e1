"""One line in a real JupyterLab: a bar that advances, and then a video that plays."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect

from .conftest import Lab

_VIDEO = """() => {
    const video = document.querySelector('.jp-OutputArea video');
    return video && video.readyState === 4 && video.currentTime > 0;
}"""
_WIDTH = """() => {
    const bar = document.querySelector('.decart-job-line:not([hidden]) .decart-bar > div');
    return parseFloat(bar?.style.width || 'NaN');
}"""
_PROMPT = "A cat <img src=x onerror=alert(1)> & a dog"


def _shoot(page: Page, name: str) -> None:
    """Keeps a picture of the page where the environment names a folder for them."""
    if folder := os.environ.get("DECART_NB_SCREENSHOTS"):
        page.screenshot(path=Path(folder, f"{name}.png"))


def test_the_bar_advances_and_gives_way_to_a_playing_video(lab: Lab, page: Page) -> None:
    lab.open(
        page,
        "generate.ipynb",
        # A queue that takes its time, reached as Decart is.
        "import warnings\nfrom pathlib import Path\nimport decart_nb as dnb\n"
        "from decart_nb.local.embedded import LocalQueue\n"
        "queue = LocalQueue(Path('slow'), delay=4).start()\nwarnings.simplefilter('ignore', dnb.ModelWarning)\n"
        "session = dnb.connect('live', api_key=queue.api_key, base_url=queue.base_url)",
        f"dnb.generate('lucy-pro-t2v', prompt={_PROMPT!r}, seed=7)",
    )
    lab.run(page, 2)
    bar = page.locator(".decart-job-line:visible .decart-bar > div")
    bar.wait_for(timeout=30_000)
    widths = []
    while bar.count():
        widths.append(page.evaluate(_WIDTH))
        if len(widths) == 10:
            _shoot(page, "bar")
        page.wait_for_timeout(100)
    seen = [width for width in widths if width == width]  # without the look that found the bar just gone
    assert seen == sorted(seen)
    assert len(set(seen)) >= 4
    assert 0 <= seen[0] < seen[-2] < 100  # only the very last look may have caught a bar that is done

    page.wait_for_function(_VIDEO, timeout=20_000)
    _shoot(page, "clip")
    video = page.locator(".jp-OutputArea video")
    expect(video).to_have_count(1)  # also as the cell's last line, the clip shows once
    box = video.bounding_box()
    assert box
    assert box["width"] / box["height"] == pytest.approx(1280 / 704, rel=0.01)  # no bars around the picture
    assert video.evaluate("v => [v.videoWidth, v.videoHeight, v.muted, v.loop]") == [1280, 704, True, True]
    expect(page.locator(".jp-OutputArea figcaption")).to_contain_text(f"lucy-pro-t2v · {_PROMPT} · seed 7 · 1280×704")
    expect(page.locator(".jp-OutputArea figcaption img")).to_have_count(0)

    page.keyboard.press("Control+S")
    saved = lab.folder / "generate.ipynb"
    page.wait_for_function("() => !document.querySelector('.jp-mod-dirty')")
    outputs = nbformat.read(saved, 4).cells[1].outputs
    assert [output.output_type for output in outputs] == ["display_data", "display_data"]
    assert set(outputs[0].data) == {"text/html", "text/plain"}


def test_a_submitted_job_becomes_its_clip_after_the_cell_has_returned(lab: Lab, page: Page) -> None:
    lab.open(
        page,
        "submit.ipynb",
        "import decart_nb as dnb\ndnb.connect('local')\n"
        "dnb.submit('lucy-pro-t2v', prompt='a river', resolution='480p', orientation='portrait')",
        "print('the cell after it')",
    )
    lab.run(page, 2)
    expect(page.get_by_text("the cell after it").last).to_be_visible()
    page.wait_for_function(_VIDEO, timeout=30_000)
    expect(page.locator(".jp-OutputArea video")).to_have_count(1)
    assert page.locator(".jp-OutputArea video").evaluate("v => [v.videoWidth, v.videoHeight]") == [480, 872]
    _shoot(page, "submitted")
