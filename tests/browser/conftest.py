"""Fixtures: a JupyterLab server, and notebooks in Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from .lab import Lab, Notebook, Queue
from .server import jupyter

# A machine that is busy with something else shows a thing a little later.
expect.set_options(timeout=30_000)

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip these tests if there is no browser, except in CI."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            # A page that hangs holds Playwright's loop, where a signal is lost: then the process is ended instead.
            item.add_marker(pytest.mark.timeout(240, method="thread"))
            if CHROMIUM is None and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason="no Chromium here: install Debian's chromium"))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server of JupyterLab and Notebook 7."""
    root = tmp_path_factory.mktemp("lab")
    (root / "work").mkdir()
    with jupyter(root, root / "work") as lab:
        yield lab


# Playwright's event loop runs until it is closed, so the fixture must end with this package.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser."""
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
    flags += ["--disable-component-update", "--disable-sync", "--no-first-run"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def queue(tmp_path_factory: pytest.TempPathFactory, small_video: Path) -> Iterator[Queue]:
    """A queue outside the kernels, whose jobs end only when a test ends them."""
    with Queue(tmp_path_factory.mktemp("queue"), small_video) as queue:
        yield queue


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A new browser window."""
    with _window(chromium) as page, _unbroken(page):
        yield page


@pytest.fixture(scope="package")
def shared(chromium: Browser, lab: Lab, queue: Queue) -> Iterator[Notebook]:
    """A notebook in JupyterLab, with a kernel that is connected to the queue."""
    with _window(chromium) as page:
        yield lab.open(page, "shared", queue)


@pytest.fixture
def notebook(shared: Notebook, queue: Queue) -> Iterator[Notebook]:
    """The shared notebook, since a new one takes seconds."""
    shared.light()
    with _unbroken(shared.page):
        yield shared
    queue.finish()
    shared.clear()


@contextmanager
def _window(chromium: Browser) -> Iterator[Page]:
    permissions = ["clipboard-read", "clipboard-write"]
    context = chromium.new_context(viewport={"width": 1200, "height": 1000}, permissions=permissions)
    yield context.new_page()
    context.close()


@contextmanager
def _unbroken(page: Page) -> Iterator[None]:
    """Fail the test on JavaScript errors in the window, other than the frontend's own."""
    broken: list[str] = []

    def note(error: Error) -> None:
        # JupyterLab removes its splash screen twice if the theme changes twice within 200 ms.
        own = ("Canceled future", "Failed to execute 'removeChild'")
        theirs = "/notebooks/" in page.url or any(message in str(error) for message in own)
        if not theirs or "blob:" in (error.stack or ""):  # the widgets' modules
            broken.append(str(error))

    page.on("pageerror", note)
    yield
    page.remove_listener("pageerror", note)
    assert not broken
