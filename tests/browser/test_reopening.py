"""What a notebook still shows when it is opened again, and when its kernel has gone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from .lab import APPS, Lab, Notebook, Queue, plays, shoot

#: What frontends say of a widget that they cannot show.
DEAD = re.compile("model not found|error displaying|loading widget|failed to|could not", re.IGNORECASE)
_ATTACH = re.compile(r"lucy-pro-t2v: submitted; dnb\.attach\('[0-9a-f]{32}'\) shows its current status")


class _Kept:
    """A notebook with a clip in one cell, and a job under way in another."""

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

    def is_alive(self) -> None:
        """The views are there, and work; their static forms are not to be seen."""
        plays(self.done.locator("video"), pressed=True)
        expect(self.done.get_by_role("button", name="Another take")).to_be_visible()
        expect(self.done.get_by_text("as code", exact=True)).to_be_hidden()
        expect(self.under_way.get_by_role("progressbar")).to_be_visible()
        expect(self.under_way.get_by_text("shows its current status")).to_be_hidden()

    def is_dead(self, name: str) -> None:
        """The static forms are there; of the views, nothing is to be seen."""
        plays(self.done.locator("video"), pressed=True)
        expect(self.under_way.locator(".decart-fallback")).to_be_visible()
        expect(self.under_way.locator(".decart-fallback")).to_have_text(_ATTACH)
        for cell in (self.done, self.under_way):
            expect(cell.locator(".jp-OutputArea").get_by_role("button")).to_have_count(0)
            assert not DEAD.search(cell.locator(".jp-OutputArea").inner_text())
        expect(self.under_way.get_by_role("progressbar")).to_have_count(0)
        self.done.get_by_text("as code", exact=True).click()
        expect(self.done.get_by_text("dnb.generate('lucy-pro-t2v', prompt='a moor'")).to_be_visible()
        shoot(self.done, f"{name}, done")
        shoot(self.under_way, f"{name}, under way")


@pytest.mark.parametrize("app", APPS)
def test_what_was_on_screen_survives(lab: Lab, page: Page, queue: Queue, app: str) -> None:
    notebook = lab.open(page, f"kept in {app}", queue, app=app)
    kept = _Kept(notebook, queue)
    notebook.save()

    notebook.load()  # with its kernel
    kept.is_alive()
    kept.stop.click()
    expect(kept.under_way.get_by_text("not waited for")).to_be_visible()

    notebook.script("await session.restartKernel()")
    kept.is_dead(f"restarted in {app}")

    notebook.script("await session.shutdown()")
    notebook.load()  # with a new one
    kept.is_dead(f"opened again in {app}")

    notebook.connect(queue)
    shown = kept.under_way.locator("code", has_text="dnb.attach").inner_text()
    attached = notebook.run(f"job = {shown}")
    queue.finish()
    plays(attached.locator("video"))


def test_a_clip_that_comes_after_the_page_was_loaded_again_is_pointed_to(lab: Lab, page: Page, queue: Queue) -> None:
    notebook = lab.open(page, "missed", queue)
    kept = _Kept(notebook, queue)
    pointer = re.compile(r"done; dnb\.attach\('[0-9a-f]{32}'\) shows it")
    expect(kept.done.get_by_text(pointer)).to_be_hidden()
    notebook.save()
    notebook.load()
    expect(kept.stop).to_be_visible()
    queue.finish()
    expect(kept.under_way.get_by_text(pointer)).to_be_visible()
    expect(kept.under_way.get_by_role("button", name="Another take")).to_be_visible()
    expect(kept.done.get_by_text(pointer)).to_be_hidden()
    shoot(kept.under_way, "missed")
