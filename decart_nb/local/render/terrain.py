"""Terrain painters: mountains, a forest, a skyline. Each paints a wide strip with a transparent top.

Arguments of each: random shapes, the strip's width and height in pixels, the palette, the distance from 0 (near, dark)
to 1 (lost in the haze), and how much snow lies, from 0 to 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .compositing import RGBA
from .noise import Floats, noise_line, smoothstep
from .palettes import Palette


def mountains(rng: np.random.Generator, size: tuple[int, int], palette: Palette, distance: float, snow: float) -> RGBA:
    """Paint a range of peaks, lit from one side."""
    width, height = size
    crest = (1 - noise_line(rng, width, 1.42, width * 0.75)) * height * 0.78
    folds = noise_line(rng, 2 * width, 1.15, height * 0.6)
    x, below = np.arange(width), _below(crest, height)
    lean = (below * 0.75).astype(np.int64)
    side = smoothstep(folds[(x + lean) % len(folds)] - folds[(x - lean + width // 3) % len(folds)], -0.3, 0.3)
    rock, lit = _shades(palette, distance)
    colour = _mix(rock, lit, side * (1 - smoothstep(below, height * 0.1, height * 0.7)))
    white = (palette[4] * 0.6 + palette[3] * 0.4) * (0.5 + 0.45 * side)[..., None]
    snow_line = height * snow * (0.2 + 0.9 * folds[x * 2 % len(folds)])
    cover = 1 - smoothstep(below - snow_line, -height * 0.03, height * 0.06)
    return _strip(
        crest, _mix(colour, white, cover * np.float32((snow > 0) * (0.9 - 0.45 * distance))), palette, distance
    )


def forest(rng: np.random.Generator, size: tuple[int, int], palette: Palette, distance: float, snow: float) -> RGBA:
    """Paint a forest of firs on rolling ground."""
    width, height = size
    ground = height * (0.52 + 0.16 * noise_line(rng, width, 2.2, width * 0.5))
    crest, tall = ground.copy(), height * 0.42
    for slot in np.arange(0, width, max(2.0, tall * 0.13)):
        middle, rise = slot + rng.uniform(-0.1, 0.1) * tall, tall * rng.uniform(0.45, 1.12)
        spread = rise * rng.uniform(0.2, 0.27)
        x = np.arange(max(0, int(middle - spread)), max(0, min(width, int(middle + spread) + 1)))
        away = np.abs(x - middle) / spread
        branches = (away * 6.5) % 1 * 0.085
        crest[x] = np.minimum(crest[x], ground[int(slot)] - rise * (1 - away + branches))
    below = np.maximum(_below(crest, height), 0)
    dark, lit = _shades(palette, distance)
    colour = _mix(dark, lit, np.exp(-below / (tall * 0.1)) * np.float32(0.55))
    white = palette[3] * 0.35 + palette[4] * 0.45
    colour = _mix(colour, white, np.exp(-below / (tall * 0.2)) * np.float32((snow > 0.4) * (0.8 - 0.5 * distance)))
    return _strip(crest, colour, palette, distance)


def skyline(rng: np.random.Generator, size: tuple[int, int], palette: Palette, distance: float, snow: float) -> RGBA:
    """Paint tall buildings with lit windows."""
    width, height = size
    wall, lit = _shades(palette, distance)
    cell = max(3, round(height * (0.03 - 0.012 * distance)))
    lit_share = (0.42 if palette[1].mean() < 75 else 0.12) * (1 - 0.3 * distance)
    lamps = np.array([(255, 214, 140), (255, 236, 190), (255, 176, 92), palette[4], palette[3]], np.float32)
    pane = np.zeros((cell, cell, 1), np.float32)
    pane[max(1, cell // 4) :, max(1, cell // 4) :] = 1
    crest, colour = np.full(width, height, np.float32), np.zeros((height, width, 3), np.float32)
    left = 0
    while left < width:
        columns, rows, top = int(rng.integers(5, 15)), height // cell + 1, int(height * rng.uniform(0.05, 0.7) ** 0.8)
        span = min(width - left, columns * cell)
        on = rng.uniform(size=(rows, columns, 1)) < lit_share * rng.uniform(0.3, 1.5)
        on[0], on[:, 0], on[:, -1] = False, False, False
        lamp = lamps[rng.integers(0, len(lamps), (rows, columns))] * rng.uniform(0.45, 1, (rows, columns, 1))
        front = (wall + (lit - wall) * np.linspace(0.3, 0.02, columns)[:, None]) * rng.uniform(0.75, 1.2)
        house = _tiles(np.broadcast_to(front, lamp.shape), cell)
        house = house + (_tiles(lamp, cell) - house) * _tiles(on, cell) * np.tile(pane, (rows, columns, 1))
        colour[top:, left : left + span] = house[: height - top, :span]
        crest[left : left + span] = top
        left += span
    return _strip(crest, colour, palette, 0.75 * distance)


def _tiles(cells: ArrayLike, side: int) -> Floats:
    return np.asarray(cells, np.float32).repeat(side, 0).repeat(side, 1)


def _below(crest: Floats, height: int) -> Floats:
    """How far each pixel lies below the crest, in pixels."""
    return np.asarray(np.arange(height, dtype=np.float32)[:, None] - crest, np.float32)


def _shades(palette: Palette, distance: float) -> tuple[Floats, Floats]:
    """The colours of what is in shadow and of what is lit, at a distance."""
    ground, _, middle, horizon, sun = palette
    dark = ground + (horizon * 0.6 + middle * 0.4 - ground) * (distance * 0.82)
    return dark, dark * 0.55 + (sun * 0.3 + horizon * 0.35) * (0.42 + 0.3 * distance)


def _mix(colour: Floats, other: Floats, share: Floats) -> Floats:
    return np.asarray(colour + share[..., None] * (other - colour), np.float32)


def _strip(crest: Floats, colour: Floats, palette: Palette, distance: float) -> RGBA:
    """What lies below the crest, with haze that gathers at the foot of what is far away."""
    height, below = len(colour), _below(crest, len(colour))
    depth = smoothstep(below, height * 0.12, height * 0.95) * np.float32(0.2 + 0.65 * distance)
    rgba = np.empty((*below.shape, 4), np.uint8)
    rgba[..., :3] = _mix(colour, palette[3] * 0.75 + palette[2] * 0.25, depth).clip(0, 255)
    rgba[..., 3] = (below + 0.5).clip(0, 1) * 255
    return rgba
