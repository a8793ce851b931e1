"""Skies and water, painted at a quarter of the output's size: they are soft, so nothing is lost but time."""

from __future__ import annotations

import numpy as np

from .fields import Field, Floats, smooth
from .moods import Mood

_GREEN, _VIOLET = np.array([60, 255, 150], np.float32), np.array([154, 107, 255], np.float32)


class Sky:
    """A sky whose clouds, or northern lights, move in a loop.

    Args:
        mood: its colours.
        chance: the shapes of its clouds.
        size: width and height, in pixels of its own.
        horizon: the row on which it ends.
        light: where the sun or moon stands, column and row.
        frames: how many frames the loop has.
        clouds: how much of it they cover, from 0 to 1.
        aurora: whether there are northern lights.
    """

    def __init__(
        self,
        mood: Mood,
        chance: np.random.Generator,
        size: tuple[int, int],
        horizon: int,
        light: tuple[float, float],
        frames: int,
        *,
        clouds: float = 0.5,
        aurora: bool = False,
    ) -> None:
        width, _ = size
        y, x = np.mgrid[0:horizon, 0:width].astype(np.float32)
        level = y / horizon
        upper = smooth(level, 0, 0.62)[..., None]
        lower = smooth(level, 0.35, 1.0)[..., None]
        base = mood.zenith * (1 - upper) + mood.middle * upper
        base = base * (1 - lower) + mood.horizon * lower
        distance = np.hypot(x - light[0], (y - light[1]) * 1.05) / max(size)
        glow = 0.75 * np.exp(-distance / 0.045) + 0.42 * np.exp(-distance / 0.2)
        if mood.moon:
            glow *= 0.45
        self._base = _screened(base, mood.light * np.minimum(glow, 1)[..., None])
        # A little noise, always the same, keeps wide gradients from falling into bands.
        self._base += chance.uniform(-0.6, 0.6, self._base.shape).astype(np.float32)
        warmth = np.exp(-distance / 0.28)[..., None]
        self._lit = mood.cloud * 0.25 + (mood.horizon * 0.55 + mood.light * 0.45) * (0.45 + 0.55 * warmth)
        self._shade = mood.cloud + (mood.horizon - mood.cloud) * (0.55 * level[..., None] * warmth)
        self._cover = np.float32(0.9 - 1.9 * clouds) + 0.35 * smooth(level, 0.75, 1.05)
        self._field = None
        if clouds > 0:
            self._field = Field(chance, (horizon, width), frames, roughness=1.85, stretch=2.2, drift=0.09, churn=0.3)
        # Clouds crowd together towards the horizon.
        self._rows = ((level[:, 0] ** 1.25) * (horizon - 1)).astype(np.int64)
        self._aurora = _Aurora(chance, width, horizon, frames) if aurora else None

    def at(self, number: int) -> Floats:
        """The sky at a frame: height × width × 3, from 0 to 255."""
        picture = self._base
        if self._aurora:
            picture = _screened(picture, self._aurora.at(number))
        if self._field:
            surface = self._field.at(number)[self._rows]
            cover = smooth(surface - self._cover, 0, 1.1)[..., None]
            relief = surface - np.roll(surface, (3, 2), (0, 1))
            light = (0.5 + 0.55 * relief).clip(0, 1)[..., None]
            cloud = self._shade + (self._lit - self._shade) * light
            picture = picture + (cloud - picture) * (cover * np.float32(0.92))
        return picture


def _screened(picture: Floats, light: Floats) -> Floats:
    """A picture with light added, as of two projectors on one wall: it never burns out."""
    room: Floats = (1 - picture / 255).clip(0, 1)
    return picture + light * room


class _Aurora:
    """Curtains of light: a sharp lower edge that waves, and rays that fade upwards from it."""

    def __init__(self, chance: np.random.Generator, width: int, height: int, frames: int) -> None:
        self._curtains = [
            (
                Field(chance, (1, width), frames, roughness=1.9, drift=0.12, churn=0.7),
                Field(chance, (1, width), frames, roughness=0.75, drift=0.05, churn=0.8),
                height * base,
                height * reach,
                strength,
            )
            for base, reach, strength in ((0.62, 0.34, 0.85), (0.45, 0.26, 0.6), (0.74, 0.16, 0.4))
        ]
        self._y = np.arange(height, dtype=np.float32)[:, None]
        self._width, self._height = width, height

    def at(self, number: int) -> Floats:
        green, violet = np.zeros((2, self._height, self._width), np.float32)
        for edge, rays, base, reach, strength in self._curtains:
            above = (base + self._height * 0.07 * edge.at(number)).astype(np.float32) - self._y
            ray = rays.at(number)
            rise = above * (1 / (reach * (1 + 0.22 * ray).clip(0.3, None))).astype(np.float32)
            np.clip(rise, 0, 12, out=rise)
            level = np.exp(-rise)
            above *= np.float32(0.11)
            above += np.float32(0.55)
            level *= np.clip(above, 0, 1, out=above)
            level *= np.float32(strength) * (0.62 + 0.3 * ray).clip(0.08, 1.2)
            rise *= np.float32(0.6)
            tint = np.clip(rise, 0, 1, out=rise)
            tint *= level
            violet += tint
            green += level
            green -= tint
        light: Floats = green[..., None] * _GREEN + violet[..., None] * _VIOLET
        return light


class Water:
    """Water that mirrors what is above it, broken by waves that move in a loop.

    Args:
        mood: colours; the ``near`` one is that of the depth.
        chance: the shapes of its waves.
        size: width and height of the water, in pixels of its own.
        above: how many rows there are above it.
        frames: how many frames the loop has.
        rough: how high the waves are: 0.2 is a still lake, 1 the sea.
    """

    def __init__(
        self,
        mood: Mood,
        chance: np.random.Generator,
        size: tuple[int, int],
        above: int,
        frames: int,
        *,
        rough: float,
    ) -> None:
        width, height = size
        self._field = Field(chance, (192, 320), frames, roughness=1.15, stretch=3.2, drift=0.0, churn=1.6)
        # Seen from a little above, a row further down is much nearer: its waves are larger and move more.
        near = (np.arange(height, dtype=np.float32) + 1) / height
        depth = 1 / (near + 0.09)
        rows = (depth * 60).astype(np.int64) % 192
        columns = (np.arange(width) - width / 2) * (1.1 * depth[:, None] ** 0.62) * (320 / width) + 160
        self._lookup = rows[:, None] * 320 + columns.astype(np.int64) % 320
        self._x, self._y = np.arange(width), np.arange(height)[:, None]
        self._above, self._width = above, width
        self._bend = (rough * (1.5 + 15 * near) * height / 88)[:, None].astype(np.float32)
        self._deep = (mood.near * 0.6 + mood.zenith * 0.4).astype(np.float32)
        self._clear = (0.12 + 0.5 * near**0.8)[:, None, None].astype(np.float32)
        self._gain = (rough * 0.16 * (0.4 + near))[:, None].astype(np.float32)

    def at(self, number: int, above: Floats) -> Floats:
        """The water at a frame, under the picture above it: height × width × 3."""
        wave = self._field.at(number).ravel()[self._lookup]
        rows = (self._above - 1 - self._y * (self._above / len(self._y)) * 0.96 - wave * self._bend).astype(np.int64)
        columns = (self._x + wave * self._bend * 0.25).astype(np.int64)
        mirrored = above[rows.clip(0, self._above - 1), columns.clip(0, self._width - 1)]
        shown: Floats = mirrored + (self._deep - mirrored) * self._clear
        shown *= (1 + wave * self._gain).clip(0.4, 1.9)[..., None]
        return shown
