"""Parser for the tile layout of HEIF (HEIC) images: the part of ISO/IEC 23008-12 that cameras use.

Phones divide a picture into tiles, each encoded as an image. FFmpeg decodes the tiles without reporting their layout.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from .boxes import Box, BrokenBoxError, boxes, children, is_box_file, read
from .limits import RefusedError

_MAX_HEAD = 2**24


@dataclass(frozen=True, slots=True)
class HeifImage:
    """The tile layout of a HEIF file's primary image.

    Attributes:
        tiles: the ids of the coded images that it consists of, from left to right and from above.
        rows, columns: of the tiles.
        size: width and height before it is turned, in pixels; ``None`` for a single tile's own.
        changes: what is done with it, in order: ``("turn", quarter turns anticlockwise)`` or ``("mirror", axis)``,
            where axis 0 swaps left and right, and axis 1 top and bottom.
    """

    tiles: tuple[int, ...]
    rows: int
    columns: int
    size: tuple[int, int] | None
    changes: tuple[tuple[str, int], ...]


def read_heif(file: BinaryIO) -> HeifImage | None:
    """Parse the layout of a file's primary image; ``None`` for a file without one, such as a video.

    Raises:
        RefusedError: the layout is not supported, or the file is damaged.
    """
    meta = _meta(file)
    if meta is None:
        return None
    if meta.end - meta.body > _MAX_HEAD:
        raise RefusedError("its head is too large")
    try:
        parts = {kind: body for kind, _, body in children(read(file, meta.body, meta.end)[4:])}
        if parts.get(b"hdlr", b"")[8:12] != b"pict" or b"pitm" not in parts:
            return None
        [primary] = struct.unpack_from(">H" if parts[b"pitm"][0] == 0 else ">I", parts[b"pitm"], 4)
        kind = dict(_items(parts.get(b"iinf", bytes(6)))).get(primary)
        changes = tuple(_changes(parts.get(b"iprp", b""), primary))
        if kind == b"grid":
            return _grid(file, parts, primary, changes)
    except (BrokenBoxError, struct.error, IndexError):
        raise RefusedError("its head is broken") from None
    if kind not in (b"hvc1", b"hev1", b"av01", b"avc1", b"jpeg"):
        raise RefusedError(f"it is put together as {(kind or b'nothing').decode('ascii', 'replace')}, not of tiles")
    return HeifImage((primary,), 1, 1, None, changes)


def _meta(file: BinaryIO) -> Box | None:
    """The box that says what is in a HEIF file, which comes before all that it speaks of."""
    if is_box_file(file):
        with suppress(BrokenBoxError):
            for box in boxes(file, 0, file.seek(0, 2)):
                if box.kind in (b"meta", b"moov", b"mdat"):
                    return box if box.kind == b"meta" else None
    return None


def _grid(file: BinaryIO, parts: Mapping[bytes, bytes], item: int, changes: tuple[tuple[str, int], ...]) -> HeifImage:
    data = _data(file, parts, item)
    _, flags, rows, columns = struct.unpack_from(">4B", data)
    width, height = struct.unpack_from(">II" if flags & 1 else ">HH", data, 4)
    tiles = _referred(parts.get(b"iref", bytes(4)), item)
    if len(tiles) != (rows + 1) * (columns + 1) or not width or not height:
        raise RefusedError("some of its tiles are missing")
    return HeifImage(tiles, rows + 1, columns + 1, (width, height), changes)


def _items(iinf: bytes) -> Iterator[tuple[int, bytes]]:
    """Each item's id and kind."""
    for kind, _, body in children(iinf[6 if iinf[0] == 0 else 8 :]):
        if kind == b"infe" and body[0] >= 2:
            form, at = (">H", 8) if body[0] == 2 else (">I", 10)
            yield struct.unpack_from(form, body, 4)[0], body[at : at + 4]


def _referred(iref: bytes, item: int) -> tuple[int, ...]:
    """What an item is derived from, in order."""
    form, width = ("H", 2) if iref[0] == 0 else ("I", 4)
    for kind, _, body in children(iref[4:]):
        if kind == b"dimg" and struct.unpack_from(f">{form}", body)[0] == item:
            [count] = struct.unpack_from(">H", body, width)
            return struct.unpack_from(f">{count}{form}", body, width + 2)
    return ()


def _changes(iprp: bytes, item: int) -> Iterator[tuple[str, int]]:
    parts = {kind: body for kind, _, body in children(iprp)}
    properties = [(kind, body) for kind, _, body in children(parts.get(b"ipco", b""))]
    for number in _associated(parts.get(b"ipma", bytes(8)), item):
        kind, body = properties[number - 1] if number else (b"", b"")
        if kind == b"irot":
            yield "turn", body[0] & 3
        elif kind == b"imir":
            yield "mirror", body[0] & 1
        elif kind == b"clap":
            raise RefusedError("it is to be cropped, which is not done here")


def _associated(ipma: bytes, item: int) -> Iterator[int]:
    """The numbers of an item's properties, counted from 1."""
    version, flags = ipma[0], ipma[3]
    [entries] = struct.unpack_from(">I", ipma, 4)
    at = 8
    for _ in range(entries):
        [found] = struct.unpack_from(">H" if version == 0 else ">I", ipma, at)
        at += 2 if version == 0 else 4
        count = ipma[at]
        numbers = struct.unpack_from(f">{count}{'H' if flags & 1 else 'B'}", ipma, at + 1)
        at += 1 + count * (2 if flags & 1 else 1)
        if found == item:
            yield from (number & (0x7FFF if flags & 1 else 0x7F) for number in numbers)


def _data(file: BinaryIO, parts: Mapping[bytes, bytes], item: int) -> bytes:
    """An item's own bytes, which lie in the head or in the file."""
    iloc = parts.get(b"iloc", bytes(8))
    version, sizes, more = iloc[0], iloc[4], iloc[5]
    offset_size, length_size, base_size = sizes >> 4, sizes & 15, more >> 4
    index_size = more & 15 if version else 0
    at = 6
    [entries] = struct.unpack_from(">H" if version < 2 else ">I", iloc, at)
    at += 2 if version < 2 else 4
    for _ in range(entries):
        [found] = struct.unpack_from(">H" if version < 2 else ">I", iloc, at)
        at += 2 if version < 2 else 4
        method = 0
        if version:
            method = iloc[at + 1] & 15
            at += 2
        base = int.from_bytes(iloc[at + 2 : at + 2 + base_size])
        at += 2 + base_size
        [extents] = struct.unpack_from(">H", iloc, at)
        at += 2
        for _ in range(extents):
            at += index_size
            offset = base + int.from_bytes(iloc[at : at + offset_size])
            at += offset_size
            length = int.from_bytes(iloc[at : at + length_size])
            at += length_size
            if found == item:
                end = offset + min(length or 12, 12)
                return parts.get(b"idat", b"")[offset:end] if method == 1 else read(file, offset, end)
    raise RefusedError("its head is broken")
