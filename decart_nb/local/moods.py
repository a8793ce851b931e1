"""The light of a scene: the time of day or the weather, as a handful of colours."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .words import mentions

Colour = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Mood:
    """Colours of a scene, each red, green and blue from 0 to 255.

    Attributes:
        zenith, middle, horizon: the sky from above down.
        light: the sun or the moon, and what it shines on.
        near: the ground in front.
        cloud: a cloud's shaded side.
        altitude: how high the sun or moon stands, from the horizon (0) to the top (1).
        stars: how well they are seen, 0 to 1.
        moon: whether the light is the moon.
    """

    zenith: Colour
    middle: Colour
    horizon: Colour
    light: Colour
    near: Colour
    cloud: Colour
    altitude: float
    stars: float = 0.0
    moon: bool = False


def _mood(colours: str, altitude: float, stars: float = 0.0, moon: bool = False) -> Mood:
    read = [np.array(tuple(bytes.fromhex(colour)), np.float32) for colour in colours.split()]
    zenith, middle, horizon, light, near, cloud = read
    return Mood(zenith, middle, horizon, light, near, cloud, altitude, stars, moon)


_MOODS: dict[str, tuple[Mood, tuple[str, ...]]] = {
    "aurora": (
        _mood("040a1c 0b1f3d 2a5a6e e8f4ea 03080f 142a44", 0.72, 1, True),
        ("aurora", "northern lights", "borealis", "arctic"),
    ),
    "night": (
        _mood("060a1f 14245a 4a6ca0 f6efd2 04070f 26376a", 0.66, 0.9, True),
        ("night", "midnight", "moon", "moonlight", "star", "starry", "dark", "nocturnal"),
    ),
    "sunset": (
        _mood("2b1c55 b0446e ffb26a ffe6a8 150a1c 7a3a6a", 0.16),
        ("sunset", "golden", "evening", "dusk", "warm", "cozy", "cosy", "romantic", "fire", "autumn"),
    ),
    "dawn": (
        _mood("4a6aa8 d99aa8 ffe0b8 fff4da 201f3c b890b0", 0.22),
        ("dawn", "sunrise", "morning", "pastel", "spring", "dream", "blossom"),
    ),
    "day": (
        _mood("2268b8 74b0e4 dff0f4 fffbe6 12301f a8c0d8", 0.74),
        ("day", "noon", "sunny", "summer", "bright", "blue sky", "daylight", "sun"),
    ),
    "neon": (
        _mood("0a0524 42106a ee3f8e 6af2ff 06020f 3a1262", 0.3, 0.35),
        ("neon", "cyberpunk", "synthwave", "vaporwave", "futuristic", "robot", "cyber", "disco"),
    ),
    "storm": (
        _mood("18202b 44525f a0adb0 e6ecea 0b1014 2a333c", 0.5),
        ("storm", "thunder", "rain", "fog", "foggy", "mist", "misty", "grey", "gloomy", "cloud"),
    ),
    "ember": (
        _mood("1a0710 6a1a1a f0762c fff0b4 0e0407 3c1014", 0.2, 0.2),
        ("lava", "volcano", "flame", "burning", "apocalypse", "dragon", "hell", "ember", "mars"),
    ),
    "dusk": (
        _mood("0d1233 4a3c80 ea8170 ffd6a6 080a1a 35306a", 0.12, 0.55),
        ("twilight", "blue hour"),
    ),
    "teal": (
        _mood("04202c 0e6c70 b4e8b4 fbffd8 02131a 145058", 0.4, 0.3),
        ("alien", "magic", "fantasy", "underwater", "jungle", "fairy", "enchanted", "emerald"),
    ),
}


def mood_of(prompt: str, chance: np.random.Generator, choices: tuple[str, ...] = ()) -> Mood:
    """The light that a prompt asks for, or one that chance picks, a little different for every chance.

    Args:
        prompt: the request's words.
        chance: what decides where the words do not.
        choices: the moods to choose from; all of them unless given.
    """
    picked = str(chance.choice(choices or tuple(_MOODS)))
    name = next((name for name, (_, words) in _MOODS.items() if mentions(prompt, *words)), picked)
    mood = _MOODS[name][0]
    turn, lift = chance.uniform(-0.035, 0.035), chance.uniform(-0.06, 0.06)
    return replace(
        mood,
        zenith=_turned(mood.zenith, turn),
        middle=_turned(mood.middle, turn),
        horizon=_turned(mood.horizon, turn),
        near=_turned(mood.near, turn),
        cloud=_turned(mood.cloud, turn),
        altitude=max(0.05, mood.altitude + lift),
    )


def _turned(colour: Colour, turn: float) -> Colour:
    hue, lightness, saturation = colorsys.rgb_to_hls(*(float(value) / 255 for value in colour))
    return np.array(colorsys.hls_to_rgb((hue + turn) % 1, lightness, saturation), np.float32) * 255
