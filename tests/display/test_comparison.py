"""Comparisons: what may be compared, its labels, and what is shown without a notebook."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from decart_nb import Clip, InvalidInputError, MediaError
from decart_nb.display.comparison import Comparison
from tests.clips import read_clip
from tests.fake_sweep import fake_job

_HTML = "<img src=x onerror=alert(1)>"


def _clip(path: Path, model: str = "lucy-2.5", **inputs: object) -> Clip:
    return read_clip(path, "job", model, inputs, "live")


def _labels(*clips: object, labels: list[str] | None = None) -> list[str]:
    return [video.label for video in Comparison(clips, labels).videos]


def test_clips_are_labelled_by_what_tells_them_apart(small_video) -> None:
    one = _clip(small_video, prompt="a cat", seed=1)
    assert _labels(one, _clip(small_video, prompt="a cat", seed=2)) == ["seed 1", "seed 2"]
    assert _labels(one, _clip(small_video, "lucy-restyle-2", prompt="a dog", seed=1)) == [
        "lucy-2.5 · a cat",
        "lucy-restyle-2 · a dog",
    ]
    assert _labels(one, replace(one, take=1)) == ["take 0", "take 1"]
    assert _labels(one, _clip(small_video, prompt="a cat")) == ["seed 1", "lucy-2.5"]
    assert _labels(one, one) == ["lucy-2.5", "lucy-2.5"]
    assert _labels(one, small_video) == ["lucy-2.5", "small.mp4"]
    assert _labels(one, one, labels=["before", "after"]) == ["before", "after"]
    long = _labels(_clip(small_video, prompt="a cat " * 100), _clip(small_video, prompt="a dog"))[0]
    assert len(long) == 80


def test_a_path_is_described_by_its_file(small_video) -> None:
    video, _ = Comparison([small_video, str(small_video)]).videos
    assert video.facts == ("64×48", "1.0 s", "10 fps")
    assert (video.width, video.height, video.fps, video.duration) == (64, 48, 10.0, 1.0)


def test_a_job_without_a_video_is_refused_with_what_to_do(small_video) -> None:
    with pytest.raises(InvalidInputError, match=r"has no video yet: compare job\.result\(\)\."):
        Comparison([fake_job(), small_video])


@pytest.mark.parametrize("count", [0, 1, 5])
def test_there_are_two_to_four_videos(small_video, count) -> None:
    with pytest.raises(InvalidInputError, match=f"2 to 4 videos, not {count}; "):
        Comparison([small_video] * count)


def test_what_is_no_video_is_refused_with_what_to_do(small_video, small_image) -> None:
    with pytest.raises(InvalidInputError, match=r"no video job-17\. For the id of a job, compare dnb\.attach"):
        Comparison([small_video, "job-17"])
    with pytest.raises(InvalidInputError, match="clips or paths of videos, not 3"):
        Comparison([small_video, 3])
    with pytest.raises(MediaError):
        Comparison([small_video, small_image])
    for labels in ("ab", ["a"], ["a", "b", "c"]):
        with pytest.raises(InvalidInputError, match="a text for each of the 2 videos"):
            Comparison([small_video, small_video], labels)


def test_a_clip_alone_is_compared_with_its_input(small_video) -> None:
    clip = _clip(small_video, prompt="a cat")
    before, after = Comparison([clip], input_of=lambda _: (small_video, f"in{_HTML}.mp4")).videos
    assert (before.label, after.label) == (f"input in{_HTML}.mp4", "lucy-2.5")
    labels = [video.label for video in Comparison([clip], ["a", "b"], input_of=lambda _: (small_video, "in")).videos]
    assert labels == ["a", "b"]


def test_it_is_posters_with_captions_and_a_line_of_text(small_video) -> None:
    clip = _clip(small_video, prompt=_HTML, seed=1)
    comparison = Comparison([clip, small_video], [_HTML, "after"])
    html = comparison._repr_mimebundle_()["text/html"]
    assert html.count('<img src="data:image/jpeg;base64,') == 2
    assert "<img src=x" not in html
    assert html.count("&lt;img src=x onerror=alert(1)&gt;") == 3  # the alternative text, the label and the prompt
    assert "A <b>" in html
    assert "64×48 · 1.0 s · 10 fps" in html
    assert str(small_video.parent) not in html
    text = f"Comparison of 2 videos: A: {_HTML}, B: after"
    assert comparison._repr_mimebundle_()["text/plain"] == text
    assert repr(comparison) == f"<{text}>"
    assert comparison._mime_() == ("text/html", html)


def test_a_video_that_is_gone_is_said_to_be(small_video, tmp_path) -> None:
    path = tmp_path / "gone.mp4"
    path.write_bytes(small_video.read_bytes())
    clip = _clip(path)
    path.unlink()
    html = Comparison([clip, small_video])._repr_mimebundle_()["text/html"]
    assert html.count("<img") == 1
    assert "gone.mp4 cannot be shown: " in html
    assert str(tmp_path) not in html
