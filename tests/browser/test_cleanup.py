"""A cleared output leaves no listener, timer, object URL or widget."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from .lab import Lab, Notebook, Queue, at_the_queue, sweep

#: A view that leaves one of each.
_CARELESS = """
from importlib.resources import files
from decart_nb.display.live_view import LiveView
class Careless(LiveView):
    _esm = files("decart_nb.display").joinpath("live_view.js").read_text() + '''
    export default view(({model, root}) => {
        root.append("careless");
        document.addEventListener("keydown", () => {});
        setInterval(() => {}, 1000);
        URL.createObjectURL(new Blob());
        model.on("change:problem", () => {});
    });'''
careless = Careless()
display(careless.bundle(), raw=True)
"""
_COUNTS = "() => [tracker.listeners.size, tracker.timers.size, tracker.urls.size]"
#: Counts the listeners of traits that only our models have.
_MODELS = """
    const renderer = notebook.rendermime.createRenderer('application/vnd.jupyter.widget-view+json');
    const manager = await renderer._manager.promise;
    window.models ??= await Promise.all(Object.values(manager._models));
    const names = ['change:problem', 'change:status', 'change:stop_label', 'change:codes', 'comm_live_update'];
    return names.map((name) => models.reduce((sum, model) => sum + (model._events?.[name]?.length ?? 0), 0));
"""
#: The classes of all widgets that are open.
_WIDGETS = """[
    model["state"].get("_anywidget_id", model["model_name"]).rpartition(".")[2]
    for model in Widget.get_manager_state()["state"].values()
]"""


@pytest.fixture(autouse=True)
def _named(watched: Notebook) -> None:
    """Imports what tells of what is left, and forgets the models of the test before."""
    watched.run("from ipywidgets import Widget\nfrom decart_nb._util.observed import is_observed")
    watched.page.evaluate("delete window.models")


def _clear(notebook: Notebook, cell: Locator) -> None:
    cell.locator(".jp-InputPrompt").click()
    notebook.command("notebook:clear-cell-output")
    expect(cell.locator(".jp-OutputArea-child")).to_have_count(0)


def test_nothing_is_left_of_a_cleared_output(watched: Notebook, queue: Queue) -> None:
    notebook, page = watched, watched.page
    # First, what would be left is seen.
    cell = notebook.run(_CARELESS)
    expect(cell.locator(".decart-live")).to_have_text("careless")
    _clear(notebook, cell)
    page.wait_for_function(f"() => ({_COUNTS})().join() === '1,1,1'")
    page.evaluate("() => { tracker.listeners.clear(); tracker.timers.clear(); tracker.urls.clear(); }")

    submit = "job = dnb.submit('lucy-pro-t2v', 'a delta', fresh=True)"
    under_way, done = notebook.run(submit), notebook.run(submit)
    expect(done.get_by_role("button", name="Stop waiting")).to_be_visible()
    queue.finish()
    expect(done.get_by_role("button", name="Another take")).to_be_visible()
    expect(under_way.get_by_role("button", name="Another take")).to_be_visible()
    done.get_by_role("button", name="Another take").click()
    expect(done.get_by_role("button", name="Stop waiting")).to_be_visible()
    assert page.evaluate(_COUNTS)[0] > 0
    assert min(notebook.script(_MODELS)) >= 1
    assert notebook.printed(_WIDGETS).count("JobView") == 2

    _clear(notebook, under_way)
    _clear(notebook, done)
    page.wait_for_function(f"() => ({_COUNTS})().join() === '0,0,0'")
    assert max(notebook.script(_MODELS)) == 0
    page.wait_for_function("() => document.querySelectorAll('.decart-live').length === 0")
    notebook.comes_to_say(_WIDGETS, "[]")
    assert notebook.printed("is_observed(job), job.done") == "False True"


def test_nor_of_a_sweep(watched: Notebook, queue: Queue) -> None:
    notebook, page = watched, watched.page
    cell = notebook.run(sweep("a lagoon") + "sw.start(concurrency=8)")
    expect(cell.get_by_role("button", name="Stop")).to_be_visible()
    at_the_queue(cell)
    assert page.evaluate(_COUNTS)[0] > 0
    assert notebook.printed(_WIDGETS).count("SweepView") == 1

    _clear(notebook, cell)
    page.wait_for_function(f"() => ({_COUNTS})().join() === '0,0,0'")
    assert max(notebook.script(_MODELS)) == 0
    notebook.comes_to_say(_WIDGETS, "[]")
    notebook.run("sw.cancel()")
    queue.finish()
    # The sweep went on, for all that.
    notebook.comes_to_say("(await sw).status.eq('completed').sum(), is_observed(sw)", "8 False")


def test_nor_of_a_grid_which_keeps_the_videos_that_are_shown(watched: Notebook, lab: Lab, small_video: Path) -> None:
    notebook, page = watched, watched.page
    shutil.copy(small_video, lab.folder / "small.mp4")
    tags = ["abc", *("abc"[number // 11] for number in range(33))]
    notebook.run(
        f"import pandas as pd\ntable = pd.DataFrame({{'note': {tags}, 'status': 'completed',"
        " 'path': 'small.mp4', 'fps': 10.0, 'duration': 1.0})"
    )
    page.set_viewport_size({"width": 1280, "height": 1400})
    cell = notebook.run("table.decart.grid(rows='status')")
    cell.get_by_role("slider", name="Size of the cells").fill("96")
    cell.get_by_role("searchbox", name="Filter").fill("note:a")
    cell.get_by_role("button", name="Play all").click()
    # The first clip stays, and eleven others come each time: more than the 16 videos that a view keeps.
    for wanted, first in (("b", 12), ("c", 23)):
        cell.get_by_role("searchbox", name="Filter").fill(f"note:{wanted}")
        page.wait_for_function(
            """(first) => {
                const videos = [...document.querySelectorAll(`.decart-tile:has(video[src])`)];
                return videos.length === 12 && Number(videos[1].dataset.number) === first;
            }""",
            arg=first,
        )
    shown, kept = page.evaluate(
        "() => [[...document.querySelectorAll('video[src^=blob]')].map(({src}) => tracker.urls.has(src)),"
        " tracker.urls.size]"
    )
    assert shown == [True] * 12
    assert kept <= 16 + 34  # the posters are kept
    _clear(notebook, cell)
    page.wait_for_function(f"() => ({_COUNTS})().join() === '0,0,0'")
    notebook.comes_to_say(_WIDGETS, "[]")


def test_nor_of_a_comparison(watched: Notebook, lab: Lab, small_video: Path) -> None:
    notebook, page = watched, watched.page
    shutil.copy(small_video, lab.folder / "small.mp4")
    cell = notebook.run("dnb.compare('small.mp4', 'small.mp4', labels=['one', 'other'])")
    expect(cell.locator(".decart-compare-note:visible")).to_have_count(0)
    cell.locator(".decart-compare-stage").focus()
    page.keyboard.press("3")
    cell.get_by_role("combobox", name="Flicker rate").select_option("2")
    cell.get_by_role("button", name="Play").click()
    # A timer for the flicker and one for the clock; two videos and two posters.
    page.wait_for_function(f"() => {{ const [, timers, urls] = ({_COUNTS})(); return timers === 2 && urls === 4; }}")
    assert notebook.printed(_WIDGETS).count("CompareView") == 1

    _clear(notebook, cell)
    page.wait_for_function(f"() => ({_COUNTS})().join() === '0,0,0'")
    notebook.comes_to_say(_WIDGETS, "[]")


def test_nor_of_a_trajectory(watched: Notebook, lab: Lab, small_image: Path) -> None:
    notebook, page = watched, watched.page
    shutil.copy(small_image, lab.folder / "small.png")
    cell = notebook.run("path = dnb.trajectory('small.png', [(0, 0.2, 0.2), (124, 0.8, 0.8)])\npath")
    cell.get_by_role("button", name="Play").click()
    # A timer for the preview, and the image.
    page.wait_for_function(f"() => {{ const [, timers, urls] = ({_COUNTS})(); return timers === 1 && urls === 1; }}")
    assert notebook.printed(_WIDGETS).count("TrajectoryView") == 1

    _clear(notebook, cell)
    page.wait_for_function(f"() => ({_COUNTS})().join() === '0,0,0'")
    notebook.comes_to_say(_WIDGETS, "[]")
    assert notebook.printed("is_observed(path), len(path)") == "False 2"


def test_nor_of_keyframes(watched: Notebook, lab: Lab, small_video: Path) -> None:
    notebook, page = watched, watched.page
    shutil.copy(small_video, lab.folder / "small.mp4")
    cell = notebook.run("frames = dnb.keyframes('small.mp4')\nframes")
    expect(cell.locator(".decart-keyframes-note:visible")).to_have_count(0)
    cell.get_by_role("button", name="Play").click()
    # The stills of the first and the last frame; the video comes from the server.
    page.wait_for_function(f"() => ({_COUNTS})()[2] === 2")
    assert notebook.printed(_WIDGETS).count("KeyframesView") == 1

    _clear(notebook, cell)
    page.wait_for_function(f"() => ({_COUNTS})().join() === '0,0,0'")
    notebook.comes_to_say(_WIDGETS, "[]")
    assert notebook.printed("is_observed(frames), len(frames)") == "False 10"


def test_nor_of_a_form_whose_jobs_go_on(watched: Notebook, queue: Queue, lab: Lab, small_video: Path) -> None:
    notebook, page = watched, watched.page
    shutil.copy(small_video, lab.folder / "small.mp4")
    cell = notebook.run("form = dnb.form()\nform")
    cell.get_by_label("Video", exact=False).first.set_input_files(lab.folder / "small.mp4")
    expect(cell.get_by_text("small.mp4 · ")).to_be_visible()
    cell.get_by_role("button", name="Generate").click()
    expect(cell.get_by_role("button", name="Stop waiting")).to_be_visible()
    queue.finish()
    expect(cell.get_by_role("button", name="Another take")).to_be_visible()
    cell.get_by_role("button", name="Another take").click()
    expect(cell.get_by_role("button", name="Stop waiting")).to_be_visible()
    # The file that was chosen, the clip, and its still.
    page.wait_for_function(f"() => ({_COUNTS})()[2] === 3")
    assert notebook.printed(_WIDGETS).count("FormView") == 1
    cell.get_by_role("textbox", name="Prompt").press("x")  # which is sent after a pause

    _clear(notebook, cell)
    page.wait_for_function(f"() => ({_COUNTS})().join() === '0,0,0'")
    notebook.comes_to_say(_WIDGETS, "[]")
    queue.finish()
    notebook.comes_to_say("[job.status for job in form.jobs]", "['completed', 'completed']")
    assert notebook.printed("[is_observed(one) for one in (form, *form.jobs)]") == "[False, False, False]"
