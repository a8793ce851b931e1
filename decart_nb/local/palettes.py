"""Colours: ramps from dark to light, chosen by a prompt's words, by chance, or taken from a picture."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .words import dice, mentions

Ramp = NDArray[np.uint8]
"""256 × 3: the colour for each brightness."""

_NAMED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("sunset", "sunrise", "dusk", "dawn", "golden", "warm"), "1d1135 5b2a6e c2477b f58f5b ffe3a3"),
    (("night", "midnight", "moon", "moonlight"), "050818 12224a 2d4f8f 7fa3d1 f2f0d5"),
    (("ocean", "sea", "underwater", "water", "lake", "river", "blue"), "04132b 0b3d63 1783a3 7ccfcb f4fbe8"),
    (("forest", "jungle", "green", "spring", "garden", "nature", "moss"), "0a1a12 1f4a2c 5b8c3a b8c95a f7f3c8"),
    (("snow", "winter", "ice", "frozen", "frost", "cold", "arctic"), "14213d 3d5a80 7ea8c9 c6dfef ffffff"),
    (("desert", "sand", "dune", "canyon", "western", "sepia", "vintage", "old"), "2b140b 7a3b1c c87d3e ecc07a fff1cf"),
    (("neon", "cyberpunk", "city", "synthwave", "vaporwave", "80s"), "0b0221 3a0ca3 b5179e f72585 4cf3ff"),
    (("fire", "lava", "flame", "volcano", "hell", "hot", "ember"), "120202 5e0a06 c7300c ff8f1f fff3b0"),
    (("space", "galaxy", "nebula", "cosmic", "star"), "05030f 2a1458 6a3fa0 d77fb9 ffe9d6"),
    (("autumn", "fall", "october", "rust"), "1c0f0a 6b2413 b9501f e39b3b f9e4b1"),
    (("pastel", "cute", "candy", "anime", "dream", "baby"), "5a4a78 a678b4 f2a6b8 f9d3b4 fdf8e4"),
    (("noir", "black and white", "monochrome", "charcoal", "pencil", "ink"), "08080a 35363a 77787c bcbdbf ffffff"),
    (("red", "rose", "blood", "crimson"), "1c0206 6d0d1f c2263d f27a7a ffe8df"),
    (("pink", "purple", "violet", "lavender"), "1c0a33 5b2a8a a958c7 ef9fd8 fff0fa"),
    (("gold", "yellow", "brass", "honey"), "1f1405 6b4a0c bd8c1c f0c850 fffbe0"),
)


def named(prompt: str) -> Ramp | None:
    """The ramp that a prompt's words ask for."""
    for words, colours in _NAMED:
        if mentions(prompt, *words):
            return ramp([tuple(bytes.fromhex(colour)) for colour in colours.split()])
    return None


def invented(*parts: object) -> Ramp:
    """A ramp that follows from these parts by chance: dark to light, its hue going some way round."""
    chance = dice("ramp", *parts)
    hue, turn = chance.uniform(), chance.choice([-1, 1]) * chance.uniform(0.12, 0.42)
    depth = chance.uniform(0.6, 0.9)
    colours = []
    for step in np.linspace(0, 1, 5):
        lightness, saturation = 0.06 + 0.87 * step, depth * (1 - 0.3 * step)
        red, green, blue = colorsys.hls_to_rgb((hue + turn * step) % 1, lightness, saturation)
        colours.append((red * 255, green * 255, blue * 255))
    return ramp(colours)


def taken(picture: NDArray[np.uint8]) -> Ramp:
    """The ramp of a picture: for each share of its pixels from the darkest on, the mean of their colours."""
    small = Image.fromarray(picture).resize((64, 64), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float32).reshape(-1, 3)
    pixels = pixels[np.argsort(pixels @ _WEIGHTS, kind="stable")]
    colours = np.stack([part.mean(axis=0) for part in np.array_split(pixels, 9)])
    # A picture of one brightness must still tell dark from light: half of the way to an even rise.
    own = np.maximum(colours @ _WEIGHTS, 1)
    wanted = 0.5 * own + 0.5 * np.linspace(12, 245, 9)
    return ramp([tuple(colour) for colour in (colours * (wanted / own)[:, None]).clip(0, 255)])


def ramp(colours: Sequence[tuple[float, ...]]) -> Ramp:
    """256 colours that run evenly through the given ones."""
    stops = np.linspace(0, 255, len(colours))
    channels = [np.interp(np.arange(256), stops, channel) for channel in zip(*colours, strict=True)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def brightness(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How bright each pixel is, from 0 to 255."""
    return np.asarray(Image.fromarray(rgb).convert("L"))


_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
