"""A landscape in motion: sky, water, strips of land one behind the other, and a camera that sways.

The soft parts are painted small and enlarged by the converter that makes the encoder's format anyway; the
sharp ones are strips, drawn once, wider than the picture, and laid over it a little further on in each frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import av
import numpy as np
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from PIL import Image

from .fields import Floats, smooth
from .lands import RGBA
from .moods import Mood
from .particles import Specks
from .planes import Layer
from .sky import Sky, Water

SMALL = 4  # how many times smaller the soft parts are painted
_SWAY = 0.045  # how far the nearest strip moves to either side, as a share of the picture's longer side


@dataclass(frozen=True, slots=True)
class Strip:
    """A strip of land.

    Attributes:
        paint: draws it, given its width and height in pixels.
        top, height: where it stands, as shares of the picture's height.
        depth: how much it moves with the camera, from 0 (as far as the sky) to 1.
    """

    paint: Callable[[tuple[int, int]], RGBA]
    top: float
    height: float
    depth: float


class Enlarger:
    """Brings a small picture to the output's size, in the encoder's format."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size, self._convert = size, VideoReformatter()
        self.small = max(2, -(-size[0] // SMALL)), max(2, -(-size[1] // SMALL))

    def frame(self, picture: Floats) -> av.VideoFrame:
        """The picture, height × width × 3 from 0 to 255, enlarged."""
        bytes_ = picture.clip(0, 255).astype(np.uint8)
        return self._convert.reformat(
            av.VideoFrame.from_ndarray(bytes_, format="rgb24"),
            *self._size,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            interpolation=Interpolation.BICUBIC,
        )


class Landscape:
    """See the module. The last frame leads into the first one.

    Args:
        mood: the light.
        chance: where all shapes come from.
        size: width and height of the picture, in pixels.
        count: how many frames the loop has.
        strips: the land, from the back to the front.
        clouds: how much of the sky they cover, from 0 to 1.
        aurora: whether there are northern lights.
        horizon: where water begins, as a share of the height.
        rough: how high its waves are; 0 for no water.
    """

    def __init__(
        self,
        mood: Mood,
        chance: np.random.Generator,
        size: tuple[int, int],
        count: int,
        strips: Sequence[Strip],
        *,
        clouds: float,
        aurora: bool,
        horizon: float = 0.8,
        rough: float = 0.0,
    ) -> None:
        self._count = count
        self._enlarger = Enlarger(size)
        width, height = size
        small_width, small_height = self._enlarger.small
        line = max(2, min(small_height - 2, round(small_height * horizon)))
        light_x = float(chance.uniform(0.2, 0.8))
        light_y = max(0.08, horizon * (1 - mood.altitude) * 0.9)
        self._small_height = small_height
        self._sky = Sky(
            mood,
            chance,
            (small_width, small_height),
            line,
            (light_x * small_width, light_y * small_height),
            count,
            clouds=clouds,
            aurora=aurora,
        )
        self._water = None
        if rough:
            water = (small_width, small_height - line)
            self._water = Water(mood, chance, water, line, count, rough=rough)
        sway = _SWAY * max(size)
        self._light = _disc(mood, 0.055 * min(size) if mood.moon else 0.045 * min(size))
        self._light_at = (
            round(light_x * width) - self._light.width // 2,
            round(light_y * height) - self._light.height // 2,
        )
        self._strips: list[tuple[Layer, int, float, float]] = []
        self._land = np.zeros((line, small_width, 4), np.float32)
        for strip in strips:
            reach = sway * strip.depth
            margin = int(reach) // 2 * 2 + 4
            top = round(height * strip.top)
            box = (width + 2 * margin) // 2 * 2, max(2, round(height * strip.height) // 2 * 2)
            rgba = strip.paint(box)
            if not rough:
                rgba = _extended(rgba, height - top + round(reach))
            self._strips.append((Layer(rgba), top, reach, margin))
            if rough:
                self._mirror(rgba, margin, top, width)
        self._stars = _Stars(mood, chance, size, horizon) if mood.stars else None

    def _mirror(self, rgba: RGBA, margin: int, top: int, width: int) -> None:
        """Adds a strip, small, to the picture that the water mirrors."""
        shown = Image.fromarray(rgba[:, margin : margin + width])
        line, small_width = self._land.shape[:2]
        small = shown.resize((small_width, max(1, rgba.shape[0] // SMALL)), Image.Resampling.BOX)
        pixels = np.asarray(small, np.float32)[: max(0, line - top // SMALL)]
        area = self._land[top // SMALL : top // SMALL + len(pixels)]
        alpha = pixels[..., 3:] / 255
        area *= 1 - alpha
        area[..., :3] += pixels[..., :3] * alpha
        area[..., 3:] += alpha

    def frames(self) -> Iterator[av.VideoFrame]:
        """The loop's frames."""
        for number in range(self._count):
            turn = 2 * np.pi * number / self._count
            picture = self._sky.at(number)
            if self._water:
                mirrored = picture * (1 - self._land[..., 3:]) + self._land[..., :3]
                picture = np.concatenate([picture, self._water.at(number, mirrored)])
            else:
                missing = self._small_height - len(picture)
                picture = np.concatenate([picture, np.broadcast_to(picture[-1:], (missing, *picture.shape[1:]))])
            frame = self._enlarger.frame(picture)
            if self._stars:
                self._stars.onto(frame, turn)
            self._light.onto(frame, *self._light_at)
            for layer, top, reach, margin in self._strips:
                bob = 0 if self._water else round(reach * 0.16 * np.cos(turn))
                layer.onto(frame, round(reach * np.sin(turn)) - margin, top + bob)
            yield frame


def _extended(rgba: RGBA, height: int) -> RGBA:
    """A strip whose last row goes on as far as the camera can see, and no further."""
    rgba = rgba[: (height + 1) // 2 * 2]
    missing = max(0, (height - len(rgba) + 1) // 2 * 2)
    return np.pad(rgba, ((0, missing), (0, 0), (0, 0)), mode="edge")


class _Stars:
    def __init__(self, mood: Mood, chance: np.random.Generator, size: tuple[int, int], horizon: float) -> None:
        width, height = size
        count = round(170 * mood.stars)
        self._x = chance.uniform(0, width, count)
        self._y = chance.uniform(0, 1, count) ** 1.3 * height * horizon * 0.85
        scale = min(size) / 704
        radius = (chance.uniform(0.7, 1.7, count) ** 2 * 0.62 * scale).astype(np.float32)
        fade = 1 - smooth((self._y / (height * horizon)).astype(np.float32), 0.35, 0.85)
        self._alpha = (chance.uniform(0.35, 1, count) * fade * mood.stars).astype(np.float32)
        self._phase, self._pace = chance.uniform(0, 2 * np.pi, count), chance.integers(1, 6, count)
        self._specks = Specks((255, 250, 240), np.maximum(radius, 0.6))

    def onto(self, frame: av.VideoFrame, turn: float) -> None:
        """Draws the stars, twinkling, into a frame."""
        twinkle = (0.68 + 0.32 * np.sin(self._pace * turn + self._phase)).astype(np.float32)
        self._specks.onto(frame, self._x, self._y, self._alpha * twinkle)


def _disc(mood: Mood, radius: float) -> Layer:
    """The sun, or the moon with its seas."""
    side = int(radius * 1.25) * 2 + 4
    axis = np.arange(side) + 0.5 - side / 2
    x, y = axis / radius, axis[:, None] / radius
    distance = np.hypot(x, y)
    rgba = np.empty((side, side, 4), np.uint8)
    colour = np.broadcast_to(mood.light, (side, side, 3)).copy()
    if mood.moon:
        for centre_x, centre_y, wide in ((-0.3, -0.25, 0.36), (0.25, 0.1, 0.3), (-0.15, 0.4, 0.22), (0.42, -0.4, 0.16)):
            colour *= (1 - 0.13 * smooth(wide - np.hypot(x - centre_x, y - centre_y), -0.1, 0.12))[..., None]
    edge = 0.06 if mood.moon else 0.2
    rgba[..., :3] = colour
    rgba[..., 3] = 255 * (1 - smooth(distance.astype(np.float32), 1 - edge, 1 + edge / 2))
    return Layer(rgba)
