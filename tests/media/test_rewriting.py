"""Stretches of videos, rewritten: exact to the frame, copied where that can be, the same bytes on every run."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from decart_nb import media
from decart_nb.errors import MediaError

from .test_media import BLUE, RED, corner, near, turn

#: A frame's number is told by as many columns, bright for a bit that is set, each of so many pixels.
_BITS, _WIDE = 6, 8
_STEP = 4


def picture_of(number: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    rgb = np.full((height, width, 3), 40, np.uint8)
    for bit in range(_BITS):
        rgb[:, bit * _WIDE : (bit + 1) * _WIDE] = 220 if number >> bit & 1 else 30
    return rgb


def number_of(rgb: NDArray[np.uint8]) -> int:
    middles = (rgb[4:-4, bit * _WIDE + 2 : (bit + 1) * _WIDE - 2] for bit in range(_BITS))
    return sum((float(np.median(middle)) > 128) << bit for bit, middle in enumerate(middles))


def numbered(
    path: Path,
    times: Sequence[int],
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    size: tuple[int, int] = (64, 48),
    sound: str | None = None,
    transfer: int | None = None,
    **options: str,
) -> Path:
    """A video with a frame at each of these milliseconds that tells its number; in HDR, by its brightness."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        (stream.width, stream.height), stream.pix_fmt = size, pixels
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        heard = container.add_stream(sound, rate=48000, layout="stereo") if sound else None
        if transfer:
            stream.codec_context.color_trc = transfer
            stream.codec_context.color_primaries = stream.codec_context.colorspace = 9
        for number, time in enumerate(times):
            rgb = (
                np.full((size[1], size[0], 3), 20 + _STEP * number, np.uint8) if transfer else picture_of(number, *size)
            )
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if heard:
            chance = np.random.default_rng(0)
            for number in range(max(times) // 20 + 2):
                noise = chance.normal(0, 0.1, (2, 960)).astype(np.float32)
                wave = av.AudioFrame.from_ndarray(noise, format="fltp", layout="stereo")
                wave.sample_rate, wave.pts = 48000, 960 * number
                container.mux(heard.encode(wave))
            container.mux(heard.encode(None))
    return path


def numbers(path: Path) -> list[int]:
    return [number_of(frame) for frame in media.frames(path)]


def header_length(path: Path) -> float:
    with av.open(str(path)) as container:
        return (container.duration or 0) / av.time_base


def rewritten(path: Path, target: Path, **wanted: Any) -> bool:
    return media.rewrite(media.Footage(path), target, media.Target(**wanted))


def sounds(path: Path) -> tuple[list[bytes], float]:
    """The packets of a video's sound, and its length in seconds."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        assert {stream.codec_context.name for stream in container.streams.audio} == {"aac"}
        return [bytes(packet) for packet in packets], sum(float(p.duration * p.time_base) for p in packets)


_EVEN = range(0, 50 * 40, 40)
_VARYING = [0, 33, 66, 200, 240, 500, 510, 900, 933, 966, 1000, 1400, 1410, 1420, 1430, 1500, 1600]


@pytest.mark.parametrize(
    ("name", "times", "options", "start", "end", "is_copied"),
    [
        ("each.mp4", _EVEN, {"g": "1", "bf": "0"}, 0.4, 1.2, True),
        ("groups.mp4", _EVEN, {"g": "10", "bf": "2", "sc_threshold": "0"}, 0.4, 1.2, True),
        ("from within.mp4", _EVEN, {"g": "10", "bf": "2", "sc_threshold": "0"}, 0.44, 1.2, False),
        ("to within.mp4", _EVEN, {"g": "10", "bf": "0", "sc_threshold": "0"}, 0.4, 1.0, True),
        ("open.mp4", _EVEN, {"g": "10", "x264-params": "open-gop=1:scenecut=0:b-adapt=0:bframes=3"}, 0.4, 1.2, False),
        ("varying.mp4", _VARYING, {"g": "250"}, 0.2, 1.41, False),
        ("varying each.mp4", _VARYING, {"g": "1", "bf": "0"}, 0.2, 1.41, True),
        ("varying.mkv", _VARYING, {"g": "250"}, 0.2, 1.41, False),
        ("between.mp4", _EVEN, {"g": "250"}, 0.41, 1.19, False),
        ("old.avi", _EVEN, {"codec": "mpeg4"}, 0.4, 1.2, False),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_stretch_has_the_frames_that_begin_in_it_when_they_did(
    tmp_path: Path, name: str, times: Sequence[int], options: dict[str, str], start: float, end: float, is_copied: bool
) -> None:
    path = numbered(tmp_path / name, times, **options)
    cut = tmp_path / "cut.mp4"
    assert rewritten(path, cut, start=start, end=end) is is_copied
    wanted = [number for number, time in enumerate(times) if start <= time / 1000 < end]
    assert numbers(cut) == wanted
    shown = media.FrameIndex(cut)
    begins = [(times[number] - times[wanted[0]]) / 1000 for number in wanted]
    assert shown.times == pytest.approx(begins, abs=1e-3)
    assert header_length(cut) == pytest.approx((times[wanted[-1] + 1] - times[wanted[0]]) / 1000, abs=2e-3)
    if is_copied:
        assert media.FrameIndex(cut).image(0) == media.FrameIndex(path).image(wanted[0])


def test_a_stretch_without_a_frame_is_refused(small_video: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"small\.mp4 has no frame from 3 s to 4 s: it is 1\.00 s long\."):
        rewritten(small_video, tmp_path / "none.mp4", start=3.0, end=4.0)


def test_the_same_stretch_gives_the_same_bytes_in_every_process_and_without_a_date(tmp_path: Path) -> None:
    path = numbered(tmp_path / "in.mkv", _VARYING, sound="flac", size=(322, 180))
    code = (
        "import sys; from pathlib import Path; from decart_nb import media\n"
        "target = media.Target(start=0.2, size=(160, 90), fps=20)\n"
        "media.rewrite(media.Footage(Path('in.mkv')), Path(sys.argv[1]), target)"
    )
    for name in ("a.mp4", "b.mp4"):
        subprocess.run([sys.executable, "-c", code, name], cwd=tmp_path, check=True)
    rewritten(path, tmp_path / "c.mp4", start=0.2, size=(160, 90), fps=20)
    content = (tmp_path / "a.mp4").read_bytes()
    assert content == (tmp_path / "b.mp4").read_bytes() == (tmp_path / "c.mp4").read_bytes()
    header = content.find(b"mvhd") + 8
    assert content[header : header + 8] == bytes(8)


def test_a_constant_rate_shows_at_each_moment_the_frame_that_was_shown(tmp_path: Path) -> None:
    path = numbered(tmp_path / "varying.mp4", _VARYING)
    rewritten(path, tmp_path / "even.mp4", fps=10)
    moments = range(0, 100 * round(10 * media.Footage(path).duration), 100)
    assert numbers(tmp_path / "even.mp4") == [max(n for n, t in enumerate(_VARYING) if t <= at + 1) for at in moments]
    even = media.Footage(tmp_path / "even.mp4")
    assert (even.fps, even.is_steady) == (pytest.approx(10), True)


def test_a_large_picture_is_scaled_down_in_its_own_shape_and_made_even(tmp_path: Path) -> None:
    path = numbered(tmp_path / "tall.mp4", _EVEN[:5], size=(302, 702))
    rewritten(path, tmp_path / "small.mp4", size=(320, 176))
    small = media.Footage(tmp_path / "small.mp4")
    assert (small.width, small.height) == (138, 320)


def test_what_a_phone_has_marked_as_to_be_turned_is_turned(tmp_path: Path) -> None:
    media.encode([corner()] * 5, tmp_path / "phone.mp4", fps=10)
    turn(tmp_path / "phone.mp4")
    assert rewritten(tmp_path / "phone.mp4", tmp_path / "up.mp4", upright=True) is False
    up = media.Footage(tmp_path / "up.mp4")
    assert (up.width, up.height, up.turns) == (48, 64, 0)
    before, after = (next(media.frames(tmp_path / name)) for name in ("phone.mp4", "up.mp4"))
    assert np.abs(before.astype(int) - after).mean() < 3
    # Where the mark may stay, the frames are copied with it.
    assert rewritten(tmp_path / "phone.mp4", tmp_path / "marked.mp4") is True
    marked = media.Footage(tmp_path / "marked.mp4")
    assert (marked.width, marked.height, marked.turns) == (48, 64, media.Footage(tmp_path / "phone.mp4").turns)
    assert near(next(media.frames(tmp_path / "marked.mp4"))[5, 40], RED)


@pytest.mark.parametrize("transfer", [16, 18], ids=["PQ", "HLG"])
def test_hdr_becomes_sdr_in_which_the_brighter_stays_the_brighter(tmp_path: Path, transfer: int) -> None:
    params = {"x265-params": "log-level=none"}
    path = numbered(
        tmp_path / "hdr.mp4", _EVEN, codec="libx265", pixels="yuv420p10le", transfer=transfer, size=(64, 64), **params
    )
    assert media.Footage(path).is_hdr
    rewritten(path, tmp_path / "sdr.mp4")
    sdr = media.Footage(tmp_path / "sdr.mp4")
    assert (sdr.codec, sdr.pixels, sdr.is_hdr) == ("h264", "yuv420p", False)
    shown = [float(np.median(frame)) for frame in media.frames(tmp_path / "sdr.mp4")]
    assert all(one <= other for one, other in itertools.pairwise(shown))
    assert shown[0] < 30
    assert len(set(shown)) > 40
    # Paper, at 58 % of PQ and 75 % of HLG, is bright and not white.
    paper = round(((0.58 if transfer == 16 else 0.75) * 255 - 20) / _STEP)
    assert 180 < shown[min(paper, 49)] < 250


def test_aac_is_copied_packet_by_packet(tmp_path: Path) -> None:
    path = numbered(tmp_path / "in.mp4", _EVEN, sound="aac")
    rewritten(path, tmp_path / "cut.mp4", start=0.5, end=1.5)
    whole, (cut, seconds) = sounds(path)[0], sounds(tmp_path / "cut.mp4")
    assert seconds == pytest.approx(1.0, abs=0.03)
    at = whole.index(cut[0])
    assert cut == whole[at : at + len(cut)]
    # The first frame of the stretch is shown at 0.52 s, and the encoder begins a packet before the sound.
    assert at * 1024 / 48000 == pytest.approx(0.52 + 1024 / 48000, abs=0.025)


@pytest.mark.parametrize(("name", "sound"), [("in.mkv", "libopus"), ("in.mov", "pcm_s16le"), ("in.mkv", "flac")])
def test_other_sound_becomes_aac(tmp_path: Path, name: str, sound: str) -> None:
    path = numbered(tmp_path / name, _EVEN, sound=sound)
    rewritten(path, tmp_path / "cut.mp4", start=0.5, end=1.5)
    assert sounds(tmp_path / "cut.mp4")[1] == pytest.approx(1.0, abs=0.06)
    assert numbers(tmp_path / "cut.mp4") == list(range(13, 38))


def test_a_file_is_as_large_as_it_may_be_at_most(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    noise = [chance.integers(0, 256, (144, 256, 3), np.uint8) for _ in range(25)]
    media.encode(noise, tmp_path / "noise.mp4", fps=10)
    assert (tmp_path / "noise.mp4").stat().st_size > 400_000
    rewritten(tmp_path / "noise.mp4", tmp_path / "less.mp4", most_bytes=300_000)
    assert (tmp_path / "less.mp4").stat().st_size <= 300_000
    assert len(media.FrameIndex(tmp_path / "less.mp4")) == 25


def test_an_animated_image_becomes_a_video(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (63, 48), colour) for colour in (RED, BLUE, RED)]
    pictures[0].save(tmp_path / "in.gif", save_all=True, append_images=pictures[1:], duration=[100, 300, 100])
    assert rewritten(tmp_path / "in.gif", tmp_path / "out.mp4", fps=10) is False
    frames = list(media.frames(tmp_path / "out.mp4"))
    assert [near(frame[20, 20], RED, 40) for frame in frames] == [True, False, False, False, True]


def test_what_is_beyond_the_limits_is_refused(small_video: Path, tmp_path: Path) -> None:
    from decart_nb.media.limits import Limits

    with pytest.raises(MediaError, match="frames"):
        media.Footage(small_video, limits=Limits(frames=5))
