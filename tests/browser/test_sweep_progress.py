"""A sweep in the browser: its live view, its static output, and its tables."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from .lab import THEMES, Notebook, Queue, at_the_queue, ended, finish_sweep, screenshot, sweep
from .test_reopening import WIDGET_ERROR

_HTML = "<img src=x onerror=window.hacked=1>"
#: Two dollars, between which a formula would be.
_DOLLARS = "for $5 and $6"
#: A formula that is meant as one, which shows that the frontend would make one of ours.
_FORMULA = "from IPython.display import HTML\nHTML('<p>$a$ and $b$</p>')"


def test_the_lines_of_a_sweep_and_stop(notebook: Notebook, queue: Queue) -> None:
    cell = notebook.run(sweep(f"a cliff {_HTML}") + "sw.start(concurrency=8)")
    group = cell.get_by_role("group", name="Progress of sweep a cliff")
    stop = group.get_by_role("button", name="Stop")
    expect(stop).to_be_visible()
    expect(cell.locator(".decart-sweep")).to_have_count(1)  # also as the cell's last line
    expect(cell.get_by_text("when the notebook was last saved")).to_be_hidden()
    expect(group.get_by_role("gridcell")).to_have_count(10)
    at_the_queue(cell)
    expect(group.get_by_role("gridcell", name=re.compile("^seed 7: queued"))).to_be_visible()
    expect(group.get_by_role("gridcell", name="seed 9: not begun")).to_be_visible()
    screenshot(cell, "sweep")
    height = (group.bounding_box() or {})["height"]
    queue.finish()
    expect(group.get_by_text("8 of 10 done")).to_be_visible()
    expect(group.get_by_text("all is submitted")).to_be_visible()
    expect(stop).to_be_hidden()
    assert (group.bounding_box() or {})["height"] == height  # what is below has not jumped
    finish_sweep(cell, queue)
    expect(group.get_by_text(re.compile(r"^10 of 10 done in "))).to_be_visible()
    expect(group.get_by_role("gridcell", name=re.compile(": done$"))).to_have_count(10)
    screenshot(cell, "sweep, ended")

    cell = notebook.run(sweep("a gorge") + "sw.start(concurrency=8);")
    group = cell.get_by_role("group", name="Progress of sweep a gorge")
    at_the_queue(cell)
    group.get_by_role("button", name="Stop").click()
    expect(cell.get_by_text("stopped: nothing more is submitted; what is running is still fetched")).to_be_visible()
    assert notebook.page.evaluate("document.activeElement.closest('.decart-live') !== null")
    screenshot(cell, "sweep, stopped")
    finish_sweep(cell, queue)
    expect(group.get_by_text("2 not begun")).to_be_visible()
    expect(cell.get_by_role("button", name="Stop")).to_be_hidden()
    assert notebook.page.evaluate("window.hacked") is None


def test_interrupting_a_run_and_running_it_again(notebook: Notebook, queue: Queue) -> None:
    notebook.run(sweep("a ridge"))
    cell = notebook.begin("sw.run(concurrency=8)")
    expect(cell.get_by_text("to stop, interrupt the kernel")).to_be_visible()
    expect(cell.get_by_role("button", name="Stop")).to_be_hidden()
    at_the_queue(cell)
    screenshot(cell, "sweep, blocking")
    notebook.page.locator("[data-command='notebook:interrupt-kernel']").first.click()
    ended(cell)
    expect(cell).to_contain_text("KeyboardInterrupt: a ridge submits no more.")
    expect(cell.get_by_text("stopped: nothing more is submitted")).to_be_visible()
    screenshot(cell, "sweep, interrupted")
    # At once, while what was submitted is still on its way.
    again = notebook.begin("results = sw.run(concurrency=8)\nsw")
    expect(again.get_by_text("to stop, interrupt the kernel")).to_be_visible()
    finish_sweep(again, queue)
    ended(again)
    expect(again.locator(".decart-sweep")).to_have_count(1)
    assert notebook.printed("results.status.eq('completed').all(), results.job_id.nunique()") == "True 10"


def test_awaiting_a_sweep_gives_its_results(notebook: Notebook, queue: Queue) -> None:
    cell = notebook.begin(sweep("a plain", rows=3) + "await sw.start(concurrency=8)")
    finish_sweep(cell, queue)
    ended(cell)
    expect(cell.locator(".decart-sweep")).to_have_count(1)
    expect(cell.locator(".decart-table tbody tr")).to_have_count(3)


def test_two_dollars_are_no_formula(notebook: Notebook, queue: Queue) -> None:
    notebook.run(sweep(_DOLLARS, rows=2))
    plan = notebook.run("sw.plan")
    run = notebook.run("sw.start(concurrency=8)")
    finish_sweep(run, queue)
    pivot = notebook.run("sw.results.decart.grid('prompt', 'seed')")
    pivot.scroll_into_view_if_needed()
    expect(pivot.locator(".decart-tile img:visible")).to_have_count(2)
    job = notebook.run(f"job = dnb.submit('lucy-pro-t2v', {_DOLLARS!r}, fresh=True)")
    expect(job.get_by_role("button", name="Stop waiting")).to_be_visible()
    queue.finish()
    expect(job.locator("figcaption")).to_contain_text(_DOLLARS)
    failed = notebook.run(f"job = dnb.submit('lucy-pro-t2v', {_DOLLARS!r}, fresh=True)")
    expect(failed.get_by_role("button", name="Stop waiting")).to_be_visible()
    queue.finish(error=_DOLLARS)
    expect(failed.locator(".decart-output")).to_contain_text(_DOLLARS)
    formula = notebook.run(_FORMULA)
    expect(formula.locator("mjx-container")).to_have_count(2)
    for name, cell in (("plan", plan), ("pivot", pivot), ("run", run), ("job", job), ("failed", failed)):
        output = cell.locator(".jp-OutputArea")
        expect(output.get_by_text(_DOLLARS).locator("visible=true").first).to_be_visible()
        expect(output.locator("mjx-container")).to_have_count(0)
        screenshot(cell, f"dollars in {name}")
    notebook.theme(THEMES[1])
    for name, cell in (("pivot", pivot), ("plan", plan)):
        screenshot(cell, f"dollars in {name}, {THEMES[1]}")


def test_what_was_on_screen_of_a_sweep_survives(notebook: Notebook, queue: Queue) -> None:
    done = notebook.run(sweep("a dune", rows=2) + "sw.start(concurrency=8)")
    finish_sweep(done, queue)
    cell = notebook.run(sweep("a fen") + "sw.start(concurrency=8)")
    stop = cell.get_by_role("button", name="Stop")
    expect(stop).to_be_visible()
    expect(cell.locator(".decart-fallback")).to_contain_text("0 of 10 done, 8 running", timeout=10_000)
    notebook.save()

    notebook.load()  # with its kernel
    expect(done.locator(".decart-sweep").get_by_text("2 of 2 done in")).to_be_visible()
    expect(cell.get_by_text("when the notebook was last saved")).to_be_hidden()
    stop.click()
    expect(cell.get_by_text("nothing more is submitted")).to_be_visible()

    notebook.restart()
    _check_static(notebook, "restarted")
    notebook.shut_down()
    notebook.load()  # with a new one
    _check_static(notebook, "opened again")

    notebook.connect(queue)
    loaded = notebook.run("sw = dnb.sweep.load('a fen')\nsw")
    expect(loaded.locator(".decart-sweep").get_by_text("8 running")).to_be_visible()
    expect(loaded.locator(".decart-sweep").get_by_text("2 not begun")).to_be_visible()
    screenshot(loaded, "sweep, loaded")
    going_on = notebook.begin("results = sw.run(concurrency=8)")
    finish_sweep(going_on, queue)
    ended(going_on)
    assert notebook.printed("len(results), results.status.eq('completed').all()") == "10 True"


def _check_static(notebook: Notebook, name: str) -> None:
    """Check that only the static outputs are shown."""
    cells = notebook.page.locator(".jp-Notebook .jp-Cell:has(.decart-fallback)")
    expect(cells).to_have_count(2)
    expect(cells.nth(0).locator(".decart-fallback").first).to_have_text(
        re.compile(r"sweep a dune: 2 of 2 done in .*\d s")
    )
    expect(cells.nth(1).locator(".decart-fallback")).to_contain_text(
        "status when the notebook was last saved; dnb.sweep.load('a fen') shows its current status"
    )
    for number in range(2):
        cell = cells.nth(number)
        expect(cell.locator(".decart-fallback").first).to_be_visible()
        expect(cell.locator(".decart-sweep")).to_have_count(0)
        assert not WIDGET_ERROR.search(cell.locator(".jp-OutputArea").inner_text())
        screenshot(cell, f"sweep {number}, {name}")
