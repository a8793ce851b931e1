"""Small lights that are drawn straight into a frame: stars, snow, rain, fireflies, embers."""

from __future__ import annotations

from collections.abc import Sequence

import av
import numpy as np
from numpy.typing import NDArray

from .fields import Floats
from .planes import planes


class Specks:
    """A swarm of soft dots of one colour, drawn at fractions of a pixel; where two overlap, one is seen.

    Args:
        colour: red, green and blue, 0 to 255.
        radius: of each dot in pixels, as long as the swarm.
        length: how much longer than wide the dots are drawn.
        slope: how far a long dot leans, in pixels across per pixel down.
    """

    def __init__(self, colour: Sequence[float], radius: Floats, *, length: float = 1, slope: float = 0) -> None:
        red, green, blue = (value / 255 for value in colour)
        luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        self._values = (16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748)
        self._radius, self._length, self._slope = radius, length, slope

    def onto(self, frame: av.VideoFrame, x: NDArray[np.floating], y: NDArray[np.floating], alpha: Floats) -> None:
        """Draws each dot at its place in pixels, as opaque as ``alpha`` says."""
        for index, target in enumerate(planes(frame)):
            scale = 1 if index == 0 else 0.5
            self._draw(target, self._values[index], x * scale, y * scale, alpha, self._radius * scale)

    def _draw(
        self,
        target: NDArray[np.uint8],
        value: float,
        x: NDArray[np.floating],
        y: NDArray[np.floating],
        alpha: Floats,
        radius: Floats,
    ) -> None:
        height, width = target.shape
        reach = int(np.ceil(1.8 * float(radius.max())))
        reach_down = int(np.ceil(reach * self._length))
        lean = int(np.ceil(abs(self._slope) * reach_down))
        across = np.arange(-reach - lean, reach + lean + 1)
        down = np.arange(-reach_down, reach_down + 1)[:, None]
        middle_x, middle_y = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
        inside = (
            (middle_x >= reach + lean)
            & (middle_x < width - reach - lean)
            & (middle_y >= reach_down)
            & (middle_y < height - reach_down)
            & (alpha > 0.01)
        )
        if not inside.any():
            return
        column = middle_x[inside, None, None] + across
        row = middle_y[inside, None, None] + down
        off_y = (row - y[inside, None, None]).astype(np.float32)
        off_x = (column - x[inside, None, None]).astype(np.float32) - np.float32(self._slope) * off_y
        narrow = (1 / np.maximum(radius[inside], 0.5)).astype(np.float32)[:, None, None]
        weight = np.exp(-((off_x * narrow) ** 2) - (off_y * narrow / self._length) ** 2) * alpha[inside, None, None]
        behind = target[row, column]
        target[row, column] = behind + (np.float32(value) - behind) * weight
