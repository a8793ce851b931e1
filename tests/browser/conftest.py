"""Fixtures: a JupyterLab server, and notebooks in Chromium."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, ViewportSize, expect, sync_playwright

from .lab import Lab, Notebook, Queue
from .server import CHROMIUM, jupyter

# A machine that is busy with something else shows a thing a little later.
expect.set_options(timeout=30_000)

_SIZE: ViewportSize = {"width": 1200, "height": 1000}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip these tests if there is no browser, except in CI."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            # A page that hangs holds Playwright's loop, where a signal is lost: then the process is ended instead.
            item.add_marker(pytest.mark.timeout(240, method="thread"))
            if CHROMIUM is None and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason="no Chromium here: install Debian's chromium-headless-shell"))


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
def shared(chromium: Browser, lab: Lab) -> Iterator[Notebook]:
    """A notebook in JupyterLab."""
    with _window(chromium) as page:
        yield lab.open(page, "shared")


@pytest.fixture(scope="package")
def shared_7(chromium: Browser, lab: Lab) -> Iterator[Notebook]:
    """A notebook in Notebook 7."""
    with _window(chromium) as page:
        yield lab.open(page, "shared in 7", app="notebook")


@pytest.fixture(scope="module")
def shared_watched(chromium: Browser, lab: Lab) -> Iterator[Notebook]:
    """A notebook in a page with ``tracker.js``, for the tests of a file."""
    with _window(chromium) as page:
        page.add_init_script(path=Path(__file__).with_name("tracker.js"))
        yield lab.open(page, "watched")


@pytest.fixture
def notebook(shared: Notebook, queue: Queue) -> Iterator[Notebook]:
    """The shared notebook in JupyterLab."""
    with _lent(shared, queue):
        yield shared


@pytest.fixture
def notebook_7(shared_7: Notebook, queue: Queue) -> Iterator[Notebook]:
    """The shared notebook in Notebook 7."""
    with _lent(shared_7, queue):
        yield shared_7


@pytest.fixture
def watched(shared_watched: Notebook, queue: Queue) -> Iterator[Notebook]:
    """The notebook in a page with ``tracker.js``, which has nothing to release yet."""
    with _lent(shared_watched, queue):
        shared_watched.page.evaluate("Object.values(tracker).forEach((kept) => kept.clear())")
        yield shared_watched


@pytest.fixture
def in_app(app: str, request: pytest.FixtureRequest) -> Notebook:
    """The shared notebook in the frontend that the test has as its parameter ``app``."""
    notebook: Notebook = request.getfixturevalue({"lab": "notebook", "notebook": "notebook_7"}[app])
    return notebook


@contextmanager
def _lent(notebook: Notebook, queue: Queue) -> Iterator[None]:
    """Lends a shared notebook to a test, with a kernel that is connected to the queue: a new one takes seconds."""
    notebook.page.set_viewport_size(_SIZE)
    notebook.light()
    if not notebook.connected:  # it is new, or its kernel has ended in the test before
        notebook.connect(queue)
        notebook.clear()
    with _unbroken(notebook.page):
        yield
    queue.finish()
    notebook.clear()


@contextmanager
def _window(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=_SIZE, permissions=["clipboard-read", "clipboard-write"])
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
