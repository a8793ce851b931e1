"""Scenes without a ground: a nebula with a planet, and silk."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray

from . import palettes
from .fields import Field, Floats, outline, smooth
from .landscape import Enlarger
from .particles import Specks
from .planes import Layer


def nebula(prompt: str, chance: np.random.Generator, size: tuple[int, int], count: int) -> Iterator[av.VideoFrame]:
    """Glowing clouds among stars, and a planet in front of them.

    Args:
        prompt: words that choose the colours.
        chance: where all shapes come from.
        size: width and height in pixels.
        count: how many frames the loop has.
    """
    enlarger = Enlarger(size)
    width, height = enlarger.small
    colours = palettes.invented(*chance.integers(0, 2**31, 2)).astype(np.float32)
    cloud = Field(chance, (height, width), count, roughness=1.6, drift=0.05, churn=0.45)
    veil = Field(chance, (height, width), count, roughness=1.9, drift=-0.05, churn=0.35)
    dust = Field(chance, (height, width), count, roughness=1.35, drift=0.03, churn=0.3)
    layers = [_starfield(chance, size, number, near) for number, near in ((260, 0.35), (120, 0.6), (36, 1.0))]
    planet, planet_x, planet_y = _planet(chance, size)
    for number in range(count):
        turn = 2 * np.pi * number / count
        glow = smooth(cloud.at(number) * 0.6 + veil.at(number) * 0.6, -1.4, 2.2)
        glow *= 1 - 0.5 * smooth(dust.at(number), 0.2, 1.8)
        tone = (20 + 205 * glow + 18 * veil.at(number) * glow).clip(0, 255).astype(np.uint8)
        frame = enlarger.frame(colours[tone] * (0.10 + 0.95 * glow)[..., None])
        for specks, x, y, alpha, phase, near in layers:
            twinkle = (0.75 + 0.25 * np.sin(turn * 3 + phase)).astype(np.float32)
            shift_x, shift_y = 0.03 * size[0] * near * np.sin(turn), 0.015 * size[0] * near * np.cos(turn)
            specks.onto(frame, x + shift_x, y + shift_y, alpha * twinkle)
        sway = 0.016 * max(size)
        planet.onto(frame, round(planet_x + sway * np.sin(turn)), round(planet_y + 0.5 * sway * np.cos(turn)))
        yield frame


def _starfield(
    chance: np.random.Generator, size: tuple[int, int], count: int, near: float
) -> tuple[Specks, NDArray[np.float64], NDArray[np.float64], Floats, NDArray[np.float64], float]:
    radius = (chance.uniform(0.8, 1.0, count) * (0.8 + 1.7 * near * chance.uniform(0.3, 1, count))).astype(np.float32)
    tint = (255, 236, 214) if near > 0.5 else (220, 230, 255)
    x, y = chance.uniform(-0.03, 1.03, count) * size[0], chance.uniform(-0.03, 1.03, count) * size[1]
    alpha = chance.uniform(0.5, 1, count).astype(np.float32)
    specks = Specks(tint, np.maximum(radius * np.float32(min(size) / 704), 0.6))
    return specks, x, y, alpha, chance.uniform(0, 2 * np.pi, count), near


def _planet(chance: np.random.Generator, size: tuple[int, int]) -> tuple[Layer, int, int]:
    """A banded planet lit from one side, with an atmosphere and perhaps rings; and where it stands."""
    radius = min(size) * chance.uniform(0.17, 0.3)
    side = int(radius * 2.3) * 2
    axis = ((np.arange(side) + 0.5 - side / 2) / radius).astype(np.float32)
    x, y = np.meshgrid(axis, axis)
    tilt = chance.uniform(-0.5, 0.5)
    along, up = np.cos(tilt) * x + np.sin(tilt) * y, np.cos(tilt) * y - np.sin(tilt) * x
    distance = np.hypot(x, y)
    ball = np.sqrt((1 - distance**2).clip(0, 1))
    colours = palettes.invented(*chance.integers(0, 2**31, 2)).astype(np.float32)
    bands, wobble = outline(chance, 512, 0.9, 200), outline(chance, 512, 1.4, 200)
    row = (up + 0.05 * wobble[((along / (ball + 0.35)) * 90 + 256).clip(0, 511).astype(np.int64)]) * 200 + 256
    tone = (60 + 190 * bands[row.clip(0, 511).astype(np.int64)]).astype(np.uint8)
    angle = chance.uniform(0, 2 * np.pi)
    facing = np.cos(angle) * x * 0.85 - abs(np.sin(angle)) * y * 0.85 + 0.45 * ball
    lit = smooth(facing, -0.12, 0.95)
    colour = colours[tone] * (0.03 + 1.05 * lit)[..., None]
    rim = np.exp(-((1 - distance).clip(0, 2)) / 0.07) * lit
    colour += (colours[210] - colour * 0.5) * (rim * 0.8)[..., None]
    alpha = smooth(1 - distance, -1.2 / radius, 1.2 / radius)
    halo = np.exp(-(distance - 1).clip(0, 9) / 0.055) * 0.55 * smooth(facing, -0.2, 0.8) * (distance >= 1)
    rgb = np.where((alpha > 0)[..., None], colour, colours[200])
    alpha = np.maximum(alpha, halo)
    if chance.uniform() < 0.6:
        flat = np.hypot(along, up / 0.24)
        grooves = outline(chance, 512, 0.7, 120)[((flat - 1.2) * 400).clip(0, 511).astype(np.int64)]
        ring = smooth(flat, 1.32, 1.36) * (1 - smooth(flat, 2.02, 2.1)) * (0.25 + 0.65 * grooves)
        ring *= 1 - ((distance < 1) & (up < 0))
        shade = 0.35 + 0.65 * smooth(np.cos(angle) * along, -1.2, 0.6)
        rgb += (colours[225] * shade[..., None] - rgb) * ring[..., None]
        alpha = np.maximum(alpha, ring)
    rgba = np.concatenate([rgb.clip(0, 255), (alpha * 255)[..., None]], axis=-1).astype(np.uint8)
    centre_x = chance.choice([0.3, 0.68]) * size[0]
    centre_y = chance.uniform(0.38, 0.6) * size[1]
    return Layer(rgba), round(centre_x - side / 2), round(centre_y - side / 2)


def silk(prompt: str, chance: np.random.Generator, size: tuple[int, int], count: int) -> Iterator[av.VideoFrame]:
    """Ribbons of cloth one before the other in a slow wind, in the prompt's colours.

    Args:
        prompt: words that choose the colours.
        chance: where all shapes come from.
        size: width and height in pixels.
        count: how many frames the loop has.
    """
    enlarger = Enlarger(size)
    width, height = enlarger.small
    ramp = palettes.named(prompt)
    colours = (palettes.invented(*chance.integers(0, 2**31, 2)) if ramp is None else ramp).astype(np.float32)
    number_of_ribbons = int(chance.integers(7, 10))
    lean = float(chance.uniform(-0.45, 0.45)) * height
    ribbons = []
    for place in np.linspace(0.12, 0.98, number_of_ribbons):
        wave = Field(chance, (1, width), count, roughness=2.6, drift=float(chance.choice([-0.5, 0.5])), churn=0.6)
        ribbons.append(
            (wave, place * height, float(chance.uniform(0.05, 0.1)) * height, float(chance.uniform(35, 150)))
        )
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    slope = lean * (x / width - 0.5)
    ground = 24 + 60 * smooth(y / height, 0, 1)
    for number in range(count):
        tone = ground
        for wave, place, reach, shade in ribbons:
            below = y - (slope[:1] + wave.at(number) * reach + place)
            # What hangs behind lies in this ribbon's shadow near its hem; the hem is bright, the cloth below darker.
            shadow = np.abs(below + np.float32(reach * 0.5))
            shadow *= np.float32(-30 / reach)
            shadow += 30
            tone = tone - np.maximum(shadow, 0, out=shadow)
            cloth = np.maximum(below, 0)
            cloth *= np.float32(0.9 / reach)
            cloth += 1
            cloth *= cloth
            np.divide(95, cloth, out=cloth)
            cloth += np.float32(shade - 20)
            cloth -= tone
            below += np.float32(0.5)
            cloth *= np.clip(below, 0, 1, out=below)
            tone += cloth
        yield enlarger.frame(colours[tone.clip(0, 255).astype(np.uint8)])
