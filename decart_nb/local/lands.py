"""What stands before the sky: mountains, woods, dunes and towns, each a wide strip with a transparent top."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .fields import Floats, outline, smooth
from .moods import Mood

RGBA = NDArray[np.uint8]


def mountains(chance: np.random.Generator, size: tuple[int, int], mood: Mood, far: float, snow: float) -> RGBA:
    """A range of peaks, lit from one side.

    Args:
        chance: its shape.
        size: width and height of the strip, in pixels.
        mood: colours.
        far: how far away it is, from 0 (near, dark) to 1 (lost in the haze).
        snow: how far down the snow lies, from 0 to 1.
    """
    width, height = size
    crest = (1 - outline(chance, width, 1.42, width * 0.75)) * height * 0.78
    fold = outline(chance, 2 * width, 1.15, height * 0.6)
    x, below = np.arange(width), _below(crest, height)
    lean = (below * 0.75).astype(np.int64)
    facet = fold[(x + lean) % len(fold)] - fold[(x - lean + width // 3) % len(fold)]
    side = smooth(facet, -0.3, 0.3)
    rock, lit = _shades(mood, far)
    colour = _blended(rock, lit, side * (1 - smooth(below, height * 0.1, height * 0.7)))
    if snow > 0:
        white = (mood.light * 0.6 + mood.horizon * 0.4) * (0.5 + 0.45 * side)[..., None]
        line = height * snow * (0.2 + 0.9 * fold[x * 2 % len(fold)])
        cover = 1 - smooth(below - line, -height * 0.03, height * 0.06)
        colour = _blended(colour, white, cover * np.float32(0.9 - 0.45 * far))
    return _strip(crest, below, _hazed(colour, below, height, mood, far))


def hills(chance: np.random.Generator, size: tuple[int, int], mood: Mood, far: float) -> RGBA:
    """Round hills."""
    width, height = size
    crest = (1 - outline(chance, width, 2.3, width * 0.6)) * height * 0.6 + outline(chance, width, 0.7, 40) * 3
    below = _below(crest, height)
    rock, lit = _shades(mood, far)
    colour = _blended(rock, lit, _faded(below, height * 0.12) * np.float32(0.75))
    return _strip(crest, below, _hazed(colour, below, height, mood, far))


def dunes(chance: np.random.Generator, size: tuple[int, int], mood: Mood, far: float) -> RGBA:
    """Waves of sand, bright on one side of a winding ridge."""
    width, height = size
    crest = (1 - outline(chance, width, 2.6, width * 0.55)) * height * 0.7
    wind = outline(chance, 2 * width, 3.0, width * 0.7)
    below = _below(crest, height)
    lean = (below * 0.9).astype(np.int64)
    side = smooth(np.gradient(wind)[(np.arange(width) + lean) % len(wind)] * width, -2.2, 2.6)
    ripple = 0.025 * np.sin(below * 0.8 + 30 * wind[np.arange(width)]) * smooth(below, 4, 40)
    sand = mood.horizon * 0.5 + np.array([190, 120, 60], np.float32) * 0.5
    bright = np.asarray(sand * 0.6 + mood.light * 0.4, np.float32)
    dark = np.asarray(sand * 0.4 + np.array([26, 13, 10]), np.float32)
    colour = _blended(dark, bright, (side * np.float32(0.85) + ripple).astype(np.float32))
    return _strip(crest, below, _hazed(colour, below, height, mood, far * 0.8))


def canyon(chance: np.random.Generator, size: tuple[int, int], mood: Mood, far: float) -> RGBA:
    """Table mountains with layers of rock."""
    width, height = size
    rough = outline(chance, width, 1.25, width * 0.6)
    steps = smooth(rough, 0.48, 0.54) * 0.42 + smooth(rough, 0.68, 0.71) * 0.3 + rough * 0.2
    crest = (1 - steps) * height * 0.85 + outline(chance, width, 0.6, 50) * height * 0.03
    below = _below(crest, height)
    rows = np.arange(height)[:, None]
    strata = outline(chance, height * 2, 0.6, height * 0.3)
    wavy = (rows + 9 * outline(chance, width, 1.5, width * 0.4)).astype(np.int64)
    clefts = outline(chance, width, 0.9, 110)
    rock = np.array([186, 84, 44], np.float32) * 0.75 + mood.horizon * 0.22
    tone = 0.42 + 0.75 * strata[wavy] * (1 - 0.4 * far) + 0.3 * (clefts - 0.5) - 0.25 * smooth(below, 0, height * 0.9)
    colour = rock * tone[..., None] + (mood.light * 0.22) * _faded(below, 9)[..., None]
    return _strip(crest, below, _hazed(colour, below, height, mood, far))


def forest(chance: np.random.Generator, size: tuple[int, int], mood: Mood, far: float, white: bool) -> RGBA:
    """A wood of firs on rolling ground, under snow where asked."""
    width, height = size
    ground = height * (0.52 + 0.16 * outline(chance, width, 2.2, width * 0.5))
    crest = ground.copy()
    tall = height * 0.42
    for middle in np.arange(0, width, tall * 0.13) + chance.uniform(-1, 1, len(np.arange(0, width, tall * 0.13))) * 9:
        rise = tall * chance.uniform(0.45, 1.12)
        spread = rise * chance.uniform(0.2, 0.27)
        left, right = int(max(0, middle - spread)), int(min(width, middle + spread + 1))
        if left >= right:
            continue
        away = np.abs(np.arange(left, right) - middle) / spread
        # Branches: the outline falls away from the tip in teeth.
        tooth = (away * 6.5) % 1 * 0.085
        top = ground[int(min(width - 1, max(0, middle)))] - rise * (1 - away + tooth)
        crest[left:right] = np.minimum(crest[left:right], top)
    below = _below(crest, height)
    rock, lit = _shades(mood, far)
    colour = _blended(rock, lit, _faded(below, tall * 0.1) * np.float32(0.55))
    if white:
        snow = mood.horizon * 0.35 + mood.light * 0.45
        frost = np.maximum(_faded(below, tall * 0.07) * 0.75, smooth(np.arange(height)[:, None] - ground, -6, 10))
        colour = _blended(colour, snow, frost * np.float32(1 - 0.5 * far))
    return _strip(crest, below, _hazed(colour, below, height, mood, far))


def town(chance: np.random.Generator, size: tuple[int, int], mood: Mood, far: float) -> RGBA:
    """A skyline with lit windows, and signs where the light is neon's."""
    width, height = size
    rgba = np.zeros((height, width, 4), np.uint8)
    wall, lit = _shades(mood, far)
    cell = max(3, round(height * (0.03 - 0.012 * far)))
    dark = float(mood.zenith.mean()) < 75
    share = (0.42 if dark else 0.12) * (1 - 0.3 * far)
    lamps = np.array([[255, 214, 140], [255, 236, 190], [255, 176, 92], mood.light, mood.horizon], np.float32)
    left = -int(chance.integers(0, cell * 4))
    while left < width:
        span = int(chance.integers(5, 15)) * cell
        top = int(height * chance.uniform(0.05, 0.7) ** 0.8)
        right = min(width, left + span)
        if right > max(0, left):
            block = _house(chance, (span, height - top), wall, lit, lamps, cell, share)
            part = rgba[top:, max(0, left) : right]
            part[..., :3] = block[:, max(0, -left) : max(0, -left) + part.shape[1]]
            part[..., 3] = 255
            if chance.uniform() < 0.4:
                mast = min(width - 1, max(0, left + span // 2))
                rgba[max(0, top - int(height * chance.uniform(0.03, 0.1))) : top, mast : mast + max(2, cell // 4)] = (
                    *wall.astype(np.uint8),
                    255,
                )
        left += span + int(chance.integers(-2, 2)) * cell // 2
    rows = np.arange(height, dtype=np.float32)[:, None]
    colour = _hazed(rgba[..., :3].astype(np.float32), rows * 0.8, height, mood, 0.75 * far)
    rgba[..., :3] = colour.clip(0, 255).astype(np.uint8)
    return rgba


def _house(
    chance: np.random.Generator,
    size: tuple[int, int],
    wall: Floats,
    lit: Floats,
    lamps: Floats,
    cell: int,
    share: float,
) -> Floats:
    """One front: its wall, and windows of which a share is lit."""
    width, height = size
    front = np.empty((height, width, 3), np.float32)
    front[:] = wall + (lit - wall) * np.linspace(0.3, 0.02, width, dtype=np.float32)[None, :, None]
    front *= chance.uniform(0.75, 1.2)
    across, down = max(1, width // cell), max(1, height // cell + 1)
    colours = lamps[chance.integers(0, len(lamps), (down, across))] * chance.uniform(0.45, 1, (down, across, 1))
    on = chance.uniform(size=(down, across)) < share * chance.uniform(0.3, 1.5)
    # Lights come in rows: offices and landings.
    on |= chance.uniform(size=(down, 1)) < 0.06
    on[:, [0, -1]] = False
    on[0] = False
    pane = np.zeros((cell, cell), np.float32)
    gap = max(1, cell // 4)
    pane[gap:, gap:] = 1
    glow = np.tile(pane, (down, across))[:height, :width]
    mask = on.repeat(cell, 0).repeat(cell, 1)[:height, :width] * glow[:, : across * cell]
    lamp = colours.astype(np.float32).repeat(cell, 0).repeat(cell, 1)[:height, :width]
    inner = front[:, : across * cell][:, : mask.shape[1]]
    inner += (lamp - inner) * mask[..., None]
    if chance.uniform() < 0.25 and height > 8 * cell:
        # A tall sign beside the windows.
        column = int(chance.integers(0, max(1, width - cell)))
        start = int(chance.integers(1, 4)) * cell
        front[start : start + int(chance.integers(3, 6)) * cell, column : column + max(2, cell // 2)] = lamps[
            int(chance.integers(3, 5))
        ]
    return front


def _below(crest: Floats, height: int) -> Floats:
    """How far each pixel lies below the crest, in pixels."""
    return (np.arange(height, dtype=np.float32)[:, None] - crest).astype(np.float32, copy=False)


def _faded(below: Floats, reach: float) -> Floats:
    """1 at the crest and above it, fading with the depth below."""
    depth = np.maximum(below, 0)
    depth *= np.float32(-1 / reach)
    return np.exp(depth, out=depth)


def _shades(mood: Mood, far: float) -> tuple[Floats, Floats]:
    """The colours of what is in shadow and of what is lit, at a distance."""
    haze = mood.horizon * 0.6 + mood.middle * 0.4
    dark = mood.near + (haze - mood.near) * np.float32(far * 0.82)
    lit = dark * 0.55 + (mood.light * 0.3 + mood.horizon * 0.35) * (0.42 + 0.3 * far)
    return dark.astype(np.float32), lit.astype(np.float32)


def _hazed(colour: Floats, below: Floats, height: int, mood: Mood, far: float) -> Floats:
    """Haze gathers at the foot of what is far away."""
    haze = mood.horizon * 0.75 + mood.middle * 0.25
    depth = smooth(below, height * 0.12, height * 0.95)
    depth *= np.float32(0.2 + 0.65 * far)
    return _blended(colour, haze, depth)


def _blended(colour: Floats, other: Floats, share: Floats) -> Floats:
    """A colour gone over into another, by a share for each pixel."""
    mixed: Floats = share[..., None] * (other - colour)
    mixed += colour
    return mixed


def _strip(crest: Floats, below: Floats, colour: Floats) -> RGBA:
    rgba = np.empty((*below.shape, 4), np.uint8)
    rgba[..., :3] = colour.clip(0, 255)
    rgba[..., 3] = (below + 0.5).clip(0, 1) * 255
    return rgba
