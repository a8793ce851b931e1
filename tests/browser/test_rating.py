"""Blind rating in the browser: votes by keyboard, another kernel, and nothing that tells what is compared."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from .lab import THEMES, Lab, Notebook, Queue, screenshot

_HTML = "<img src=x onerror=window.hacked=1>"
#: The compared values; the cells that run have them in no place, so that the page has not either.
_MODELS = ("zirconia-9", "obsidian-4")
#: A table of clips of two models: those of the first are red, those of the second blue, larger by the prompt's number.
TABLE = """
import numpy as np, pandas as pd, hashlib
from pathlib import Path
from decart_nb import media
rows = []
for model, colour in (({0!r}, 0), ({1!r}, 2)):
    for number in range({prompts}):
        frames = np.zeros((12, 72, 128, 3), np.uint8)
        frames[..., colour] = 200
        for index, frame in enumerate(frames):
            frame[20:40, 8 * index : 8 * index + 16] = 40 + 10 * number
            frame[50 : 50 + 2 * {mark}] = 100  # so that no two tests vote on the same videos
        path = Path(f"shown/{{model}}-{{number}}.mp4")
        path.parent.mkdir(exist_ok=True)  # since the frontend lists what lies beside the notebook
        media.encode(frames, path, fps=10)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append(dict(model=model, prompt=f"{prompt} {{number}}", status="completed", path=str(path), sha256=digest,
                         width=128, height=72, fps=10.0, duration=1.2))
pd.DataFrame(rows).to_csv("clips-{mark}.csv", index=False)
"""
RATE = """
import pandas as pd
from decart_nb.rating.rating import rate
from decart_nb.session.functions import open_store
table = pd.read_csv("clips-{mark}.csv")
found = rate(table, list(table.decart.clips), by="model", rater="me", store=open_store(), seed=4)
found
"""
#: The colours in the middle of the left and the right clip: red or blue.
_COLOURS = """group => [...group.querySelectorAll("video")].map((video) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [8, 8];
    const paint = canvas.getContext("2d");
    paint.drawImage(video, 0, 0, 8, 8);
    const [red, , blue] = paint.getImageData(6, 6, 1, 1).data;
    return red > blue ? "red" : "blue";
})"""
_SPREAD = """group => {
    const times = [...group.querySelectorAll("video")].map((video) => video.currentTime);
    return [Math.abs(times[0] - times[1]), Math.max(...times)];
}"""


class _Rating:
    """A rating that is shown in a cell."""

    def __init__(self, notebook: Notebook, clips: int) -> None:
        self.notebook = notebook
        self.cell = notebook.run(RATE.format(mark=clips))
        self.group = self.cell.get_by_role("group", name="Blind rating")
        self.standing = self.group.locator(".decart-standing")
        self.ready()

    def ready(self, votes: int | None = None) -> None:
        """Wait until both clips can be seen, after so many votes."""
        if votes is not None:
            expect(self.standing).to_have_text(re.compile(rf"^{votes} votes?\b"))
        expect(self.group).not_to_have_attribute("aria-busy", "true")

    def press(self, key: str, votes: int) -> list[str]:
        """Press a key, and wait for the next pair; returns the colours that were left and right."""
        colours: list[str] = self.group.evaluate(_COLOURS)
        self.notebook.page.keyboard.press(key)
        self.ready(votes)
        return colours

    def kept(self, columns: list[str]) -> Any:
        """The votes in the store."""
        return literal_eval(self.notebook.printed(f"found.ratings[{columns!r}].values.tolist()"))


#: The listeners, timers and object URLs that the views have not released.
_LEFT = "() => [tracker.listeners.size, tracker.timers.size, tracker.urls.size].join()"


@pytest.fixture
def clips(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> int:
    """A table and its videos in the folder of the notebooks; the number in the table's name."""
    mark = len([*lab.folder.glob("clips-*.csv")])
    monkeypatch.chdir(lab.folder)
    exec(TABLE.format(*_MODELS, prompts=8, prompt=_HTML, mark=mark), {})
    return mark


def _unnamed(cell: Locator) -> None:
    """Check that the cell names no model, in no element, attribute, or address."""
    shown = cell.evaluate("cell => cell.outerHTML")
    addresses = cell.evaluate("cell => [...cell.querySelectorAll('video')].map((video) => video.currentSrc)")
    for model in _MODELS:
        assert model not in shown
        assert not any(model in address for address in addresses)


@pytest.fixture
def requested(notebook: Notebook) -> Iterator[list[str]]:
    """The URLs that the page requests from now on."""
    urls: list[str] = []
    note = lambda request: urls.append(request.url)  # noqa: E731
    notebook.page.on("request", note)
    yield urls
    notebook.page.remove_listener("request", note)


def test_votes_by_keyboard_are_kept_and_another_kernel_goes_on(
    notebook: Notebook, queue: Queue, clips: int, requested: list[str]
) -> None:
    page = notebook.page
    rating = _Rating(notebook, clips)
    _unnamed(rating.cell)
    assert not any(model in page.content() for model in _MODELS)
    expect(rating.group.get_by_text(f"{_HTML} ")).to_be_visible()
    assert page.evaluate("window.hacked") is None

    cells = page.locator(".jp-Notebook .jp-Cell").count()
    rating.group.locator("video").first.click()
    cast = []
    for votes, (key, outcome) in enumerate(
        [("ArrowLeft", "left"), ("ArrowRight", "right"), ("ArrowDown", "tie"), ("t", "tie"), ("b", "bad")], 1
    ):
        left, right = rating.press(key, votes)
        cast.append([outcome, *(dict(zip(("red", "blue"), _MODELS, strict=True))[colour] for colour in (left, right))])
    _unnamed(rating.group)
    assert not any(model in url for model in _MODELS for url in requested)
    assert rating.kept(["outcome", "left", "right"]) == cast
    assert page.locator(".jp-Notebook .jp-Cell").count() == cells  # no key was a command

    notebook.restart()
    notebook.connect(queue)
    again = _Rating(notebook, clips)
    again.ready(5)
    assert again.kept(["outcome", "left", "right"]) == cast
    again.group.focus()
    again.press("ArrowLeft", 6)
    pairs = again.kept(["prompt", "repeated"])
    once = [prompt for prompt, repeated in pairs if not repeated]
    assert len(once) == len(set(once))


def test_undo_skip_and_buttons(notebook: Notebook, clips: int) -> None:
    page = notebook.page
    rating = _Rating(notebook, clips)
    prompt = rating.group.locator(".decart-prompt")
    first = prompt.inner_text()
    button = {
        name: rating.group.get_by_role("button", name=name, exact=True)
        for name in ("Left", "Right", "Tie", "Both bad", "Skip", "Undo", "Pause", "Play", "Show scores", "Hide scores")
    }
    expect(button["Undo"]).to_be_disabled()
    button["Left"].click()
    rating.ready(1)
    expect(prompt).not_to_have_text(first)
    page.keyboard.press("u")
    rating.ready(0)
    expect(prompt).to_have_text(first)
    assert rating.kept(["outcome"]) == []

    rating.group.focus()
    page.keyboard.press("s")
    expect(prompt).not_to_have_text(first)
    rating.ready(0)
    button["Undo"].click()
    expect(prompt).to_have_text(first)
    rating.ready(0)

    expect(button["Pause"]).to_be_visible()
    rating.group.focus()
    page.keyboard.press(" ")
    expect(button["Play"]).to_be_visible()
    page.keyboard.press(" ")
    expect(button["Pause"]).to_be_visible()

    button["Both bad"].click()
    rating.ready(1)
    button["Show scores"].click()
    table = rating.group.get_by_role("table")
    expect(table.get_by_role("row")).to_have_count(3)
    expect(table.get_by_text(_MODELS[0])).to_be_visible()
    button["Hide scores"].click()
    expect(table).to_have_count(0)


def test_both_clips_play_in_step(notebook: Notebook, clips: int) -> None:
    page = notebook.page
    rating = _Rating(notebook, clips)
    page.wait_for_function(
        "([measure, group]) => eval(measure)(group)[1] > 0.4", arg=[_SPREAD, rating.group.element_handle()]
    )
    spreads = []
    for _ in range(10):
        spreads.append(rating.group.evaluate(_SPREAD)[0])
        page.wait_for_timeout(50)
    assert sorted(spreads)[5] < 0.1  # by the median: the measure itself may fall between the two loops


def test_nothing_is_left_of_a_cleared_rating(watched: Notebook, clips: int) -> None:
    notebook, page = watched, watched.page
    rating = _Rating(notebook, clips)
    rating.group.focus()
    rating.press("ArrowLeft", 1)
    assert int(page.evaluate(_LEFT).split(",")[0]) > 0
    rating.cell.locator(".jp-InputPrompt").click()
    notebook.command("notebook:clear-cell-output")
    expect(rating.cell.locator(".jp-OutputArea-child")).to_have_count(0)
    page.wait_for_function(f"() => ({_LEFT})() === '0,0,0'")
    notebook.run("from decart_nb._util.observed import is_observed")
    notebook.comes_to_say("is_observed(found)", "False")


def test_when_the_kernel_has_gone_the_scores_stay(notebook: Notebook, clips: int) -> None:
    page = notebook.page
    page.set_viewport_size({"width": 1280, "height": 1000})
    rating = _Rating(notebook, clips)
    rating.group.focus()
    screenshot(rating.cell, "rating-first")
    votes = 0
    while votes < 7:
        votes += 1
        left, _ = rating.group.evaluate(_COLOURS)
        rating.press("ArrowLeft" if (left == "red") == (votes % 4 != 0) else "ArrowRight", votes)
    rating.group.get_by_role("button", name="Show scores").click()
    expect(rating.group.get_by_role("table")).to_be_visible()
    for theme in THEMES:
        notebook.theme(theme)
        screenshot(rating.cell, f"rating-{theme.split()[-1].lower()}")
    notebook.light()
    expect(rating.cell.get_by_text(re.compile("Blind rating by model: 7 votes"))).to_be_hidden()
    notebook.save()

    notebook.shut_down()
    notebook.load()
    shown = page.locator(".jp-Cell", has_text="Blind rating by model")
    expect(shown.get_by_text(re.compile("Blind rating by model: 7 votes"))).to_be_visible()
    expect(shown.get_by_role("table").get_by_text(_MODELS[0])).to_be_visible()
    expect(shown.get_by_role("img")).to_have_count(2)
    screenshot(shown, "rating-static")
