"""An exploration in the browser: its view has a stop button as long as it may make rows."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from .lab import Notebook, Queue


def test_the_button_stops_the_exploration_and_goes(notebook: Notebook, queue: Queue) -> None:
    cell = notebook.run(
        "sw = dnb.sweep(model='lucy-pro-t2v', prompt=['p', 'q'], seed=range(3), name='explored')\n"
        "found = sw.explore(by='prompt', max_rows=6, batch=1)"
    )
    view = cell.get_by_role("group", name="Blind rating")
    expect(view.locator(".decart-standing")).to_contain_text("the next clips are being made")
    button = view.get_by_role("button", name="Stop")
    button.focus()
    button.press("Enter")
    expect(view.locator(".decart-standing")).to_have_text(re.compile(r"stopped; the same call goes on\.$"))
    expect(button).to_be_hidden()
    expect(view).to_be_focused()
    assert notebook.printed("found.status") == "stopped"
