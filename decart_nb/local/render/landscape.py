"""A landscape in a loop: sky, strips of terrain that move with a swaying camera, and water that mirrors them.

Sky and water are soft: they are painted small, and enlarged by the converter that makes the encoder's format anyway.
Strips are sharp: they are painted once, wider than the picture, and laid over each frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import av
import numpy as np
from PIL import Image

from .compositing import RGBA, Layer, Upscaler, planes
from .noise import Floats, LoopingNoise, smoothstep
from .palettes import Palette

_SWAY = 0.045  # how far the nearest strip moves to either side, as a share of the picture's longer side
_DARK = 45  # a zenith that is no brighter shows stars


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip of terrain.

    Attributes:
        paint: a painter of :mod:`~decart_nb.local.render.terrain`.
        top, height: where it stands, as shares of the picture's height.
        distance: from 0 (near, dark) to 1 (lost in the haze).
        depth: how much it moves with the camera, from 0 (as far as the sky) to 1.
    """

    paint: Callable[[np.random.Generator, tuple[int, int], Palette, float, float], RGBA]
    top: float
    height: float
    distance: float
    depth: float


@dataclass(frozen=True, slots=True)
class Landscape:
    """What a landscape is made of.

    Attributes:
        strips: the terrain, from the back to the front.
        horizon: where the water begins, as a share of the height.
        waves: how high they are: 0.3 on a lake, 1 on the sea.
    """

    strips: tuple[Strip, ...]
    horizon: float
    waves: float

    def animate(
        self, palette: Palette, rng: np.random.Generator, size: tuple[int, int], count: int, *, snow: float
    ) -> Iterator[av.VideoFrame]:
        """Yield the frames of a loop.

        Args:
            palette: its colours.
            rng: where all shapes come from.
            size: width and height of the picture, in pixels.
            count: the loop's length in frames.
            snow: how much lies on the terrain, from 0 to 1.
        """
        upscaler = Upscaler(size)
        width, height = upscaler.small
        line = max(2, min(height - 2, round(height * self.horizon)))
        x, y = float(rng.uniform(0.2, 0.8)), self.horizon * float(rng.uniform(0.15, 0.85))
        sky = _Sky(palette, rng, (width, line), (x * width, y * height), count)
        water = _Water(palette, rng, (width, height - line), line, self.waves, count)
        stars, sun = _Stars(palette, rng, (size[0], round(size[1] * self.horizon * 0.85))), _sun(palette, size)
        layers: list[tuple[Layer, int, float, int]] = []
        mirrored = Image.new("RGBA", (width, line))
        for strip in self.strips:
            reach, top = _SWAY * max(size) * strip.depth, round(size[1] * strip.top)
            margin = int(reach) // 2 * 2 + 4
            box = (size[0] + 2 * margin) // 2 * 2, max(2, round(size[1] * strip.height) // 2 * 2)
            rgba = strip.paint(rng, box, palette, strip.distance, snow)
            layers.append((Layer(rgba), top, reach, margin))
            small = Image.fromarray(rgba[:, margin : margin + size[0]])
            small = small.resize((width, max(1, box[1] // Upscaler.scale)), Image.Resampling.BOX)
            mirrored.paste(small, (0, top // Upscaler.scale), small)
        land = np.asarray(mirrored, np.float32)
        share = land[..., 3:] * np.float32(1 / 255)
        for number in range(count):
            turn = 2 * np.pi * number / count
            above = sky.at(number)
            frame = upscaler.frame(np.concatenate([above, water.at(number, above + (land[..., :3] - above) * share)]))
            stars.draw(frame, turn)
            sun.draw(frame, round(x * size[0]) - sun.width // 2, round(y * size[1]) - sun.height // 2)
            for layer, top, reach, margin in layers:
                layer.draw(frame, round(reach * np.sin(turn)) - margin, top)
            yield frame


class _Sky:
    """A gradient with a glow around the sun, and clouds that drift in a loop."""

    def __init__(
        self, palette: Palette, rng: np.random.Generator, size: tuple[int, int], at: tuple[float, float], count: int
    ) -> None:
        _, zenith, middle, horizon, sun = palette
        width, height = size
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        level = y / height
        base = zenith + (middle - zenith) * smoothstep(level, 0, 0.62)[..., None]
        base += (horizon - base) * smoothstep(level, 0.35, 1.0)[..., None]
        distance = np.hypot(x - at[0], y - at[1]) / max(size)
        glow = np.minimum(0.75 * np.exp(-distance / 0.045) + 0.42 * np.exp(-distance / 0.2), 1)
        base += sun * (glow * (0.4 if zenith.mean() <= _DARK else 1))[..., None] * (1 - base / 255).clip(0, 1)
        # A little noise, the same in all frames, keeps wide gradients from falling into bands.
        self._base = (base + rng.uniform(-0.6, 0.6, base.shape)).astype(np.float32)
        shade, warmth = (zenith + middle) / 2, np.exp(-distance / 0.28)[..., None]
        self._lit = shade * 0.25 + (horizon * 0.55 + sun * 0.45) * (0.45 + 0.55 * warmth)
        self._shade = shade + (horizon - shade) * (0.55 * level[..., None] * warmth)
        self._clear = np.float32(rng.uniform(-0.1, 0.6)) + 0.35 * smoothstep(level, 0.75, 1.05)
        self._noise = LoopingNoise(rng, (height, width), count, roughness=1.85, stretch=2.2, drift=0.09, churn=0.3)
        # Clouds crowd together towards the horizon.
        self._rows = ((level[:, 0] ** 1.25) * (height - 1)).astype(np.int64)

    def at(self, number: int) -> Floats:
        """Return the sky at a frame: height × width × 3, from 0 to 255."""
        surface = self._noise.at(number)[self._rows]
        relief = (0.5 + 0.55 * (surface - np.roll(surface, (3, 2), (0, 1)))).clip(0, 1)[..., None]
        cloud = self._shade + (self._lit - self._shade) * relief
        cover = smoothstep(surface - self._clear, 0, 1.1)[..., None] * np.float32(0.92)
        return np.asarray(self._base + (cloud - self._base) * cover, np.float32)


class _Water:
    """Water that mirrors what is above it, broken by waves that move in a loop."""

    def __init__(
        self, palette: Palette, rng: np.random.Generator, size: tuple[int, int], above: int, waves: float, count: int
    ) -> None:
        width, height = size
        tile = (192, 320)
        self._noise = LoopingNoise(rng, tile, count, roughness=1.15, stretch=3.2, churn=1.6)
        # In perspective, a row further down is nearer: its waves are larger and move more.
        near = ((np.arange(height, dtype=np.float32) + 1) / height)[:, None]
        depth = 1 / (near + 0.09)
        columns = (np.arange(width) - width / 2) * (1.1 * depth**0.62) * (tile[1] / width) + tile[1] / 2
        self._lookup = (depth * 60).astype(np.int64) % tile[0] * tile[1] + columns.astype(np.int64) % tile[1]
        self._x, self._y = np.arange(width), above - 1 - np.arange(height)[:, None] * (above / height * 0.96)
        self._bend = (waves * (1.5 + 15 * near) * height / 88).astype(np.float32)
        self._gain = (waves * 0.16 * (0.4 + near)).astype(np.float32)
        self._deep = palette[0] * 0.6 + palette[1] * 0.4
        self._clarity = (0.12 + 0.5 * near**0.8)[..., None]

    def at(self, number: int, above: Floats) -> Floats:
        """Return the water at a frame, under the picture above it: height × width × 3, from 0 to 255."""
        wave = self._noise.at(number).ravel()[self._lookup]
        rows = (self._y - wave * self._bend).astype(np.int64).clip(0, above.shape[0] - 1)
        columns = (self._x + wave * self._bend * 0.25).astype(np.int64).clip(0, above.shape[1] - 1)
        mirrored = above[rows, columns]
        shown = mirrored + (self._deep - mirrored) * self._clarity
        return np.asarray(shown * (1 + wave * self._gain).clip(0.4, 1.9)[..., None], np.float32)


class _Stars:
    """Twinkling stars in a dark sky, drawn into a frame's brightness."""

    def __init__(self, palette: Palette, rng: np.random.Generator, size: tuple[int, int]) -> None:
        count, side = (150 if palette[1].mean() <= _DARK else 0), max(1, min(size) // 300)
        square = np.arange(side)
        self._x = rng.integers(0, size[0] - side, count)[:, None, None] + square
        self._y = (rng.uniform(0, 1, count) ** 1.3 * (size[1] - side)).astype(int)[:, None, None] + square[:, None]
        self._brightness, self._phase = rng.uniform(70, 235, count), rng.uniform(0, 2 * np.pi, count)
        self._pace = rng.integers(1, 6, count)

    def draw(self, frame: av.VideoFrame, turn: float) -> None:
        luma = planes(frame)[0]
        shine = self._brightness * (0.68 + 0.32 * np.sin(self._pace * turn + self._phase))
        luma[self._y, self._x] = np.maximum(luma[self._y, self._x], shine.astype(np.uint8)[:, None, None])


def _sun(palette: Palette, size: tuple[int, int]) -> Layer:
    """The sun or the moon."""
    radius = 0.05 * min(size)
    side = int(radius * 1.25) * 2 + 4
    axis = ((np.arange(side) + 0.5 - side / 2) / radius).astype(np.float32)
    rgba = np.empty((side, side, 4), np.uint8)
    rgba[..., :3] = palette[4]
    rgba[..., 3] = 255 * (1 - smoothstep(np.hypot(axis, axis[:, None]), 0.85, 1.1))
    return Layer(rgba)
