"""Broken images and videos without end: ``python -m tests.media_fuzz ROUNDS [SEED]``, which prints what became of each.

Each round damages one of a few small files, and has everything that reads media read it. It is used, or refused with a
MediaError of one printable line, within a few seconds and little memory.
"""

from __future__ import annotations

import io
import json
import random
import re
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from decart_nb import media
from decart_nb.errors import MediaError
from tests.heif_files import heic

MAX_SECONDS = 20.0


def frames(count: int = 6, width: int = 64, height: int = 48) -> Iterator[NDArray[np.uint8]]:
    noise = np.random.default_rng(0).integers(0, 256, (height, width + count, 3), np.uint8)
    return (noise[:, number : number + width] for number in range(count))


def video(form: str, codec: str, pixel_format: str = "yuv420p", **options: str) -> bytes:
    path = Path("made.bin")
    with av.open(str(path), "w", format=form, options=options) as container:
        quiet = {"x265-params": "log-level=none"} if codec == "libx265" else {}
        stream = container.add_stream(codec, rate=10, options=quiet)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
        for rgb in frames():
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            container.mux(stream.encode(frame.reformat(format=pixel_format)))
        container.mux(stream.encode(None))
    return path.read_bytes()


def image(form: str, mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    first, *others = (Image.fromarray(np.ascontiguousarray(rgb)).convert(mode) for rgb in frames())
    if options.pop("moving", False):
        options |= {"save_all": True, "append_images": others, "duration": 40}
    first.save(file, form, **options)
    return file.getvalue()


def whole_files() -> dict[str, bytes]:
    """Small files of all sorts, by their names."""
    tiles = [np.ascontiguousarray(rgb) for rgb in frames(4, 64, 64)]
    return {
        "png": image("PNG"),
        "png rgba": image("PNG", "RGBA"),
        "jpeg": image("JPEG"),
        "progressive jpeg": image("JPEG", progressive=True),
        "webp": image("WEBP"),
        "gif": image("GIF", "P"),
        "tiff": image("TIFF", compression="tiff_lzw"),
        "jpeg 2000": image("JPEG2000"),
        "avif": image("AVIF", speed=10),
        "bmp": image("BMP"),
        "moving gif": image("GIF", "P", moving=True),
        "moving webp": image("WEBP", moving=True),
        "moving png": image("PNG", moving=True),
        "heic": heic(tiles, 2, 2, (120, 100), turns=1),
        "mp4": video("mp4", "libx264"),
        "mp4, index first": video("mp4", "libx264", movflags="+faststart"),
        "mp4, fragments": video("mp4", "libx264", movflags="+frag_keyframe+empty_moov"),
        "mov": video("mov", "libx264"),
        "mov, prores": video("mov", "prores_ks", "yuv422p10le"),
        "mp4, hevc": video("mp4", "libx265"),
        "webm": video("webm", "libvpx"),
        "webm, vp9": video("webm", "libvpx-vp9"),
        "mkv": video("matroska", "libx264"),
        "avi": video("avi", "mpeg4"),
        "avi, mjpeg": video("avi", "mjpeg", "yuvj420p"),
        "ts": video("mpegts", "libx264"),
        "flv": video("flv", "flv"),
    }


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The data with one to four faults."""
    broken = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        # Heads are small, and most of what is interesting is in them.
        at = chance.randrange(min(len(broken), chance.choice((64, 1024, 10**9)))) if broken else 0
        length = chance.choice((1, 2, 4, 8, 64, 512))
        match chance.randrange(7):
            case 0:
                broken[at : at + length] = chance.randbytes(len(broken[at : at + length]))
            case 1:
                del broken[at:]
            case 2:
                del broken[at : at + length]
            case 3:
                broken[at:at] = chance.randbytes(length)
            case 4:
                broken[at : at + length] = bytes(len(broken[at : at + length]))
            case 5:
                number = chance.choice((0, 1, 2**16 - 1, 2**24, 2**31 - 1, 2**32 - 1))
                broken[at : at + 4] = struct.pack(chance.choice(("<I", ">I")), number)
            case 6:
                broken[at:at] = broken[max(0, at - length) : at]
    return bytes(broken)


READERS = {
    "check_image": media.check_image,
    "check_video": media.check_video,
    "read_image": media.read_image,
    "poster": media.poster,
    "frames": lambda source: [None for _ in islice(media.frames(source, fps=25), 200)],
}


def fuzz(rounds: int, seed: int) -> dict[str, Any]:
    """What became of so many damaged files: how often they were used and refused, and whatever else happened."""
    files, counts, wrong = whole_files(), Counter[str](), list[str]()
    path = Path(f"fuzzed-{seed}.bin")
    slowest = 0.0
    for number in range(rounds):
        chance = random.Random(f"{seed}-{number}")
        kind = chance.choice(sorted(files))
        data = damaged(files[kind], chance)
        path.write_bytes(data)
        sources: dict[str, Any] = {name: (read, io.BytesIO(data)) for name, read in READERS.items()}
        sources["skim"] = (media.quick_probe, path)
        for name, (read, source) in sources.items():
            began = time.monotonic()
            try:
                read(source)
                counts["used"] += 1
            except MediaError as error:
                counts["refused"] += 1
                if not error.message.isprintable() or not error.message.endswith("."):
                    wrong.append(f"{number}: {kind}, {name}: {error.message!r}")
            except Exception as error:  # noqa: BLE001 this is what is looked for
                wrong.append(f"{number}: {kind}, {name}: {type(error).__name__}: {error}")
            took = time.monotonic() - began
            slowest = max(slowest, took)
            if took > MAX_SECONDS:
                wrong.append(f"{number}: {kind}, {name}: {took:.0f} s")
        media.is_video_container(path)
    path.unlink(missing_ok=True)
    return {**counts, "wrong": wrong, "slowest": round(slowest, 2), "mebibytes": _peak()}


def _peak() -> int | None:
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
    return int(found[1]) // 1024 if found else None


if __name__ == "__main__":
    rounds, seed = (int(text) for text in (*sys.argv[1:], "0")[:2])
    print(json.dumps(fuzz(rounds, seed), indent=1))
