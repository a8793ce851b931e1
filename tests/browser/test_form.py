"""The form, by what is on the screen and what the queue gets."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from .lab import Lab, Notebook, Queue, plays, screenshot

_MARKUP = "<img src=x onerror=window.hacked=1>"


@pytest.fixture
def form(notebook: Notebook) -> Locator:
    """The form in a notebook."""
    notebook.page.set_viewport_size({"width": 1280, "height": 1000})
    return notebook.run("form = dnb.form('lucy-2.5')\nform").get_by_role("group", name="Form for a clip")


def _generate(form: Locator, queue: Queue) -> None:
    form.get_by_role("button", name="Generate").click()
    expect(form.get_by_role("button", name="Stop waiting").first).to_be_visible()
    queue.finish()
    expect(form.get_by_role("button", name="Another take").first).to_be_visible()


def test_the_form_makes_a_clip_without_a_line_of_code(
    form: Locator, notebook: Notebook, queue: Queue, lab: Lab, small_video: Path
) -> None:
    shutil.copy(small_video, lab.folder / "street.mp4")
    expect(form.locator(".decart-form-cost")).to_have_text("$0.04 a second of video")
    form.get_by_role("textbox", name="Prompt").fill(f"An oil painting {_MARKUP}")
    form.get_by_label("Video *").set_input_files(lab.folder / "street.mp4")
    expect(form.get_by_text("street.mp4 · ")).to_be_visible()
    expect(form.locator("video.decart-form-preview")).to_be_visible()
    expect(form.locator(".decart-form-cost")).to_have_text("about $0.04")
    form.get_by_label("Seed").fill("7")
    # The keys of a check box are its own, and what it asks for is told.
    form.get_by_role("checkbox", name="Fit the video").press("Space")
    screenshot(form, "form filled in")
    _generate(form, queue)
    plays(form.locator("video[src^=blob]").last)
    expect(form.get_by_text("street.mp4 for lucy-2.5: 10 fps to 20 fps.")).to_be_visible()
    screenshot(form, "form with a clip")
    assert notebook.printed("form.jobs[0].clip.inputs") == str(
        {"prompt": f"An oil painting {_MARKUP}", "seed": 7, "data": "street-fit.mp4"}
    )
    assert notebook.printed("form.jobs[0].clip.path.exists()") == "True"
    assert notebook.page.evaluate("window.hacked") is None
    # The code of the clip makes the same request: it is there already.
    form.get_by_role("listitem").get_by_role("button", name="Copy as code").click()
    expect(form.get_by_text("copied")).to_be_visible()
    code = notebook.page.evaluate("navigator.clipboard.readText()")
    assert "dnb.generate(" in code
    assert "street" not in code.partition("data=")[0]
    [static, live] = notebook.saved_cells()[-1]["outputs"]
    saved = "".join(static["data"]["text/html"])
    assert "street.mp4" in saved
    assert "data:image/webp" in saved
    assert "<img src=x" not in saved
    assert str(lab.folder) not in str([static, live])


def test_what_is_wrong_is_told_beside_its_field_and_nothing_is_lost(form: Locator, notebook: Notebook) -> None:
    form.get_by_label("Model").select_option("lucy-restyle-2")
    form.get_by_label("Seed").fill("-3")
    form.get_by_label("Path of Video").fill("gone.mp4")
    form.get_by_role("button", name="Generate").click()
    problems = {
        "prompt": "Prompt is missing: give either prompt or reference_image.",
        "data": "Video is not there: no file gone.mp4. The path is relative to the working directory.",
        "seed": "Seed is -3; it must be from 0 to 4294967295.",
    }
    for name, text in problems.items():
        field = form.locator(f"[data-field={name}]")
        expect(field.locator(".decart-form-problem")).to_have_text(text)
        control = field.locator("[aria-invalid]")
        described = control.get_attribute("aria-describedby")
        assert field.locator(f"[id='{described}']").inner_text() == text
    expect(form.get_by_role("textbox", name="Prompt")).to_be_focused()
    expect(form.get_by_text("3 fields are to be corrected")).to_be_visible()
    screenshot(form, "form with problems")
    # A field that is mended is no longer complained of.
    form.get_by_label("Seed").fill("3")
    expect(form.locator("[data-field=seed] .decart-form-problem")).to_be_hidden()
    form.get_by_role("textbox", name="Prompt").fill("A woodcut")
    expect(form.locator("[data-field=prompt] .decart-form-problem")).to_be_hidden()
    # What was filled in stays with another model, also one that has not all of the fields, and in a reloaded page.
    form.get_by_label("Model").select_option("lucy-2.6")
    expect(form.get_by_label("Self-anchor")).to_have_count(0)
    expect(form.get_by_label("Seed")).to_have_value("3")
    expect(form.get_by_role("textbox", name="Prompt")).to_have_value("A woodcut")
    expect(form.locator(".decart-form-cost")).to_have_text("price unknown")
    notebook.comes_to_say(
        "form.model, form.values['prompt'], form.values['seed'], len(form.jobs)", "lucy-2.6 A woodcut 3 0"
    )


def test_it_is_filled_in_and_sent_by_keyboard_alone(
    form: Locator, notebook: Notebook, queue: Queue, lab: Lab, small_video: Path
) -> None:
    shutil.copy(small_video, lab.folder / "typed.mp4")
    press, type_ = notebook.page.keyboard.press, notebook.page.keyboard.type
    form.get_by_label("Model").focus()
    press("Tab")
    type_("A blueprint\nof a x, dd and 00")  # letters that are the notebook's own shortcuts
    for _ in range(2):
        press("Tab")
    type_("typed.mp4")
    expect(form.locator(".decart-form-cost")).to_have_text("about $0.04")
    press("Control+Enter")
    expect(form.get_by_role("button", name="Stop waiting")).to_be_visible()
    queue.finish()
    again = form.get_by_role("button", name="Another take · about $0.04")
    expect(again).to_be_visible()
    again.focus()
    press("Enter")
    expect(form.get_by_role("button", name="Stop waiting")).to_be_visible()
    queue.finish()
    expect(form.get_by_role("listitem")).to_have_count(2)
    expect(again).to_have_count(2)
    # Of two clips one is open, the newer one; the other is a picture that opens it.
    expect(form.locator("video[src^=blob]")).to_have_count(1)
    poster = form.get_by_role("button", name="Show lucy-2.5")
    poster.focus()
    press("Enter")
    expect(form.get_by_role("listitem").nth(1).locator("video")).to_be_focused()
    expect(form.get_by_role("listitem").nth(0).locator("video")).to_have_count(0)
    assert notebook.printed("[job.clip.inputs['prompt'] for job in form.jobs]") == str(
        ["A blueprint\nof a x, dd and 00"] * 2
    )
    assert notebook.printed("len({job.id for job in form.jobs})") == "2"


def test_a_file_of_several_pieces_arrives_whole_and_a_page_that_is_loaded_again_has_all(
    notebook: Notebook, lab: Lab
) -> None:
    large = lab.folder / "large.png"
    noise = np.random.default_rng(0).integers(0, 256, (1100, 1100, 3), np.uint8)
    Image.fromarray(noise).save(large)
    assert large.stat().st_size > 3 * 2**20
    form = notebook.run("form = dnb.form()\nform").get_by_role("group", name="Form for a clip")
    form.get_by_role("textbox", name="Prompt").fill("A fresco")
    form.get_by_label("Reference image", exact=True).set_input_files(large)
    expect(form.get_by_text("large.png · 3.6 MB")).to_be_visible()
    expect(form.locator("img.decart-form-preview")).to_be_visible()
    digest = hashlib.sha256(large.read_bytes()).hexdigest()
    code = "__import__('hashlib').sha256(form.files['reference_image'].path.read_bytes()).hexdigest()"
    assert notebook.printed(code) == digest
    notebook.save()
    notebook.load()
    form = notebook.page.get_by_role("group", name="Form for a clip")
    expect(form.get_by_role("textbox", name="Prompt")).to_have_value("A fresco")
    expect(form.get_by_text("large.png · 3.6 MB")).to_be_visible()
    form.get_by_role("button", name="Remove Reference image").click()
    expect(form.get_by_label("Reference image", exact=True)).to_be_visible()
    notebook.comes_to_say("form.files", "{}")
