"""An abstract scene: ribbons of cloth that wave in a loop."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np

from .compositing import Upscaler
from .noise import LoopingNoise
from .palettes import Palette, ramp


def animate(palette: Palette, rng: np.random.Generator, size: tuple[int, int], count: int) -> Iterator[av.VideoFrame]:
    """Yield the loop's frames.

    Args:
        palette: its colours.
        rng: where all shapes come from.
        size: width and height in pixels.
        count: the loop's length in frames.
    """
    upscaler = Upscaler(size)
    width, height = upscaler.small
    colours = ramp(palette).astype(np.float32)
    ribbons = [
        (
            LoopingNoise(rng, (1, width), count, roughness=2.6, drift=float(rng.choice([-0.5, 0.5]))),
            place * height,
            float(rng.uniform(0.05, 0.1)) * height,
            float(rng.uniform(15, 130)),
        )
        for place in np.linspace(0.12, 0.98, int(rng.integers(7, 10)))
    ]
    slope = np.float32(rng.uniform(-0.45, 0.45) * height) * (np.arange(width, dtype=np.float32) / width - 0.5)
    y = np.arange(height, dtype=np.float32)[:, None]
    ground = np.broadcast_to(24 + 60 * y / height, (height, width))
    for number in range(count):
        tone = ground
        for noise, place, reach, shade in ribbons:
            below = y - (slope + noise.at(number) * np.float32(reach) + np.float32(place))
            # What hangs behind lies in this ribbon's shadow near its hem; the hem is bright, the cloth below darker.
            tone = tone - np.maximum(30 - np.abs(below + np.float32(reach / 2)) * np.float32(30 / reach), 0)
            cloth = 95 / (1 + np.maximum(below, 0) * np.float32(0.9 / reach)) ** 2 + np.float32(shade)
            tone = tone + (cloth - tone) * np.clip(below + np.float32(0.5), 0, 1)
        yield upscaler.frame(colours[tone.clip(0, 255).astype(np.uint8)])
