"""Tab in a cell of JupyterLab."""

from __future__ import annotations

from playwright.sync_api import Locator, TimeoutError as PlaywrightTimeoutError, expect

from .lab import Notebook


def _offered(notebook: Notebook, cell: Locator, code: str) -> Locator:
    """What Tab offers after some code is typed."""
    notebook.page.keyboard.insert_text(code)
    expect(cell.locator(".jp-mod-completer-enabled")).to_be_visible()
    found = notebook.page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-match")
    for _ in range(10):  # the frontend drops an answer that takes a second, as on a busy machine
        cell.locator(".cm-content").press("Tab")
        try:
            found.first.wait_for(timeout=3_000)
        except PlaywrightTimeoutError:
            continue
        break
    return found


def test_tab_completes_a_call(notebook: Notebook) -> None:
    cell = notebook.begin("")
    cell.locator(".cm-content").click()
    models = _offered(notebook, cell, 'dnb.generate("lucy-2.')
    expect(models).to_have_text(["lucy-2.1", "lucy-2.1-vton-2", "lucy-2.5", "lucy-2.6"])
    models.get_by_text("lucy-2.5").click()
    expect(cell.locator(".cm-content")).to_have_text('dnb.generate("lucy-2.5')
    inputs = _offered(notebook, cell, '", re')
    inputs.get_by_text("reference_image=").click()
    expect(cell.locator(".cm-content")).to_have_text('dnb.generate("lucy-2.5", reference_image=')
