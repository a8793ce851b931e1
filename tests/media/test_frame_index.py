"""The frames of a video by number: the same ones, at the same times, as in a row."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from decart_nb import MediaError, media
from tests.media.test_timeline import film

_TIMES = [0, 40, 60, 200, 240, 500, 510, 900]


def _open_group(path: Path) -> Path:
    """Sixty frames of noise with B-frames that refer to the key frame behind them."""
    chance = np.random.default_rng(1)
    options = {"bf": "3", "g": "12", "b-pyramid": "normal", "x264-params": "open-gop=1"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(60):
            rgb = chance.integers(0, 256, (48, 64, 3), np.uint8)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _animation(path: Path) -> Path:
    pages = [Image.new("RGB", (20, 10), (60 * number, 0, 0)) for number in range(4)]
    pages[0].save(path, save_all=True, append_images=pages[1:], duration=[100, 50, 200, 100])
    return path


_FILES: dict[str, Callable[[Path], Path]] = {
    "varying.mp4": lambda path: film(path, _TIMES),
    "varying.webm": lambda path: film(path, _TIMES, form="webm", codec="libvpx-vp9"),
    "varying.mkv": lambda path: film(path, _TIMES, form="matroska"),
    "varying.ts": lambda path: film(path, [*_TIMES, 940, 980, 1020, 1060], form="mpegts"),
    "late.mp4": lambda path: film(path, [500 + time for time in _TIMES], sound=2),
    "open group.mp4": _open_group,
    "open group.mkv": _open_group,
    "one.mp4": lambda path: film(path, [0]),
    "animation.gif": _animation,
}


@pytest.mark.parametrize("name", _FILES)
def test_each_frame_is_the_one_of_its_number(name: str, tmp_path: Path) -> None:
    path = _FILES[name](tmp_path / name)
    index, frames = media.FrameIndex(path), list(media.frames(path))
    assert len(index) == len(index.times) == len(frames)
    for number in reversed(range(len(frames))):
        assert np.array_equal(np.asarray(index.image(number)), frames[number]), number


def test_the_times_are_those_of_the_file(tmp_path: Path) -> None:
    for name in ("varying.mp4", "varying.webm", "varying.mkv", "late.mp4"):
        index = media.FrameIndex(_FILES[name](tmp_path / name))
        assert index.times == pytest.approx([time / 1000 for time in _TIMES], abs=1e-3)
        assert 0.9 < index.duration < 1.1
    assert media.FrameIndex(_animation(tmp_path / "a.gif")).times == pytest.approx([0, 0.1, 0.15, 0.35])


def test_a_file_that_is_none_or_has_changed_is_said_to_be(tmp_path: Path, small_image: Path) -> None:
    with pytest.raises(MediaError, match=r"small\.png is a still image"):
        media.FrameIndex(small_image)
    with pytest.raises(MediaError):
        media.FrameIndex(tmp_path / "nowhere.mp4")
    path = film(tmp_path / "a.mp4", _TIMES)
    index = media.FrameIndex(path)
    film(path, _TIMES[:3])
    with pytest.raises(MediaError, match=r"a\.mp4 has no frame 6 any more: has the file changed\?"):
        index.image(6)
