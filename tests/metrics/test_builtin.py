"""The built-in metrics, each on videos that differ in what it measures, and against independent computations."""

from __future__ import annotations

import itertools
import math
import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import av.filter
import numpy as np
import pytest

from decart_nb import InvalidInputError, MediaError, measure
from decart_nb.media.limits import Limits
from decart_nb.metrics.measuring import measure_clip
from tests.metric_clips import FPS, SIZE, blurred, luma, moving, texture, with_sound, write

_FFMPEG = shutil.which("ffmpeg")


def _ordered(tmp_path: Path, metric: str, *clips: list) -> list[float]:
    paths = [write(tmp_path / f"{metric}{number}.mp4", clip) for number, clip in enumerate(clips)]
    return [measure(path, metric)[metric] for path in paths]


def test_flicker_is_the_mean_absolute_difference_of_the_luma_of_consecutive_frames(tmp_path) -> None:
    still, moved = write(tmp_path / "still.mp4", [texture()] * 12), write(tmp_path / "moved.mp4", moving())
    for path in (still, moved):
        planes = luma(path) * 255 / 219  # the file's range is limited
        expected = np.abs(np.diff(planes, axis=0)).mean()
        assert measure(path, "flicker")["flicker"] == pytest.approx(expected, abs=0.003)
    assert measure(still, "flicker")["flicker"] < 0.1 < measure(moved, "flicker")["flicker"]


def test_motion_rises_with_how_far_a_picture_moves(tmp_path) -> None:
    values = _ordered(tmp_path, "motion", moving(step=0), moving(step=1), moving(step=4))
    assert values == sorted(values)
    assert values[0] < 0.1 < values[1] < values[2] / 2


def test_noise_that_stands_still_in_the_large_is_flicker_more_than_motion(tmp_path) -> None:
    random = np.random.default_rng(1)
    noisy = [np.clip(texture() + random.normal(0, 12, (*SIZE[::-1], 3)), 0, 255).astype(np.uint8) for _ in range(12)]
    found = measure(write(tmp_path / "noisy.mp4", noisy), ["motion", "flicker"])
    assert found["flicker"] > 3 * found["motion"]


def test_sharpness_falls_with_each_step_of_blur(tmp_path) -> None:
    across, down = np.meshgrid(np.arange(240), np.arange(160))
    disc = ((np.hypot(across - 120, down - 80) < 50) * np.uint8(160) + np.uint8(40))[..., None].repeat(3, 2)
    values = _ordered(tmp_path, "sharpness", *(blurred([disc] * 6, radius) for radius in (0, 1, 2, 4, 8)))
    assert all(before > 1.2 * after for before, after in itertools.pairwise(values))


def test_blockiness_tells_blocks_from_a_smooth_picture(tmp_path) -> None:
    ramp = np.add.outer(np.linspace(0, 120, 160), np.linspace(0, 120, 240))
    blocks = ramp.reshape(20, 8, 30, 8).mean(axis=(1, 3)).repeat(8, 0).repeat(8, 1)
    grain = np.random.default_rng(2).normal(0, 1.5, ramp.shape)
    clips = [
        [np.clip(picture + grain, 0, 255).astype(np.uint8)[..., None].repeat(3, 2)] * 6 for picture in (ramp, blocks)
    ]
    smooth, blocky = _ordered(tmp_path, "blockiness", *clips)
    assert blocky > 1.5 * smooth


def test_freezes_are_the_seconds_in_which_nothing_moves(tmp_path) -> None:
    frames = moving(30)
    frozen = frames[:10] + [frames[10]] * 12 + frames[10:20]
    until_the_end = frames[:10] + [frames[10]] * 10
    assert _ordered(tmp_path, "freezes", frames, frozen, until_the_end) == pytest.approx([0.0, 1.2, 1.0], abs=0.11)


def test_a_frame_that_is_shown_for_long_is_a_freeze(tmp_path) -> None:
    path = tmp_path / "held.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1000)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        shown = 0
        for number, frame in enumerate(moving(12)):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = shown, Fraction(1, 1000)
            shown += 900 if number in (3, 4, 8) else 100
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    assert measure(path, "freezes")["freezes"] == pytest.approx(2.7, abs=0.02)


def test_black_is_the_seconds_without_light(tmp_path) -> None:
    black = [np.zeros((*SIZE[::-1], 3), np.uint8)]
    frames = moving(10)
    values = _ordered(tmp_path, "black", frames, frames + black * 5 + frames, frames + black * 8)
    assert values == pytest.approx([0.0, 0.5, 0.8], abs=0.01)


def test_cuts_and_flashes_are_told_apart(tmp_path) -> None:
    frames = moving(10)
    cut = frames + moving(10, seed=5)
    dark, bright = np.full((*SIZE[::-1], 3), 40, np.uint8), np.full((*SIZE[::-1], 3), 220, np.uint8)
    flashing = [dark, bright] * 10
    paths = [write(tmp_path / f"{number}.mp4", clip) for number, clip in enumerate((frames, cut, flashing))]
    calm, one_cut, flashes = (measure(path, ["cuts", "flashes"]) for path in paths)
    assert calm == {"cuts": 0.0, "flashes": 0.0}
    assert one_cut["cuts"] == 1.0
    assert one_cut["flashes"] <= 0.5
    assert flashes["flashes"] == pytest.approx(FPS / 2)


def test_brightness_and_colourfulness_follow_the_picture(tmp_path) -> None:
    flat = {name: np.full((*SIZE[::-1], 3), value, np.uint8) for name, value in (("grey", 90), ("white", 255))}
    red = np.zeros((*SIZE[::-1], 3), np.uint8)
    red[..., 0] = 255
    grey, white, coloured = (
        measure(write(tmp_path / f"{number}.mp4", [frame] * 5), ["brightness", "colourfulness"])
        for number, frame in enumerate((flat["grey"], flat["white"], red))
    )
    assert grey["brightness"] == pytest.approx(90 / 255, abs=0.01)
    assert white["brightness"] == pytest.approx(1.0, abs=0.01)
    assert grey["colourfulness"] < 0.02
    assert coloured["colourfulness"] > 0.5


def test_loudness_is_that_of_the_sound_and_missing_without(tmp_path) -> None:
    silent = write(tmp_path / "silent.mp4", moving(5))
    assert math.isnan(measure(silent, "loudness")["loudness"])
    quiet, loud = (
        measure(with_sound(tmp_path / f"{level}.mp4", moving(20), level), "loudness")["loudness"]
        for level in (0.05, 0.5)
    )
    assert loud == pytest.approx(-9.0, abs=1.0)  # 20 log 0.5, and 3 dB less for one channel of a sine
    assert loud - quiet == pytest.approx(20.0, abs=0.5)


def test_sound_that_is_longer_than_the_limit_is_not_read_on_and_stops_no_other_metric(tmp_path) -> None:
    path = with_sound(tmp_path / "long.mp4", moving(5), 0.5, seconds=4.0)
    found = measure_clip(path, None, ["loudness", "motion"], Limits(seconds=2.0))
    assert found["motion"].value > 1
    assert math.isnan(found["loudness"].value)
    assert found["loudness"].error == "the sound is longer than 2 s, the most that is read."
    assert measure(path, "loudness")["loudness"] == pytest.approx(-9.0, abs=1.0)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A clip that was blurred, and what it was made from."""
    folder = tmp_path_factory.mktemp("pair")
    return write(folder / "made.mp4", blurred(moving(), 1)), write(folder / "source.mp4", moving())


def test_psnr_and_ssim_equal_an_independent_computation(pair) -> None:
    found = measure(pair[0], ["kept_psnr", "kept_ssim"], against=pair[1])
    planes = [_planes(path) for path in pair]
    errors = [((one - other) ** 2).mean() for one, other in zip(*planes, strict=True)]
    mean_error = (errors[0] * 4 + errors[1] + errors[2]) / 6
    assert found["kept_psnr"] == pytest.approx(10 * math.log10(255**2 / mean_error), abs=5e-5)
    parts = [np.mean([_ssim(*both) for both in zip(*two, strict=True)]) for two in zip(*planes, strict=True)]
    assert found["kept_ssim"] == pytest.approx((parts[0] * 4 + parts[1] + parts[2]) / 6, abs=5e-5)


@pytest.mark.skipif(_FFMPEG is None, reason="there is no ffmpeg here")
def test_psnr_and_ssim_equal_what_ffmpeg_prints(pair) -> None:
    found = measure(pair[0], ["kept_psnr", "kept_ssim"], against=pair[1])
    for name, pattern in (("psnr", r"average:([\d.]+)"), ("ssim", r"All:([\d.]+)")):
        command = [str(_FFMPEG), "-i", pair[0], "-i", pair[1], "-lavfi", f"[0:v][1:v]{name}", "-f", "null", "-"]
        printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stderr
        assert found[f"kept_{name}"] == pytest.approx(float(re.findall(pattern, printed)[-1]), abs=5e-5)


def test_what_is_kept_falls_with_each_step_of_blur(tmp_path, pair) -> None:
    names = ["kept_ssim", "kept_psnr", "kept_xpsnr", "kept_vif"]
    same = measure(pair[1], names, against=pair[1])
    assert same == {"kept_ssim": 1.0, "kept_psnr": math.inf, "kept_xpsnr": math.inf, "kept_vif": pytest.approx(1.0)}
    more = measure(write(tmp_path / "more.mp4", blurred(moving(), 4)), names, against=pair[1])
    less = measure(pair[0], names, against=pair[1])
    assert all(more[name] < less[name] < same[name] for name in names)


def test_a_reference_of_another_size_rate_and_length_is_put_beside_the_clip(tmp_path) -> None:
    frames = blurred(moving(step=8), 2)
    small = write(tmp_path / "small.mp4", frames)
    twice = [frame.repeat(2, 0).repeat(2, 1) for frame in frames for _ in range(2)]
    large = write(
        tmp_path / "large.mp4", [*twice, *blurred([texture(3).repeat(2, 0).repeat(2, 1)], 3) * 9], fps=2 * FPS
    )
    assert measure(small, "kept_ssim", against=large)["kept_ssim"] > 0.97
    assert measure(large, "kept_ssim", against=small)["kept_ssim"] > 0.97
    later = write(tmp_path / "later.mp4", frames[1:])
    assert measure(small, "kept_ssim", against=later)["kept_ssim"] < 0.9


def test_vmaf_is_measured_or_says_that_ffmpeg_lacks_it(pair) -> None:
    if "libvmaf" in av.filter.filters_available:
        assert 0 < measure(pair[0], "kept_vmaf", against=pair[1])["kept_vmaf"] <= 100
        return
    with pytest.raises(InvalidInputError, match=r"kept_vmaf needs FFmpeg's filter libvmaf, which the FFmpeg in PyAV"):
        measure(pair[0], "kept_vmaf", against=pair[1])


def test_a_still_image_and_a_damaged_file_are_no_videos(tmp_path, small_image) -> None:
    with pytest.raises(MediaError, match=r"small\.png is a still image"):
        measure(small_image)
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"no video at all")
    with pytest.raises(MediaError, match=r"damaged\.mp4 is not a video"):
        measure(damaged, "flicker")


def _planes(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    sizes = [(frame.height >> (plane > 0), frame.width >> (plane > 0)) for frame in frames[:1] for plane in range(3)]
    return [
        np.array(
            [
                np.frombuffer(frame.planes[plane], np.uint8).reshape(height, -1)[:, :width].astype(np.int64)
                for frame in frames
            ]
        )
        for plane, (height, width) in enumerate(sizes)
    ]


def _ssim(one: np.ndarray, other: np.ndarray) -> float:
    """SSIM of two planes as FFmpeg defines it: windows of 8×8, every four pixels, without weights."""

    def sums(values: np.ndarray) -> np.ndarray:
        height, width = (side // 4 * 4 for side in values.shape)
        fours = values[:height, :width].reshape(height // 4, 4, width // 4, 4).sum(axis=(1, 3))
        return fours[:-1, :-1] + fours[1:, :-1] + fours[:-1, 1:] + fours[1:, 1:]

    first, second = int(0.01**2 * 255**2 * 64 + 0.5), int(0.03**2 * 255**2 * 64 * 63 + 0.5)
    s1, s2, s12 = sums(one), sums(other), sums(one * other)
    variances = 64 * sums(one**2 + other**2) - s1**2 - s2**2
    covariance = 64 * s12 - s1 * s2
    return float(
        ((2 * s1 * s2 + first) * (2 * covariance + second) / ((s1**2 + s2**2 + first) * (variances + second))).mean()
    )
