"""Pictures fitted to the output's size."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from decart_nb.local.render.compositing import fit
from tests.local.render.rendering import BLUE, GREEN, RED, SIZE, apart, scene


@pytest.mark.parametrize("size", [(40, 200), (300, 100), (101, 77), (1, 1), (3000, 40)])
def test_pictures_are_fitted_without_loss_or_distortion(size: tuple[int, int]) -> None:
    width, height = size
    rgb = np.full((height, width, 3), (128, 128, 128), np.uint8)
    edge = max(1, min(size) // 10)
    rgb[:edge], rgb[-edge:], rgb[:, :edge], rgb[:, -edge:] = RED, GREEN, BLUE, (240, 240, 20)
    fitted = fit(rgb, *SIZE)
    assert fitted.shape == (SIZE[1], SIZE[0], 3)
    if size == (1, 1):
        return
    scale = min(SIZE[0] / width, SIZE[1] / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    left, top = (SIZE[0] - inner[0]) // 2, (SIZE[1] - inner[1]) // 2
    wanted = np.asarray(Image.fromarray(rgb).resize(inner, Image.Resampling.BICUBIC), int)
    found = fitted[top : top + inner[1], left : left + inner[0]]
    assert np.abs(found - wanted).mean() < 6, "all of it is there, in its own shape"
    assert fitted[0, 0].astype(int).sum() < 0.75 * fitted[SIZE[1] // 2, SIZE[0] // 2].astype(int).sum() + 60


def test_all_but_equal_shapes_are_cropped_by_no_more_than_a_little() -> None:
    rgb = scene(192, 108)
    fitted = fit(rgb, *SIZE)
    assert apart(fitted, rgb[2:106]) < 2, "no bars"
