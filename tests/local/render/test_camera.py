"""Image to video, and first to last frame: what the camera does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from decart_nb.local.render.compositing import fit
from decart_nb.request.models import ModelDefinition
from tests.local.render.rendering import SIZE, apart, made, scene, small


@pytest.mark.parametrize(
    ("prompt", "grows"), [("the camera zooms in", True), ("the camera pulls back", False), ("slow zoom out", False)]
)
def test_the_camera_does_what_it_is_told(tmp_path: Path, prompt: str, grows: bool) -> None:
    rgb = np.full((352, 640, 3), 30, np.uint8)
    rgb[146:206, 280:360] = 230
    Image.fromarray(rgb).save(tmp_path / "square.png")
    model = ModelDefinition(name="i", width=640, height=352, fps=10, kind="image-to-video", seconds=2)
    shown = made(tmp_path, model, {"prompt": prompt}, {"data": tmp_path / "square.png"})
    areas = np.array([(rgb[:280, :, 0] - 30.0).sum() / 200 for rgb in shown])
    assert (areas[-1] > 1.15 * areas[0]) if grows else (areas[0] > 1.15 * areas[-1])
    steps = np.diff(areas) if grows else -np.diff(areas)
    assert steps.min() > -0.01 * areas[0], "steadily, without going back and forth"


def test_the_camera_pans(tmp_path: Path) -> None:
    rgb = np.full((352, 640, 3), 30, np.uint8)
    rgb[:, 300:340] = 230
    Image.fromarray(rgb).save(tmp_path / "bar.png")
    model = ModelDefinition(name="i", width=640, height=352, fps=10, kind="image-to-video", seconds=2)
    for prompt, sign in (("pan left", 1), ("pan right", -1)):
        shown = made(tmp_path, model, {"prompt": prompt}, {"data": tmp_path / "bar.png"})
        middles = [float(np.average(np.arange(640), weights=rgb[100, :, 0] > 128)) for rgb in shown]
        steps = sign * np.diff(middles)
        assert steps.sum() > 40
        assert steps.min() > -0.6, "no jitter"


def test_first_and_last_frame_are_the_given_ones(tmp_path: Path) -> None:
    start, end = scene(at=0.2), scene(300, 300, at=0.7)[..., ::-1]
    Image.fromarray(start).save(tmp_path / "start.png")
    Image.fromarray(end).save(tmp_path / "end.png")
    files = {"start": tmp_path / "start.png", "end": tmp_path / "end.png"}
    shown = made(tmp_path, small("first-last-frame"), {"prompt": "it changes"}, files)
    assert len(shown) == 10
    assert apart(shown[0], fit(start, *SIZE)) < 3
    assert apart(shown[-1], fit(end, *SIZE)) < 3
    middle = shown[5]
    assert apart(middle, shown[0]) > 4
    assert apart(middle, shown[-1]) > 4
