"""Text to video: the scenes, as tables, and which of them a prompt gets."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np

from . import palettes, silk
from .landscape import Landscape, Strip
from .prompt import mentions, rng as seeded
from .room import Room
from .terrain import forest, mountains, skyline

_LAKE = Landscape(
    (
        Strip(mountains, top=0.22, height=0.41, distance=0.75, depth=0.1),
        Strip(mountains, top=0.40, height=0.23, distance=0.4, depth=0.2),
        Strip(forest, top=0.47, height=0.16, distance=0.12, depth=0.3),
    ),
    horizon=0.62,
    waves=0.3,
)
_OCEAN = Landscape((Strip(mountains, top=0.455, height=0.09, distance=0.8, depth=0.1),), horizon=0.54, waves=0.85)
_CITY = Landscape(
    (
        Strip(skyline, top=0.22, height=0.5, distance=0.8, depth=0.12),
        Strip(skyline, top=0.30, height=0.42, distance=0.4, depth=0.3),
        Strip(skyline, top=0.42, height=0.30, distance=0.05, depth=0.5),
    ),
    horizon=0.71,
    waves=0.35,
)
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
    "silk": ("abstract", "silk", "liquid", "paint", "smoke", "fluid", "dream", "music", "dance", "colour", "color",
             "pattern"),
}  # fmt: skip


def animate(prompt: str, rng: np.random.Generator, size: tuple[int, int], count: int) -> Iterator[av.VideoFrame]:
    """Yield the frames of a scene whose end leads into its beginning.

    Args:
        prompt: some of its words choose the scene and its light. Where none does, the scene follows from the whole
            prompt, so that one prompt is one scene for every seed.
        rng: varies all shapes.
        size: width and height in pixels.
        count: the loop's length in frames.
    """
    any_scene = str(seeded("scene", prompt).choice(["lake", "ocean", "city", "silk"]))
    name = next((name for name, words in _WORDS.items() if mentions(prompt, *words)), any_scene)
    palette = palettes.choose(prompt, rng)
    if name == "silk":
        return silk.animate(palette, rng, size, count)
    winter = mentions(prompt, "snow", "winter", "ice", "frozen", "frost", "christmas", "arctic")
    snow = 0.5 if winter else float(rng.uniform(0, 0.35))
    if name == "room":
        room = Room(prompt, size, count)
        return room.around(_LAKE.animate(palette, rng, room.window, count, snow=snow))
    return {"lake": _LAKE, "ocean": _OCEAN, "city": _CITY}[name].animate(palette, rng, size, count, snow=snow)
