"""A digest of the decoded frames of a video, which is the same for files that differ in anything else."""

from __future__ import annotations

import hashlib

import av

from .reducing import Metadata


class FramesDigest:
    """A reducer: the SHA-256 digest of the pixels of all frames, in their order, without their times."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, time: float, metadata: Metadata, frame: av.VideoFrame | av.AudioFrame) -> None:
        """Take the next frame."""
        assert isinstance(frame, av.VideoFrame)
        self._digest.update(f"{frame.width} {frame.height} {frame.format.name};".encode())
        if len(frame.planes) != len(frame.format.components):  # a plane with several components has no rows of one
            frame = frame.reformat(format="yuv444p")
        for plane, component in zip(frame.planes, frame.format.components, strict=True):
            rows = memoryview(plane)
            used = plane.width * -(-component.bits // 8)
            for row in range(plane.height):  # a row may be longer in memory than its pixels
                self._digest.update(rows[row * plane.line_size : row * plane.line_size + used])

    def value(self, length: float) -> str:
        """The digest, in hex."""
        return self._digest.hexdigest()
