"""Reading and writing media: on files made here, with Pillow and PyAV."""

from __future__ import annotations

import io
import os
import struct
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

RED, GREEN, BLUE = (220, 30, 30), (30, 200, 60), (30, 50, 220)


def plain(colour: Sequence[int], width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    return np.full((height, width, 3), colour, np.uint8)


def corner(width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """Blue, with a red quarter at the top left: its orientation can be told."""
    rgb = plain(BLUE, width, height)
    rgb[: height // 2, : width // 2] = RED
    return rgb


def near(pixel: Any, colour: Sequence[int], within: int = 20) -> bool:
    return bool(np.abs(np.asarray(pixel, int) - colour).max() <= within)


def write_webm(path: Path, times: Sequence[int], *, audio: bool = False, live: bool = False) -> None:
    """A VP8 file with a frame at each of these milliseconds, brighter and brighter."""
    with av.open(str(path), "w", format="webm", options={"live": "1"} if live else {}) as container:
        stream = container.add_stream("libvpx", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        sound = container.add_stream("libopus", rate=48000) if audio else None
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(plain([10 + 20 * number] * 3), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 2 * 9600), np.int16), format="s16", layout="stereo")
            silence.sample_rate, silence.pts = 48000, 0
            container.mux(sound.encode(silence))
            container.mux(sound.encode(None))


def turn(path: Path) -> None:
    """Marks an MP4 as to be shown a quarter turn clockwise, as a phone does."""
    data = bytearray(path.read_bytes())
    matrix = data.find(b"tkhd") + 4 + 40
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30)
    path.write_bytes(data)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    media.encode([corner()] * 10 + [plain(GREEN)] * 10, path, fps=10)
    return path


def test_what_was_encoded_is_what_is_probed_and_read(clip: Path) -> None:
    info = media.probe(clip)
    assert (info.width, info.height, info.fps, info.duration) == (64, 48, 10, 2)
    assert (info.codec, info.has_audio) == ("h264", False)
    shown = list(media.frames(clip))
    assert len(shown) == 20
    assert all(rgb.shape == (48, 64, 3) and rgb.dtype == np.uint8 for rgb in shown)
    assert near(shown[0][10, 10], RED)
    assert near(shown[0][40, 50], BLUE)
    assert near(shown[-1][10, 10], GREEN)


def test_a_browser_can_play_what_was_encoded(clip: Path) -> None:
    data = clip.read_bytes()
    assert data.find(b"moov") < data.find(b"mdat"), "the index comes first"
    with av.open(str(clip)) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.name, codec.pix_fmt) == ("h264", "yuv420p")
        assert (codec.colorspace, codec.color_primaries, codec.color_trc, codec.color_range) == (1, 1, 1, 1)


@pytest.mark.parametrize(("width", "height"), [(63, 48), (64, 47), (33, 35), (1, 1)])
def test_odd_sizes_become_even(tmp_path: Path, width: int, height: int) -> None:
    media.encode([plain(RED, width, height)] * 3, tmp_path / "odd.mp4", fps=5)
    info = media.probe(tmp_path / "odd.mp4")
    assert (info.width, info.height) == (width + width % 2, height + height % 2)
    assert near(next(media.frames(tmp_path / "odd.mp4"))[-1, -1], RED)


def test_prepared_frames_are_encoded_as_arrays_are(tmp_path: Path) -> None:
    media.encode([corner()] * 3, tmp_path / "arrays.mp4", fps=29.97)
    media.encode([media.picture(corner()) for _ in range(3)], tmp_path / "frames.mp4", fps=29.97)
    assert (tmp_path / "arrays.mp4").read_bytes() == (tmp_path / "frames.mp4").read_bytes()


def test_what_cannot_be_encoded_is_a_media_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no frame"):
        media.encode([], tmp_path / "none.mp4", fps=25)
    with pytest.raises(MediaError, match="height × width × 3"):
        media.encode([np.zeros((4, 4), np.uint8)], tmp_path / "flat.mp4", fps=25)
    with pytest.raises(MediaError, match=r"x\.mp4 cannot be written"):
        media.encode([plain(RED)], tmp_path / "no folder" / "x.mp4", fps=25)


def test_an_error_of_whoever_makes_the_frames_passes_through(tmp_path: Path) -> None:
    def broken() -> Any:
        yield plain(RED)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        media.encode(broken(), tmp_path / "x.mp4", fps=25)


def test_a_turned_video_is_upright(clip: Path) -> None:
    turn(clip)
    info = media.probe(clip)
    assert (info.width, info.height) == (48, 64)
    first = next(media.frames(clip))
    assert first.shape == (64, 48, 3)
    # A quarter turn clockwise brings the top left to the top right.
    assert near(first[10, 40], RED)
    assert near(first[10, 10], BLUE)
    assert media.read_image(clip).size == (48, 64)
    assert Image.open(io.BytesIO(media.poster(clip))).size == (48, 64)


@pytest.mark.parametrize("live", [False, True])
def test_a_recording_with_uneven_times_keeps_its_length(tmp_path: Path, live: bool) -> None:
    path = tmp_path / "recording.webm"
    write_webm(path, [0, 40, 80, 500, 540, 960], live=live)
    with av.open(str(path)) as container:
        assert (container.duration is None) == live
    info = media.probe(path)
    assert info.codec == "vp8"
    assert info.duration == pytest.approx(1.0, abs=0.06)
    shown = [int(rgb[20, 20, 0]) for rgb in media.frames(path, fps=25)]
    assert len(shown) == pytest.approx(25, abs=1)
    # The third frame (grey 50) stands from 80 ms until 500 ms: ten output frames.
    assert sum(abs(value - 50) < 9 for value in shown) == pytest.approx(10, abs=1)
    assert shown == sorted(shown)


def test_resampling_keeps_the_length(clip: Path) -> None:
    for fps in (5, 10, 22, 25, 30):
        assert sum(1 for _ in media.frames(clip, fps=fps)) == 2 * fps


def test_sound_is_noticed_and_left_alone(tmp_path: Path) -> None:
    write_webm(tmp_path / "sound.webm", [0, 40, 80], audio=True)
    assert media.probe(tmp_path / "sound.webm").has_audio
    assert sum(1 for _ in media.frames(tmp_path / "sound.webm")) == 3


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animated_image_is_a_video(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "moving"
    first, *others = [Image.fromarray(plain(colour)) for colour in (RED, GREEN, BLUE)]
    first.save(path, kind, save_all=True, append_images=others, duration=200, loop=0, lossless=True)
    info = media.probe(path)
    assert (info.width, info.height, info.codec) == (64, 48, kind.lower())
    assert info.duration == pytest.approx(0.6)
    shown = list(media.frames(path, fps=10))
    assert [near(rgb[20, 20], colour) for rgb, colour in zip(shown[::2], (RED, GREEN, BLUE), strict=True)] == [True] * 3
    assert near(media.read_image(path).getpixel((20, 20)), RED)
    assert near(Image.open(io.BytesIO(media.poster(path, at=1))).getpixel((20, 20)), BLUE)


def test_tags_are_read_whoever_wrote_them(tmp_path: Path, clip: Path) -> None:
    write_webm(tmp_path / "small.webm", [0, 40])
    assert "encoder" in media.probe(tmp_path / "small.webm").tags, "Matroska has its names in capitals"
    data = clip.read_bytes()
    assert b"Lavf" in data
    clip.write_bytes(data.replace(b"Lavf", b"La\xff\xfe"))
    assert media.probe(clip).tags["encoder"].startswith("La\ufffd"), "no UTF-8, and no reason to refuse the video"


def test_sources_may_be_paths_texts_and_files(clip: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    data = clip.read_bytes()
    used = io.BytesIO(data)
    used.seek(100)
    for source in (clip, str(clip), used, Pipe(data)):
        assert media.probe(source).duration == 2
    assert not used.closed


def test_a_poster_is_a_frame_from_within(clip: Path) -> None:
    early, late = (Image.open(io.BytesIO(media.poster(clip, at=at))) for at in (0, 1))
    assert early.format == "JPEG"
    assert near(early.getpixel((10, 10)), RED, 40)
    assert near(late.getpixel((10, 10)), GREEN, 40)
    small = Image.open(io.BytesIO(media.poster(clip, width=32)))
    assert small.size == (32, 24)


def image_file(path: Path, image: Image.Image, kind: str = "PNG", **more: Any) -> Path:
    image.save(path, kind, **more)
    return path


def test_images_are_upright_and_rgb_over_white(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise
    turned = media.read_image(image_file(tmp_path / "a", Image.fromarray(corner()), "JPEG", exif=exif, quality=95))
    assert turned.size == (48, 64)
    assert near(turned.getpixel((40, 10)), RED)
    half = Image.new("RGBA", (8, 8), (255, 0, 0, 128))
    assert near(media.read_image(image_file(tmp_path / "b", half)).getpixel((4, 4)), (255, 127, 127), 2)
    clear = Image.new("LA", (8, 8), (0, 0))
    assert media.read_image(image_file(tmp_path / "c", clear)).getpixel((4, 4)) == (255, 255, 255)
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, *RED])
    assert media.read_image(image_file(tmp_path / "d", palette)).getpixel((4, 4)) == RED
    deep = Image.fromarray(np.full((8, 8), 0x8000, np.uint16))
    assert near(media.read_image(image_file(tmp_path / "e", deep)).getpixel((4, 4)), (128, 128, 128), 2)
    floating = Image.fromarray(np.full((8, 8), 0.5, np.float32))
    assert near(media.read_image(image_file(tmp_path / "f", floating, "TIFF")).getpixel((4, 4)), (127, 127, 127), 2)
    grey = Image.new("L", (1, 1), 77)
    assert media.read_image(image_file(tmp_path / "g", grey)).getpixel((0, 0)) == (77, 77, 77)


def test_a_video_s_first_frame_is_an_image(clip: Path) -> None:
    image = media.read_image(clip)
    assert (image.mode, image.size) == ("RGB", (64, 48))
    assert near(image.getpixel((10, 10)), RED)


def junk(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "words.txt").write_text("a dog, running\n" * 200)
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    (tmp_path / "list.m3u8").write_text("#EXTM3U\n#EXTINF:5,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n")
    media.encode([corner()] * 5, tmp_path / "whole.mp4", fps=5)
    (tmp_path / "half.mp4").write_bytes((tmp_path / "whole.mp4").read_bytes()[:400])
    names = ("empty.mp4", "words.txt", "noise.mp4", "list.m3u8", "half.mp4", "not there.mp4")
    return {name: tmp_path / name for name in names} | {"a folder": tmp_path, "bytes": io.BytesIO(b"plainly not")}


@pytest.mark.parametrize("read", [media.probe, media.frames, media.poster, media.read_image])
def test_what_cannot_be_decoded_is_one_plain_sentence(
    tmp_path: Path, read: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    for source in junk(tmp_path).values():
        with pytest.raises(MediaError) as caught:
            next(iter(read(source, name="data")))
        wanted = "an image" if read is media.read_image else "a video"
        assert str(caught.value).startswith(f"data is not {wanted} that can be decoded: ")
        assert str(caught.value).endswith(".")
        assert "\n" not in str(caught.value)
        assert caught.value.__suppress_context__ or caught.value.cause is None
    assert capfd.readouterr() == ("", ""), "FFmpeg keeps quiet"


def test_errors_call_a_file_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"^not there\.mp4 is not a video that can be decoded: no such file"):
        media.probe(tmp_path / "not there.mp4")


@pytest.mark.parametrize("read", [media.probe, media.frames, media.poster])
def test_a_still_image_is_no_video(tmp_path: Path, read: Any) -> None:
    path = image_file(tmp_path / "still.png", Image.new("RGB", (8, 8)))
    with pytest.raises(MediaError, match=r"still\.png is a still image, not a video"):
        next(iter(read(path)))


def test_a_decompression_bomb_is_refused(tmp_path: Path) -> None:
    path = image_file(tmp_path / "bomb.png", Image.new("1", (20000, 10000)))
    with pytest.raises(MediaError, match="too large"):
        media.read_image(path)


def test_a_recording_that_breaks_off_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "cut.webm"
    write_webm(path, range(0, 400, 40), live=True)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 8 // 10])
    shown = list(media.frames(path))
    assert 3 <= len(shown) < 10
    assert all(rgb.shape == (48, 64, 3) for rgb in shown)


def test_a_skimmed_video_is_described_as_a_probed_one_and_what_is_not_whole_is_refused(small_video, tmp_path) -> None:
    assert media.quick_probe(small_video) == media.probe(small_video)
    whole = small_video.read_bytes()
    for number, broken in enumerate(
        (whole[:-20], whole[:200], whole.replace(b"mdat", b"mdat" + bytes(900))[:900], b"<p>")
    ):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(broken)
        with pytest.raises(MediaError, match="that can be decoded"):
            media.quick_probe(path)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells how much memory is held")
def test_a_look_at_a_video_leaves_nothing_in_memory(small_video) -> None:
    def held() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def look(times: int) -> int:
        for _ in range(times):
            media.quick_probe(small_video)
        return held()

    before = look(30)
    assert look(200) - before < 4 * 2**20, "it was ten, when PyAV kept what it had read"


def test_a_skimmed_video_is_not_decoded(clip) -> None:
    turn(clip)
    assert (media.probe(clip).width, media.probe(clip).height) == (48, 64)
    assert (media.quick_probe(clip).width, media.quick_probe(clip).height) == (64, 48), "only a decoded frame is turned"


def test_what_is_no_mp4_is_probed_in_place_of_skimming(tmp_path) -> None:
    path = tmp_path / "moving.gif"
    images = [Image.new("RGB", (32, 32), color) for color in ("red", "blue")]
    images[0].save(path, save_all=True, append_images=images[1:], duration=100)
    assert media.quick_probe(path) == media.probe(path)


@pytest.mark.parametrize("within", [(32, 48), (64, 24), (32, 24)])
def test_frames_scaled_down_keep_their_shape(within: tuple[int, int], small_video) -> None:
    scaled = list(media.frames(small_video, within=within))
    assert {frame.shape for frame in scaled} == {(24, 32, 3)}
    assert len(scaled) == 10
    assert [frame.shape for frame in media.frames(small_video, within=(640, 480))] == [(48, 64, 3)] * 10
