"""Whatever people upload: decoded where it can be, and refused by its name where not."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from decart_nb import media
from decart_nb.errors import MediaError
from decart_nb.request.models import Kind
from tests.local.render.rendering import GREEN, PATH, digest, inputs, made, scene, small


def test_a_video_stands_for_an_image_by_its_first_frame(tmp_path: Path, video: Path) -> None:
    by_video = made(tmp_path, small("image-to-video"), {"prompt": "x"}, {"data": video})
    Image.fromarray(next(media.frames(video))).save(tmp_path / "first.png")
    by_image = made(tmp_path, small("image-to-video"), {"prompt": "x"}, {"data": tmp_path / "first.png"})
    assert digest(by_video) == digest(by_image)


def test_an_animated_image_stands_for_a_video(tmp_path: Path) -> None:
    first, *others = [Image.fromarray(scene(at=at)) for at in (0.2, 0.4, 0.6)]
    first.save(tmp_path / "a.gif", save_all=True, append_images=others, duration=300)
    assert len(made(tmp_path, small("restyle", None), {"prompt": "ice"}, {"data": tmp_path / "a.gif"})) == 9


@pytest.mark.parametrize("kind", ["video-to-video", "restyle"])
def test_a_still_image_stands_for_no_video(tmp_path: Path, image: Path, kind: Kind) -> None:
    with pytest.raises(MediaError, match=r"data is a still image, not a video"):
        made(tmp_path, small(kind), {"prompt": "x"}, {"data": image})


@pytest.mark.parametrize(
    ("kind", "broken", "wanted"),
    [
        ("image-to-video", "data", "an image"),
        ("motion", "data", "an image"),
        ("first-last-frame", "start", "an image"),
        ("first-last-frame", "end", "an image"),
        ("video-to-video", "data", "a video"),
        ("video-to-video", "reference_image", "an image"),
        ("restyle", "data", "a video"),
    ],
)
def test_an_error_names_the_input_that_is_no_media(
    tmp_path: Path, image: Path, video: Path, kind: Kind, broken: str, wanted: str
) -> None:
    (tmp_path / "upload").write_text("this is not what you think")
    values, files = inputs(kind, image, video)
    with pytest.raises(MediaError, match=f"^{broken} is not {wanted} that can be decoded: "):
        made(tmp_path, small(kind), values, {**files, broken: tmp_path / "upload"})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"^data is missing"):
        made(tmp_path, small("image-to-video"), {"prompt": "x"})


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F"])
def test_images_of_all_sorts_are_taken(tmp_path: Path, mode: str) -> None:
    grey = Image.fromarray(scene(57, 31)).convert("L")
    if mode == "I;16":
        given = Image.fromarray(np.asarray(grey, np.uint16) * 257)
    elif mode == "F":
        given = Image.fromarray(np.asarray(grey, np.float32) / 255)
    else:
        given = grey.convert("RGB").convert(mode) if mode != "LA" else grey.convert(mode)
    given.save(tmp_path / "given.tiff")
    shown = made(tmp_path, small("image-to-video", 0.3), {"prompt": "pan"}, {"data": tmp_path / "given.tiff"})
    assert shown[0].std() > 20


@pytest.mark.parametrize("size", [(1, 1), (2, 900), (900, 2), (2500, 1500)])
def test_images_of_all_sizes_are_taken(tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, GREEN).save(tmp_path / "given.png")
    files = {"data": tmp_path / "given.png", "start": tmp_path / "given.png", "end": tmp_path / "given.png"}
    for kind in ("image-to-video", "motion", "first-last-frame"):
        values = {"prompt": "x", "trajectory": PATH}
        assert len(made(tmp_path, small(kind, 0.3), values, files)) == 3


def test_videos_of_odd_sizes_and_rates_are_taken(tmp_path: Path) -> None:
    given = tmp_path / "given.mkv"
    with av.open(str(given), "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.width, stream.height, stream.pix_fmt = 51, 33, "bgr0"
        for step in range(15):
            frame = av.VideoFrame.from_ndarray(scene(51, 33, step / 15), format="rgb24").reformat(format="bgr0")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert len(made(tmp_path, small("restyle", None, fps=22), {"prompt": "x"}, {"data": given})) == 11
