"""JupyterLab or Notebook 7, as a person and their browser see it; and a queue that works when it is told to."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Locator, Page, expect

from decart_nb.local.queue import LocalQueue

TIMEOUT_MS = 60_000  # milliseconds
#: Where each frontend opens a notebook.
APPS = {"lab": "lab/tree/{}?reset&", "notebook": "notebooks/{}?"}
THEMES = ("JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast")

#: Connects a kernel to a queue outside of it, as if that were Decart, but asks more often.
_OPENING = """
import warnings
from decart_nb.client import duration_estimate as polling
polling.POLL_COST, polling.LIVE = 1e-4, polling.Estimate.around(2.0, 2.0, floor=0.05)
import decart_nb as dnb
warnings.simplefilter("ignore", dnb.ModelWarning)
session = dnb.connect("live", api_key={queue.api_key!r}, base_url={queue.base_url!r})
"""
# The frontend itself, which shows itself to scripts when its server was asked for that.
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
_PLAYS = """async (video, pressed) => {
    video.scrollIntoView({block: 'nearest'});
    if (pressed && video.paused) await video.play().catch(() => {});
    return video.readyState === 4 && !video.paused && video.currentTime > 0;
}"""


class Queue(LocalQueue):
    """A local queue whose jobs end only when told to."""

    def __init__(self, folder: Path, canned: Path) -> None:
        super().__init__(folder, canned=canned, draw_duration=lambda: 3600.0)

    def begin(self) -> None:
        """Begins to work on the jobs that wait."""
        for record in map(self.jobs.get, self.jobs.storage.ids()):
            assert record
            record.started = min(record.started or time.time(), time.time())

    def finish(self, *, error: str | None = None) -> None:
        """Ends the jobs that are under way: well, or with that error."""
        now = time.time()
        for record in map(self.jobs.get, self.jobs.storage.ids()):
            assert record
            assert record.ready
            if record.ready > now:
                record.error, record.ready = error, now


@dataclass
class Lab:
    """A running server: where it is reached, and the folder it shows."""

    url: str
    token: str
    folder: Path

    def open(self, page: Page, name: str, queue: Queue | None = None, *, app: str = "lab") -> Notebook:
        """Opens a new notebook with a kernel, connected to a queue if there is one."""
        empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell()])
        empty.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.folder / f"{name}.ipynb"
        nbformat.write(empty, path)
        notebook = Notebook(page, path, f"{self.url}/{APPS[app].format(path.name)}token={self.token}")
        notebook.load()
        if queue:
            notebook.connect(queue)
        return notebook


@dataclass
class Notebook:
    """A notebook on screen."""

    page: Page
    path: Path
    url: str

    def load(self) -> None:
        """Opens it, or opens it again, with the kernel it has or with a new one."""
        self.page.goto(self.url)
        self.page.wait_for_function(f"() => {{{_PANEL}{_READY}}}", timeout=TIMEOUT_MS)

    def connect(self, queue: Queue) -> None:
        """Connects its kernel to a queue."""
        self.run(_OPENING.format(queue=queue))

    def script(self, body: str, given: object = None) -> Any:
        """What a script gives that knows the ``notebook``, its ``session``, and what is ``given`` to it."""
        return self.page.evaluate(f"async (given) => {{{_PANEL}{body}}}", given)

    def command(self, name: str, **arguments: object) -> None:
        """What one of the frontend's menu items does."""
        # Without what it gives, which may be anything.
        run = "async ([name, given]) => { await jupyterapp.commands.execute(name, given); }"
        self.page.evaluate(run, [name, arguments])

    def begin(self, code: str) -> Locator:
        """Runs a new cell at the end, and gives it without waiting for its end."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(self.script(_APPEND, code))

    def run(self, code: str) -> Locator:
        """Runs a new cell at the end."""
        cell = self.begin(code)
        ended(cell)
        return cell

    def says(self, expression: str) -> str:
        """What Python prints of an expression."""
        return self.run(f"print({expression})").locator(".jp-OutputArea-output").inner_text().strip()

    def comes_to_say(self, expression: str, text: str, seconds: float = 30.0) -> None:
        """Waits until Python prints that text of an expression: a widget's messages reach the kernel a little later."""
        deadline = time.monotonic() + seconds
        while (said := self.says(expression)) != text and time.monotonic() < deadline:
            time.sleep(0.2)
        assert said == text

    def save(self) -> None:
        """Saves it."""
        self.script("await context.save()")

    def theme(self, name: str) -> None:
        """Changes the frontend's theme, for all notebooks of the server."""
        if self.page.evaluate("document.body.dataset.jpThemeName") != name:
            self.command("apputils:change-theme", theme=name)
            self.page.wait_for_function("name => document.body.dataset.jpThemeName === name", arg=name)

    def light(self) -> None:
        """Changes back to the theme that frontends begin with."""
        self.theme(THEMES[0])


def shoot(cell: Locator, name: str) -> None:
    """Keeps a picture of a cell, where the environment names a folder for them."""
    if folder := os.environ.get("DECART_NB_SCREENSHOTS"):
        cell.screenshot(path=Path(folder, f"{name}.png"))


def ended(cell: Locator) -> None:
    """Waits until a cell has ended."""
    expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"), timeout=TIMEOUT_MS)


def sweep(name: str, *, model: str = "lucy-pro-t2v", rows: int = 10) -> str:
    """What makes a sweep, as ``sw``."""
    return f"sw = dnb.sweep(model={model!r}, prompt={name!r}, seed=range({rows}), name={name!r})\n"


def at_the_queue(cell: Locator, count: int = 8) -> None:
    """Waits until so many jobs of a sweep have been submitted."""
    expect(cell.locator(".decart-sweep").get_by_text("queued")).to_have_count(count, timeout=TIMEOUT_MS)


def finish_sweep(cell: Locator, queue: Queue) -> None:
    """Ends the jobs of a sweep, round by round, until the cell says that it has ended."""
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while not cell.locator(".decart-sweep").get_by_text(re.compile(r"done in ")).count():
        assert time.monotonic() < deadline, "The sweep does not end."
        queue.finish()
        cell.page.wait_for_timeout(100)


def plays(video: Locator, *, pressed: bool = False) -> None:
    """Waits until a video plays. Only one that is in sight does; and with each new output in its place it is a new one.

    Args:
        video: the video.
        pressed: whether its button is pressed, if it rests: frontends move what they have loaded, and that stops it.
    """
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while not video.evaluate(_PLAYS, pressed):
        assert time.monotonic() < deadline, "The video does not play."
        video.page.wait_for_timeout(50)
