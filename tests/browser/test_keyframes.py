"""Keyframes of a video, by what is on the screen and what the kernel gets."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from .lab import Lab, Notebook, pixels

_COUNT, _WIDTH, _HEIGHT = 24, 320, 176
#: When the frames of a video of a varying rate are shown, in milliseconds.
_VARYING = [0, 33, 66, 200, 240, 500, 510, 900, 933, 966, 1000, 1400, 1410, 1420, 1430, 1500, 1600, 1700, 1710, 1800,
            1833, 1866, 1900, 2000]  # fmt: skip
#: A video whose frames the browser cannot play, by its name.
_FOREIGN = "foreign.avi"


def _video(path: Path, times: Iterable[int], *, codec: str = "libx264", sound: float = 0.0) -> None:
    """Write a video with a frame at each of these milliseconds, whose brightness tells its number."""
    options = {"bf": "2", "g": "8"} if codec == "libx264" else {}
    unit = Fraction(1, 24) if codec == "mpeg4" else Fraction(1, 1000)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24, options=options)
        stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        stream.time_base = stream.codec_context.time_base = unit
        silent = container.add_stream("aac", rate=48000) if sound else None
        for number, at in enumerate(times):
            rgb = np.full((_HEIGHT, _WIDTH, 3), 10 + 9 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = at, unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if silent:
            for number in range(round(sound * 50)):
                wave = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.float32), format="fltp", layout="mono")
                wave.sample_rate, wave.pts = 48000, 960 * number
                container.mux(silent.encode(wave))
            container.mux(silent.encode(None))


@pytest.fixture(scope="module", autouse=True)
def videos(lab: Lab) -> None:
    """Videos beside the notebooks."""
    _video(lab.folder / "steady.mp4", range(0, 40 * _COUNT, 40))
    _video(lab.folder / "varying.mp4", _VARYING)
    _video(lab.folder / "late (with sound).mp4", [600 + at for at in _VARYING], sound=2.5)
    _video(lab.folder / "varying.webm", _VARYING, codec="libvpx")
    _video(lab.folder / "late alone.mp4", [600 + at for at in _VARYING])
    _video(lab.folder / _FOREIGN, range(_COUNT), codec="mpeg4")


@pytest.fixture
def picker(notebook: Notebook) -> Callable[..., Locator]:
    """Shows a video to pick frames of."""

    def show(name: str, given: str = "") -> Locator:
        box = notebook.run(f"frames = dnb.keyframes('{name}'{given})\nframes").locator(".decart-keyframes")
        expect(box.locator(".decart-keyframes-note:visible")).to_have_count(0)
        box.scroll_into_view_if_needed()
        box.locator(".decart-keyframes-stage").focus()
        return box

    return show


def _number(picture: object) -> int:
    """The number that a frame's brightness tells."""
    return round((float(np.median(np.asarray(picture))) - 10) / 9)


def _on_screen(box: Locator) -> int:
    return _number(pixels(box.locator(".decart-keyframes-stage")))


def _comes_to_show(box: Locator, frame: int) -> None:
    """Wait until a frame is on the screen: a busy machine decodes it a little later."""
    deadline = time.monotonic() + 15
    while (seen := _on_screen(box)) != frame and time.monotonic() < deadline:
        time.sleep(0.1)
    assert seen == frame
    expect(box.get_by_role("spinbutton", name="Frame number")).to_have_value(str(frame))


def _is_loaded_from(box: Locator, address: str) -> None:
    """Wait until the video has a source whose address begins like that."""
    begins = "([video, address]) => video.src.startsWith(address)"
    box.page.wait_for_function(begins, arg=[box.locator("video").element_handle(), address])


def _picked(notebook: Notebook, **wanted: int) -> dict[str, int]:
    """What is picked in the kernel, as soon as it is as wanted, or after a while; and that the images are those."""
    for _ in range(50):
        value: dict[str, int] = ast.literal_eval(notebook.printed("frames.value"))
        if value.items() >= wanted.items():
            break
        notebook.page.wait_for_timeout(100)
    assert value.items() >= wanted.items()
    images = "[round((float(np.median(np.asarray(getattr(frames, name)))) - 10) / 9) for name in frames.value]"
    assert ast.literal_eval(notebook.printed(f"(exec('import numpy as np'), {images})[1]")) == list(value.values())
    return value


@pytest.mark.parametrize(
    "name", ["steady.mp4", "varying.mp4", "varying.webm", "late (with sound).mp4", "late alone.mp4", _FOREIGN]
)
def test_the_frames_that_are_picked_are_those_on_the_screen(picker, notebook: Notebook, name: str) -> None:
    box, press = picker(name), notebook.page.keyboard.press
    _comes_to_show(box, 0)
    for keys, frame in ((["."] * 3, 3), (["."], 4), ([","], 3), (["Shift+ArrowRight"], 13), (["End"], 23), ([","], 22)):
        for key in keys:
            press(key)
        _comes_to_show(box, frame)
    press("o")
    for frame in (1, 6, 12, 19, 5):
        box.get_by_role("slider", name="Position").fill(str(frame))
        _comes_to_show(box, frame)
    box.locator(".decart-keyframes-stage").focus()
    press("i")
    press(".")
    _comes_to_show(box, 6)
    assert _picked(notebook, first=5, last=22, frame=6)
    stills = box.locator(".decart-keyframes-still")
    expect(stills.nth(0)).to_contain_text("First: frame 5 · ")
    expect(stills.nth(1)).to_contain_text("Last: frame 22 · ")


@pytest.mark.parametrize(("megabytes", "address"), [(0, "blob:"), (65, "")], ids=["small", "large"])
def test_a_video_that_the_server_has_not_comes_from_the_kernel(
    picker, notebook: Notebook, lab: Lab, tmp_path: Path, megabytes: int, address: str
) -> None:
    path = tmp_path / "elsewhere.mp4"
    size = megabytes << 20
    padding = size.to_bytes(4, "big") + b"free" + bytes(size - 8) if size else b""
    path.write_bytes((lab.folder / "varying.mp4").read_bytes() + padding)
    box = picker(path)
    _is_loaded_from(box, address)
    notebook.page.keyboard.press(".")
    _comes_to_show(box, 1)
    assert bool(box.locator("video").evaluate("video => video.src")) == bool(address)
    if not address:
        expect(box.locator(".decart-keyframes-status")).to_have_text(re.compile("its frames come from the kernel"))
        expect(box.get_by_role("button", name="Play")).to_be_disabled()


def test_one_that_it_has_is_played_from_there(picker) -> None:
    for name in ("steady.mp4", "late (with sound).mp4"):
        _is_loaded_from(picker(name), "http://127.0.0.1")


def test_it_plays_and_stops_at_the_frame_that_it_says(picker, notebook: Notebook) -> None:
    box = picker("varying.mp4")
    notebook.page.keyboard.press("Space")
    slider = box.get_by_role("slider", name="Position").element_handle()
    notebook.page.wait_for_function("slider => Number(slider.value) > 4", arg=slider)
    notebook.page.keyboard.press("Space")
    frame = int(box.get_by_role("spinbutton", name="Frame number").input_value())
    _comes_to_show(box, frame)
    _picked(notebook, frame=frame)
    # To the end, where it stops by itself at the last frame.
    box.locator(".decart-keyframes-stage").focus()
    notebook.page.keyboard.press("Space")
    expect(box.get_by_role("button", name="Pause")).to_be_visible()
    expect(box.get_by_role("button", name="Play", exact=True)).to_be_visible()
    _comes_to_show(box, _COUNT - 1)


def test_a_number_is_typed_in_and_a_picked_frame_is_gone_back_to(picker, notebook: Notebook) -> None:
    box = picker("steady.mp4", ", first=4, last=-3")
    number = box.get_by_role("spinbutton", name="Frame number")
    number.fill("17")
    number.press("Enter")
    _comes_to_show(box, 17)
    number.fill("500")
    number.press("Enter")
    _comes_to_show(box, _COUNT - 1)
    box.get_by_role("button", name="First: frame 4 · 0.16 s").click()
    _comes_to_show(box, 4)
    box.get_by_role("button", name="Last: frame 21 · 0.84 s").click()
    _comes_to_show(box, 21)
    box.get_by_role("button", name="First = this frame").click()
    expect(box.get_by_role("status").last).to_have_text("First frame: 21, at 0.84 s")
    _picked(notebook, first=21, last=21, frame=21)


def test_what_the_kernel_picks_is_shown_and_saved_without_scripts(picker, notebook: Notebook, lab: Lab) -> None:
    box = picker("steady.mp4")
    notebook.run("frames.select(first=2, last=9, frame=8)")
    box.scroll_into_view_if_needed()
    _comes_to_show(box, 8)
    expect(box.locator(".decart-keyframes-still").nth(1)).to_contain_text("Last: frame 9 · 0.36 s")
    outputs = str(notebook.saved_cells()[-2]["outputs"])
    assert "first: frame 2 · 0.08 s" in outputs
    assert "shown: frame 8 · 0.32 s" in outputs
    assert str(lab.folder) not in outputs


def test_a_video_that_is_out_of_sight_at_first_is_there_when_it_is_scrolled_to(picker, notebook: Notebook) -> None:
    spacer = "from IPython.display import HTML\ndisplay(HTML('<div style=\"height:3000px\"></div>'))\n"
    cell = notebook.run(f"{spacer}frames = dnb.keyframes('varying.mp4')\nframes.select(frame=7)\nframes")
    box = cell.locator(".decart-keyframes")
    notebook.page.wait_for_timeout(1000)
    box.scroll_into_view_if_needed()
    _comes_to_show(box, 7)
