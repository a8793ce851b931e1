"""Metadata tags of MP4 and MOV files: writes a copy of a file with added tags.

An MP4 or MOV is a sequence of boxes (ISO/IEC 14496-12), and its tags are in its index, the ``moov`` box. The copy has
a new index in the same position; all other boxes are copied unchanged, except for file offsets, which are adjusted.
The tags are iTunes' (``moov/udta/meta/ilst``): players show them, and FFmpeg keeps them when it copies a file.
:func:`decart_nb.media.probe` reads them.

FFmpeg's remux is not used: it turns a fragmented file into an unfragmented one, and drops QuickTime's own tags and data
after the last box.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import MediaError
from .boxes import Box, BrokenBoxError, boxes, children, read, walk
from .files import atomic_write, open_file

#: The boxes of iTunes' tags, by the names that :func:`write_tags` takes.
_NAMES = {"title": b"\xa9nam", "artist": b"\xa9ART", "comment": b"\xa9cmt"}
#: The boxes outside the index that have file offsets in them.
_WITH_OFFSETS = (b"moof", b"mfra")
#: The largest index that is read into memory, and how much of the rest is copied at once, in bytes.
_MAX_INDEX = 2**28
_CHUNK = 2**20
_TEXT = 1  # iTunes' number for UTF-8


def write_tags(source: Path, target: Path, tags: Mapping[str, str]) -> None:
    """Copy an MP4 or MOV with added tags. The copy is written atomically.

    Args:
        source: the video.
        target: another path; an existing file is replaced.
        tags: ``title``, ``artist`` and ``comment``. Other tags of the source are kept.

    Raises:
        MediaError: the source is not a complete MP4, or the target cannot be written.
    """
    with open_file(source) as old, atomic_write(target) as new:
        try:
            _copy(old, new, tags)
        except (BrokenBoxError, struct.error) as cause:
            raise MediaError(
                f"{source.name} cannot have tags, since it is not a complete MP4. Copy the file itself, without tags.",
                cause=cause,
            ) from None


def _copy(old: BinaryIO, new: BinaryIO, tags: Mapping[str, str]) -> None:
    """Copy a file with a new index."""
    size = old.seek(0, io.SEEK_END)
    found: list[Box] = []
    with suppress(BrokenBoxError):  # what follows the last whole box is copied as it is: players make do with that, too
        found += boxes(old, 0, size)
    indices = [box for box in found if box.kind == b"moov"]
    if len(indices) != 1 or indices[0].end - indices[0].start > _MAX_INDEX:
        raise BrokenBoxError
    [index] = indices
    moov = _moov_with_tags(read(old, index.body, index.end), tags)
    by = len(moov) - (index.end - index.start)  # how far all that follows the index moves
    for box in found:
        if box.kind == b"moov":
            new.write(shifted(moov, index.end, by))
        elif box.kind in _WITH_OFFSETS:
            new.write(shifted(read(old, box.start, box.end), index.end, by))
        else:
            _copy_range(old, new, box.start, box.end)
    _copy_range(old, new, found[-1].end, size)


def _copy_range(old: BinaryIO, new: BinaryIO, start: int, end: int) -> None:
    """Copy a range of bytes unchanged."""
    new.writelines(read(old, at, min(at + _CHUNK, end)) for at in range(start, end, _CHUNK))


def _box(kind: bytes, *parts: bytes) -> bytes:
    """A box: its size, its kind, and its content."""
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _moov_with_tags(moov: bytes, tags: Mapping[str, str]) -> bytes:
    """Build an index with new tags from the content of the old one.

    The tags come last: where there are QuickTime's tags as well, under names of their own, FFmpeg would take ours for
    those, and of two that bear one name it shows the last.
    """
    ours = [_NAMES[name] for name in tags]
    index: list[bytes] = []
    others: list[bytes] = []
    items: list[bytes] = []
    for kind, whole, content in children(moov):
        if kind == b"udta":
            for name, box, body in children(content):
                listed = _ilst_content(body) if name == b"meta" else None
                if listed is not None:
                    items += [item for name, item, _ in children(listed) if name not in ours]
                elif name not in ours:
                    others.append(box)
        else:
            index.append(whole)
    items += [
        _box(name, _box(b"data", struct.pack(">II", _TEXT, 0), _clean(text)))
        for name, text in zip(ours, tags.values(), strict=True)
    ]
    handler = _box(b"hdlr", bytes(8), b"mdirappl", bytes(9))
    meta = _box(b"meta", bytes(4), handler, _box(b"ilst", *items))
    return _box(b"moov", *index, _box(b"udta", *others, meta))


def _ilst_content(meta: bytes) -> bytes | None:
    """The content of the ``ilst`` box in a ``meta`` box; ``None`` if its tags are not iTunes'."""
    version = 0 if meta[4:8] == b"hdlr" else 4  # QuickTime's boxes of that name have none
    by_kind = {kind: body for kind, _, body in children(meta[version:])}
    return by_kind.get(b"ilst", b"") if by_kind.get(b"hdlr", b"")[8:12] == b"mdir" else None


def _clean(text: str) -> bytes:
    """The UTF-8 of a tag, without zeros, which readers of tags take for the end of the text."""
    return text.replace("\0", "").encode("utf-8", "replace")


def shifted(box: bytes, behind: int, by: int) -> bytes:
    """A copy of a box with ``by`` added to all file offsets from ``behind`` on."""
    new = bytearray(box)
    for place, form in _offset_positions(io.BytesIO(box), len(box)):
        [offset] = struct.unpack_from(form, box, place)
        if offset >= behind:
            struct.pack_into(form, new, place, offset + by)
    return bytes(new)


def _offset_positions(file: BinaryIO, size: int) -> Iterator[tuple[int, str]]:
    """Positions of the file offsets inside a box, which is all of a file, with their ``struct`` formats."""
    [outer] = boxes(file, 0, size)
    for box in walk(file, outer.body, outer.end):
        if box.kind in (b"stco", b"co64"):  # each chunk of a track
            form, width = (">I", 4) if box.kind == b"stco" else (">Q", 8)
            [count] = struct.unpack_from(">I", read(file, box.body, box.end), 4)
            yield from ((box.body + 8 + width * number, form) for number in range(count))
        elif box.kind == b"tfhd":  # a fragment's samples, in older files
            [flags] = struct.unpack_from(">I", read(file, box.body, box.end))
            if flags & 1:
                yield box.body + 8, ">Q"
        elif box.kind == b"tfra":  # each fragment
            version, lengths, count = struct.unpack_from(">B7xII", read(file, box.body, box.end))
            form, width = (">Q", 8) if version else (">I", 4)
            entry = 2 * width + 3 + sum(lengths >> shift & 3 for shift in (0, 2, 4))
            yield from ((box.body + 16 + width + entry * number, form) for number in range(count))
