"""Random lines and looping random surfaces: the outlines of terrain, clouds, waves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class LoopingNoise:
    """A tileable random surface whose last frame leads into its first.

    It is a sum of waves, each of which runs through a whole number of periods in the loop.

    Args:
        rng: where its shape comes from.
        shape: height and width in pixels.
        frames: the loop's length.
        roughness: how fast smaller waves get weaker; 1 is stony, 2.5 is smooth.
        stretch: how much wider than high its features are.
        drift: how many of its own widths it travels in a loop.
        churn: how much its waves run against each other.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        shape: tuple[int, int],
        frames: int,
        *,
        roughness: float,
        stretch: float = 1.0,
        drift: float = 0.0,
        churn: float = 0.6,
    ) -> None:
        self._shape, self._frames = shape, frames
        height, width = shape
        across, down = np.arange(width // 2 + 1), np.fft.fftfreq(height, 1 / height)[:, None]
        frequency = np.hypot(across * stretch, down * (width / height))
        frequency[0, 0] = 1
        noise = rng.normal(size=(2, *frequency.shape))
        spectrum = (noise[0] + 1j * noise[1]) * frequency**-roughness
        spectrum[0, 0] = 0
        self._periods = np.round(-drift * across + churn * rng.normal(size=frequency.shape)).astype(np.int64)
        self._spectrum = spectrum.astype(np.complex64)
        self._phases = np.exp(2j * np.pi * np.arange(frames) / frames).astype(np.complex64)
        self._spectrum /= self.at(0).std()

    def at(self, frame: int) -> Floats:
        """Return the surface at a frame: height × width, with a mean of 0 and a standard deviation of about 1."""
        turned = self._spectrum * self._phases[(self._periods * frame) % self._frames]
        surface: Floats = np.fft.irfft2(turned, self._shape).astype(np.float32, copy=False)
        return surface


def noise_line(rng: np.random.Generator, width: int, roughness: float, longest: float) -> Floats:
    """Return a random line of ``width`` values from 0 to 1, without waves longer than ``longest`` points."""
    waves = np.arange(width // 2 + 1)
    weight = np.where(waves < max(1.0, width / longest), 0, np.maximum(waves, 1.0) ** -roughness)
    line = np.fft.irfft(weight * np.exp(2j * np.pi * rng.uniform(size=len(waves))), width)
    return np.asarray((line - line.min()) / (float(np.ptp(line)) or 1.0), np.float32)


def smoothstep(values: Floats, low: float, high: float) -> Floats:
    """Return 0 below ``low``, 1 above ``high``, and a smooth step between."""
    step: Floats = np.subtract(values, low, dtype=np.float32)
    step *= np.float32(1 / (high - low))  # in place: on whole pictures, allocation takes most of the time
    np.clip(step, 0, 1, out=step)
    bend = step * np.float32(-2)
    bend += 3
    step *= step
    step *= bend
    return step
