"""What is not decoded: told by what a file says of itself, with the size and the limit, in little memory."""

from __future__ import annotations

import io
import os
import re
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from decart_nb import InvalidInputError, media, models
from decart_nb.errors import MediaError
from decart_nb.media.limits import LIMITS, Limits
from decart_nb.request.request import prepare

EVERY_READER = [media.probe, media.check_video, media.poster, media.frame_at, media.read_image]


def png(width: int, height: int, colour: int = 0, depth: int = 1) -> bytes:
    """A PNG of zeros: very few bytes a pixel."""
    row = bytes(1 + (width * {0: 1, 2: 3, 6: 4}[colour] * depth + 7) // 8)
    packed = zlib.compressobj(9)
    data = b"".join([*(packed.compress(row) for _ in range(height)), packed.flush()])

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def moving(kind: str, width: int, height: int, count: int, **options: Any) -> bytes:
    first, *others = (Image.new("L", (width, height), number * 40 % 256) for number in range(count))
    file = io.BytesIO()
    first.save(file, kind, save_all=True, append_images=others, **{"duration": 40, **options})
    return file.getvalue()


def film(path: Path, width: int, height: int, *, count: int = 3, codec: str = "libx264") -> Path:
    with av.open(
        str(path), "w", format=path.suffix[1:].replace("mkv", "matroska").replace("ts", "mpegts")
    ) as container:
        stream = container.add_stream(codec, rate=10, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(count):
            rgb = np.full((height, width, 3), 20 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def stretched(path: Path, across: int, down: int) -> Path:
    """The MP4 with pixels of this shape."""
    data = bytearray(path.read_bytes())
    at = data.index(b"avcC") - 4
    end = at + struct.unpack_from(">I", data, at)[0]
    data[end:end] = struct.pack(">I4sII", 16, b"pasp", across, down)
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"):
        place = data.rindex(kind, 0, at) - 4
        struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + 16)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("model", ["lucy-pro-i2v", "lucy-dev-i2v", "lucy-motion", "lucy-pro-flf2v", "lucy-2.5"])
def test_a_picture_of_a_hundred_million_pixels_is_refused_by_every_model(
    model: str, small_image: Path, small_video: Path
) -> None:
    name, others = {
        "lucy-pro-flf2v": ("end", {"prompt": "x", "start": small_image}),
        "lucy-2.5": ("reference_image", {"prompt": "x", "data": small_video}),
        "lucy-motion": ("data", {"trajectory": [{"frame": 0, "x": 0, "y": 0}, {"frame": 9, "x": 1, "y": 1}]}),
    }.get(model, ("data", {"prompt": "x"}))
    data = png(10_000, 10_000)
    for given in (data, Image.new("1", (10_000, 10_000)), np.broadcast_to(np.uint8(0), (10_000, 10_000, 3))):
        with pytest.raises(InvalidInputError) as caught:
            prepare(models.video(model), {name: given, **others})
        assert (
            "it is too large, 10000×10000, 100.0 million pixels; at most 89.5 million are taken" in caught.value.message
        )


@pytest.mark.parametrize(
    ("data", "limits"),
    [
        (png(40, 30), Limits(image_pixels=1199)),
        (png(1, 40), Limits(side=39)),
        (png(40, 30, 6, 8), Limits(image_memory=40 * 30 * 8 - 1)),
        (png(40, 30), Limits(image_bytes=60)),
        (moving("GIF", 40, 30, 3), Limits(video_pixels=1199)),
        (moving("WEBP", 40, 30, 3, lossless=True), Limits(video_pixels=1199)),
        (moving("PNG", 40, 30, 3), Limits(video_pixels=1199)),
        (moving("GIF", 40, 30, 3), Limits(animation_pixels=3599)),
        (moving("WEBP", 40, 30, 3, lossless=True), Limits(animation_pixels=3599)),
        (moving("PNG", 40, 30, 3), Limits(frames=2)),
    ],
    ids=["pixels", "side", "memory", "bytes", "gif", "webp", "apng", "all of a gif", "all of a webp", "frames"],
)
def test_an_image_beyond_a_limit_is_not_decoded(data: bytes, limits: Limits) -> None:
    assert media.read_image(io.BytesIO(data))
    with pytest.raises(MediaError, match="too large"):
        media.read_image(io.BytesIO(data), limits=limits)


@pytest.mark.parametrize("read", EVERY_READER)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
def test_a_video_s_frame_beyond_a_limit_is_not_decoded(name: str, read: Any, tmp_path: Path) -> None:
    path = film(tmp_path / name, 64, 48)
    read(path)
    for limits in (Limits(video_pixels=64 * 48 - 1), Limits(side=63)):
        with pytest.raises(MediaError, match=r"it is too large, 64×48"):
            read(path, limits=limits)


@pytest.mark.parametrize("read", EVERY_READER)
@pytest.mark.parametrize("ratio", [(200, 1), (65_535, 2), (3, 1), (2**31 - 1, 2**30)])
def test_the_limit_is_one_of_square_pixels(ratio: tuple[int, int], read: Any, tmp_path: Path) -> None:
    path = stretched(film(tmp_path / "wide.mp4", 64, 48), *ratio)
    with pytest.raises(MediaError, match="it is too large"):
        read(path, limits=replace(LIMITS, video_pixels=64 * 48 * 3 // 2))


def test_a_frame_that_grows_midway_is_not_decoded_beyond_the_limit(tmp_path: Path) -> None:
    small, large = (film(tmp_path / f"{side}.ts", side, side).read_bytes() for side in (64, 640))
    (tmp_path / "grows.ts").write_bytes(small + large)
    shown = list(media.frames(tmp_path / "grows.ts"))
    assert {rgb.shape for rgb in shown} == {(64, 64, 3)}
    with pytest.raises(MediaError):
        list(media.frames(tmp_path / "grows.ts", limits=Limits(video_pixels=200 * 200)))


def test_frames_and_seconds_have_limits(small_video: Path) -> None:
    for limits in (Limits(frames=9), Limits(seconds=0.9), Limits(gap=0.05), Limits(fps=9)):
        for read in (media.probe, media.check_video, media.quick_probe, lambda *a, **k: list(media.frames(*a, **k))):
            with pytest.raises(MediaError, match=r"it has more than|it is longer|one of its frames|frames are shown"):
                read(small_video, limits=limits)


def index_bomb(path: Path, samples: int) -> Path:
    """An MP4 whose index says in a few bytes that it has so many frames of a byte each."""
    data = bytearray(film(path, 64, 48).read_bytes())
    struct.pack_into(">III", data, data.index(b"stsz") + 4, 0, 1, samples)
    struct.pack_into(">IIIII", data, data.index(b"stsc") + 4, 0, 1, 1, samples, 1)
    struct.pack_into(">IIII", data, data.index(b"stts") + 4, 0, 1, samples, 512)
    path.write_bytes(data)
    return path


def edit_bomb(path: Path, edits: int) -> Path:
    """An MP4 whose edit list shows its frames again and again."""
    data = bytearray(index_bomb(path, 1000).read_bytes())
    at = data.index(b"edts") - 4
    [old] = struct.unpack_from(">I", data, at)
    entries = struct.pack(">IiI", 2000, 0, 65_536) * edits
    edit_list = struct.pack(">I4sII", len(entries) + 16, b"elst", 0, edits) + entries
    data[at : at + old] = struct.pack(">I4s", len(edit_list) + 8, b"edts") + edit_list
    for kind in (b"trak", b"moov"):
        place = data.index(kind) - 4
        struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + len(edit_list) + 8 - old)
    path.write_bytes(data)
    return path


def run_bomb(path: Path, samples: int) -> Path:
    """A fragment whose frames are only counted."""
    data = film(path, 64, 48).read_bytes()
    run = struct.pack(">I4sIIi", 20, b"trun", 1, samples, 0)
    header = struct.pack(">I4sIIIII", 28, b"tfhd", 0x38, 1, 512, 1, 0)
    fragment = struct.pack(">I4s", len(header + run) + 8, b"traf") + header + run
    path.write_bytes(data + struct.pack(">I4s", len(fragment) + 8, b"moof") + fragment)
    return path


def deep(path: Path) -> Path:
    """A thousand boxes, each in the one before it."""
    nested = b""
    for _ in range(1000):
        nested = struct.pack(">I4s", len(nested) + 8, b"trak") + nested
    path.write_bytes(struct.pack(">I4s", 8, b"ftyp") + struct.pack(">I4s", len(nested) + 8, b"moov") + nested)
    return path


@pytest.mark.parametrize("make", [index_bomb, edit_bomb, run_bomb], ids=["samples", "edits", "fragments"])
def test_an_index_of_too_many_frames_is_not_read(make: Any, tmp_path: Path) -> None:
    path = make(tmp_path / "bomb.mp4", 50_000 if make is edit_bomb else 60_000_000)
    for read in (*EVERY_READER, media.quick_probe):
        with pytest.raises(MediaError, match="its index speaks of more than"):
            read(path)


def test_boxes_within_boxes_have_an_end(tmp_path: Path) -> None:
    for read in EVERY_READER:
        with pytest.raises(MediaError):
            read(deep(tmp_path / "deep.mp4"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells how much memory was held")
def test_a_small_file_takes_no_gigabytes(tmp_path: Path) -> None:
    (tmp_path / "tall.png").write_bytes(png(1, 2_000_000))
    (tmp_path / "large.png").write_bytes(png(6_000, 9_000))
    (tmp_path / "moving.webp").write_bytes(moving("WEBP", 3_000, 2_000, 3, lossless=True, method=0))
    stretched(film(tmp_path / "wide.mp4", 64, 48), 60_000, 1)
    index_bomb(tmp_path / "index.mp4", 60_000_000)
    edit_bomb(tmp_path / "edits.mp4", 50_000)
    names = sorted(path.name for path in tmp_path.iterdir())
    code = (
        "import sys; from decart_nb import media, MediaError\n"
        "for name in sys.argv[1:]:\n"
        "    for read in (media.read_image, media.check_video, media.poster):\n"
        "        try: read(name)\n"
        "        except MediaError: pass\n"
        "print(open('/proc/self/status').read())"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(
        [sys.executable, "-c", code, *names], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    peak = re.search(r"VmHWM:\s+(\d+)", ended.stdout)
    assert peak is not None
    assert int(peak[1]) / 1024 < 800
