"""A path that is drawn on an image, by what the kernel gets of it and where the local queue moves the image's part."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Locator, expect

from decart_nb import media

from .lab import Lab, Notebook, pixels

_SIZE = (1280, 704)
_START = (320, 352)
#: Where the pointer goes, in pixels of the image.
_WAY = [_START, (420, 220), (560, 300), (700, 480), (900, 420), (1000, 200)]
_ONE = "[{'frame': 0, 'x': 0.25, 'y': 0.5}, {'frame': 124, 'x': 0.75, 'y': 0.5}]"


def _still(path: Path, size: tuple[int, int]) -> None:
    """A grey ground with a yellow disc."""
    width, height = size
    rows, columns = np.mgrid[:height, :width]
    rgb = np.stack([70 + 60 * columns / width, 90 + 40 * rows / height, 120 + 0 * rows], axis=-1)
    x, y = _START[0] * width / _SIZE[0], _START[1] * height / _SIZE[1]
    rgb[np.hypot(columns - x, rows - y) < height / 20] = (250, 240, 90)
    Image.fromarray(rgb.astype(np.uint8)).save(path)


@pytest.fixture(scope="module", autouse=True)
def stills(lab: Lab) -> None:
    """Images beside the notebooks."""
    _still(lab.folder / "still.png", _SIZE)
    _still(lab.folder / "small.png", (400, 220))


@pytest.fixture
def drawing(notebook: Notebook) -> Callable[..., Locator]:
    """Shows an image to draw on, in the shared notebook."""

    def show(given: str = "", image: str = "still.png") -> Locator:
        return _shown(notebook, f"path = dnb.trajectory('{image}'{given})\npath")

    return show


def _shown(notebook: Notebook, code: str) -> Locator:
    box = notebook.run(code).locator(".decart-trajectory")
    expect(box.locator(".decart-trajectory-note")).not_to_have_text("loading …")
    box.scroll_into_view_if_needed()
    return box


def _value(notebook: Notebook, wanted: Callable[[list[dict[str, Any]]], bool] = bool) -> list[dict[str, Any]]:
    """The path in the kernel, as soon as it is as wanted, or after a while."""
    for _ in range(50):
        value = ast.literal_eval(notebook.printed("path.value"))
        if wanted(value):
            break
        notebook.page.wait_for_timeout(100)
    return value


def _places(box: Locator, way: list[tuple[float, float]], size: tuple[int, int] = _SIZE) -> list[tuple[float, float]]:
    """Where on the page places of the image are."""
    frame = box.locator(".decart-trajectory-stage").bounding_box()
    assert frame
    across, down = frame["width"] / size[0], frame["height"] / size[1]
    return [(frame["x"] + x * across, frame["y"] + y * down) for x, y in way]


def _drag(box: Locator, way: list[tuple[float, float]]) -> None:
    mouse = box.page.mouse
    (first, *others) = _places(box, way)
    mouse.move(*first)
    mouse.down()
    for place in others:
        mouse.move(*place, steps=12)
    mouse.up()


def _along(way: list[tuple[float, float]], count: int) -> NDArray[np.float64]:
    """Places along a way at even speed, in its own unit."""
    corners = np.array(way, float)
    passed = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    at = np.linspace(0, passed[-1], count)
    return np.stack([np.interp(at, passed, corners[:, axis]) for axis in (0, 1)], axis=-1)


def _spot(rgb: NDArray[np.uint8]) -> tuple[float, float]:
    """The middle of what is yellow."""
    y, x = np.nonzero((rgb[..., 0] > 180) & (rgb[..., 1] > 170) & (rgb[..., 2] < 160))
    return float(x.mean()), float(y.mean())


@pytest.fixture(scope="module")
def sharp(chromium: Browser, lab: Lab) -> Iterator[Notebook]:
    """A notebook on the local queue, in a window with two pixels of the screen to each of the page's."""
    context = chromium.new_context(viewport={"width": 1200, "height": 1000}, device_scale_factor=2)
    notebook = lab.open(context.new_page(), "motion")
    notebook.connect_locally()
    yield notebook
    context.close()


@pytest.mark.parametrize(("image", "zoom"), [("still.png", 1.0), ("small.png", 0.7)])
def test_the_part_moves_where_the_path_was_drawn(sharp: Notebook, lab: Lab, image: str, zoom: float) -> None:
    box = _shown(sharp, f"path = dnb.trajectory('{image}')\npath")
    box.evaluate("(box, zoom) => { box.style.zoom = zoom; }", zoom)
    box.scroll_into_view_if_needed()
    _drag(box, _WAY)
    value = _value(sharp)
    assert (value[0]["frame"], value[-1]["frame"]) == (0, 124)
    assert 5 < len(value) < 60
    sharp.run(f"clip = dnb.generate('lucy-motion', data='{image}', trajectory=path, seed=3)")
    path = lab.folder / sharp.printed("clip.path.relative_to(clip.path.parent.parent)")
    spots = np.array([_spot(rgb) for rgb in media.frames(path)])
    assert len(spots) == 125
    assert np.hypot(*(spots - _along(_WAY, 125)).T).max() < 8
    assert sharp.printed("clip.inputs['trajectory'] == path.value") == "True"


def test_what_is_between_the_pointers_events_is_drawn_too(drawing, notebook: Notebook) -> None:
    box = drawing()
    begin, end = _places(box, [(320, 352), (960, 352)])
    between = [{"clientX": x, "clientY": y} for x, y in _places(box, [(640, 100), (960, 352)])]
    mouse = box.page.mouse
    mouse.move(*begin)
    mouse.down()
    # What a browser makes of a fast pen: one event, and in it those that it stands for.
    box.locator(".decart-trajectory-stage").evaluate(
        """(stage, [{clientX, clientY}, between]) => {
            const made = between.map((place) => new PointerEvent("pointermove", {pointerId: 1, ...place}));
            const event = {bubbles: true, pointerId: 1, clientX, clientY, coalescedEvents: made};
            stage.dispatchEvent(new PointerEvent("pointermove", event));
        }""",
        [between[-1], between],
    )
    mouse.move(*end)
    mouse.up()
    value = _value(notebook)
    assert min(point["y"] for point in value) == pytest.approx(100 / 704, abs=0.02)


def test_clicks_and_keys_make_move_and_remove_points(drawing, notebook: Notebook) -> None:
    box = drawing()
    page, stage = notebook.page, box.locator(".decart-trajectory-stage")
    points = box.locator(".decart-trajectory-point:visible")
    expect(box).to_contain_text("Drag to draw a path, or click point by point.")
    for place in _places(box, [(128, 352), (640, 352), (1152, 352)]):  # the image keeps its place
        page.mouse.click(*place)
    expect(points).to_have_count(3)
    value = _value(notebook, lambda value: len(value) == 3)
    assert [point["frame"] for point in value] == [0, 62, 124]
    assert [round(1280 * point["x"]) for point in value] == pytest.approx([128, 640, 1152], abs=1)

    # By keyboard alone: go to a point, move it by one and by ten pixels of the image, and in time.
    stage.focus()
    page.keyboard.press(".")
    expect(points.nth(2)).to_be_focused()
    page.keyboard.press(",")
    expect(points.nth(1)).to_be_focused()
    expect(points.nth(1)).to_have_attribute(
        "aria-label", re.compile(r"^Point 2 of 3: frame 62, x 6(39|40|41), y 35[123]$")
    )
    for key in ("ArrowRight", "Shift+ArrowDown", "Shift+ArrowDown", "ArrowUp", "]", "]", "["):
        page.keyboard.press(key)
    moved = _value(notebook, lambda value: value[1]["frame"] == 63)
    assert 1280 * (moved[1]["x"] - value[1]["x"]) == pytest.approx(1, abs=0.01)
    assert 704 * (moved[1]["y"] - value[1]["y"]) == pytest.approx(19, abs=0.01)
    expect(box.get_by_role("status")).to_have_text(re.compile("^(Point 2 of 3: |3 points)"))

    # A point more behind it, which is then the one with the focus; and it goes again.
    points.nth(1).focus()  # which running a cell has taken away
    page.keyboard.press("a")
    expect(points).to_have_count(4)
    expect(points.nth(2)).to_be_focused()
    assert _value(notebook, lambda value: len(value) == 4)[2]["frame"] == 93
    points.nth(2).focus()
    page.keyboard.press("Delete")
    expect(points).to_have_count(3)
    expect(points.nth(2)).to_be_focused()

    # Undo goes all the way back, and redo all the way forth.
    back, forth = (box.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    page.keyboard.press("Control+z")
    expect(points).to_have_count(4)
    while back.is_enabled():
        back.click()
    expect(points).to_have_count(0)
    assert _value(notebook, lambda value: not value) == []
    while forth.is_enabled():
        forth.click()
    assert _value(notebook, lambda value: len(value) == 3) == moved
    stage.focus()
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")
    assert _value(notebook, lambda value: len(value) == 3) == moved

    # Without a pointer, the first points are in the middle, to be moved from there.
    box.get_by_role("button", name="Clear").click()
    stage.focus()
    page.keyboard.press("a")
    expect(points.first).to_have_attribute("aria-label", "Point 1 of 1: frame 0, x 640, y 352")
    page.keyboard.press("a")
    expect(points).to_have_count(2)


def test_a_point_is_dragged_and_a_new_stroke_takes_the_place_of_the_path(drawing, notebook: Notebook) -> None:
    box = drawing(f", {_ONE}")
    _drag(box, [(960, 352), (1000, 500), (1100, 600)])
    value = _value(notebook, lambda value: value[1]["y"] > 0.6)
    assert len(value) == 2
    assert (value[1]["x"] * 1280, value[1]["y"] * 704) == pytest.approx((1100, 600), abs=1.5)
    assert value[0] == {"frame": 0, "x": 0.25, "y": 0.5}
    # Escape takes back what the pointer has begun.
    (begin, end) = _places(box, [(1100, 600), (600, 100)])
    box.page.mouse.move(*begin)
    box.page.mouse.down()
    box.page.mouse.move(*end, steps=4)
    expect(box.get_by_role("spinbutton", name="y of point 2")).to_have_value(re.compile(r"^(99|1\d\d)"))
    box.page.keyboard.press("Escape")
    box.page.mouse.up()
    expect(box.get_by_role("spinbutton", name="y of point 2")).to_have_value(re.compile(r"^(599|60\d)"))
    assert _value(notebook) == value
    box.scroll_into_view_if_needed()
    _drag(box, [(200, 200), (300, 500), (400, 200)])
    stroke = _value(notebook, lambda value: len(value) > 2)
    assert (stroke[0]["x"] * 1280, stroke[0]["y"] * 704) == pytest.approx((200, 200), abs=1.5)
    box.locator(".decart-trajectory-stage").focus()
    box.page.keyboard.press("Control+z")
    assert _value(notebook, lambda value: len(value) == 2) == value


def test_numbers_are_typed_in_and_the_whole_path_is_put_elsewhere_in_time(drawing, notebook: Notebook) -> None:
    box = drawing(f", {_ONE}")
    box.get_by_role("spinbutton", name="x of point 2").fill("1000")
    box.get_by_role("spinbutton", name="x of point 2").press("Enter")
    y = box.get_by_role("spinbutton", name="y of point 1")
    y.fill("5000")  # is put at the edge
    y.blur()
    expect(y).to_have_value("704")
    value = _value(notebook, lambda value: value[0]["y"] == 1)
    assert value == [{"frame": 0, "x": 0.25, "y": 1}, {"frame": 124, "x": 1000 / 1280, "y": 0.5}]
    first = box.get_by_role("spinbutton", name="First frame of the path")
    first.fill("24")
    first.press("Enter")
    assert [point["frame"] for point in _value(notebook, lambda value: value[0]["frame"] == 24)] == [24, 124]
    # A frame has one point.
    frame = box.get_by_role("spinbutton", name="frame of point 1")
    frame.fill("124")
    frame.press("Enter")
    expect(box.get_by_role("status")).to_have_text("Frame 124 has a point already.")
    expect(frame).to_have_value("24")
    box.get_by_role("button", name="Remove point 1").click()
    assert len(_value(notebook, lambda value: len(value) == 1)) == 1
    expect(box.get_by_role("status")).to_have_text("1 point. A path needs at least two.")


def test_smoothing_rounds_corners_and_keeps_the_ends(drawing, notebook: Notebook) -> None:
    box = drawing(", [(0, 0.1, 0.9), (62, 0.5, 0.1), (124, 0.9, 0.9)]")
    smoothing = box.get_by_role("slider", name="Smoothing")
    smoothing.fill("10")
    value = _value(notebook, lambda value: len(value) > 3)
    ends = [(point["frame"], point["x"], point["y"]) for point in (value[0], value[-1])]
    assert ends == [(0, 0.1, 0.9), (124, 0.9, 0.9)]
    assert 0.15 < min(point["y"] for point in value) < 0.3
    smoothing.fill("0")
    assert len(_value(notebook, lambda value: len(value) == 3)) == 3


def test_a_stroke_keeps_its_own_speed_where_that_is_asked_for(drawing, notebook: Notebook) -> None:
    box = drawing()
    mouse = box.page.mouse
    places = _places(box, [(100, 352), (200, 352), (1100, 352)])
    mouse.move(*places[0])
    mouse.down()
    for _ in range(20):  # it lingers, and then is fast
        mouse.move(places[0][0] + 1, places[0][1])
        box.page.wait_for_timeout(20)
    mouse.move(*places[1], steps=3)
    mouse.move(*places[2], steps=3)
    mouse.up()

    def halfway(value: list[dict[str, Any]]) -> float:
        frames, x = ([point[name] for point in value] for name in ("frame", "x"))
        return 1280 * float(np.interp(62, frames, x))

    assert halfway(_value(notebook)) == pytest.approx(600, abs=10)
    box.get_by_role("combobox", name="Speed along the path").select_option("drawn")
    assert halfway(_value(notebook, lambda value: halfway(value) < 300)) < 300


def test_the_preview_moves_the_part_along_the_path(drawing, notebook: Notebook) -> None:
    box = drawing(f", {_ONE}")
    stage, slider = box.locator(".decart-trajectory-stage"), box.get_by_role("slider", name="Frame of the preview")
    slider.fill("62")
    expect(box).to_contain_text("frame 62 of 0–124 · 2.48 s")
    picture = pixels(stage)
    x, y = _spot(picture)
    assert (x / picture.shape[1], y / picture.shape[0]) == pytest.approx((0.5, 0.5), abs=0.02)
    slider.focus()
    notebook.page.keyboard.press("Space")
    expect(box.get_by_role("button", name="Pause")).to_be_visible()
    notebook.page.wait_for_function("slider => Number(slider.value) > 70", arg=slider.element_handle())
    box.get_by_role("button", name="Pause").click()
    expect(box.get_by_role("button", name="Play")).to_be_visible()


def test_what_the_kernel_sets_is_shown_and_what_is_drawn_is_saved_without_scripts(
    drawing, notebook: Notebook, lab: Lab
) -> None:
    box = drawing()
    notebook.run(f"path.value = {_ONE}")
    expect(box.locator(".decart-trajectory-point:visible")).to_have_count(2)
    box.get_by_role("spinbutton", name="y of point 2").fill("176")
    box.get_by_role("spinbutton", name="y of point 2").press("Enter")
    drawn = _value(notebook, lambda value: value[1]["y"] == 0.25)
    # A cell that is run again begins anew: as code, the path can be given to it.
    box.get_by_role("button", name="Copy as code").click()
    expect(box.get_by_role("status")).to_contain_text("copied: points for dnb.trajectory(image, points)")
    code = notebook.page.evaluate("navigator.clipboard.readText()")
    assert code == "[(0, 0.25, 0.5), (124, 0.75, 0.25)]"
    assert ast.literal_eval(notebook.printed(f"dnb.trajectory('still.png', {code}).value")) == drawn
    outputs = json.dumps(notebook.saved_cells())
    assert 'points=\\"320.0,352.0 960.0,176.0\\"' in outputs
    assert str(lab.folder) not in outputs
