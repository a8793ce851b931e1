"""The label: what it says, and that it can be read."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFont

from decart_nb import media
from decart_nb.local.render.label import Label, drawable
from decart_nb.request.models import ModelDefinition
from tests.local.render.rendering import made, scene

SIZES = {"720p": (1280, 704), "480p": (872, 480), "portrait": (704, 1280), "portrait 480p": (480, 872)}


def labelled(
    size: tuple[int, int], shade: int = 0, model: str = "lucy-pro-t2v", prompt: str = "a cat", seed: int = 1
) -> NDArray[np.int64]:
    """The brightness of a frame of one shade of grey, with its label."""
    frame = media.picture(np.full((size[1], size[0], 3), shade, np.uint8))
    label = Label(model, prompt, seed, size)
    label.draw(frame, label.x, label.y)
    return np.asarray(Image.fromarray(frame.to_ndarray(format="rgb24")).convert("L"), np.int64)


def rows_of_text(size: tuple[int, int], prompt: str = "a cat") -> list[int]:
    """The heights of the label's lines of text, in pixels."""
    is_bright = (labelled(size, prompt=prompt) > 128).any(axis=1)
    return [len(list(run)) for bright, run in itertools.groupby(is_bright) if bright]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("shade", [0, 255], ids=["dark", "light"])
def test_it_is_legible_and_leaves_the_rest_alone(size: tuple[int, int], shade: int) -> None:
    shown = labelled(size, shade)
    plate = shown[int(0.87 * size[1]) :, : size[0] // 4]
    assert (plate > 220).any(), "white letters"
    assert (plate < 40).any(), "on a dark plate"
    assert np.abs(shown[: int(0.87 * size[1])] - shade).max() < 4
    heights = rows_of_text(size)
    assert len(heights) == 2
    assert min(heights) >= 9, "pixels of a capital letter with its neighbours' descenders"


def test_model_prompt_and_seed_are_in_it() -> None:
    size = SIZES["480p"]
    labels = [
        labelled(size),
        labelled(size, model="lucy-pro-i2v"),
        labelled(size, prompt="a dog"),
        labelled(size, prompt=""),
        labelled(size, seed=2),
    ]
    for one, other in itertools.combinations(labels, 2):
        assert (np.abs(one - other) > 100).any()


@pytest.mark.parametrize(
    "prompt", ["word " * 400, "x" * 5000, "\x1b[31m\n\n\r\u202e\u0000", "猫" * 300, "🐱" * 300], ids=range(5)
)
def test_no_prompt_breaks_its_frame(prompt: str) -> None:
    for size in (*SIZES.values(), (64, 48), (16, 16), (2, 2)):
        label, usual = Label("m", prompt, 1, size), Label("m", "a cat", 1, size)
        assert (label.x, label.y, label.width, label.height) == (usual.x, usual.y, usual.width, usual.height)


def test_the_cut_prompt_stays_on_its_plate() -> None:
    shown = labelled(SIZES["480p"], prompt="W" * 500)
    assert (shown[:, 440:] == 0).all()
    assert rows_of_text(SIZES["480p"], prompt="W" * 500) == rows_of_text(SIZES["480p"], prompt="W")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('A cat, 3/4 view - "wide" & 50%', 'A cat, 3/4 view - "wide" & 50%'),
        ("naïve café in Łódź, Ærø straße", "naive cafe in Lodz, AEro strasse"),
        ("猫がピアノを弾く", "…"),
        ("a 猫 on a 👩‍🚀 piano", "a … on a … piano"),
        ("рыба 魚 fish", "… fish"),
        ("ﬁne ２ cats", "fine 2 cats"),
        ("", ""),
    ],
    ids=["ascii", "accents", "no letter", "runs", "across spaces", "compatible forms", "empty"],
)  # fmt: skip
def test_letters_that_the_font_lacks_are_replaced(text: str, shown: str) -> None:
    font = ImageFont.load_default(20)
    assert isinstance(font, ImageFont.FreeTypeFont)
    assert drawable(text, font) == shown


def test_it_hides_the_label_of_an_input_that_is_a_preview(tmp_path: Path) -> None:
    model = ModelDefinition(name="m", width=640, height=352, fps=5, kind="motion", seconds=0.4)
    path = [{"frame": 0, "x": 0.5, "y": 0.2}]
    Image.fromarray(scene(640, 352)).save(tmp_path / "plain.png")
    plain = made(tmp_path, model, {"trajectory": path}, {"data": tmp_path / "plain.png"})[0]
    frame = media.picture(scene(640, 352))
    label = Label("another-model", "w" * 100, 2**32 - 1, (640, 352))
    label.draw(frame, label.x, label.y)
    Image.fromarray(frame.to_ndarray(format="rgb24")).save(tmp_path / "labelled.png")
    again = made(tmp_path, model, {"trajectory": path}, {"data": tmp_path / "labelled.png"})[0]
    assert np.abs(plain.astype(int) - again).max() < 60, "no letter of it is left"


def test_every_frame_of_a_video_has_it(tmp_path: Path) -> None:
    model = ModelDefinition(name="m", width=640, height=352, fps=5, kind="image-to-video", seconds=0.6)
    Image.new("RGB", (640, 352), "white").save(tmp_path / "white.png")
    shown = made(tmp_path, model, {"prompt": "x"}, {"data": tmp_path / "white.png"})
    assert len(shown) == 3
    for rgb in shown:
        assert np.ptp(rgb[-50:, :200].astype(int)) > 180
        assert rgb[:300].min() > 240, "the rest is left alone"
