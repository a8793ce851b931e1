"""What falls, flies and glows in front of a landscape, each kind a loop of its own."""

from __future__ import annotations

from collections.abc import Callable

import av
import numpy as np

from .fields import Floats
from .moods import Mood
from .particles import Specks


class Fall:
    """A swarm that travels through the picture a whole number of times in a loop.

    Args:
        chance: where its members begin.
        size: width and height of the picture, in pixels.
        frames: how many frames the loop has.
        specks: how its members look.
        radii: their sizes; the larger, the nearer, the faster.
        across, down: how many pictures the nearest ones cross in a loop; negative to the left, and up.
        sway: how far they swing aside, as a share of the width.
        alpha: how opaque they are.
        blink: whether they go on and off.
    """

    def __init__(
        self,
        chance: np.random.Generator,
        size: tuple[int, int],
        frames: int,
        specks: Specks,
        radii: Floats,
        *,
        across: float = 0,
        down: float = 0,
        sway: float = 0,
        alpha: float = 0.8,
        blink: bool = False,
    ) -> None:
        count = len(radii)
        self._size, self._frames, self._specks, self._blink = size, frames, specks, blink
        nearness = radii / radii.max()
        self._x, self._y = chance.uniform(size=count), chance.uniform(size=count)
        self._across, self._down = _whole(across * nearness), _whole(down * nearness)
        self._phase, self._pace = chance.uniform(0, 2 * np.pi, count), chance.integers(1, 4, count)
        self._sway = sway * nearness
        self._alpha = (alpha * (0.5 + 0.5 * nearness)).astype(np.float32)

    def onto(self, frame: av.VideoFrame, number: int) -> None:
        """Draws the swarm into a frame."""
        time = number / self._frames
        swing = self._pace * 2 * np.pi * time + self._phase
        width, height = self._size
        # A border beyond the picture, so that nothing appears or vanishes in it.
        x = ((self._x + self._across * time + self._sway * np.sin(swing)) % 1 * 1.1 - 0.05) * width
        y = ((self._y + self._down * time + 0.4 * self._sway * np.cos(swing)) % 1 * 1.1 - 0.05) * height
        alpha = self._alpha
        if self._blink:
            alpha = alpha * (np.sin(swing + self._phase) * 0.5 + 0.5).astype(np.float32) ** 2
        self._specks.onto(frame, x, y, alpha)


def _whole(speed: Floats) -> Floats:
    return np.sign(speed) * np.maximum(np.abs(speed).round(), 1) if speed.any() else speed


def _radii(chance: np.random.Generator, size: tuple[int, int], count: int, least: float, most: float) -> Floats:
    return (chance.uniform(0, 1, count) ** 1.8 * (most - least) + least).astype(np.float32) * np.float32(
        min(size) / 704
    )


def _snow(chance: np.random.Generator, size: tuple[int, int], frames: int, mood: Mood) -> Fall:
    radii = _radii(chance, size, 200, 1.3, 3.9)
    return Fall(chance, size, frames, Specks((250, 252, 255), radii), radii, down=2, sway=0.02)


def _rain(chance: np.random.Generator, size: tuple[int, int], frames: int, mood: Mood) -> Fall:
    radii = _radii(chance, size, 120, 0.8, 1.4)
    look = Specks((205, 220, 240), radii, length=9, slope=-0.08)
    return Fall(chance, size, frames, look, radii, down=9, alpha=0.4)


def _fireflies(chance: np.random.Generator, size: tuple[int, int], frames: int, mood: Mood) -> Fall:
    radii = _radii(chance, size, 46, 1.8, 4.5)
    return Fall(chance, size, frames, Specks((255, 240, 140), radii), radii, sway=0.04, alpha=1, blink=True)


def _embers(chance: np.random.Generator, size: tuple[int, int], frames: int, mood: Mood) -> Fall:
    radii = _radii(chance, size, 90, 1.0, 3.2)
    return Fall(chance, size, frames, Specks((255, 170, 60), radii), radii, down=-2, sway=0.03, alpha=1, blink=True)


def _petals(chance: np.random.Generator, size: tuple[int, int], frames: int, mood: Mood) -> Fall:
    radii = _radii(chance, size, 70, 2.0, 5.0)
    look = Specks((255, 190, 205), radii, length=0.6, slope=0.5)
    return Fall(chance, size, frames, look, radii, down=1, across=1, sway=0.03, alpha=0.9)


def _leaves(chance: np.random.Generator, size: tuple[int, int], frames: int, mood: Mood) -> Fall:
    radii = _radii(chance, size, 60, 2.0, 5.5)
    look = Specks((226, 128, 44), radii, length=0.6, slope=0.5)
    return Fall(chance, size, frames, look, radii, down=1, across=1, sway=0.05, alpha=0.95)


WEATHER: tuple[tuple[tuple[str, ...], Callable[[np.random.Generator, tuple[int, int], int, Mood], Fall]], ...] = (
    (("snow", "winter", "blizzard", "snowfall", "christmas"), _snow),
    (("rain", "storm", "thunderstorm", "drizzle"), _rain),
    (("firefly", "fireflies", "fairy", "magic", "enchanted", "glowing"), _fireflies),
    (("fire", "ember", "lava", "volcano", "dragon", "flame", "spark"), _embers),
    (("blossom", "cherry", "petal", "spring", "flower"), _petals),
    (("autumn", "leaf", "leaves", "october"), _leaves),
)
