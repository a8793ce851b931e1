"""Thumbnails of videos: what they show, and how large they are."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from decart_nb import MediaError, media
from tests.media.test_media import turn


def _opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    assert image.format == "WEBP"
    return image.convert("RGB")


def _video(path: Path, width: int, height: int, frames: int = 3) -> Path:
    """A video that is red on the left and blue on the right."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2, 0] = 255
    picture[:, width // 2 :, 2] = 255
    media.encode([picture] * frames, path, fps=10)
    return path


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1280, 704), (320, 176)), ((704, 1280), (180, 327)), ((512, 512), (320, 320)), ((64, 48), (64, 48))],
    ids=["wide", "portrait", "square", "small"],
)
def test_a_thumbnail_is_small_and_keeps_the_shape(tmp_path, size, expected) -> None:
    content = media.thumbnail(_video(tmp_path / "x.mp4", *size))
    image = _opened(content)
    assert image.size == expected
    assert len(content) < 8_000
    pixels = np.asarray(image).astype(int)
    left, right = pixels[:, : expected[0] // 3].mean((0, 1)), pixels[:, -expected[0] // 3 :].mean((0, 1))
    assert left[0] > 200 > 60 > left[2]
    assert right[2] > 200 > 60 > right[0]


@pytest.mark.parametrize(("cut", "shown"), [(10, 230), (20, 20)])
def test_a_thumbnail_is_of_the_last_key_frame_before_the_middle(tmp_path, cut, shown) -> None:
    frames = [np.full((48, 64, 3), 20 if number < cut else 230, np.uint8) for number in range(30)]
    media.encode(frames, tmp_path / "x.mp4", fps=10)  # which has a key frame at the cut
    assert abs(np.asarray(_opened(media.thumbnail(tmp_path / "x.mp4"))).mean() - shown) < 8


def test_a_turned_video_has_an_upright_thumbnail(tmp_path) -> None:
    turn(_video(tmp_path / "x.mp4", 64, 48))
    pixels = np.asarray(_opened(media.thumbnail(tmp_path / "x.mp4"))).astype(int)
    assert pixels.shape == (64, 48, 3)
    assert pixels[:20, :, 0].mean() > 200  # a quarter turn clockwise brings the left to the top
    assert pixels[-20:, :, 2].mean() > 200


def test_an_animated_image_has_a_thumbnail_too(tmp_path) -> None:
    frames = [Image.new("RGB", (640, 480), (grey, grey, grey)) for grey in (0, 100, 250)]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:], duration=100, loop=0)
    image = _opened(media.thumbnail(tmp_path / "x.gif"))
    assert image.size == (320, 240)
    assert 90 < np.asarray(image).mean() < 110


def test_what_is_no_video_has_none(tmp_path, small_image) -> None:
    (tmp_path / "x.mp4").write_bytes(b"no video" * 100)
    for path in (tmp_path / "x.mp4", tmp_path / "gone.mp4"):
        with pytest.raises(MediaError, match=path.name):
            media.thumbnail(path)


def test_a_video_that_breaks_off_has_one_as_far_as_it_can_be_read(tmp_path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (30, 96, 128, 3), np.uint8)
    media.encode(noise, tmp_path / "x.mp4", fps=10)
    content = (tmp_path / "x.mp4").read_bytes()
    (tmp_path / "x.mp4").write_bytes(content[: len(content) // 2])
    assert _opened(media.thumbnail(tmp_path / "x.mp4")).size == (128, 96)
