"""Text to video: which scene a prompt and a seed make, and what stands in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import av
import numpy as np

from . import lands
from .abstract import nebula, silk
from .landscape import Landscape, Strip
from .moods import Mood, mood_of
from .room import Room
from .weather import WEATHER
from .words import dice, mentions

Size = tuple[int, int]
Frames = Iterator[av.VideoFrame]


def drawn(prompt: str, seed: int, size: Size, count: int) -> Frames:
    """A moving picture that follows from a prompt and a seed, and whose end leads into its beginning.

    Args:
        prompt: a few of its words are known: places, times of day, weather.
        seed: what chance follows, together with the prompt.
        size: width and height in pixels.
        count: how many frames the loop has.
    """
    chance = dice("scene", prompt, seed)
    by_chance = str(dice("family", prompt).choice(("lake", "mountains", "hills", "ocean", "city", "dunes", "silk")))
    name = next((name for name, words in _WORDS if mentions(prompt, *words)), by_chance)
    return _SCENES[name](prompt, chance, size, count)


_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("room", ("room", "living room", "kitchen", "bedroom", "house", "home", "piano", "interior", "indoors", "window",
              "cafe", "library", "office", "sofa", "cat", "kitten")),
    ("space", ("space", "galaxy", "planet", "nebula", "cosmos", "cosmic", "astronaut", "universe", "spaceship")),
    ("city", ("city", "cities", "street", "neon", "cyberpunk", "skyline", "town", "building", "tokyo", "york", "car",
              "traffic", "skyscraper", "downtown", "robot")),
    ("ocean", ("ocean", "sea", "beach", "wave", "surf", "coast", "boat", "ship", "whale", "dolphin", "island",
               "sail", "underwater", "fish")),
    ("canyon", ("canyon", "mesa", "western", "cowboy", "mars", "badlands")),
    ("dunes", ("desert", "dune", "sand", "camel", "sahara")),
    ("forest", ("forest", "wood", "tree", "jungle", "fox", "deer", "bear", "owl", "wolf", "fir", "pine")),
    ("lake", ("lake", "river", "reflection", "pond", "fjord")),
    ("mountains", ("mountain", "alp", "peak", "snow", "winter", "hike", "climb", "eagle", "volcano", "dragon", "lava")),
    ("hills", ("hill", "meadow", "field", "farm", "horse", "sheep", "cow", "garden", "flower", "countryside", "dog")),
    ("silk", ("abstract", "silk", "liquid", "paint", "smoke", "fluid", "dream", "music", "dance", "colour", "color")),
)  # fmt: skip


def _winter(prompt: str) -> bool:
    return mentions(prompt, "snow", "winter", "ice", "frozen", "frost", "christmas", "arctic", "blizzard")


def _clouds(prompt: str, chance: np.random.Generator, mood: Mood) -> float:
    if mentions(prompt, "storm", "cloud", "rain", "overcast"):
        return float(chance.uniform(0.6, 0.75))
    if mentions(prompt, "clear", "aurora", "northern lights"):
        return 0.0
    return float(chance.uniform(0.12, 0.25) if mood.stars > 0.5 else chance.uniform(0.3, 0.55))


def _landscape(
    prompt: str, chance: np.random.Generator, size: Size, count: int, mood: Mood, strips: list[Strip], **more: float
) -> Frames:
    aurora = mentions(prompt, "aurora", "northern lights", "borealis")
    scene = Landscape(mood, chance, size, count, strips, clouds=_clouds(prompt, chance, mood), aurora=aurora, **more)
    weather = [make(chance, size, count, mood) for words, make in WEATHER if mentions(prompt, *words)]
    for number, frame in enumerate(scene.frames()):
        for fall in weather:
            fall.onto(frame, number)
        yield frame


def _mountains(prompt: str, chance: np.random.Generator, size: Size, count: int) -> Frames:
    mood, snow = mood_of(prompt, chance), 0.5 if _winter(prompt) else float(chance.uniform(0, 0.3))
    strips = [
        Strip(lambda box: lands.mountains(chance, box, mood, 0.85, snow), 0.30, 0.45, 0.15),
        Strip(lambda box: lands.mountains(chance, box, mood, 0.5, snow * 0.7), 0.42, 0.45, 0.35),
        Strip(lambda box: lands.hills(chance, box, mood, 0.25), 0.64, 0.36, 0.6),
        Strip(lambda box: lands.forest(chance, box, mood, 0.0, _winter(prompt)), 0.66, 0.42, 1.0),
    ]
    return _landscape(prompt, chance, size, count, mood, strips)


def _lake(prompt: str, chance: np.random.Generator, size: Size, count: int) -> Frames:
    mood, snow = mood_of(prompt, chance), 0.5 if _winter(prompt) else float(chance.uniform(0.1, 0.35))
    strips = [
        Strip(lambda box: lands.mountains(chance, box, mood, 0.75, snow), 0.22, 0.41, 0.1),
        Strip(lambda box: lands.mountains(chance, box, mood, 0.4, snow * 0.4), 0.40, 0.23, 0.2),
        Strip(lambda box: lands.forest(chance, box, mood, 0.12, _winter(prompt)), 0.47, 0.16, 0.3),
    ]
    return _landscape(prompt, chance, size, count, mood, strips, horizon=0.63, rough=0.3)


def _hills(prompt: str, chance: np.random.Generator, size: Size, count: int) -> Frames:
    mood = mood_of(prompt, chance)
    strips = [
        Strip(lambda box, far=far: lands.hills(chance, box, mood, far), top, 0.4, depth)  # type: ignore[misc]
        for far, top, depth in ((0.9, 0.42, 0.12), (0.65, 0.50, 0.28), (0.4, 0.58, 0.5), (0.2, 0.68, 0.75))
    ]
    strips.append(Strip(lambda box: lands.forest(chance, box, mood, 0.0, _winter(prompt)), 0.74, 0.34, 1.0))
    return _landscape(prompt, chance, size, count, mood, strips)


def _forest(prompt: str, chance: np.random.Generator, size: Size, count: int) -> Frames:
    mood, white = mood_of(prompt, chance), _winter(prompt)
    strips = [
        Strip(lambda box: lands.mountains(chance, box, mood, 0.9, 0.4 if white else 0.1), 0.32, 0.4, 0.1),
        Strip(lambda box: lands.forest(chance, box, mood, 0.7, white), 0.36, 0.46, 0.25),
        Strip(lambda box: lands.forest(chance, box, mood, 0.4, white), 0.42, 0.56, 0.5),
        Strip(lambda box: lands.forest(chance, box, mood, 0.0, white), 0.48, 0.72, 1.0),
    ]
    return _landscape(prompt, chance, size, count, mood, strips)


def _dunes(prompt: str, chance: np.random.Generator, size: Size, count: int) -> Frames:
    mood = mood_of(prompt, chance, ("sunset", "dawn", "day", "night", "dusk"))
    strips = [
        Strip(lambda box, far=far: lands.dunes(chance, box, mood, far), top, 0.45, depth)  # type: ignore[misc]
        for far, top, depth in ((0.8, 0.46, 0.15), (0.45, 0.54, 0.4), (0.1, 0.64, 0.8))
    ]
    return _landscape(prompt, chance, size, count, mood, strips)


def _canyon(prompt: str, chance: np.random.Generator, size: Size, count: int) -> Frames:
    mood = mood_of(prompt, chance, ("sunset", "day", "dawn", "dusk"))
    strips = [
        Strip(lambda box: lands.canyon(chance, box, mood, 0.85), 0.34, 0.4, 0.12),
        Strip(lambda box: lands.canyon(chance, box, mood, 0.45), 0.4, 0.45, 0.35),
        Strip(lambda box: lands.canyon(chance, box, mood, 0.1), 0.56, 0.5, 0.8),
    ]
    return _landscape(prompt, chance, size, count, mood, strips)


def _ocean(prompt: str, chance: np.random.Generator, size: Size, count: int) -> Frames:
    mood = mood_of(prompt, chance)
    strips = [Strip(lambda box: lands.mountains(chance, box, mood, 0.8, 0.0), 0.455, 0.09, 0.1)] * int(
        chance.integers(0, 2)
    )
    return _landscape(prompt, chance, size, count, mood, strips, horizon=0.54, rough=0.85)


def _city(prompt: str, chance: np.random.Generator, size: Size, count: int) -> Frames:
    mood = mood_of(prompt, chance, ("night", "dusk", "sunset", "neon"))
    strips = [
        Strip(lambda box: lands.town(chance, box, mood, 0.8), 0.22, 0.5, 0.12),
        Strip(lambda box: lands.town(chance, box, mood, 0.4), 0.30, 0.42, 0.3),
        Strip(lambda box: lands.town(chance, box, mood, 0.05), 0.42, 0.30, 0.5),
    ]
    return _landscape(prompt, chance, size, count, mood, strips, horizon=0.71, rough=0.35)


def _room(prompt: str, chance: np.random.Generator, size: Size, count: int) -> Frames:
    mood = mood_of(prompt, chance, ("sunset", "dusk", "night"))
    strips = [
        Strip(lambda box: lands.mountains(chance, box, mood, 0.7, 0.2), 0.30, 0.4, 0.3),
        Strip(lambda box: lands.hills(chance, box, mood, 0.4), 0.5, 0.4, 0.6),
        Strip(lambda box: lands.forest(chance, box, mood, 0.1, _winter(prompt)), 0.52, 0.45, 1.0),
    ]
    room = Room(prompt, chance, mood, size, count)
    return room.around(_landscape(prompt, chance, room.window, count, mood, strips))


_SCENES: dict[str, Callable[[str, np.random.Generator, Size, int], Frames]] = {
    "mountains": _mountains,
    "lake": _lake,
    "hills": _hills,
    "forest": _forest,
    "dunes": _dunes,
    "canyon": _canyon,
    "ocean": _ocean,
    "city": _city,
    "room": _room,
    "space": nebula,
    "silk": silk,
}
