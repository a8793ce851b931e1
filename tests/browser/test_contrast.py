"""Colour contrast of all views in every theme (WCAG 2.2: 1.4.3, 1.4.11)."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
from playwright.sync_api import Locator, expect

from decart_nb import media

from .lab import THEMES, Lab, Notebook, Queue, at_the_queue, finish_sweep, screenshot, sweep

# Colours are painted on a canvas to resolve names, mixtures and transparency.
_CONTRASTS = """output => {
    const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const mix = (colours) => {
        for (const colour of ["white", ...colours]) {
            paint.fillStyle = colour;
            paint.fillRect(0, 0, 1, 1);
        }
        return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = (colours) => {
        const [red, green, blue] = mix(colours).map((value) =>
            value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const grounds = (element) =>
        element ? [...grounds(element.parentElement), getComputedStyle(element).backgroundColor] : [];
    const contrast = (one, other) => {
        const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
        return (light + 0.05) / (dark + 0.05);
    };
    const found = {};
    for (const element of output.querySelectorAll(".decart *, .decart-output *, .decart-live > *")) {
        if (!element.checkVisibility() || element.tagName === "STYLE") continue;
        const ground = grounds(element);
        const text = [...element.childNodes].map((node) => (node.nodeType === 3 ? node.data.trim() : "")).join("");
        if (text) found[text] = contrast([...ground, getComputedStyle(element).color], ground);
        if (element.matches(".decart-bar > div")) found.bar = contrast(ground, grounds(element.parentElement));
        if (element.matches(":focus-visible")) {
            found.focus = contrast([...grounds(output), getComputedStyle(element).outlineColor], grounds(output));
        }
    }
    return found;
}"""


_HTML = "<img src=x onerror=window.hacked=1>"


def _states(notebook: Notebook, queue: Queue) -> dict[str, Locator]:
    """Cells in each state that a job can be in."""
    submit = "job = dnb.submit('lucy-pro-t2v', 'a glacier', fresh=True)"
    states = {}
    for state, error in (("failed", "no such place"), ("done", None)):
        cell = states[state] = notebook.run(submit)
        expect(cell.get_by_role("button", name="Stop waiting")).to_be_visible()
        queue.finish(error=error)
        cell.get_by_role("button", name="Copy as code").click()
        expect(cell.get_by_text("copied")).to_be_visible()
        cell.locator(".decart-code").evaluate("code => { code.hidden = false }")
    stopped = states["stopped"] = notebook.run(submit)
    stopped.get_by_role("button", name="Stop waiting").click()
    expect(stopped.get_by_text("not waited for")).to_be_visible()
    # Jobs without a runner, whose state the test sets.
    alone = (
        "from decart_nb.display import show\n"
        "from decart_nb.job.job import JobUpdates\n"
        "job = dnb.Job('lucy-pro-t2v', {}, estimate=polling.prior, job_id='j1')\n"
        "updates = JobUpdates(job)\nupdates.set_status('processing')\nshow(job);"
    )
    retried = states["retrying"] = notebook.run(alone)
    notebook.run(f"updates.retry('no connection to {_HTML} (refused), trying again in 4 s')")
    expect(retried.locator(".decart-is-retrying .decart-state")).to_have_text(re.compile(f"no connection to {_HTML}"))
    states["expired"] = notebook.run(alone)
    notebook.run("updates.end('expired', error=dnb.QueueResultError('gone'))")
    expect(states["expired"].locator(".decart-output")).to_contain_text("expired: the service no longer has this video")
    states["under way"] = notebook.run(submit)
    expect(states["under way"].get_by_role("button", name="Stop waiting")).to_be_visible()
    return states


def test_all_of_it_stands_out_from_its_ground(notebook: Notebook, queue: Queue) -> None:
    states = _states(notebook, queue)
    faint = {}
    for theme in THEMES:
        notebook.theme(theme)
        notebook.page.keyboard.press("Shift")  # so that what has the focus shows it
        states["under way"].get_by_role("button", name="Stop waiting").focus()
        for state, cell in states.items():
            contrasts = cell.locator(".jp-OutputArea").evaluate(_CONTRASTS)
            screenshot(cell, f"{state}, {theme}")
            assert len(contrasts) >= 2
            assert ("focus" in contrasts) == (state == "under way")
            assert ("bar" in contrasts) == (state in ("stopped", "under way", "retrying"))
            faint |= _faint(contrasts, theme, state)
    assert faint == {}


def test_and_so_does_all_of_a_sweep(notebook: Notebook, queue: Queue) -> None:
    failed = notebook.run(sweep("a marsh", rows=3) + "sw.start(concurrency=8)")
    expect(failed.get_by_text("all is submitted")).to_be_visible()
    queue.finish(error="no such place")
    expect(failed.locator(".decart-sweep").get_by_text("3 failed")).to_be_visible()
    running = notebook.run(sweep("a bay") + "sw.start(concurrency=8)")
    at_the_queue(running)
    queue.finish()
    expect(running.locator(".decart-sweep").get_by_text("8 of 10 done")).to_be_visible()
    notebook.run("again = dnb.sweep(model='lucy-pro-t2v', prompt='a bay', seed=range(18), name='two bays')")
    reused = notebook.run("again.start(concurrency=8)")
    expect(reused.locator(".decart-sweep").get_by_text("8 reused")).to_be_visible()
    expect(reused.get_by_role("button", name="Stop")).to_be_visible()
    faint = {}
    for theme in THEMES:
        notebook.theme(theme)
        notebook.page.keyboard.press("Shift")
        reused.get_by_role("button", name="Stop").focus()
        for state, cell in (("failed", failed), ("running", running), ("reused", reused)):
            contrasts = cell.locator(".jp-OutputArea").evaluate(_CONTRASTS)
            screenshot(cell, f"sweep {state}, {theme}")
            assert len(contrasts) >= 4
            assert "bar" in contrasts
            assert ("focus" in contrasts) == (state == "reused")
            faint |= _faint(contrasts, theme, state)
    assert faint == {}
    for cell in (running, reused):
        finish_sweep(cell, queue)


def test_and_so_do_the_inputs_that_are_made_by_hand(notebook: Notebook, lab: Lab, small_video: Path) -> None:
    shutil.copy(small_video, lab.folder / "by hand.mp4")
    given = "[(0, 0.3, 0.6), (40, 0.4, 0.3), (90, 0.7, 0.5), (124, 0.6, 0.8)]"
    path = notebook.run(f"dnb.trajectory(dnb.keyframes('by hand.mp4').frame, {given})")
    frames = notebook.run("dnb.keyframes('by hand.mp4', first=2, last=7)")
    faint = {}
    for theme in THEMES:
        notebook.theme(theme)
        notebook.page.keyboard.press("Shift")
        for what, cell, name in (("path", path, "Undo"), ("frames", frames, "Next frame")):
            cell.get_by_role("button", name=name).focus()
            contrasts = cell.locator(".jp-OutputArea").evaluate(_CONTRASTS)
            screenshot(cell, f"by hand, {what}, {theme}")
            assert len(contrasts) > 10
            faint |= _faint(contrasts, theme, what)
    assert faint == {}


def test_and_so_does_a_form(notebook: Notebook, queue: Queue, lab: Lab, small_video: Path) -> None:
    shutil.copy(small_video, lab.folder / "to a form.mp4")
    notebook.page.set_viewport_size({"width": 1280, "height": 1000})
    form = notebook.run("dnb.form()").get_by_role("group", name="Form for a clip")
    form.get_by_role("textbox", name="Prompt").fill("A pond")
    form.get_by_label("Path of Video").fill("to a form.mp4")
    form.get_by_label("Path of Reference image").fill("to a form.mp4")
    form.get_by_role("button", name="Generate").click()
    expect(form.get_by_text("must be an image")).to_be_visible()
    wrong = {}
    for theme in THEMES:
        notebook.theme(theme)
        wrong |= _faint(form.evaluate(_CONTRASTS), theme, "wrong")
    notebook.light()
    form.get_by_label("Path of Reference image").fill("")
    form.get_by_role("button", name="Generate").click()
    expect(form.get_by_role("button", name="Stop waiting")).to_be_visible()
    queue.finish()
    form.get_by_role("button", name="Another take").click()
    expect(form.get_by_role("button", name="Stop waiting")).to_be_visible()
    for theme in THEMES:
        notebook.theme(theme)
        notebook.page.keyboard.press("Shift")
        form.get_by_role("button", name="Generate").focus()
        contrasts = form.evaluate(_CONTRASTS)
        screenshot(form, f"form, {theme}")
        assert {"Generate", "Prompt", "bar", "focus"} <= contrasts.keys()
        wrong |= _faint(contrasts, theme, "form")
    assert wrong == {}


def test_and_so_does_a_rating_with_its_scores(notebook: Notebook, lab: Lab) -> None:
    rows = [(model, prompt) for model in ("lucy-2.5", "lucy-2.6") for prompt in ("a cape", "a spit")]
    for number in range(len(rows)):
        frames = np.full((5, 48, 64, 3), 60 + 40 * number, np.uint8)
        media.encode(frames, lab.folder / f"judged{number}.mp4", fps=10)
    notebook.run(
        f"import pandas as pd\ntable = pd.DataFrame({rows}, columns=['model', 'prompt']).assign(status='completed',"
        " path=[f'judged{number}.mp4' for number in range(4)], width=64, height=48, fps=10.0, duration=0.5)"
    )
    cell = notebook.run("found = table.decart.rate(rater='contrast', seed=1)\nfound")
    group = cell.get_by_role("group", name="Blind rating")
    expect(group).not_to_have_attribute("aria-busy", "true")
    group.get_by_role("button", name="Left").click()
    expect(group.get_by_text(re.compile("^1 vote"))).to_be_visible()
    expect(group).not_to_have_attribute("aria-busy", "true")
    group.get_by_role("button", name="Show scores").click()
    expect(group.get_by_role("columnheader", name="Rank")).to_be_visible()
    faint = {}
    for theme in THEMES:
        notebook.theme(theme)
        notebook.page.keyboard.press("Shift")
        group.get_by_role("button", name="Tie").focus()
        contrasts = cell.locator(".jp-OutputArea").evaluate(_CONTRASTS)
        screenshot(cell, f"rating, {theme}")
        assert {"Left", "Tie", "Both bad", "Skip", "Undo", "Hide scores", "Rank", "focus"} <= contrasts.keys()
        faint |= _faint(contrasts, theme, "rating")
    assert faint == {}


def _faint(contrasts: dict[str, float], theme: str, state: str) -> dict[tuple[str, str, str], float]:
    return {
        (theme, state, what): round(value, 2)
        for what, value in contrasts.items()
        if value < (3 if what in ("bar", "focus") else 4.5)
    }
