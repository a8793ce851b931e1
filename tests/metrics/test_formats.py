"""Metrics of videos in other pixel formats than H.264's usual one: the values are about the same."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from decart_nb import measure
from decart_nb.metrics.builtin import BUILTIN
from tests.metric_clips import FPS, SIZE, moving, table, write

_NAMES = ["motion", "flicker", "sharpness", "brightness", "flashes", "kept_ssim", "kept_xpsnr"]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("formats") / "usual.mp4", moving(10))


@pytest.mark.parametrize(
    ("codec", "pixels", "suffix"),
    [
        ("ffv1", "bgr0", "mkv"),
        ("ffv1", "yuv420p10le", "mkv"),
        ("ffv1", "yuva420p", "mkv"),
        ("mjpeg", "yuvj420p", "avi"),
        ("qtrle", "rgb24", "mov"),
        ("ffv1", "gray", "mkv"),
    ],
)
def test_values_do_not_depend_on_how_a_file_codes_its_pixels(codec, pixels, suffix, usual, tmp_path) -> None:
    path = tmp_path / f"coded.{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SIZE, pixels
        for frame in moving(10):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            to_bt709 = pixels.startswith("yuv")
            container.mux(stream.encode(picture.reformat(format=pixels, dst_colorspace="itu709" if to_bt709 else None)))
        container.mux(stream.encode(None))
    found, expected = measure(path, _NAMES, against=usual), measure(usual, _NAMES, against=usual)
    for name in ("motion", "flicker", "sharpness", "brightness"):
        assert found[name] == pytest.approx(expected[name], rel=0.2), name
    assert found["flashes"] == 0
    assert found["kept_ssim"] > 0.9
    assert found["kept_xpsnr"] > 20


def test_a_recording_that_is_turned_is_compared_upright(tmp_path) -> None:
    frames = moving(10)
    upright = write(tmp_path / "upright.mp4", frames)
    lying = write(tmp_path / "lying.mp4", [frame.transpose(1, 0, 2)[:, ::-1] for frame in frames])
    turned = tmp_path / "turned.mp4"
    matrix = lying.read_bytes()
    one, zero = (1 << 16).to_bytes(4, "big"), bytes(4)
    minus = (-(1 << 16)).to_bytes(4, "big", signed=True)
    usual = one + zero * 3 + one + zero * 3 + (1 << 30).to_bytes(4, "big")
    quarter = zero + minus + zero + one + zero * 4 + (1 << 30).to_bytes(4, "big")
    place = matrix.index(usual, matrix.index(b"tkhd"))  # the track's, behind the movie's
    turned.write_bytes(matrix[:place] + quarter + matrix[place + len(quarter) :])
    assert measure(turned, "kept_ssim", against=upright)["kept_ssim"] > 0.95
    assert measure(upright, "kept_ssim", against=turned)["kept_ssim"] > 0.95


@pytest.mark.parametrize("size", [(2, 2), (200, 2), (46, 400)])
def test_a_picture_that_is_too_small_for_filters_is_an_error_and_does_not_end_the_process(size, tmp_path) -> None:
    path = tmp_path / "tiny.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(6):
            frame = np.full((*size[::-1], 3), 40 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    names = [name for name in BUILTIN if name != "kept_vmaf"]
    made = table(path).decart.measure(names, against=path)
    assert made["kept_xpsnr"].isna().all()
    assert "kept_xpsnr: the picture is smaller than 48 pixels" in made["measure_error"][0]
