"""Check of the number of frames in an MP4 or MOV index, before FFmpeg allocates memory for them.

A few bytes of an index can declare a billion frames of one byte, or repeat all frames by an edit list.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from .boxes import Box, BrokenBoxError, is_box_file, read, walk
from .limits import Limits, RefusedError

#: More than four hours in fragments of a second have, and too few to take long.
_MAX_BOXES = 200_000


def check_index(file: BinaryIO, limits: Limits) -> bool:
    """Check that the index of an MP4 or MOV is small enough for FFmpeg. Other and damaged files pass.

    Returns:
        Whether the file is fragmented.

    Raises:
        RefusedError: it has more frames than the limits allow, or their number cannot be determined.
    """
    if not is_box_file(file):
        return False
    fragmented, entries, track = False, 0, _Track()
    try:
        for number, box in enumerate(walk(file, 0, file.seek(0, 2))):
            if number == _MAX_BOXES:
                raise RefusedError("it is in more parts than are read")
            if box.kind == b"cmov":
                raise RefusedError("its index is compressed, which is not read")
            fragmented |= box.kind == b"moof"
            if box.kind in (b"trak", b"traf"):
                entries, track = entries + track.entries, _Track()
            track.add(box, read(file, box.body, min(box.end, box.body + 16)))
            if entries + track.entries > limits.index_entries:
                raise RefusedError(f"its index speaks of more than {limits.index_entries} frames")
    except (BrokenBoxError, struct.error):
        pass  # FFmpeg stops there too
    return fragmented


@dataclass
class _Track:
    """Frame counts from the boxes of one track, or of its part in one fragment."""

    samples: int = 0
    chunks: int = 0
    fragments: int = 0
    edits: int = 1
    by_chunks: bool = False
    is_sound: bool = False

    @property
    def entries(self) -> int:
        """How many entries FFmpeg's index of it would have at most."""
        return self.fragments + self.edits * (self.chunks if self.is_sound and self.by_chunks else self.samples)

    def add(self, box: Box, head: bytes) -> None:
        space = box.end - box.body
        if box.kind == b"stsz":
            size, samples = struct.unpack_from(">II", head, 4)
            self.samples = samples if size else min(samples, space // 4)
        elif box.kind == b"stz2":
            self.samples = min(struct.unpack_from(">I", head, 8)[0], 2 * space)
        elif box.kind in (b"stco", b"co64"):
            self.chunks = min(struct.unpack_from(">I", head, 4)[0], space // 4)
        elif box.kind == b"stts":  # FFmpeg keeps sound whose samples last 1 each by its chunks
            self.by_chunks = head[4:8] == b"\0\0\0\1" and head[12:16] == b"\0\0\0\1"
        elif box.kind == b"hdlr":
            self.is_sound |= head[8:12] == b"soun"
        elif box.kind == b"elst":
            self.edits = max(1, min(struct.unpack_from(">I", head, 4)[0], space // 12))
        elif box.kind == b"trun":
            self.fragments += struct.unpack_from(">I", head, 4)[0]
