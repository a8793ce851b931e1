"""How long a video is: by the frames that are there, whatever its header says; and what is not all there."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from decart_nb import InvalidInputError, media, models
from decart_nb.errors import MediaError
from decart_nb.request.request import prepare

MILLISECOND = Fraction(1, 1000)


def film(
    path: Path, times: Sequence[int], *, form: str = "mp4", codec: str = "libx264", sound: float = 0, **options: str
) -> Path:
    """A video with a frame at each of these milliseconds, each a key frame of noise, and seconds of silence."""
    chance = np.random.default_rng(0)
    with av.open(str(path), "w", format=form, options=options) as container:
        stream = container.add_stream(codec, rate=25, options={"bf": "0", "g": "1"} if codec == "libx264" else {})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = MILLISECOND
        silent = container.add_stream("aac" if form != "webm" else "libopus", rate=48000) if sound else None
        for time in times:
            rgb = chance.integers(0, 256, (48, 64, 3), np.uint8)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = time, MILLISECOND
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if silent:
            for number in range(round(sound * 50)):
                wave = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.float32), format="fltp", layout="mono")
                wave.sample_rate, wave.pts = 48000, 960 * number
                container.mux(silent.encode(wave))
            container.mux(silent.encode(None))
    return path


@contextmanager
def same_priority() -> Iterator[None]:
    """Keep the priority: SVT-AV1 makes a process of root real-time, and a browser started later starves the rest."""
    has_policies = hasattr(os, "sched_setscheduler")  # macOS has none
    before = (os.sched_getscheduler(0), os.sched_getparam(0)) if has_policies else None
    yield
    if before:
        os.sched_setscheduler(0, *before)


@pytest.mark.parametrize("count", [1, 2, 3, 30])
@pytest.mark.parametrize("rate", [1, 25, 60])
@pytest.mark.parametrize(
    ("form", "codec"),
    [
        *((form, "libx264") for form in ("mp4", "mov", "matroska", "mpegts", "flv", "avi", "3gp")),
        *((form, "libsvtav1") for form in ("mp4", "webm")),
        ("webm", "libvpx-vp9"),
        ("asf", "wmv2"),
        ("avi", "ffv1"),
        ("ivf", "libvpx"),
    ],
)
def test_an_ordinary_video_is_as_long_as_it_was_made(
    form: str, codec: str, rate: int, count: int, tmp_path: Path
) -> None:
    path = tmp_path / "ordinary"
    count = 30 if form == "mpegts" else count  # FFmpeg does not recognise a transport stream of a few packets
    with same_priority(), av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, options={"preset": "12"} if codec == "libsvtav1" else {})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(count):
            rgb = np.full((64, 64, 3), 8 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    found = media.check_video(path)
    if count > 1:
        # A transport stream does not say how long its last frame is shown.
        assert found.duration == pytest.approx(count / rate, abs=0.5 / rate if form == "mpegts" else 0.006)
        assert form == "mpegts" or found.fps == pytest.approx(rate, rel=0.06)
        assert sum(1 for _ in media.frames(path, fps=rate)) == pytest.approx(count, abs=1)
    assert media.quick_probe(path) == media.probe(path) == found


def patched(path: Path, kind: bytes, offset: int, number: int) -> Path:
    """The file with another number in a box, so many bytes behind the box's name."""
    data = bytearray(path.read_bytes())
    struct.pack_into(">I", data, data.index(kind) + offset, number)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("header", [1, 500, 10**8, 2**32 - 1])
@pytest.mark.parametrize(("kind", "offset"), [(b"mdhd", 20), (b"mvhd", 20), (b"tkhd", 24)])
def test_an_mp4_is_as_long_as_its_frames(kind: bytes, offset: int, header: int, tmp_path: Path) -> None:
    path = patched(film(tmp_path / "a.mp4", range(0, 2000, 40)), kind, offset, header)
    for info in (media.probe(path), media.check_video(path), media.quick_probe(path)):
        assert info.duration == pytest.approx(2.0, abs=0.05)
        assert info.fps == pytest.approx(25, abs=0.7)
    assert sum(1 for _ in media.frames(path, fps=25)) == pytest.approx(50, abs=1)


@pytest.mark.parametrize("form", ["matroska", "webm"])
def test_a_matroska_file_is_as_long_as_its_frames(form: str, tmp_path: Path) -> None:
    path = film(tmp_path / "a", range(0, 2000, 40), form=form, codec="libvpx" if form == "webm" else "libx264")
    data = bytearray(path.read_bytes())
    at = data.index(b"\x44\x89\x88") + 3  # its header's length, in milliseconds
    for header in (1.0, 500.0):
        struct.pack_into(">d", data, at, header)
        path.write_bytes(data)
        assert media.probe(path).duration == pytest.approx(2.0, abs=0.05)
    for header in (1e5, 1e12):
        struct.pack_into(">d", data, at, header)
        path.write_bytes(data)
        with pytest.raises(MediaError, match="it breaks off: its header speaks of"):
            media.probe(path)


def test_a_sound_that_goes_on_does_not_make_the_picture_longer(tmp_path: Path) -> None:
    for form, codec in (("mp4", "libx264"), ("matroska", "libx264"), ("webm", "libvpx")):
        path = film(tmp_path / f"a.{form}", range(0, 1000, 40), form=form, codec=codec, sound=4)
        assert media.check_video(path).duration == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    "times",
    [[0, 100_000_000], [0, 40, 80, 601_200], range(0, 16_000_000, 500_000)],
    ids=["two frames", "the last one late", "a slow one"],
)
@pytest.mark.parametrize(("form", "codec"), [("mp4", "libx264"), ("matroska", "libx264"), ("webm", "libvpx")])
def test_a_gap_or_a_length_beyond_reason_is_refused_everywhere(
    form: str, codec: str, times: Sequence[int], tmp_path: Path
) -> None:
    path = film(tmp_path / "gap", times, form=form, codec=codec)
    told = r"one of its frames is shown for \d+ s|it is longer than 14400 s"
    for read in (media.probe, media.quick_probe, lambda path: sum(1 for _ in media.frames(path))):
        with pytest.raises(MediaError, match=told):
            read(path)
    for model in ("lucy-2.5", "lucy-restyle-2"):
        if form != "matroska" or model == "lucy-2.5":
            with pytest.raises(InvalidInputError, match=told):
                prepare(models.video(model), {"prompt": "x", "data": path})


def test_the_last_frame_may_not_last_for_ever_either(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [0, 40, 80])
    path.write_bytes(path.read_bytes().replace(b"edts", b"free"))
    for kind in (b"mdhd", b"mvhd"):
        patched(path, kind, 20, 2**32 - 1)
    runs = struct.unpack_from(">I", path.read_bytes(), path.read_bytes().index(b"stts") + 8)[0]
    patched(path, b"stts", 12 + 8 * (runs - 1) + 4, 2**31 - 1)  # how long the frames of the last run are shown
    for read in (media.probe, media.quick_probe, lambda path: list(media.frames(path))):
        with pytest.raises(MediaError, match="one of its frames is shown for"):
            read(path)


def test_frames_without_number_in_no_time_are_refused(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", range(0, 2000, 40))
    timescale = struct.unpack_from(">I", path.read_bytes(), path.read_bytes().index(b"mdhd") + 16)[0]
    patched(path, b"mdhd", 16, timescale * 100)
    with pytest.raises(MediaError, match=r"frames are shown within 0\.02 s"):
        media.probe(path)


def test_gaps_and_pauses_of_screen_recordings_are_taken(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", [0, 40, 80, 300_000, 300_040], form="matroska")
    assert media.check_video(path).duration == pytest.approx(300.08, abs=0.1)


def test_a_time_that_begins_again_adds_up(tmp_path: Path) -> None:
    one = film(tmp_path / "one.ts", range(0, 1000, 40), form="mpegts").read_bytes()
    path = tmp_path / "two.ts"
    path.write_bytes(one + one)
    assert media.probe(path).duration == pytest.approx(2.0, abs=0.1)
    assert sum(1 for _ in media.frames(path, fps=25)) == pytest.approx(50, abs=2)


def test_times_that_begin_late_or_before_zero_count_from_the_first(tmp_path: Path) -> None:
    for first in (-400, 5000, 7_200_000):
        path = film(tmp_path / "late.mkv", range(first, first + 1000, 40), form="matroska")
        assert media.probe(path).duration == pytest.approx(1.0, abs=0.05)
        assert sum(1 for _ in media.frames(path, fps=25)) == 25


def test_an_edit_list_that_shows_a_part_counts_for_that_part(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", range(0, 2000, 40))
    data = path.read_bytes()
    at = data.index(b"elst")
    assert struct.unpack_from(">II", data, at + 4) == (0, 1)
    patched(path, b"elst", 12, 1000)  # a second of the film's two
    shown = len(list(media.frames(path)))
    assert media.probe(path).duration == pytest.approx(shown / 25, abs=0.05)
    assert 24 <= shown <= 27


def cut(share: float) -> Callable[[bytes], bytes]:
    return lambda data: data[: int(len(data) * share)]


def hole(begin: float, end: float) -> Callable[[bytes], bytes]:
    """The data with zeros in a part of it, as what was downloaded in pieces leaves it."""
    return lambda data: (
        data[: int(len(data) * begin)]
        + bytes(int(len(data) * end) - int(len(data) * begin))
        + data[int(len(data) * end) :]
    )


BREAKS = {"half": cut(0.5), "a fifth": cut(0.2), "half of it zeros": hole(0.5, 1.0), "a head": cut(0.02)}


@pytest.mark.parametrize(
    ("form", "codec", "options"),
    [
        ("mp4", "libx264", {"movflags": "+faststart"}),
        ("mp4", "libx264", {}),
        ("mov", "libx264", {"movflags": "+faststart"}),
        ("matroska", "libx264", {}),
        ("webm", "libvpx", {}),
        ("flv", "flv", {}),
        ("avi", "mpeg4", {}),
    ],
    ids=["mp4, index first", "mp4", "mov", "mkv", "webm", "flv", "avi"],
)
def test_what_is_not_all_there_is_refused_by_every_model(
    form: str, codec: str, options: dict[str, str], tmp_path: Path
) -> None:
    whole = film(tmp_path / "whole", range(0, 4000, 40), form=form, codec=codec, **options).read_bytes()
    for model in ("lucy-2.5", "lucy-2.6", "lucy-pro-v2v"):
        assert prepare(models.video(model), {"prompt": "x", "data": whole})
        for broken in BREAKS.values():
            with pytest.raises(InvalidInputError, match="must be a video, and data cannot be read as one"):
                prepare(models.video(model), {"prompt": "x", "data": broken(whole)})


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "JPEG2000"])
def test_half_an_image_is_refused_by_every_model(form: str, small_image: Path, small_video: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(file, form)
    whole = file.getvalue()
    for model, name, others in (
        ("lucy-pro-i2v", "data", {}),
        ("lucy-pro-flf2v", "end", {"start": small_image}),
        ("lucy-2.5", "reference_image", {"data": small_video}),
    ):
        assert prepare(models.video(model), {"prompt": "x", name: whole, **others})
        for share in (0.1, 0.5, 0.9):
            with pytest.raises(InvalidInputError, match=f"{name} must be an image"):
                prepare(models.video(model), {"prompt": "x", name: whole[: int(len(whole) * share)], **others})


def test_a_photo_with_a_film_behind_it_is_a_photo(small_image: Path, small_video: Path) -> None:
    file = io.BytesIO()
    Image.open(small_image).save(file, "JPEG")
    motion_photo = file.getvalue() + small_video.read_bytes()
    assert prepare(models.video("lucy-pro-i2v"), {"prompt": "x", "data": motion_photo})
    with pytest.raises(InvalidInputError, match="data is an image"):
        prepare(models.video("lucy-2.5"), {"prompt": "x", "data": motion_photo})
