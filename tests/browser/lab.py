"""Page objects for JupyterLab and Notebook 7, and a local queue that the tests control."""

from __future__ import annotations

import io
import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.held_queue import HeldQueue as Queue

TIMEOUT_MS = 60_000  # milliseconds
#: The URL path of a notebook in each frontend.
APPS = {"lab": "lab/tree/{}?reset&", "notebook": "notebooks/{}?"}
THEMES = ("JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast")

#: Connects a kernel to a queue in another process as if to Decart, with short polling intervals.
_OPENING = """
import warnings
import decart_nb as dnb
warnings.simplefilter("ignore", dnb.ModelWarning)
polling = dnb.Polling(expected=2.0, spread=2.0, shortest=0.05, poll_cost=1e-4)
session = dnb.connect("live", api_key={queue.api_key!r}, base_url={queue.base_url!r}, polling=polling, store={store!r})
"""
# The frontend's application object, which the server exposes to scripts because of expose_app_in_browser.
_PANEL = """
    const panel = window.jupyterapp?.shell.currentWidget;
    const {content: notebook, sessionContext: session, context} = panel ?? {};
"""
_READY = "return Boolean(session?.isReady && session.session?.kernel?.connectionStatus === 'connected')"
_APPEND = """
    notebook.activeCellIndex = notebook.widgets.length - 1;
    await jupyterapp.commands.execute('notebook:insert-cell-below');
    notebook.activeCell.model.sharedModel.setSource(given);
    jupyterapp.commands.execute('notebook:run-cell');
    return notebook.activeCellIndex;
"""
#: What code prints that is run without a cell: a new cell takes a tenth of a second of the browser.
_PRINTED = """
    const request = session.session.kernel.requestExecute({code: given, store_history: false});
    let printed = '';
    request.onIOPub = ({content}) => {
        if (content.name === 'stdout') printed += content.text;
    };
    const late = (_, fail) => setTimeout(() => fail(new Error('The kernel does not answer.')), 60_000);
    const {content: {status, ename, evalue}} = await Promise.race([request.done, new Promise(late)]);
    if (status !== 'ok') throw new Error(`${ename}: ${evalue}`);
    return printed;
"""
_PLAYS = """async (video, pressed) => {
    video.scrollIntoView({block: 'nearest'});
    if (pressed && video.paused) await video.play().catch(() => {});
    return video.readyState === 4 && !video.paused && video.currentTime > 0;
}"""


#: Which element is seen in the middle of a grid's tile.
IN_FRONT = """tile => {
    tile.scrollIntoView({block: 'center', inline: 'center'});
    const {left, right, top, bottom} = tile.querySelector('.decart-box').getBoundingClientRect();
    return document.elementFromPoint((left + right) / 2, (top + bottom) / 2).tagName;
}"""


@dataclass
class Lab:
    """A running Jupyter server: its URL, token and root folder."""

    url: str
    token: str
    folder: Path

    def open(self, page: Page, name: str, queue: Queue | None = None, *, app: str = "lab") -> Notebook:
        """Open a new notebook with a kernel, connected to a queue if one is given."""
        cell = {"cell_type": "code", "execution_count": None, "id": "0", "metadata": {}, "outputs": [], "source": ""}
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        empty = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        path = self.folder / f"{name}.ipynb"
        path.write_text(json.dumps(empty))
        notebook = Notebook(page, path, f"{self.url}/{APPS[app].format(f'{name}.ipynb')}token={self.token}")
        notebook.load()
        if queue:
            notebook.connect(queue)
        return notebook


@dataclass
class Notebook:
    """A notebook in a browser window."""

    page: Page
    path: Path
    url: str
    #: Whether its kernel is connected to a queue that the tests control.
    connected: bool = False

    def load(self) -> None:
        """Load or reload the page, with the notebook's kernel or a new one."""
        self.page.goto(self.url)
        self.page.wait_for_function(f"() => {{{_PANEL}{_READY}}}", timeout=TIMEOUT_MS)

    def connect(self, queue: Queue, *, store: str | None = None) -> None:
        """Connect the kernel to a queue, with a store in that folder."""
        self.run(_OPENING.format(queue=queue, store=store))
        self.connected = True

    def connect_locally(self) -> None:
        """Connect the kernel to a local queue of its own."""
        self.connected = False
        self.run("import decart_nb as dnb\ndnb.connect('local')")

    def restart(self) -> None:
        """Restart the kernel."""
        self.connected = False
        self.script("await session.restartKernel()")

    def shut_down(self) -> None:
        """End the kernel. The page has none until it is loaded again."""
        self.connected = False
        self.script("await session.shutdown()")

    def script(self, body: str, given: object = None) -> Any:
        """The result of a script, in whose scope are ``notebook``, its ``session``, and the argument ``given``."""
        return self.page.evaluate(f"async (given) => {{{_PANEL}{body}}}", given)

    def command(self, name: str, **arguments: object) -> None:
        """Run a command of the frontend."""
        # The result is dropped: it may not be serializable.
        run = "async ([name, given]) => { await jupyterapp.commands.execute(name, given); }"
        self.page.evaluate(run, [name, arguments])

    def begin(self, code: str) -> Locator:
        """Run a new last cell, and return it without waiting until it has ended."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(self.script(_APPEND, code))

    def run(self, code: str) -> Locator:
        """Run a new last cell, and return it when it has ended."""
        cell = self.begin(code)
        ended(cell)
        return cell

    def execute(self, code: str) -> str:
        """Run code without a cell; returns what it printed."""
        printed: str = self.script(_PRINTED, code)
        return printed

    def printed(self, expression: str) -> str:
        """What Python prints for an expression."""
        return self.execute(f"print({expression})").strip()

    def comes_to_say(self, expression: str, text: str, seconds: float = 30.0) -> None:
        """Waits until Python prints that text of an expression: a widget's messages reach the kernel a little later."""
        deadline = time.monotonic() + seconds
        while (said := self.printed(expression)) != text and time.monotonic() < deadline:
            time.sleep(0.2)
        assert said == text, said

    def clear(self) -> None:
        """Delete all cells but the first, so that what they show costs no time any more."""
        self.script("notebook.model.sharedModel.deleteCellRange(1, notebook.model.cells.length)")

    def save(self) -> None:
        """Save the notebook."""
        self.script("await context.save()")

    def saved_cells(self) -> list[dict[str, Any]]:
        """Save the notebook; returns its cells as they are in the file."""
        self.save()
        cells: list[dict[str, Any]] = json.loads(self.path.read_text())["cells"]
        return cells

    def theme(self, name: str) -> None:
        """Set the theme, for all notebooks of the server."""
        if self.page.evaluate("document.body.dataset.jpThemeName") != name:
            self.command("apputils:change-theme", theme=name)
            self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)

    def light(self) -> None:
        """Set the default theme."""
        self.theme(THEMES[0])


def screenshot(cell: Locator, name: str) -> None:
    """Save a screenshot of a cell, if ``DECART_NB_SCREENSHOTS`` names a folder."""
    if folder := os.environ.get("DECART_NB_SCREENSHOTS"):
        cell.screenshot(path=Path(folder, f"{name}.png"))


def pixels(part: Locator) -> NDArray[np.uint8]:
    """What is on the screen of a part: the RGB of its pixels."""
    part.scroll_into_view_if_needed()
    box = part.bounding_box()
    assert box
    # A screenshot of the part itself takes four times as long: carets are hidden for it, and animations stopped.
    shot = part.page.screenshot(clip=box, animations="allow", caret="initial")  # type: ignore[arg-type]
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))


def ended(cell: Locator) -> None:
    """Wait until a cell has ended."""
    expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"), timeout=TIMEOUT_MS)


def sweep(name: str, *, model: str = "lucy-pro-t2v", rows: int = 10) -> str:
    """Code that creates a sweep named ``sw``."""
    return f"sw = dnb.sweep(model={model!r}, prompt={name!r}, seed=range({rows}), name={name!r})\n"


def at_the_queue(cell: Locator, count: int = 8) -> None:
    """Wait until this many jobs of a sweep are queued."""
    expect(cell.locator(".decart-sweep").get_by_text("queued")).to_have_count(count, timeout=TIMEOUT_MS)


def finish_sweep(cell: Locator, queue: Queue) -> None:
    """End a sweep's jobs until its view shows that the run has ended."""
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while not cell.locator(".decart-sweep").get_by_text(re.compile(r"done in ")).count():
        assert time.monotonic() < deadline, "The sweep does not end."
        queue.finish()
        cell.page.wait_for_timeout(100)


def plays(video: Locator, *, pressed: bool = False) -> None:
    """Wait until a video plays. It must be in the viewport; each update of its output replaces the element.

    Args:
        video: the video.
        pressed: whether to start it if it is paused: frontends move loaded outputs, which pauses videos.
    """
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while not video.evaluate(_PLAYS, pressed):
        assert time.monotonic() < deadline, "The video does not play."
        video.page.wait_for_timeout(50)
