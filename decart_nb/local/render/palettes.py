"""Palettes of five colours from dark to light: named by a prompt's words, random, or taken from a picture.

In a landscape they are the colours of the ground, the zenith, the middle of the sky, the horizon, and the sun or moon.
"""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .shot import Shot

Palette = NDArray[np.float32]
"""5 × 3: red, green and blue from 0 to 255."""
Ramp = NDArray[np.uint8]
"""256 × 3: the colour for each brightness."""

_NAMED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("04021e 70189a d83a6a ffa838 ffffe0", ("thermal", "infrared", "heat", "heatmap")),
    ("060412 160a3c 5a1a86 ee3f8e 6af2ff", ("neon", "cyberpunk", "synthwave", "futuristic", "robot", "disco")),
    ("04070f 08102e 1c346e 5a80b4 f6efd2", ("night", "midnight", "moon", "moonlight", "star", "starry", "dark",
                                            "space", "galaxy", "aurora")),
    ("120202 4a0a0a b0300c ff8f1f fff3b0", ("fire", "lava", "flame", "volcano", "burning", "dragon", "hot", "red")),
    ("150a1c 3a2068 b8487a ffb26a ffe6a8", ("sunset", "golden", "evening", "dusk", "warm", "cozy", "cosy", "romantic")),
    ("201f3c 5874b0 d99aa8 ffe0b8 fff4da", ("dawn", "sunrise", "morning", "pastel", "dream", "blossom", "pink")),
    ("1c0f0a 6b2f18 c46a2a ecb050 fbeab8", ("autumn", "fall", "gold", "yellow", "desert", "sand", "canyon", "sepia")),
    ("10161c 3a4856 74828e b4c0c4 f0f4f2", ("storm", "thunder", "rain", "fog", "foggy", "mist", "misty", "grey",
                                            "gloomy", "cloud")),
    ("0a1f14 2a7a6a 7cc0a0 e2eec0 fbffe0", ("forest", "jungle", "green", "spring", "garden", "nature", "moss")),
    ("14213d 4a76b0 94b8dc dce8f4 ffffff", ("snow", "winter", "ice", "frozen", "frost", "cold", "arctic")),
    ("0a2a24 2268b8 74b0e4 dff0f4 fffbe6", ("day", "noon", "sunny", "summer", "bright", "daylight", "ocean", "sea",
                                            "water", "lake", "river", "blue")),
    ("08080a 35363a 77787c bcbdbf ffffff", ("noir", "black and white", "monochrome", "charcoal", "pencil", "ink")),
)  # fmt: skip


def choose(shot: Shot) -> Palette:
    """Return the palette that the prompt's words name, or a random one; its hue varies a little."""
    random_one = _NAMED[int(shot.rng.integers(len(_NAMED)))][0]
    colours = shot.choose(_NAMED, default=random_one)
    turn = shot.rng.uniform(-0.05, 0.05)
    return np.array([_turned(bytes.fromhex(colour), turn) for colour in colours.split()], np.float32)


def _turned(colour: bytes, turn: float) -> list[float]:
    hue, lightness, saturation = colorsys.rgb_to_hls(*(value / 255 for value in colour))
    return [255 * channel for channel in colorsys.hls_to_rgb((hue + turn) % 1, lightness, saturation)]


def extract(picture: NDArray[np.uint8]) -> Palette:
    """Return the palette of a picture: the mean colours of its pixels, sorted by brightness into five groups."""
    small = Image.fromarray(picture).resize((64, 64), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float32).reshape(-1, 3)
    pixels = pixels[np.argsort(pixels @ _LUMA, kind="stable")]
    colours = np.stack([group.mean(axis=0) for group in np.array_split(pixels, 5)])
    # A picture of one brightness must still tell dark from light: half of the way to an even rise.
    own = np.maximum(colours @ _LUMA, 1)
    wanted = 0.5 * own + 0.5 * np.linspace(12, 245, 5)
    return np.asarray((colours * (wanted / own)[:, None]).clip(0, 255), np.float32)


def ramp(palette: Palette) -> Ramp:
    """Return 256 colours that run evenly through a palette, of any number of colours."""
    stops = np.linspace(0, 255, len(palette))
    channels = [np.interp(np.arange(256), stops, channel) for channel in palette.T]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
