"""Outputs after the page is reloaded, the notebook reopened, or the kernel restarted."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from .lab import APPS, Notebook, Queue, plays, screenshot

#: The messages of frontends for a widget that they cannot show.
WIDGET_ERROR = re.compile("model not found|error displaying|loading widget|failed to|could not", re.IGNORECASE)
_ATTACH = re.compile(r"lucy-pro-t2v · a heath: submitted; dnb\.attach\('[0-9a-f]{32}'\) shows its current status")


class _Reopened:
    """A notebook with a finished job in one cell and a running one in another."""

    def __init__(self, notebook: Notebook, queue: Queue) -> None:
        self.notebook = notebook
        self.done = notebook.run("job = dnb.submit('lucy-pro-t2v', 'a moor', fresh=True)")
        expect(self.done.get_by_role("button", name="Stop waiting")).to_be_visible()
        queue.finish()
        plays(self.done.locator("video"))
        self.under_way = notebook.run("job = dnb.submit('lucy-pro-t2v', 'a heath', fresh=True)")
        expect(self.under_way.locator(".decart-fallback")).to_have_text(_ATTACH)
        expect(self.stop).to_be_visible()

    @property
    def stop(self) -> Locator:
        return self.under_way.get_by_role("button", name="Stop waiting")

    def check_live(self) -> None:
        """Check that the live views are shown and work, and that the fallbacks are hidden."""
        plays(self.done.locator("video"), pressed=True)
        expect(self.done.get_by_role("button", name="Another take")).to_be_visible()
        expect(self.done.get_by_text("as code", exact=True)).to_be_hidden()
        expect(self.under_way.get_by_role("progressbar")).to_be_visible()
        expect(self.under_way.get_by_text("shows its current status")).to_be_hidden()

    def check_static(self, name: str) -> None:
        """Check that only the static outputs are shown."""
        plays(self.done.locator("video"), pressed=True)
        expect(self.under_way.locator(".decart-fallback")).to_be_visible()
        expect(self.under_way.locator(".decart-fallback")).to_have_text(_ATTACH)
        for cell in (self.done, self.under_way):
            expect(cell.locator(".jp-OutputArea").get_by_role("button")).to_have_count(0)
            assert not WIDGET_ERROR.search(cell.locator(".jp-OutputArea").inner_text())
        expect(self.under_way.get_by_role("progressbar")).to_have_count(0)
        self.done.get_by_text("as code", exact=True).click()
        expect(self.done.get_by_text("dnb.generate('lucy-pro-t2v', prompt='a moor'")).to_be_visible()
        screenshot(self.done, f"{name}, done")
        screenshot(self.under_way, f"{name}, under way")


@pytest.mark.parametrize("app", APPS)
def test_what_was_on_screen_survives(in_app: Notebook, queue: Queue, app: str) -> None:
    notebook = in_app
    reopened = _Reopened(notebook, queue)
    notebook.save()

    notebook.load()  # with its kernel
    reopened.check_live()
    reopened.stop.click()
    expect(reopened.under_way.get_by_text("not waited for")).to_be_visible()

    notebook.restart()
    reopened.check_static(f"restarted in {app}")

    notebook.shut_down()
    notebook.load()  # with a new one
    reopened.check_static(f"opened again in {app}")

    notebook.connect(queue)
    shown = reopened.under_way.locator("code", has_text="dnb.attach").inner_text()
    attached = notebook.run(f"job = {shown}")
    queue.finish()
    plays(attached.locator("video"))


def test_a_clip_that_comes_after_the_page_was_loaded_again_is_shown(notebook: Notebook, queue: Queue) -> None:
    reopened = _Reopened(notebook, queue)
    notebook.save()
    notebook.load()
    expect(reopened.stop).to_be_visible()
    queue.finish()
    plays(reopened.under_way.locator("video"), pressed=True)
    expect(reopened.under_way.locator("video")).to_have_count(1)
    expect(reopened.under_way.locator(".decart-missed figcaption > div").first).to_have_text("a heath")
    expect(reopened.under_way.get_by_text("shows its current status")).to_be_hidden()
    expect(reopened.under_way.get_by_role("button", name="Another take")).to_be_visible()
    expect(reopened.done.locator("video")).to_have_count(1)
    screenshot(reopened.under_way, "missed")

    notebook.load()  # which now has neither
    plays(reopened.under_way.locator("video"), pressed=True)


def test_the_jobs_that_a_new_kernel_resumes_have_their_lines(notebook: Notebook, queue: Queue) -> None:
    notebook.connect(queue, store="resumed")  # which has no jobs of other tests
    notebook.run("job = dnb.submit('lucy-pro-t2v', 'a marsh', fresh=True)")
    notebook.run("other = dnb.submit('lucy-pro-t2v', 'a fen', fresh=True)")
    notebook.run("sw = dnb.sweep(model='lucy-pro-t2v', prompt='a bog', seed=[1, 2], name='bogs').start();")
    notebook.comes_to_say("bool(job.id and other.id), sw.results.job_id.notna().sum()", "True 2")
    notebook.restart()
    notebook.connect(queue, store="resumed")
    cell = notebook.page.locator(".jp-Notebook .jp-Cell").last
    expect(cell).to_contain_text("4 jobs resumed from an earlier process")
    expect(cell).to_contain_text("decart_nb.sweep.load('bogs').grid() shows those of a sweep.")
    expect(cell.locator(".decart-job-line")).to_have_count(2)
    for prompt in ("a marsh", "a fen"):
        line = cell.locator(".decart-job-line").filter(has_text=prompt)
        expect(line.get_by_role("button", name="Stop waiting")).to_be_visible()
    screenshot(cell, "resumed, under way")
    queue.finish()
    expect(cell.locator("video")).to_have_count(2)
    expect(cell.get_by_role("button", name="Another take")).to_have_count(2)
    screenshot(cell, "resumed")
    notebook.connect(queue, store="decart_runs")
