"""Pictures as the encoder wants them, and layers that are laid over them.

Drawing straight into a frame's three planes (brightness at full size, two of colour at half) is two to three
times cheaper than drawing in RGB, and saves the encoder the conversion.
"""

from __future__ import annotations

from typing import Any, cast

import av
import numpy as np
from numpy.typing import NDArray

from .. import media

Plane = NDArray[np.uint8]
# Of one plane: its values, what lets the picture behind through, what is added to that, and the first solid row.
_Part = tuple[Plane, NDArray[np.uint16], NDArray[np.uint16], int]


def planes(frame: av.VideoFrame) -> list[Plane]:
    """A 4:2:0 frame's own memory, to read and to write: Y at full size, U and V at half of it."""
    return [
        np.frombuffer(cast(Any, plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
        for plane in frame.planes
    ]


class Layer:
    """A picture with transparency, prepared once to be laid over many frames.

    Args:
        rgba: height × width × 4, both sides even.
    """

    def __init__(self, rgba: NDArray[np.uint8]) -> None:
        self.height, self.width = rgba.shape[:2]
        alpha: NDArray[np.uint16] = rgba[..., 3].astype(np.uint16)
        alpha += alpha >> 7  # 0 … 255 becomes 0 … 256, so that a shift divides
        half = (alpha[::2, ::2] + alpha[1::2, ::2] + alpha[::2, 1::2] + alpha[1::2, 1::2] + 2) >> 2
        sources = planes(media.picture(np.ascontiguousarray(rgba[..., :3])))
        self._parts: list[_Part] = []
        for source, weight in zip(sources, (alpha, half, half), strict=True):
            # From some row on many layers hide all that is behind them: those rows are copied, not mixed.
            sheer = np.flatnonzero((weight < 256).any(axis=1))
            solid = int(sheer[-1]) + 1 if len(sheer) else 0
            mixed = weight[:solid]
            adds = np.add(source[:solid] * mixed, 128, dtype=np.uint16)
            self._parts.append((source.copy(), np.subtract(256, mixed, dtype=np.uint16), adds, solid))

    def onto(self, frame: av.VideoFrame, x: int, y: int) -> None:
        """Lays the layer over a frame, its top left corner at these pixels; what hangs over is cut off."""
        for index, (target, part) in enumerate(zip(planes(frame), self._parts, strict=True)):
            _lay(target, part, *((x, y) if index == 0 else (x >> 1, y >> 1)))


def _lay(target: Plane, part: _Part, x: int, y: int) -> None:
    source, lets_through, adds, solid = part
    top, bottom = max(0, y), min(target.shape[0], y + source.shape[0])
    left, right = max(0, x), min(target.shape[1], x + source.shape[1])
    if top >= bottom or left >= right:
        return
    columns = slice(left - x, right - x)
    border = min(bottom, max(top, y + solid))
    behind = target[top:border, left:right]
    mixed = behind * lets_through[top - y : border - y, columns]
    mixed += adds[top - y : border - y, columns]
    mixed >>= 8
    behind[...] = mixed
    target[border:bottom, left:right] = source[border - y : bottom - y, columns]
