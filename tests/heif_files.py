"""HEIF images, written box by box (ISO/IEC 23008-12): a grid of tiles, each coded with HEVC."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import av
import numpy as np
from numpy.typing import NDArray


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full_box(kind: bytes, version: int, *parts: bytes) -> bytes:
    return box(kind, struct.pack(">I", version << 24), *parts)


def coded(rgb: NDArray[np.uint8]) -> tuple[bytes, bytes]:
    """An image's decoder configuration, and the image."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx265", rate=1, options={"x265-params": "log-level=none:keyint=1"})
        stream.height, stream.width = rgb.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.codec_tag = "hvc1"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))
    whole = file.getvalue()
    at = whole.index(b"hvcC") - 4
    configuration = whole[at : at + struct.unpack_from(">I", whole, at)[0]]
    file.seek(0)
    with av.open(file) as container:
        return configuration, bytes(next(container.demux(video=0)))


def heic(
    tiles: Sequence[NDArray[np.uint8]],
    rows: int,
    columns: int,
    size: tuple[int, int],
    *,
    turns: int | None = None,
    mirror: int | None = None,
    brand: bytes = b"heic",
    derived: bytes = b"grid",
    lost: int = 0,
) -> bytes:
    """An image of tiles, put together to a width and height.

    Args:
        tiles: from left to right and from above, all of one size.
        rows, columns: of the tiles.
        size: width and height of the whole.
        turns: quarter turns anticlockwise that the image is to be shown with.
        mirror: 0 to swap left and right, 1 to swap top and bottom.
        brand: the file's major brand.
        derived: what the image is put together as.
        lost: how many tiles the grid does not name.
    """
    images = [coded(tile) for tile in tiles]
    count, whole = len(images), len(images) + 1
    height, width = tiles[0].shape[:2]
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size)
    entries = [full_box(b"infe", 2, struct.pack(">HH", item, 0), b"hvc1\0") for item in range(1, whole)]
    entries.append(full_box(b"infe", 2, struct.pack(">HH", whole, 0), derived, b"\0"))
    named = range(1, whole - lost)
    references = box(b"dimg", struct.pack(f">HH{len(named)}H", whole, len(named), *named))
    properties = [
        images[0][0],
        full_box(b"ispe", 0, struct.pack(">II", width, height)),
        full_box(b"ispe", 0, struct.pack(">II", *size)),
    ]
    own = [3]
    for kind, value in ((b"irot", turns), (b"imir", mirror)):
        if value is not None:
            properties.append(box(kind, bytes([value])))
            own.append(0x80 | len(properties))
    associations = [struct.pack(">HBBB", item, 2, 0x81, 2) for item in range(1, whole)]
    associations.append(struct.pack(">HB", whole, len(own)) + bytes(own))
    parts = (
        full_box(b"hdlr", 0, bytes(4), b"pict", bytes(13)),
        full_box(b"pitm", 0, struct.pack(">H", whole)),
        full_box(b"iinf", 0, struct.pack(">H", whole), *entries),
        box(b"iprp", box(b"ipco", *properties), full_box(b"ipma", 0, struct.pack(">I", whole), *associations)),
        box(b"idat", grid),
        full_box(b"iref", 0, references),
    )
    start = box(b"ftyp", brand, bytes(4), b"mif1heic")

    def head(offsets: Sequence[int]) -> bytes:
        places = [
            struct.pack(">HHHHII", item, 0, 0, 1, offset, len(data))
            for item, (offset, (_, data)) in enumerate(zip(offsets, images, strict=True), 1)
        ]
        places.append(struct.pack(">HHHHII", whole, 1, 0, 1, 0, len(grid)))
        return full_box(b"meta", 0, *parts, full_box(b"iloc", 1, struct.pack(">BBH", 0x44, 0, whole), *places))

    first = len(start) + len(head([0] * count)) + 8
    offsets = [first + sum(len(data) for _, data in images[:number]) for number in range(count)]
    return start + head(offsets) + box(b"mdat", *(data for _, data in images))
