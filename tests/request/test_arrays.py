"""PIL images and arrays as inputs: read as they are meant, or refused in a sentence, in a submission and a plan."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import decart_nb as dnb
from decart_nb import InvalidInputError, media, models
from decart_nb.request.request import prepare
from decart_nb.request.uploads import Upload

GREY = np.array([[0, 64, 128, 255]], np.uint8).repeat(4, axis=0)
COLOURS = np.stack([GREY, GREY[:, ::-1], GREY.T], axis=2)


def sent(value: Any) -> np.ndarray:
    """The pixels that a value is sent as."""
    upload = prepare(models.video("lucy-pro-i2v"), {"prompt": "x", "data": value}).files["data"]
    assert isinstance(upload, Upload)
    with upload.open() as stream:
        return np.asarray(Image.open(stream).convert("RGB"))


def refused(value: Any) -> str:
    with pytest.raises(InvalidInputError) as caught:
        prepare(models.video("lucy-pro-i2v"), {"prompt": "x", "data": value})
    assert caught.value.message.isprintable()
    return caught.value.message


def grey(values: np.ndarray) -> np.ndarray:
    return np.stack([values] * 3, axis=2)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (GREY, grey(GREY)),
        (GREY[..., None], grey(GREY)),
        (COLOURS, COLOURS),
        (COLOURS[::-1, ::-1], COLOURS[::-1, ::-1]),
        (COLOURS.astype(np.uint16) * 257, COLOURS),
        (GREY.astype(">u2") * 257, grey(GREY)),
        (COLOURS / 255, COLOURS),
        (COLOURS.astype(np.float32) / 255, COLOURS),
        ((GREY / 255).astype(np.float32), grey(GREY)),
        (np.dstack([COLOURS, np.full_like(GREY, 255)]), COLOURS),
        (np.dstack([COLOURS, np.zeros_like(GREY)]), np.full_like(COLOURS, 255)),
        (np.dstack([COLOURS, np.zeros_like(GREY)]) / 255, np.full_like(COLOURS, 255)),
    ],
    ids=[
        *("H×W", "H×W×1", "RGB", "a view", "16 bits", "16 bits of the other order", "doubles", "floats", "grey floats"),
        *("opaque", "clear", "clear floats"),
    ],
)
def test_arrays_mean_what_they_look_like(value: Any, expected: np.ndarray) -> None:
    assert np.array_equal(sent(value), expected)


@pytest.mark.parametrize("kind", ["array", "image"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 0x8000, 0xFFFF]], np.uint16), [0, 128, 255]),
        (np.array([[1, 255, 256]], np.uint16), [0, 1, 1]),  # dark, and not taken for eight bits
        (np.array([[0, 0.5, 1]], np.float32), [0, 128, 255]),
        (np.array([[0, 0.002, 1 / 255]], np.float32), [0, 1, 1]),
    ],
    ids=["16 bits", "dark 16 bits", "floats", "dark floats"],
)
def test_numbers_mean_the_same_in_an_array_and_in_an_image(kind: str, values: Any, expected: list[int]) -> None:
    given = values if kind == "array" else Image.fromarray(values)
    assert sent(given)[0, :, 0].tolist() == expected


@pytest.mark.parametrize("kind", ["array", "image"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -0.01, 1.01, 255.0])
def test_floats_that_mean_nothing_are_refused_in_both(kind: str, bad: float) -> None:
    values = np.array([[0, 0.5], [1, bad]], np.float32)
    assert "it has floats outside 0 to 1" in refused(values if kind == "array" else Image.fromarray(values))


def test_integers_of_pillow_are_eight_bits_unless_a_file_made_them() -> None:
    assert np.array_equal(sent(Image.fromarray(GREY).convert("I")), grey(GREY))
    for bad in (-1, 256, 70_000):
        assert "integers outside 0 to 255" in refused(Image.fromarray(np.array([[0, bad]], np.int32)))
    file = io.BytesIO()
    Image.fromarray(GREY.astype(np.uint16) * 257).save(file, "PPM")
    file.seek(0)
    assert np.array_equal(sent(Image.open(file)), grey(GREY))


@pytest.mark.parametrize(
    "mode",
    ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "I;16"],
)
def test_each_mode_of_pillow_is_read_or_refused(mode: str) -> None:
    source = Image.fromarray(GREY)
    try:
        given = source.convert(mode) if mode in ("F", "I", "I;16", "LA", "1") else source.convert("RGBA").convert(mode)
    except ValueError:
        given = Image.new(mode, source.size)
    if mode == "F":
        assert "is a PIL image that cannot be read" in refused(given)
    else:
        assert sent(given).shape == (4, 4, 3)


def test_a_palette_with_transparency_is_over_white() -> None:
    image = Image.new("P", (2, 1), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    image.info["transparency"] = 0
    assert sent(image).tolist() == [[[255, 255, 255], [0, 0, 255]]]


def closed(folder: Path) -> Image.Image:
    Image.fromarray(COLOURS).save(folder / "closed.png")
    with Image.open(folder / "closed.png") as image:
        return image


def removed(folder: Path) -> Image.Image:
    Image.fromarray(COLOURS).save(folder / "removed.png")
    image = Image.open(folder / "removed.png")
    image.fp.close()
    return image


def short(kind: str) -> Callable[[Path], Image.Image]:
    def opened(folder: Path) -> Image.Image:
        file = io.BytesIO()
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(file, kind)
        return Image.open(io.BytesIO(file.getvalue()[:-40]))

    return opened


@pytest.mark.parametrize(
    "make",
    [closed, removed, *(short(kind) for kind in ("PNG", "JPEG", "AVIF", "TIFF", "BMP", "JPEG2000"))],
    ids=["closed", "its file is closed", "PNG", "JPEG", "AVIF", "TIFF", "BMP", "JPEG2000"],
)
def test_an_image_that_cannot_be_read_is_refused_and_leaves_its_plan_alone(
    make: Callable[[Path], Image.Image], tmp_path: Path, small_image: Path
) -> None:
    assert "data is a PIL image that cannot be read: " in refused(make(tmp_path))
    dnb.connect("local")
    plan = dnb.sweep(model="lucy-pro-i2v", prompt="x", data=[make(tmp_path), small_image]).plan
    assert plan["plan"].tolist() == ["invalid", "new"]


class Huge:
    """An array that nobody could copy."""

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        return np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (300_000, 300_000, 3))


@pytest.mark.parametrize(
    "value",
    [
        Huge(),
        np.broadcast_to(np.float64(0.5), (300_000, 300_000, 3)),
        np.broadcast_to(np.float32(np.nan), (300_000, 300_000)),
        np.broadcast_to(np.uint8(1), (10, 20_000, 20_000, 3)),
        np.broadcast_to(np.uint8(1), (10**9, 16, 16, 3)),
        np.broadcast_to(np.uint8(1), (1, 80_000_000, 1)),
    ],
    ids=["bytes", "floats", "grey", "large frames", "many frames", "a line"],
)
def test_an_array_that_is_too_large_is_refused_before_it_is_copied(value: Any) -> None:
    tracemalloc.start()
    try:
        told = refused(value)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "is an array that cannot be sent: it" in told
    assert peak < 2**22


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_frames_are_sent_as_a_video_of_theirs(channels: int, dtype: Any, tmp_path: Path) -> None:
    scale = {np.uint8: 255, np.uint16: 65_535, np.float32: 1}[dtype]
    array = np.full((5, 32, 32, channels), 0.5 * scale).astype(dtype)
    if channels == 4:
        array[..., 3] = scale
    upload = prepare(models.video("lucy-2.5"), {"prompt": "x", "data": array}).files["data"]
    assert isinstance(upload, Upload)
    with upload.open() as stream:
        shown = list(media.frames(stream))
    assert len(shown) == 5
    assert np.abs(shown[2].astype(int) - 128).max() < 6


def test_a_frame_that_means_nothing_ends_a_video() -> None:
    array = np.zeros((5, 32, 32, 3), np.float32)
    array[3, 0, 0, 0] = np.nan
    with pytest.raises(InvalidInputError, match="it has floats outside 0 to 1"):
        prepare(models.video("lucy-2.5"), {"prompt": "x", "data": array})
