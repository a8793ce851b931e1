"""Keyframes: which frames they are, and what is shown without a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from decart_nb import InvalidInputError, MediaError, media
from decart_nb.display.keyframes import Keyframes
from tests.clips import read_clip
from tests.fake_sweep import fake_job

_HTML = "<img src=x onerror=alert(1)>"


def _is(image: object, frame: object) -> bool:
    return np.array_equal(np.asarray(image), np.asarray(frame))


def test_they_are_the_frames_of_their_numbers(small_video: Path) -> None:
    frames = list(media.frames(small_video))
    picked = Keyframes(small_video)
    assert picked.value == {"first": 0, "last": 9, "frame": 0}
    assert len(picked) == 10
    assert picked.times == pytest.approx([number / 10 for number in range(10)])
    assert (picked.name, picked.width, picked.height) == ("small.mp4", 64, 48)
    picked.select(first=2, last=-2, frame=np.int64(5))
    assert picked.value == {"first": 2, "last": 8, "frame": 5}
    assert _is(picked.first, frames[2])
    assert _is(picked.last, frames[8])
    assert _is(picked.frame, frames[5])
    assert _is(picked.image(-1), frames[9])
    assert Keyframes(small_video, first=3, last=4).value == {"first": 3, "last": 4, "frame": 0}


def test_a_frame_that_is_not_there_is_refused_and_nothing_changes(small_video: Path) -> None:
    picked = Keyframes(small_video)
    for wrong in (10, -11):
        with pytest.raises(InvalidInputError, match=rf"last is {wrong}; the frames of small\.mp4 are 0 to 9, or -1 to"):
            picked.select(first=3, last=wrong)
    with pytest.raises(InvalidInputError, match="first must be an integer, not 'a'"):
        Keyframes(small_video, first="a")  # type: ignore[arg-type]
    assert picked.value == {"first": 0, "last": 9, "frame": 0}


def test_a_video_is_a_clip_a_finished_job_or_a_path(small_video: Path, small_image: Path) -> None:
    clip = read_clip(small_video, "job", "lucy-2.5", {}, "live")
    assert Keyframes(clip).path == Keyframes(str(small_video)).path == small_video
    with pytest.raises(InvalidInputError, match=r"has no video yet: give job\.result\(\)\."):
        Keyframes(fake_job())
    with pytest.raises(InvalidInputError, match=r"no video job-17\. For the id of a job, give dnb\.attach"):
        Keyframes("job-17")
    with pytest.raises(InvalidInputError, match="from a clip or the path of a video, not 3"):
        Keyframes(3)
    with pytest.raises(MediaError, match="still image"):
        Keyframes(small_image)


def test_it_shows_the_picked_frames_with_their_numbers(small_video: Path, tmp_path: Path) -> None:
    hostile = tmp_path / f"{_HTML}.mp4"
    hostile.write_bytes(small_video.read_bytes())
    picked = Keyframes(hostile, first=2)
    bundle = picked._repr_mimebundle_()
    html = bundle["text/html"]
    assert html.count('<img src="data:image/jpeg;base64,') == 3
    assert all(text in html for text in ("first: frame 2 · 0.20 s", "last: frame 9 · 0.90 s", "shown: frame 0"))
    assert "<img src=x" not in html
    assert str(tmp_path) not in html
    text = f"Keyframes of {_HTML}.mp4, 10 frames: first 2 (0.20 s), last 9 (0.90 s), shown 0 (0.00 s)"
    assert bundle["text/plain"] == text
    assert repr(picked) == f"<{text}>"
    assert picked._mime_() == ("text/html", html)


def test_a_video_that_is_gone_is_said_to_be(small_video: Path, tmp_path: Path) -> None:
    path = tmp_path / "gone.mp4"
    path.write_bytes(small_video.read_bytes())
    picked = Keyframes(path)
    path.unlink()
    html = picked._repr_mimebundle_()["text/html"]
    assert html.count("<img") == 0
    assert html.count("cannot be shown, ") == 3
    assert str(tmp_path) not in html
    with pytest.raises(MediaError):
        _ = picked.first


def test_who_observes_hears_of_changes_until_they_stop(small_video: Path) -> None:
    picked, heard = Keyframes(small_video), []
    forget = picked.observe(lambda changed: heard.append(changed.value["frame"]))
    picked.select(frame=4)
    picked.select(frame=4)
    forget()
    picked.select(frame=5)
    assert heard == [4]
