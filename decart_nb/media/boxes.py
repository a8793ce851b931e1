"""Reader for the boxes of MP4, MOV and HEIF files (ISO/IEC 14496-12)."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

#: What such a file begins with.
_FIRST = (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot", b"sidx", b"meta", b"uuid")
#: The boxes that :func:`walk` looks into.
CONTAINERS = (b"moov", b"moof", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"traf")
#: How many containers may lie in one another; what is in deeper ones is left out. A track's index needs five.
_MAX_DEPTH = 8


class BrokenBoxError(Exception):
    """A box is larger than its parent, or smaller than its header."""


class Box(NamedTuple):
    """A box: its type, and the file offsets of its start, its content and its end."""

    kind: bytes
    start: int
    body: int
    end: int


def is_box_file(file: BinaryIO) -> bool:
    """Whether a file starts with a known box."""
    return read(file, 0, 8)[4:8] in _FIRST


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """Iterate over the boxes between two file offsets.

    Raises:
        BrokenBoxError: a box is smaller than its header, or larger than the remaining range.
    """
    while end - start >= 8:
        head = read(file, start, start + 16)
        size, kind = struct.unpack_from(">I4s", head)
        body = start + 8
        if size == 1 and len(head) == 16:
            [size] = struct.unpack_from(">Q", head, 8)
            body += 8
        elif size == 0:
            size = end - start
        if not body - start <= size <= end - start:
            raise BrokenBoxError
        yield Box(kind, start, body, start + size)
        start += size


def walk(file: BinaryIO, start: int, end: int, depth: int = 0) -> Iterator[Box]:
    """Iterate over the boxes between two file offsets and those inside them, each before its own content.

    Args:
        file: the file.
        start, end: the file offsets.
        depth: how many containers the range lies in.

    Raises:
        BrokenBoxError: as :func:`boxes`.
    """
    for box in boxes(file, start, end):
        yield box
        if box.kind in CONTAINERS and depth < _MAX_DEPTH:
            yield from walk(file, box.body, box.end, depth + 1)


def children(body: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Iterate over the boxes in a box's content: type, the whole box, its content."""
    file = io.BytesIO(body)
    for box in boxes(file, 0, len(body)):
        if box.kind == bytes(4):  # QuickTime may end a list with zeros
            return
        yield box.kind, body[box.start : box.end], body[box.body : box.end]


def read(file: BinaryIO, start: int, end: int) -> bytes:
    """Read the bytes between two file offsets."""
    file.seek(start)
    return file.read(end - start)
