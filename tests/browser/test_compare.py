"""The comparison of videos, by what is on the screen."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect

from decart_nb import media

from .lab import Lab, Notebook, pixels, screenshot

_FRAMES, _WIDTH, _HEIGHT = 25, 320, 176
_SHOWN = """(box) => [...box.querySelectorAll('figure:not([hidden]) video')]
    .every((video) => video.readyState >= 2 && !video.seeking)"""
_TIMES = "(box) => [...box.querySelectorAll('figure:not([hidden]) video')].map((video) => video.currentTime)"


def _video(path: Path, draw: Callable[[int], object]) -> None:
    """Write a video of one second, whose frames are drawn by their numbers."""
    frames = np.zeros((_FRAMES, _HEIGHT, _WIDTH, 3), np.uint8)
    for number, frame in enumerate(frames):
        frame[:] = draw(number)
    media.encode(frames, path, fps=25)


@pytest.fixture(scope="module", autouse=True)
def videos(lab: Lab) -> None:
    """Videos beside the notebooks."""
    rows, columns = np.mgrid[:_HEIGHT, :_WIDTH]
    squares = np.where((rows // 4 + columns // 4) % 2, 235, 20)[..., None]
    for name, draw in {
        "red": lambda _: (220, 20, 20),
        "blue": lambda _: (20, 20, 220),
        "dark": lambda _: (90, 90, 90),
        "light": lambda _: (102, 102, 102),
        "count": lambda number: (9 * number + 10,) * 3,  # a frame's brightness tells its number
        "squares": lambda _: squares,
    }.items():
        _video(lab.folder / f"{name}.mp4", draw)


@pytest.fixture
def compare(notebook: Notebook) -> Iterator[Callable[..., Locator]]:
    """Shows a comparison of some of the videos, with the settings of a first use."""

    def compare(*names: str, given: str = "", forget: bool = True) -> Locator:
        if forget:
            notebook.page.evaluate("localStorage.removeItem('decart-compare')")
        paths = ", ".join(repr(f"{name}.mp4") for name in names)
        box = notebook.run(f"dnb.compare({paths}{given})").locator(".decart-compare")
        _settle(box)
        box.locator(".decart-compare-stage").focus()
        box.scroll_into_view_if_needed()
        return box

    yield compare
    notebook.page.evaluate("localStorage.removeItem('decart-compare')")


def _settle(box: Locator) -> None:
    """Wait until the videos show the frames that they are set to."""
    expect(box.locator(".decart-compare-note:visible")).to_have_count(0)
    for _ in range(300):
        if box.evaluate(_SHOWN):
            break
        box.page.wait_for_timeout(100)
    else:
        raise TimeoutError("The videos show no frame.")
    # Two frames of the screen later, a frame of a video is drawn.
    box.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def _press(box: Locator, *keys: str) -> None:
    for key in keys:
        box.page.keyboard.press(key)
    _settle(box)


def _pixels(part: Locator) -> NDArray[np.int64]:
    """What is on the screen."""
    return pixels(part).astype(int)


def _picture(box: Locator) -> NDArray[np.int64]:
    """The picture of a mode that has a single one."""
    return _pixels(box.locator("figure:not([hidden]) .decart-compare-frame").first)


def _lower_half(box: Locator) -> NDArray[np.int64]:
    picture = _picture(box)
    return picture[picture.shape[0] // 2 :]


def _seen_once(look: Callable[[], float], is_wanted: Callable[[float], bool]) -> float:
    """What is seen as soon as it is as wanted, or after ten seconds: a busy machine draws a frame a little later."""
    deadline = time.monotonic() + 10
    while not is_wanted(seen := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return seen


def _at(picture: NDArray[np.int64], across: float, down: float = 0.75) -> list[int]:
    height, width, _ = picture.shape
    return [int(part) for part in picture[int(down * height), int(across * width)]]


def _colour(picture: NDArray[np.int64], across: float) -> str:
    red, _, blue = _at(picture, across)
    return "red" if red > 150 > 80 > blue else "blue" if blue > 150 > 80 > red else "neither"


def _comes_to(box: Locator, seen: Callable[[], object], wanted: object) -> None:
    """Wait until what is seen is what is wanted."""
    for _ in range(50):
        if seen() == wanted:
            return
        box.page.wait_for_timeout(100)
    assert seen() == wanted


def test_the_wipe_shows_each_video_on_its_side_of_the_divider(compare) -> None:
    box = compare("red", "blue")
    _press(box, "2")
    colours = lambda: [_colour(_picture(box), across) for across in (0.1, 0.45, 0.55, 0.9)]  # noqa: E731
    _comes_to(box, colours, ["red", "red", "blue", "blue"])

    frame = box.locator(".decart-compare-stage").bounding_box()
    assert frame
    mouse = box.page.mouse
    divider = box.get_by_role("slider", name="Wipe").bounding_box()
    assert divider
    mouse.move(divider["x"] + 12, divider["y"] + 30)
    mouse.down()
    mouse.move(frame["x"] + frame["width"] * 0.6, divider["y"] + 60, steps=4)
    mouse.move(frame["x"] + frame["width"] * 0.7, divider["y"] + 60, steps=4)
    mouse.up()
    _comes_to(box, colours, ["red", "red", "red", "blue"])
    at = int(box.get_by_role("slider", name="Wipe").get_attribute("aria-valuenow") or 0)
    assert 60 < at < 85

    # The divider has the focus, and moves by keys too.
    _press(box, *["Shift+ArrowLeft"] * 5)
    expect(box.get_by_role("slider", name="Wipe")).to_have_attribute("aria-valuenow", str(at - 50))
    _comes_to(box, colours, ["red", "blue", "blue", "blue"])
    _press(box, "x")
    _comes_to(box, colours, ["blue", "red", "red", "red"])


def test_the_difference_of_a_clip_with_itself_is_black_and_of_others_grows_with_the_gain(compare) -> None:
    box = compare("count", "count")
    _press(box, "4")
    for _ in range(6):
        _press(box, ".", ".")  # two in a row: the second comes before the first is on the screen
        assert _seen_once(lambda: float(_lower_half(box)[:-2, 2:-2].max()), lambda brightest: brightest == 0) == 0

    box = compare("dark", "light")
    _press(box, "4")
    gain = box.get_by_role("slider", name="Gain")
    expect(gain).to_have_attribute("aria-valuetext", "×4")
    grey = 0.0
    for power, text, factor in (("0", "×1", 1), ("2", "×4", 4), ("4", "×16", 16)):
        gain.fill(power)
        expect(gain).to_have_attribute("aria-valuetext", text)
        expect(box.locator(".decart-compare-overlay")).to_contain_text(f"gain {text}")
        _settle(box)
        wanted = pytest.approx(factor * (grey or 12.0), abs=4 if factor < 16 else 16)
        seen = _seen_once(lambda: float(np.median(_lower_half(box))), lambda shown, wanted=wanted: shown == wanted)
        assert seen == wanted
        grey = grey or seen


def test_a_step_shows_the_frames_number_and_the_same_frame_of_both(compare) -> None:
    box = compare("count", "count")
    position, number = box.get_by_role("slider", name="Position"), box.get_by_role("spinbutton", name="Frame number")
    expect(position).to_have_attribute("aria-valuetext", "frame 1 of 25")
    frames = box.locator(".decart-compare-frame")

    def shown() -> list[float]:
        return [round((float(np.median(_pixels(frames.nth(side)))) - 10) / 9) for side in (0, 1)]

    for keys, frame in ((["."] * 6, 7), ([","], 6), (["ArrowRight"], 7), (["End"], 25), (["."], 25), (["Home"], 1)):
        _press(box, *keys)
        expect(position).to_have_attribute("aria-valuetext", f"frame {frame} of 25")
        expect(number).to_have_value(str(frame))
        _comes_to(box, shown, [frame - 1] * 2)
        times = box.evaluate(_TIMES)
        assert [int(time * 25) for time in times] == [frame - 1] * 2
    expect(box.locator(".decart-compare-frame-number")).to_have_text("frame of 25", use_inner_text=True)
    number.fill("13")
    number.press("Enter")
    _comes_to(box, shown, [12, 12])
    position.fill("19")
    _comes_to(box, shown, [19, 19])


def test_one_clock_plays_and_stops_both(compare) -> None:
    box = compare("count", "red")
    _press(box, "1")
    speed = box.get_by_role("combobox", name="Speed")
    speed.select_option("0.25")
    box.locator(".decart-compare-stage").focus()
    box.page.keyboard.press(" ")
    expect(box.get_by_role("button", name="Pause")).to_be_visible()
    box.page.wait_for_function(
        "(box) => [...box.querySelectorAll('video')].every((video) => video.currentTime > 0.1)",
        arg=box.element_handle(),
    )
    box.page.keyboard.press(" ")
    expect(box.get_by_role("button", name="Play", exact=True)).to_be_visible()
    _settle(box)
    one, other = box.evaluate(_TIMES)
    assert one == pytest.approx(other, abs=1e-3)
    position = box.get_by_role("slider", name="Position")
    expect(position).to_have_attribute("aria-valuetext", f"frame {int(one * 25) + 1} of 25")


def test_both_are_zoomed_to_single_pixels_and_moved_together(compare) -> None:
    box = compare("squares", "squares")
    frames = box.locator(".decart-compare-frame")
    before = [_pixels(frames.nth(side)) for side in (0, 1)]
    _press(box, *"+++++++")
    percent = int(box.locator(".decart-compare-percent").inner_text().removesuffix("%"))
    assert percent > 400
    one, other = (_pixels(frames.nth(side)) for side in (0, 1))
    # Every pixel of the screen has the colour of one pixel of the video: there is no blurred edge between squares.
    grey = one[2:-40, 2:-2, 0]
    assert ((grey < 70) | (grey > 185)).mean() > 0.99
    assert np.abs(one - other)[:-40].mean() < 2
    screenshot(box, "compare-pixels")

    _press(box, "Shift+ArrowRight")
    moved = _pixels(frames.nth(0))
    assert np.abs(moved - one).mean() > 10
    assert np.abs(moved - _pixels(frames.nth(1)))[:-40].mean() < 2
    _press(box, "0")
    _comes_to(box, lambda: float(np.abs(_pixels(frames.nth(0)) - before[0]).mean()) < 1, True)


def test_the_wheel_zooms_only_with_the_focus(compare) -> None:
    box = compare("squares", "red")
    percent = box.locator(".decart-compare-percent")
    fits = percent.inner_text()
    box.locator(".decart-compare-frame").first.hover()
    box.page.mouse.wheel(0, -300)
    expect(percent).not_to_have_text(fits)
    box.get_by_role("button", name="Fit").click()
    expect(percent).to_have_text(fits)
    box.page.evaluate("document.activeElement.blur()")
    box.locator(".decart-compare-frame").first.hover()
    box.page.mouse.wheel(0, -30)
    box.page.wait_for_timeout(200)
    expect(percent).to_have_text(fits)


def test_all_is_done_by_keys_which_are_none_of_the_notebooks_and_kept_for_the_next_use(compare, notebook) -> None:
    box = compare("red", "blue")
    cells = "return notebook.widgets.length + notebook.activeCell.model.type"
    before = notebook.script(cells)
    mode = box.get_by_role("group", name="Mode", exact=True).locator("[aria-pressed=true]")
    for key, name in (("2", "Wipe"), ("4", "Difference"), ("1", "Side by side"), ("f", "Flicker")):
        _press(box, key)
        expect(mode).to_have_text(name)
    expect(box.get_by_role("combobox", name="Flicker rate")).to_have_value("0")  # by key from now on
    colours = set()
    for _ in range(2):
        _press(box, "f")
        box.page.wait_for_timeout(300)
        colours.add(_colour(_pixels(box.locator(".decart-compare-stage")), 0.5))
    assert colours == {"red", "blue"}
    _press(box, "+", "+")
    zoomed = box.locator(".decart-compare-percent").inner_text()
    assert notebook.script(cells) == before

    # From the pictures, Tab goes on to a control, and the focus can be seen.
    _press(box, "Tab")
    focused = box.locator(":focus")
    expect(focused).to_have_count(1)
    assert focused.evaluate("(part) => getComputedStyle(part).outlineStyle") != "none"

    again = compare("blue", "red", forget=False)
    expect(again.get_by_role("group", name="Mode", exact=True).locator("[aria-pressed=true]")).to_have_text("Flicker")
    expect(again.locator(".decart-compare-percent")).to_have_text(zoomed)


def test_every_control_has_a_name(compare) -> None:
    box = compare("red", "blue", "count")
    for key in "1234":
        _press(box, key)
        nameless = box.evaluate(
            """(box) => [...box.querySelectorAll('button, select, input, [role=slider], video')]
                .filter((part) => !(part.getAttribute('aria-label') || part.textContent.trim() || part.title))
                .map((part) => part.outerHTML)"""
        )
        assert nameless == []
    expect(box.locator(".decart-compare-keys")).to_contain_text("Space play")


def test_of_more_than_two_a_pair_is_chosen(compare) -> None:
    box = compare("count", "blue", "red")
    expect(box.locator("figure:visible")).to_have_count(3)
    _press(box, "2")
    box.get_by_role("combobox", name="First video").select_option("2")
    colours = lambda: [_colour(_picture(box), across) for across in (0.2, 0.8)]  # noqa: E731
    _comes_to(box, lambda: [_colour(_pixels(box.locator(".decart-compare-stage")), 0.2)], ["red"])
    box.get_by_role("combobox", name="Second video").select_option("2")
    # What was second takes the first one's place: no video is compared with itself.
    expect(box.get_by_role("combobox", name="First video")).to_have_value("1")
    _comes_to(box, colours, ["blue", "red"])


def test_a_label_stays_text(compare, notebook) -> None:
    label = "<img src=x onerror=window.broken=1>"
    box = compare("red", "blue", given=f", labels=[{label!r}, '<b>two</b>']")
    expect(box.get_by_text(label).first).to_be_visible()
    expect(box.locator("img")).to_have_count(0)
    assert notebook.page.evaluate("window.broken") is None


def test_how_it_looks(compare, notebook) -> None:
    notebook.page.set_viewport_size({"width": 1280, "height": 1000})
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        notebook.theme(theme)
        box = compare("squares", "count")
        for key, mode in (("1", "side"), ("2", "wipe"), ("3", "flicker"), ("4", "difference")):
            _press(box, key, ".")
            screenshot(box, f"compare-{mode}-{theme.split()[-1].lower()}")
        # Text can be read on the theme's ground.
        ground, text = box.evaluate(
            """(box) => [getComputedStyle(box.closest('.jp-Notebook')).backgroundColor,
                getComputedStyle(box.querySelector('.decart-compare-label')).color]"""
        )
        brightness = [sum(map(int, re.findall(r"\d+", colour)[:3])) / 3 for colour in (ground, text)]
        assert abs(brightness[0] - brightness[1]) > 120


def test_posters_stay_when_the_kernel_is_gone(notebook: Notebook) -> None:
    cell = notebook.run("dnb.compare('red.mp4', 'blue.mp4', labels=['before', 'after'])")
    expect(cell.locator(".decart-compare")).to_be_visible()
    expect(cell.locator(".decart-fallback")).to_be_hidden()
    notebook.save()
    notebook.shut_down()

    notebook.load()
    posters = notebook.page.locator(".decart-fallback img")
    expect(posters).to_have_count(2)
    for poster, label, colour in ((posters.nth(0), "before", "red"), (posters.nth(1), "after", "blue")):
        expect(poster).to_have_attribute("alt", label)
        assert _colour(_pixels(poster), 0.5) == colour
    expect(notebook.page.get_by_text("model not found")).to_be_hidden()
