"""HEIC images of tiles: put together as they lie, turned as they say, or refused in words."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from decart_nb import InvalidInputError, media, models
from decart_nb.errors import MediaError
from decart_nb.media.sniff import sniff
from decart_nb.request.request import prepare
from tests.heif_files import heic

COLOURS = [(220, 30, 30), (30, 200, 60), (30, 50, 220), (200, 200, 30), (20, 200, 200), (200, 20, 200)]
TILES = [np.full((64, 64, 3), colour, np.uint8) for colour in COLOURS]


def corners(data: bytes) -> tuple[tuple[int, int], list[int]]:
    """An image's size, and the numbers of the colours in its corners: top left, top right, bottom left and right."""
    rgb = np.asarray(media.read_image(io.BytesIO(data)), int)
    found = [rgb[4, 4], rgb[4, -5], rgb[-5, 4], rgb[-5, -5]]
    return rgb.shape[1::-1], [int(np.argmin(np.abs(np.array(COLOURS) - pixel).sum(1))) for pixel in found]


@pytest.mark.parametrize(
    ("changes", "size", "expected"),
    [
        ({}, (180, 120), [0, 2, 3, 5]),
        ({"turns": 1}, (120, 180), [2, 5, 0, 3]),
        ({"turns": 2}, (180, 120), [5, 3, 2, 0]),
        ({"turns": 3}, (120, 180), [3, 0, 5, 2]),
        ({"mirror": 0}, (180, 120), [2, 0, 5, 3]),
        ({"mirror": 1}, (180, 120), [3, 5, 0, 2]),
        ({"turns": 1, "mirror": 0}, (120, 180), [5, 2, 3, 0]),
        ({"brand": b"mif1"}, (180, 120), [0, 2, 3, 5]),
    ],
    ids=str,
)
def test_tiles_are_put_together_cropped_and_turned(changes: Any, size: tuple[int, int], expected: list[int]) -> None:
    data = heic(TILES, 2, 3, (180, 120), **changes)
    assert corners(data) == (size, expected)
    assert sniff(data[:512]) == "image/heic"
    assert prepare(models.video("lucy-pro-i2v"), {"prompt": "x", "data": data}).files["data"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"lost": 1}, "some of its tiles are missing"),
        ({"derived": b"iovl"}, "it is put together as iovl"),
        ({"size": (500, 120)}, "its tiles do not cover it"),
    ],
    ids=["a tile too few", "an overlay", "too large for its tiles"],
)
def test_what_cannot_be_put_together_is_refused_in_words(changes: Any, told: str) -> None:
    data = heic(TILES, 2, 3, **{"size": (180, 120), **changes})
    with pytest.raises(MediaError, match=told):
        media.read_image(io.BytesIO(data))
    with pytest.raises(InvalidInputError, match=told):
        prepare(models.video("lucy-pro-i2v"), {"prompt": "x", "data": data})


def test_half_a_heic_is_refused(tmp_path: Path) -> None:
    whole = heic(TILES, 2, 3, (180, 120))
    for share in (0.3, 0.6, 0.95):
        with pytest.raises(InvalidInputError, match="must be an image"):
            prepare(models.video("lucy-pro-i2v"), {"prompt": "x", "data": whole[: int(len(whole) * share)]})


def test_a_heic_is_no_video() -> None:
    with pytest.raises(InvalidInputError, match="must be a video, and data is an image"):
        prepare(models.video("lucy-2.5"), {"prompt": "x", "data": heic(TILES, 2, 3, (180, 120))})


@pytest.mark.parametrize(
    ("brands", "media_type"),
    [
        ("heic mif1", "image/heic"),
        ("heix mif1", "image/heic"),
        ("mif1 heic", "image/heic"),
        ("mif1 avif", "image/avif"),
        ("msf1 hevc", "image/heic"),
        ("hevc mif1", "image/heic"),
        ("avif mif1", "image/avif"),
        ("avis avif msf1", "image/avif"),
        ("mif1", "image/heif"),
        ("xxxx mif1 heic", "image/heic"),
        ("mp41", "video/mp4"),
        ("isom iso2 avc1", "video/mp4"),
        ("M4V M4A mp42", "video/mp4"),
        ("3gp5 isom", "video/mp4"),
        ("qt", "video/quicktime"),
        ("abcd", "video/mp4"),
        ("M4A isom", "video/mp4"),
    ],
)
def test_the_family_of_iso_is_told_by_all_brands(brands: str, media_type: str) -> None:
    major, *others = (brand.encode().ljust(4) for brand in brands.split())
    box = b"ftyp" + major + bytes(4) + b"".join(others)
    assert sniff((len(box) + 4).to_bytes(4) + box + bytes(100)) == media_type


def test_a_still_image_that_is_called_a_video_is_none(tmp_path) -> None:
    path = tmp_path / "image.mp4"
    for tiles, rows, columns, size in ((TILES, 2, 3, (180, 120)), (TILES[:1], 1, 1, (64, 64))):
        path.write_bytes(heic(tiles, rows, columns, size))
        for probe in (media.probe, media.quick_probe):
            with pytest.raises(MediaError, match="is a still image, not a video"):
                probe(path)
