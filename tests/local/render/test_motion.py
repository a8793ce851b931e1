"""A part of an image that travels along a trajectory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.local.render.rendering import PATH, made, scene, small


def spot(rgb: NDArray[np.uint8]) -> tuple[float, float]:
    """The middle of what is yellow."""
    yellow = (rgb[..., 0] > 180) & (rgb[..., 1] > 170) & (rgb[..., 2] < 160)
    y, x = np.nonzero(yellow)
    return float(x.mean()), float(y.mean())


@pytest.mark.parametrize("pixels", [False, True])
def test_what_lies_under_the_first_point_travels_along_the_trajectory(tmp_path: Path, pixels: bool) -> None:
    Image.fromarray(scene(384, 208)).save(tmp_path / "image.png")
    scale = (384, 208) if pixels else (1, 1)
    points = [{"frame": p["frame"], "x": p["x"] * scale[0], "y": p["y"] * scale[1]} for p in PATH]
    points.reverse()
    shown = made(tmp_path, small("motion"), {"trajectory": points}, {"data": tmp_path / "image.png"})
    assert len(shown) == 10
    wanted = np.interp(range(10), [2, 8], [0.25 * 192, 0.75 * 192])
    for rgb, x in zip(shown, wanted, strict=True):
        assert spot(rgb) == pytest.approx((x, 52), abs=3)
    left_behind = shown[-1][52, 48].astype(int)
    assert left_behind[0] < 160, "the gap closes with what surrounds it"


def test_a_trajectory_through_a_fitted_image_starts_where_the_image_says(tmp_path: Path) -> None:
    rgb = np.full((200, 100, 3), 70, np.uint8)
    rgb[90:110, 40:60] = (250, 240, 90)
    Image.fromarray(rgb).save(tmp_path / "tall.png")
    points = [{"frame": 0, "x": 50, "y": 100}, {"frame": 9, "x": 50, "y": 20}]
    shown = made(tmp_path, small("motion"), {"trajectory": points}, {"data": tmp_path / "tall.png"})
    assert spot(shown[0]) == pytest.approx((96, 52), abs=3)
    assert spot(shown[-1]) == pytest.approx((96, 10.4), abs=4)
