"""An interior: a room in lamp light with a moving scene in its window, and the cat and the piano of a prompt."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ... import media
from ...media import RGB
from .compositing import Layer, planes
from .noise import smoothstep
from .shot import Shot

_FUR = (206, 128, 66)
_TAILS = 33  # how many positions of the cat's tail are painted
_LAMP_LIGHT = np.array([214, 128, 58], np.float32)
# The piano's parts: left, top, right and bottom in percent of the room's shorter side, from its foot; and the colour.
_PIANO = (
    ((-23, -48, 23, 0), (33, 19, 19)),
    ((-24, -50, 24, -47), (64, 38, 32)),
    ((-20, -44, 20, -27), (46, 27, 25)),
    ((-7, -43, 7, -29), (224, 208, 178)),
    *(((-6, -41 + 3 * line, 6, -40.6 + 3 * line), (120, 100, 84)) for line in range(4)),
    ((-24, -25, 24, -20), (58, 34, 29)),
    ((-21, -24, 21, -21), (236, 226, 206)),
    *(((-20 + 2.1 * key, -24, -19 + 2.1 * key, -22.3), (22, 15, 16)) for key in range(20) if key % 7 not in (2, 6)),
    ((-9, -12, 9, -9.6), (96, 44, 40)),
    *(((leg, -9.6, leg + 1.2, 3), (40, 25, 22)) for leg in (-7.5, 6.3)),
)


class Room:
    """A room in lamp light, around a window with a view; with a cat or a piano if the prompt mentions them.

    Args:
        shot: the size, the length and the prompt.

    Attributes:
        window: width and height of what is seen of the scene outside, in pixels.
    """

    def __init__(self, shot: Shot) -> None:
        (width, height), self._count = shot.size, shot.count
        wide = width > height
        shares = (0.12, 0.1, 0.56, 0.68) if wide else (0.14, 0.12, 0.86, 0.5)
        left, top, right, bottom = (_even(share * side) for share, side in zip(shares, shot.size * 2, strict=True))
        self._corner, self.window = (left, top), (right - left, bottom - top)
        lamp = (0.93 * width, 0.36 * height) if wide else (0.86 * width, 0.6 * height)
        image = Image.fromarray(_walls(shot.size, lamp))
        _furnish(image, (left, top, right, bottom), lamp)
        # Each pane is a part of the view; between them is the frame.
        bar = _even(0.011 * max(self.window))
        columns, rows = _even(self.window[0] / 2), _even(self.window[1] * 0.36)
        self._panes = [
            (slice(upper, lower), slice(start, end))
            for upper, lower in ((0, rows - bar), (rows + bar, self.window[1]))
            for start, end in ((0, columns - bar), (columns + bar, self.window[0]))
        ]
        seat = (left + 0.74 * self.window[0], float(bottom))
        if shot.mentions("piano", "music", "musician", "pianist", "song", "jazz"):
            unit, foot = min(shot.size) / 100, (0.745 * width, 0.92 * height) if wide else (0.5 * width, 0.88 * height)
            draw = ImageDraw.Draw(image)
            for box, fill in _PIANO:
                draw.rectangle([at * unit + foot[index % 2] for index, at in enumerate(box)], fill=fill)
            seat = foot[0], foot[1] - 12 * unit
        self._room = planes(media.picture(np.asarray(image)))
        self._cat = _Cat(min(shot.size) * 0.26, seat) if shot.mentions("cat", "kitten") else None

    def around(self, view: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Yield the room around each frame of a view that has the window's size."""
        left, top = self._corner
        height, width = self._room[0].shape
        for number, outside in enumerate(view):
            frame = av.VideoFrame(width, height, "yuv420p")
            for scale, target, room, seen in zip((1, 2, 2), planes(frame), self._room, planes(outside), strict=True):
                target[...] = room
                for pane in self._panes:
                    y, x = (slice(side.start // scale, side.stop // scale) for side in pane)
                    target[top // scale :, left // scale :][y, x] = seen[y, x]
            if self._cat:
                self._cat.draw(frame, 2 * np.pi * number / self._count)
            yield frame


def _even(pixels: float) -> int:
    return 2 * round(pixels / 2)


def _walls(size: tuple[int, int], lamp: tuple[float, float]) -> RGB:
    """Wall and floor in the lamp's light."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    away = np.hypot(x - lamp[0], (y - lamp[1]) * 1.1) / max(size)
    colour = (
        np.array([52, 36, 42], np.float32)
        + _LAMP_LIGHT * (np.exp(-away / 0.13) + 0.25 * np.exp(-away / 0.4))[..., None]
    )
    colour *= 1 - 0.45 * smoothstep(y, 0.86 * height, 0.87 * height)[..., None]
    return np.asarray(colour.clip(0, 255), np.uint8)


def _furnish(image: Image.Image, box: tuple[int, int, int, int], lamp: tuple[float, float]) -> None:
    """The window's frame and sill, curtains, and a lamp."""
    left, top, right, bottom = box
    unit = max(image.size) / 100
    draw = ImageDraw.Draw(image)
    draw.rectangle((left - 1.3 * unit, top - 1.3 * unit, right + 1.3 * unit, bottom + 1.3 * unit), fill=(58, 36, 30))
    draw.rectangle((left - 2.6 * unit, bottom, right + 2.6 * unit, bottom + 1.5 * unit), fill=(84, 54, 42))
    draw.rectangle((left - 2.6 * unit, bottom + 1.5 * unit, right + 2.6 * unit, bottom + 2.1 * unit), fill=(34, 22, 20))
    for start in (left - 6.5 * unit, right + 0.2 * unit):
        for column in range(max(0, round(start)), min(image.width, round(start + 6.3 * unit))):
            fold = 0.72 + 0.28 * np.sin(column / unit * 2.6)
            cloth = round(96 * fold), round(48 * fold), round(48 * fold)
            draw.line((column, round(top - 3 * unit), column, round(bottom + 9 * unit)), fill=cloth)
    x, y = lamp
    draw.rectangle((x - 0.3 * unit, y, x + 0.3 * unit, image.height), fill=(30, 20, 18))
    shade = Image.new("L", image.size)
    corners = ((-2.6, -5), (2.6, -5), (4.2, 0), (-4.2, 0))
    ImageDraw.Draw(shade).polygon([(x + across * unit, y + down * unit) for across, down in corners], fill=255)
    image.paste((255, 214, 150), (0, 0), shade.filter(ImageFilter.GaussianBlur(unit * 0.14)))


class _Cat:
    """A cat, seen from behind: its tail swings, and it nods."""

    def __init__(self, side: float, seat: tuple[float, float]) -> None:
        self._side = round(side) // 2 * 2 + 2
        scale = 4 * self._side
        body = Image.new("L", (scale, scale))
        draw = ImageDraw.Draw(body)
        for x, y, across, down in ((0.5, 0.80, 0.21, 0.22), (0.5, 0.58, 0.155, 0.24), (0.5, 0.30, 0.15, 0.13)):
            draw.ellipse([scale * edge for edge in (x - across, y - down, x + across, y + down)], fill=255)
        for sign in (-1, 1):
            ear = (0.5 + sign * 0.145, 0.28), (0.5 + sign * 0.135, 0.09), (0.5 + sign * 0.03, 0.19)
            draw.polygon([(scale * x, scale * y) for x, y in ear], fill=255)
        draw.rectangle((0, round(scale * 0.985), scale, scale), fill=0)
        self._body = _furry(body.reduce(4))
        self._tails = [self._tail(swing) for swing in np.linspace(-1, 1, _TAILS)]
        self._x, self._y = round(seat[0] - self._side / 2), round(seat[1] - self._side * 0.985)

    def _tail(self, swing: float) -> Layer:
        side, thick = self._side, 0.045 * self._side
        image, links = Image.new("L", (2 * side, 2 * side)), np.linspace(0, 1, 16)
        angle = -0.1 + 1.9 * links + 0.45 * swing * links**1.5
        points = np.cumsum(np.stack([np.cos(angle), np.sin(angle)]), axis=1) * (side / len(links)) + side
        draw = ImageDraw.Draw(image)
        for x, y in points.T:
            draw.ellipse((x - thick, y - thick, x + thick, y + thick), fill=255)
        draw.line([(float(x), float(y)) for x, y in points.T], fill=255, width=round(2 * thick), joint="curve")
        return _furry(image.reduce(2))

    def draw(self, frame: av.VideoFrame, turn: float) -> None:
        """Draw the cat into a frame, at an angle of the loop's one turn."""
        tail = self._tails[round((np.sin(turn * 2) + 1) / 2 * (_TAILS - 1))]
        tail.draw(frame, self._x + round(self._side * 0.14), self._y + round(self._side * 0.425))
        # It nods eight times in a loop, as to a slow tune.
        self._body.draw(frame, self._x, self._y + round(self._side * 0.012 * abs(np.sin(turn * 4))))


def _furry(shape: Image.Image) -> Layer:
    rgba = Image.new("RGBA", shape.size, _FUR)
    rgba.putalpha(shape)
    return Layer(np.asarray(rgba))
