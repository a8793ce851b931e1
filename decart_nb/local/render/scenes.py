"""Text to video: the scenes, as tables, and which of them a prompt gets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import av
import numpy as np

from . import palettes
from .compositing import Upscaler
from .landscape import Landscape, Strip
from .noise import LoopingNoise
from .room import Room
from .shot import Shot, seeded
from .terrain import forest, mountains, skyline

_LANDSCAPES = {
    "lake": Landscape(
        (
            Strip(mountains, top=0.22, height=0.41, distance=0.75, depth=0.1),
            Strip(mountains, top=0.40, height=0.23, distance=0.4, depth=0.2),
            Strip(forest, top=0.47, height=0.16, distance=0.12, depth=0.3),
        ),
        horizon=0.62,
        waves=0.3,
    ),
    "ocean": Landscape(
        (Strip(mountains, top=0.455, height=0.09, distance=0.8, depth=0.1),),
        horizon=0.54,
        waves=0.85,
    ),
    "city": Landscape(
        (
            Strip(skyline, top=0.22, height=0.5, distance=0.8, depth=0.12),
            Strip(skyline, top=0.30, height=0.42, distance=0.4, depth=0.3),
            Strip(skyline, top=0.42, height=0.30, distance=0.05, depth=0.5),
        ),
        horizon=0.71,
        waves=0.35,
    ),
}
# The first scene with a word that the prompt mentions is taken.
_WORDS = {
    "room": ("room", "living room", "kitchen", "bedroom", "house", "home", "piano", "interior", "indoors", "window",
             "cafe", "library", "office", "sofa", "cat", "kitten"),
    "city": ("city", "cities", "street", "neon", "cyberpunk", "skyline", "town", "building", "tokyo", "york", "car",
             "traffic", "skyscraper", "downtown", "robot"),
    "ocean": ("ocean", "sea", "beach", "wave", "surf", "coast", "boat", "ship", "whale", "dolphin", "island", "sail",
              "underwater", "fish"),
    "lake": ("lake", "river", "mountain", "alp", "peak", "snow", "winter", "forest", "wood", "tree", "hill", "fjord",
             "valley", "fox", "deer", "bear", "eagle", "volcano", "night", "nature", "landscape"),
    "marbling": ("abstract", "silk", "liquid", "paint", "smoke", "fluid", "dream", "music", "dance", "colour", "color",
             "pattern"),
}  # fmt: skip


def animate(shot: Shot) -> Iterator[av.VideoFrame]:
    """Yield the frames of a scene whose end leads into its beginning.

    Some words of the prompt choose the scene and its colours. Where none does, the scene follows from the whole prompt,
    so that one prompt is one scene for every seed.
    """
    any_scene = str(seeded("scene", shot.prompt).choice([*_LANDSCAPES, "marbling"]))
    name = shot.choose(_WORDS.items(), default=any_scene)
    palette = palettes.choose(shot)
    if name == "marbling":
        return _marbling(shot, palette)
    if name == "room":
        room = Room(shot)
        return room.around(_LANDSCAPES["lake"].animate(replace(shot, size=room.window), palette))
    return _LANDSCAPES[name].animate(shot, palette)


def _marbling(shot: Shot, palette: palettes.Palette) -> Iterator[av.VideoFrame]:
    """Colours that flow through one another."""
    upscaler, colours = Upscaler(shot.size), palettes.ramp(palette).astype(np.float32)
    noise = LoopingNoise(shot.rng, upscaler.small[::-1], shot.count, roughness=2.8, stretch=1.4, drift=0.2)
    bands = shot.rng.uniform(1.8, 3.2)
    for number in range(shot.count):
        tone = 128 + 127 * np.sin(bands * noise.at(number))
        yield upscaler.frame(colours[tone.astype(np.uint8)])
