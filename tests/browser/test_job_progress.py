"""The progress line of a running job, and its end."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import expect

from .lab import THEMES, Notebook, Queue, ended, plays, screenshot

_HTML = "A cat <img src=x onerror=window.hacked=1> & a dog"
#: Records each width of a bar.
_RECORD = """filled => {
    const widths = window.widths = [];
    new MutationObserver(() => widths.push(parseFloat(filled.style.width))).observe(filled, {attributes: true});
}"""


def _watch_bar(notebook: Notebook, queue: Queue, name: str) -> None:
    cell = notebook.begin(f"dnb.generate('lucy-pro-t2v', {_HTML!r}, seed=7, fresh=True)")
    bar = cell.get_by_role("progressbar", name="Estimated progress of lucy-pro-t2v")
    expect(bar).to_have_attribute("aria-valuetext", re.compile(r"queued, \d+ s"))
    expect(bar).to_have_attribute("aria-valuenow", "0")  # waiting is no progress
    queue.begin()
    expect(bar).to_have_attribute("aria-valuetext", re.compile(r"processing, \d+ s"))
    bar.locator("div").evaluate(_RECORD)
    notebook.page.wait_for_function("() => window.widths.length >= 4")
    screenshot(cell, f"bar, {name}")
    told = bar.evaluate("bar => [parseFloat(bar.ariaValueNow), bar.ariaValueMin, bar.ariaValueMax, widths.at(-1)]")
    assert told == [told[3], "0", "100", told[3]]
    queue.finish()
    ended(cell)
    plays(cell.locator("video"))
    widths = notebook.page.evaluate("widths")
    assert widths == sorted(set(widths))
    assert 0 < widths[0] < widths[3] < 100
    expect(bar).to_be_hidden()
    screenshot(cell, f"clip, {name}")
    expect(cell.locator("video")).to_have_count(1)  # also as the cell's last line, the clip shows once
    lines = cell.locator("figcaption > div")
    expect(lines).to_have_count(2)
    expect(lines.first).to_have_text(_HTML)
    expect(lines.last).to_contain_text("lucy-pro-t2v · seed 7 · 64×48 · 1.0 s")


@pytest.mark.parametrize("theme", THEMES[:2])
def test_the_bar_advances_and_gives_way_to_a_playing_clip(notebook: Notebook, queue: Queue, theme: str) -> None:
    notebook.theme(theme)
    _watch_bar(notebook, queue, theme)


def test_stop_waiting_after_the_cell_has_returned(notebook: Notebook, queue: Queue) -> None:
    _stop(notebook, queue)


def _stop(notebook: Notebook, queue: Queue) -> None:
    cell = notebook.run("job = dnb.submit('lucy-pro-t2v', 'a river', fresh=True)")
    line = cell.get_by_role("group", name="Job of lucy-pro-t2v")
    stop = line.get_by_role("button", name="Stop waiting")
    screenshot(cell, "line")
    stop.click()
    expect(line).to_contain_text("not waited for; the job goes on")
    expect(stop).to_be_hidden()
    screenshot(cell, "stopped")
    assert notebook.printed("job.stopped, job.done") == "True False"
    queue.finish()
    assert notebook.printed("job.result().width") == "64"
    plays(cell.locator("video"))
    expect(line).to_be_hidden()


def test_stop_waiting_ends_a_cell_that_awaits(notebook: Notebook, queue: Queue) -> None:
    cell = notebook.begin("job = dnb.submit('lucy-pro-t2v', 'a lake', fresh=True)\nawait job")
    cell.get_by_role("button", name="Stop waiting").click()
    ended(cell)
    expect(cell).to_contain_text("JobCancelledError: Stopped waiting. Job ")
    screenshot(cell, "stopped while awaited")
    queue.finish()
    plays(cell.locator("video"))


def test_while_a_cell_blocks_the_kernel_is_interrupted(notebook: Notebook, queue: Queue) -> None:
    cell = notebook.begin("dnb.generate('lucy-pro-t2v', 'a sea', fresh=True)")
    stop = cell.get_by_role("button", name="Stop waiting")
    expect(cell.locator(".decart-job-line")).to_contain_text("to stop waiting, interrupt the kernel")
    expect(stop).to_be_hidden()
    screenshot(cell, "blocking")
    pressed = time.monotonic()
    notebook.page.locator("[data-command='notebook:interrupt-kernel']").first.click()
    ended(cell)
    assert time.monotonic() - pressed < 2
    expect(cell).to_contain_text("KeyboardInterrupt: Stopped waiting. Job ")
    expect(stop).to_be_visible()
    expect(cell.get_by_text("interrupt the kernel")).to_have_count(0)
    screenshot(cell, "interrupted")
    queue.finish()
    plays(cell.locator("video"))


def test_a_failed_job_says_why_and_can_be_tried_again(notebook: Notebook, queue: Queue) -> None:
    cell = notebook.run("job = dnb.submit('lucy-pro-t2v', 'a storm', fresh=True)")
    expect(cell.get_by_role("button", name="Stop waiting")).to_be_visible()
    queue.finish(error=_HTML)
    again = cell.get_by_role("button", name="Try again")
    again.click(trial=True)
    expect(cell.locator(".decart-output")).to_contain_text(_HTML)
    screenshot(cell, "failed")
    again.click()
    expect(cell.get_by_role("button", name="Stop waiting")).to_be_visible()
    expect(cell.locator(".decart-output")).to_contain_text(_HTML)
    queue.finish()
    plays(cell.locator("video"))
    screenshot(cell, "tried again")


def test_html_in_a_prompt_stays_text(notebook: Notebook, queue: Queue) -> None:
    cell = notebook.run(f"job = dnb.submit('lucy-pro-t2v', {_HTML!r}, fresh=True)")
    expect(cell.get_by_role("button", name="Stop waiting")).to_be_visible()
    queue.finish()
    cell.get_by_role("button", name="Copy as code").click()
    expect(cell.get_by_text("copied")).to_be_visible()
    expect(cell.locator("figcaption")).to_contain_text(_HTML)
    for code in (".decart-code", ".decart-fallback pre"):
        assert _HTML in (cell.locator(code).text_content() or "")
    expect(notebook.page.locator(".jp-OutputArea-output img[src='x']")).to_have_count(0)
    assert notebook.page.evaluate("window.hacked") is None


def test_the_keyboard_reaches_the_buttons_and_shows_where_it_is(notebook: Notebook, queue: Queue) -> None:
    cell = notebook.run("job = dnb.submit('lucy-pro-t2v', 'a fjord', fresh=True)")
    stop = cell.get_by_role("button", name="Stop waiting")
    cell.get_by_role("status").first.click()
    for _ in range(10):  # JupyterLab has buttons of its own before it
        notebook.page.keyboard.press("Tab")
        if stop.evaluate("button => button === document.activeElement"):
            break
    assert stop.evaluate("button => getComputedStyle(button).outline").endswith("solid 2px")
    screenshot(cell, "focus")
    notebook.page.keyboard.press("Enter")
    expect(cell.get_by_text("not waited for")).to_be_visible()
    # The button is gone, and what had the focus is still of the view.
    assert notebook.page.evaluate("document.activeElement.closest('.decart-live') !== null")


def test_in_notebook_7(notebook_7: Notebook, queue: Queue) -> None:
    _watch_bar(notebook_7, queue, "Notebook 7")
    _stop(notebook_7, queue)
