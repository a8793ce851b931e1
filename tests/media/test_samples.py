"""The samples that are shipped with the package."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import decart_nb as dnb
from decart_nb import media
from decart_nb.request.request import prepare


def test_the_clip_is_small_plays_in_browsers_and_is_as_lucy_2_5_takes_it() -> None:
    info, model = media.probe(dnb.sample()), dnb.models.video("lucy-2.5")
    assert (info.width, info.height, info.fps) == (model.width, model.height, model.fps)
    assert (info.duration, info.codec) == (3.0, "h264")
    assert dnb.sample("clip").path.stat().st_size < 150_000
    assert len(list(media.frames(dnb.sample()))) == 60


def test_the_still_is_an_image_of_the_size_of_the_models_that_take_one() -> None:
    model = dnb.models.video("lucy-pro-i2v")
    with Image.open(dnb.sample("still")) as image:
        assert (image.size, image.mode) == ((model.width, model.height), "RGB")
    assert dnb.sample("still").path.stat().st_size < 100_000


@pytest.mark.parametrize("model", [model.name for model in dnb.models])
def test_with_the_samples_every_model_has_its_files(model: str) -> None:
    definition = dnb.models.video(model)
    files = {
        field.name: dnb.sample("clip" if field.type == "video" else "still")
        for field in definition.fields or ()
        if field.type in ("image", "video") and field.required
    }
    points = {"trajectory": [(0, 0.1, 0.1), (9, 0.9, 0.9)]} if model == "lucy-motion" else {"prompt": "x"}
    request = prepare(definition, files | points)
    assert {name: file.filename for name, file in request.files.items()} == {
        name: path.path.name for name, path in files.items()
    }


@pytest.mark.parametrize(("kind", "tag"), [("clip", "<video"), ("still", "<img")])
def test_a_sample_is_a_path_and_shows_itself_without_one(kind: str, tag: str) -> None:
    sample = dnb.sample(kind)
    assert Path(sample) == sample.path
    assert sample.path.is_absolute()
    shown = sample._repr_html_()
    assert shown.startswith(tag)
    for text in (repr(sample), shown):
        assert str(sample.path.parent) not in text
    assert sample.path.name in repr(sample)


def test_a_sample_that_is_gone_shows_as_text(tmp_path: Path) -> None:
    sample = dnb.sample()
    sample.path = tmp_path / "gone.mp4"
    assert sample._repr_html_() is None
    assert repr(sample)


@pytest.mark.parametrize("kind", ["stil", "", None, 3, ["clip"]])
def test_there_is_no_other_sample(kind: object) -> None:
    with pytest.raises(dnb.InvalidInputError, match="There are clip and still") as caught:
        dnb.sample(kind)
    assert ("Did you mean still?" in str(caught.value)) == (kind == "stil")
