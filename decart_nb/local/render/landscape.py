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

from .compositing import RGBA, Layer, Upscaler
from .noise import Floats, LoopingNoise, smoothstep
from .palettes import Palette
from .shot import Shot

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

    def animate(self, shot: Shot, palette: Palette) -> Iterator[av.VideoFrame]:
        """Yield the frames of a loop. There is snow where the prompt has words of winter."""
        upscaler = Upscaler(shot.size)
        width, height = upscaler.small
        line = max(2, min(height - 2, round(height * self.horizon)))
        sky = _Sky(shot, palette, (width, line))
        water = _Water(shot, palette, (width, height - line), line, self.waves)
        winter = shot.mentions("snow", "winter", "ice", "frozen", "frost", "christmas", "arctic")
        snow = 0.5 if winter else float(shot.rng.uniform(0, 0.35))
        layers: list[tuple[Layer, int, float, int]] = []
        mirrored = Image.new("RGBA", (width, line))
        for strip in self.strips:
            reach, top = _SWAY * max(shot.size) * strip.depth, round(shot.size[1] * strip.top)
            margin = int(reach) // 2 * 2 + 4
            box = (shot.size[0] + 2 * margin) // 2 * 2, max(2, round(shot.size[1] * strip.height) // 2 * 2)
            rgba = strip.paint(shot.rng, box, palette, strip.distance, snow)
            layers.append((Layer(rgba), top, reach, margin))
            small = Image.fromarray(rgba[:, margin : margin + shot.size[0]])
            small = small.resize((width, max(1, box[1] // Upscaler.scale)), Image.Resampling.BOX)
            mirrored.paste(small, (0, top // Upscaler.scale), small)
        land = np.asarray(mirrored, np.float32)
        share = land[..., 3:] * np.float32(1 / 255)
        for number in range(shot.count):
            above = sky.at(number)
            frame = upscaler.frame(np.concatenate([above, water.at(number, above + (land[..., :3] - above) * share)]))
            sway = np.sin(2 * np.pi * number / shot.count)
            for layer, top, reach, margin in layers:
                layer.draw(frame, round(reach * sway) - margin, top)
            yield frame


class _Sky:
    """A gradient, the sun or the moon, clouds that drift in a loop, and stars in a dark sky."""

    def __init__(self, shot: Shot, palette: Palette, size: tuple[int, int]) -> None:
        (_, zenith, middle, horizon, sun), rng, (width, height) = palette, shot.rng, size
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        level, is_dark = y / height, zenith.mean() <= _DARK
        base = zenith + (middle - zenith) * smoothstep(level, 0, 0.62)[..., None]
        base += (horizon - base) * smoothstep(level, 0.35, 1.0)[..., None]
        at_x, at_y = width * rng.uniform(0.2, 0.8), height * rng.uniform(0.15, 0.85)
        distance = np.hypot(x - at_x, y - at_y).astype(np.float32) / max(size)
        glow = np.minimum(0.75 * np.exp(-distance / 0.045) + 0.42 * np.exp(-distance / 0.2), 1)
        base += sun * (glow * (0.4 if is_dark else 1))[..., None] * (1 - base / 255).clip(0, 1)
        base += (sun - base) * (1 - smoothstep(distance * max(size) - 0.08 * min(size), -0.6, 0.6))[..., None]
        # A little noise, the same in all frames, keeps wide gradients from falling into bands.
        self._base = (base + rng.uniform(-0.6, 0.6, base.shape)).astype(np.float32)
        shade, warmth = (zenith + middle) / 2, np.exp(-distance / 0.28)[..., None]
        self._lit = shade * 0.25 + (horizon * 0.55 + sun * 0.45) * (0.45 + 0.55 * warmth)
        self._shade = shade + (horizon - shade) * (0.55 * level[..., None] * warmth)
        self._clear = np.float32(rng.uniform(-0.1, 0.6)) + 0.35 * smoothstep(level, 0.75, 1.05)
        self._noise = LoopingNoise(rng, size[::-1], shot.count, roughness=1.85, stretch=2.2, drift=0.09, churn=0.3)
        # Clouds crowd together towards the horizon.
        self._rows = ((level[:, 0] ** 1.25) * (height - 1)).astype(np.int64)
        stars = 150 * is_dark
        self._stars = (rng.uniform(0, 0.8, stars) * height).astype(int), rng.integers(0, width, stars)
        self._shine, self._pace = rng.uniform(20, 150, stars), rng.integers(1, 6, stars)
        self._turn = 2 * np.pi / shot.count

    def at(self, number: int) -> Floats:
        """Return the sky at a frame: height × width × 3, from 0 to 255."""
        picture = self._base.copy()
        twinkle = 0.7 + 0.3 * np.sin(self._pace * self._turn * number + self._shine)
        picture[self._stars] += (self._shine * twinkle)[:, None]
        surface = self._noise.at(number)[self._rows]
        relief = (0.5 + 0.55 * (surface - np.roll(surface, (3, 2), (0, 1)))).clip(0, 1)[..., None]
        cloud = self._shade + (self._lit - self._shade) * relief
        cover = smoothstep(surface - self._clear, 0, 1.1)[..., None] * np.float32(0.92)
        return np.asarray(picture + (cloud - picture) * cover, np.float32)


class _Water:
    """Water that mirrors what is above it, broken by waves that move in a loop."""

    def __init__(self, shot: Shot, palette: Palette, size: tuple[int, int], above: int, waves: float) -> None:
        (width, height), tile = size, (192, 320)
        self._noise = LoopingNoise(shot.rng, tile, shot.count, roughness=1.15, stretch=3.2, churn=1.6)
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
