"""The buttons below a clip, and error messages in views."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from .lab import Notebook, Queue, plays, screenshot

#: A view with a button that raises an error.
_BROKEN = """
from importlib.resources import files
from decart_nb.display.live_view import LiveView
class Broken(LiveView):
    _esm = files("decart_nb.display").joinpath("live_view.js").read_text() + '''
    export default view(({root, listen}) => {
        const button = element("button", {}, "press");
        root.append(button);
        listen(button, "click", () => { throw new Error("no <b>such</b> thing"); });
    });'''
broken = Broken()
display(broken.bundle(), raw=True)
"""
#: A job that has the clip of another one, and of which no other take can be had.
_UNREPEATABLE = """
from decart_nb.display import show
from decart_nb.job.job import JobUpdates
def broken(job): raise RuntimeError("no <i>more</i>")
alone = dnb.Job(job.model, job.inputs, estimate=job.estimate, job_id="j1", resubmit=broken)
JobUpdates(alone).end("completed", clip=job.result())
show(alone);
"""
#: The next request to stop is lost on its way to the kernel.
_LOSE_ONE = """() => {
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {
        const text = typeof data === 'string' ? data : new TextDecoder().decode(data);
        if (text.includes('"action":"stop"')) WebSocket.prototype.send = send;
        else send.call(this, data);
    };
}"""


def _clip(notebook: Notebook, queue: Queue, prompt: str = "two birds") -> Locator:
    cell = notebook.run(f"job = dnb.submit('lucy-pro-t2v', {prompt!r}, seed=7, fresh=True)")
    expect(cell.get_by_role("button", name="Stop waiting")).to_be_visible()
    queue.finish()
    expect(cell.get_by_role("button", name="Another take")).to_be_visible()
    return cell


def test_another_take_comes_beside_the_first(notebook: Notebook, queue: Queue) -> None:
    cell = _clip(notebook, queue)
    cell.get_by_role("button", name="Another take").click()
    expect(cell.get_by_role("button", name="Stop waiting")).to_be_visible()
    plays(cell.locator("video"))  # the first one, all the while
    screenshot(cell, "another take, under way")
    queue.finish()
    expect(cell.locator("video")).to_have_count(2)
    boxes = []
    for number, video in enumerate(cell.locator("video").all()):
        plays(video)
        boxes.append(video.bounding_box())
        expect(cell.locator("figcaption").nth(number)).to_contain_text(re.compile("two birds.*lucy-pro-t2v · seed "))
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] + boxes[0]["width"] < boxes[1]["x"]
    assert [" seed 7 " in caption for caption in cell.locator("figcaption").all_inner_texts()] == [True, False]
    screenshot(cell, "another take")
    # Its clip can be had in code, and each take's own call.
    take = cell.locator("figcaption").last
    expect(take).to_contain_text("job.takes[1] · dnb.attach('")
    assert notebook.printed("job.takes[1].id") in take.inner_text()
    assert notebook.printed("job.takes[1].clip.path.name") in take.inner_text()
    for number in (0, 1):
        cell.get_by_role("button", name=f"Copy take {number} as code").click()
        expect(cell.get_by_text("copied")).to_be_visible()
        copied = notebook.page.evaluate("navigator.clipboard.readText()")
        assert f"seed={notebook.printed(f'job.takes[{number}].clip.inputs[{chr(34)}seed{chr(34)}]')})" in copied


def test_the_call_is_copied(notebook: Notebook, queue: Queue) -> None:
    cell = _clip(notebook, queue, "two owls")  # the first take of it: the call of another one has fresh=True
    cell.get_by_role("button", name="Copy as code").click()
    expect(cell.get_by_text("copied")).to_be_visible()
    copied = notebook.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("import decart_nb as dnb\n\ndnb.connect('live', base_url='http://127.0.0.1:")
    assert copied.endswith("\ndnb.generate('lucy-pro-t2v', prompt='two owls', seed=7)")
    screenshot(cell, "copied")


def test_the_call_is_shown_and_selected_where_the_clipboard_is_refused(notebook: Notebook, queue: Queue) -> None:
    call = "dnb.generate('lucy-pro-t2v', prompt='two larks', seed=7)"
    cell = _clip(notebook, queue, "two larks")
    # As it is where a page came over plain HTTP from another machine.
    notebook.page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true})")
    try:
        cell.get_by_role("button", name="Copy as code").click()
        expect(cell.get_by_text("selected, to be copied")).to_be_visible()
        expect(cell.locator(".decart-code")).to_contain_text(call)
        expect(cell.locator(".decart-code")).to_be_visible()
        assert notebook.page.evaluate("getSelection().toString().trim()").count(call) == 1
    finally:
        notebook.page.evaluate("delete navigator.clipboard")
    screenshot(cell, "selected")


def test_what_breaks_in_a_view_is_said_in_it_and_told_to_python(notebook: Notebook) -> None:
    cell = notebook.run(_BROKEN)
    problem = cell.get_by_role("alert")
    expect(problem).to_be_hidden()
    cell.get_by_role("button", name="press").click()
    expect(problem).to_have_text("no <b>such</b> thing")
    notebook.comes_to_say("broken.problem", "no <b>such</b> thing")
    screenshot(cell, "problem")


def test_what_breaks_in_python_is_said_in_the_view(notebook: Notebook, queue: Queue) -> None:
    _clip(notebook, queue)
    cell = notebook.run(_UNREPEATABLE)
    cell.get_by_role("button", name="Another take").click()
    expect(cell.get_by_role("alert")).to_have_text("no <i>more</i>")
    screenshot(cell, "problem in Python")


def test_a_request_to_stop_that_was_lost_is_made_again(notebook: Notebook, queue: Queue) -> None:
    cell = notebook.run("job = dnb.submit('lucy-pro-t2v', 'two swans', fresh=True)")
    notebook.page.evaluate(_LOSE_ONE)
    cell.get_by_role("button", name="Stop waiting").click()
    expect(cell.get_by_text("requested; a busy kernel receives it after its cell")).to_be_visible()
    expect(cell.get_by_text("not waited for; the job goes on")).to_be_visible()
