"""Noise that moves and comes back to where it began: clouds, water, nebulae and the outlines of hills."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Field:
    """A random surface whose motion is a loop.

    It is a sum of waves, each of which runs through a whole number of periods in the loop; so the last frame
    leads into the first one, and the surface drifts and changes its shape as clouds do.

    Args:
        chance: where its shape comes from.
        shape: height and width in pixels; it tiles in both directions.
        frames: how many frames the loop has.
        roughness: how fast smaller waves get weaker; 1 is stony, 2.5 is smooth.
        stretch: how much wider than high its features are.
        drift: how many of its own widths it travels in a loop; small parts of one are fine.
        churn: how much its waves run against each other.
    """

    def __init__(
        self,
        chance: np.random.Generator,
        shape: tuple[int, int],
        frames: int,
        *,
        roughness: float = 1.7,
        stretch: float = 1.0,
        drift: float = 0.0,
        churn: float = 0.6,
    ) -> None:
        self._shape, self._frames = shape, frames
        height, width = shape
        across, down = np.arange(width // 2 + 1), np.fft.fftfreq(height, 1 / height)[:, None]
        distance = np.hypot(across * stretch, down * (width / height))
        distance[0, 0] = 1
        noise = chance.normal(size=(2, *distance.shape))
        spectrum = (noise[0] + 1j * noise[1]) * distance**-roughness
        spectrum[0, 0] = 0
        self._cycles = np.round(-drift * across + churn * chance.normal(size=distance.shape)).astype(np.int64)
        self._spectrum = spectrum.astype(np.complex64)
        self._turns = np.exp(2j * np.pi * np.arange(frames) / frames).astype(np.complex64)
        self._spectrum /= self.at(0).std()

    def at(self, number: int) -> Floats:
        """The surface at a frame: height × width, with a mean of 0 and a spread of about 1."""
        turned = self._spectrum * self._turns[(self._cycles * number) % self._frames]
        surface: Floats = np.fft.irfft2(turned, self._shape).astype(np.float32, copy=False)
        return surface


def outline(chance: np.random.Generator, width: int, roughness: float, longest: float) -> Floats:
    """A random line from 0 to 1, such as the crest of a range of hills.

    Args:
        chance: where its shape comes from.
        width: how many points it has.
        roughness: how fast smaller waves get weaker.
        longest: the longest wave, in points.
    """
    waves = np.arange(width // 2 + 1)
    lowest = max(1.0, width / longest)
    weight = np.where(waves < lowest, 0, np.maximum(waves, 1.0) ** -roughness)
    line = np.fft.irfft(weight * np.exp(2j * np.pi * chance.uniform(size=len(waves))), width)
    lowest_point, span = float(line.min()), float(np.ptp(line)) or 1.0
    return np.asarray((line - lowest_point) / span, np.float32)


def smooth(values: Floats, low: float, high: float) -> Floats:
    """0 below ``low``, 1 above ``high``, and a soft step between."""
    # In place: on whole pictures most of the time would go into making room for what is between.
    step: Floats = np.subtract(values, low, dtype=np.float32)
    step *= np.float32(1 / (high - low))
    np.clip(step, 0, 1, out=step)
    bend = step * np.float32(-2)
    bend += 3
    step *= step
    step *= bend
    return step
