"""Video to video and restyle: a style that is seen, on what can still be recognised."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from decart_nb import media
from decart_nb.request.models import Kind
from tests.local.render.rendering import BLUE, GREEN, RED, alike, apart, made, small

STYLES = (
    "oil painting",
    "blueprint",
    "claymation",
    "comic book",
    "pencil sketch",
    "pixel art",
    "neon outlines",
    "watercolor",
    "thermal camera",
    "film noir",
    "a word nobody knows",
)


def test_each_style_is_visible_and_keeps_what_is_shown(tmp_path: Path, video: Path) -> None:
    given = list(media.frames(video))
    results = []
    for prompt in STYLES:
        shown = made(tmp_path, small("video-to-video", 5), {"prompt": prompt}, {"data": video})
        assert len(shown) == 8
        assert apart(shown[6], given[6]) > 8, f"{prompt} changes something"
        assert alike(shown[6], given[6]) > 0.3, f"{prompt} is still the same picture"
        results.append(shown[6])
    for one, two in itertools.combinations(results[:-1], 2):
        assert apart(one, two) > 4


def hue(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    colour = rgb[: int(0.7 * len(rgb))].reshape(-1, 3).mean(axis=0)
    return np.asarray(colour - colour.mean(), float)


@pytest.mark.parametrize("kind", ["video-to-video", "restyle"])
def test_a_reference_image_gives_its_colours(tmp_path: Path, video: Path, kind: Kind) -> None:
    for colour, channel in ((RED, 0), (GREEN, 1), (BLUE, 2)):
        Image.new("RGB", (50, 50), colour).save(tmp_path / "reference.png")
        files = {"data": video, "reference_image": tmp_path / "reference.png"}
        values = {} if kind == "restyle" else {"prompt": "as it is"}
        shown = made(tmp_path, small(kind, None), values, files)
        assert int(np.argmax(hue(shown[3]))) == channel


def test_restyle_recolours_by_the_prompt_and_keeps_what_is_shown(tmp_path: Path, video: Path) -> None:
    given = list(media.frames(video))[6]
    forest, fire = (
        made(tmp_path, small("restyle", None), {"prompt": prompt}, {"data": video})[6]
        for prompt in ("a forest", "fire")
    )
    assert apart(forest, fire) > 15
    assert min(alike(forest, given), alike(fire, given)) > 0.5
