"""A room with a view: a scene seen through a window, lamp light, and who sits on the sill."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from .. import media
from .fields import Floats, smooth
from .moods import Mood
from .particles import Specks
from .planes import Layer, planes
from .words import mentions


class Room:
    """A dim room whose window shows a moving scene.

    Args:
        prompt: a cat, and a piano, are there where it speaks of them.
        chance: what else there is.
        mood: the light outside.
        size: width and height in pixels.
        count: how many frames the loop has.

    Attributes:
        window: width and height of what is seen of the scene.
    """

    def __init__(self, prompt: str, chance: np.random.Generator, mood: Mood, size: tuple[int, int], count: int) -> None:
        width, height = size
        wide = width > height
        left, right = (0.12, 0.56) if wide else (0.14, 0.86)
        top, bottom = (0.1, 0.68) if wide else (0.12, 0.5)
        self._box = [2 * round(edge / 2) for edge in (left * width, top * height, right * width, bottom * height)]
        self.window = self._box[2] - self._box[0], self._box[3] - self._box[1]
        self._count = count
        lamp = (0.93 * width, 0.36 * height) if wide else (0.86 * width, 0.6 * height)
        image = Image.fromarray(_walls(mood, size, self._box, lamp))
        _furniture(image, self._box, lamp, mood)
        seat = (self._box[0] + self.window[0] * 0.74, float(self._box[3]))
        if mentions(prompt, "piano", "music", "musician", "pianist", "song", "jazz"):
            seat = _piano(image, (0.745 * width, 0.94 * height) if wide else (0.42 * width, 0.93 * height))
        self._room = planes(media.picture(np.asarray(image)))
        self._bars = Layer(_bars(self.window))
        self._cat = _Cat(min(size) * 0.22, seat) if mentions(prompt, "cat", "kitten") else None
        motes = 26
        self._x, self._y = chance.uniform(0.05, 0.95, motes) * width, chance.uniform(0.1, 0.8, motes) * height
        self._phase = chance.uniform(0, 2 * np.pi, motes)
        radius = (chance.uniform(1.0, 2.4, motes) * min(size) / 704).astype(np.float32)
        self._motes, self._drift = Specks((255, 226, 170), radius), 0.012 * max(size)

    def around(self, scene: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The room around each frame of a scene that has the window's size."""
        left, top, right, bottom = self._box
        height, width = self._room[0].shape
        for number, outside in enumerate(scene):
            turn = 2 * np.pi * number / self._count
            self._bars.onto(outside, 0, 0)
            frame = av.VideoFrame(width, height, "yuv420p")
            for index, (target, room, view) in enumerate(zip(planes(frame), self._room, planes(outside), strict=True)):
                half = min(index, 1)
                target[...] = room
                target[top >> half : bottom >> half, left >> half : right >> half] = view
            if self._cat:
                self._cat.onto(frame, turn)
            glint = (0.35 * (0.5 + 0.5 * np.sin(turn + 2 * self._phase))).astype(np.float32)
            swing = turn + self._phase
            self._motes.onto(frame, self._x + self._drift * np.sin(swing), self._y + self._drift * np.cos(swing), glint)
            yield frame


def _walls(mood: Mood, size: tuple[int, int], box: list[int], lamp: tuple[float, float]) -> NDArray[np.uint8]:
    """Wall and floor in the lamp's light, and in what falls in through the window."""
    width, height = size
    y, x = np.ogrid[0:height, 0:width]
    away = (np.hypot(x - lamp[0], (y - lamp[1]) * 1.1) / max(size)).astype(np.float32)
    glow = np.exp(-away / 0.13) + 0.25 * np.exp(-away / 0.4)
    colour = np.array([46, 30, 34], np.float32) + mood.zenith * 0.10 + _LAMP * glow[..., None]
    colour *= 1 - 0.45 * smooth(y.astype(np.float32), 0.86 * height, 0.87 * height)[..., None]
    across = np.exp(-(((x - (box[0] + box[2]) / 2) / (0.3 * width)) ** 2)).astype(np.float32)
    spill = across * smooth(y.astype(np.float32), 0.7 * height, height)
    colour += mood.horizon * (0.16 * spill)[..., None]
    walls: NDArray[np.uint8] = colour.clip(0, 255).astype(np.uint8)
    return walls


_LAMP = np.array([214, 128, 58], np.float32)


def _bars(size: tuple[int, int]) -> NDArray[np.uint8]:
    """The bars between the window's panes, and their shadow around the edge."""
    image = Image.new("RGBA", size)
    draw = ImageDraw.Draw(image)
    width, height = size
    thick = 0.011 * max(size)
    draw.rectangle((width / 2 - thick, 0, width / 2 + thick, height), fill=(44, 28, 26))
    draw.rectangle((0, height * 0.36 - thick, width, height * 0.36 + thick), fill=(44, 28, 26))
    draw.rectangle((0, 0, width - 1, height - 1), outline=(24, 16, 16, 190), width=max(1, round(thick * 0.7)))
    return np.asarray(image)


def _piano(image: Image.Image, foot: tuple[float, float]) -> tuple[float, float]:
    """An upright piano that stands at the middle of its foot, with a stool before it; and where one sits."""
    unit = min(image.size) / 100
    x, y = foot
    draw = ImageDraw.Draw(image)

    def block(left: float, top: float, right: float, bottom: float, fill: tuple[int, int, int]) -> None:
        draw.rectangle((x + left * unit, y + top * unit, x + right * unit, y + bottom * unit), fill=fill)

    block(-23, -48, 23, 0, (33, 19, 19))
    block(-24, -50, 24, -47, (64, 38, 32))
    block(-20, -44, 20, -27, (46, 27, 25))
    block(-7, -43, 7, -29, (224, 208, 178))
    for line in range(4):
        block(-6, -41 + line * 3, 6, -40.6 + line * 3, (120, 100, 84))
    block(-24, -25, 24, -20, (58, 34, 29))
    block(-21, -24, 21, -21, (236, 226, 206))
    for key in range(20):
        if key % 7 not in (2, 6):
            block(-20 + key * 2.1, -24, -19 + key * 2.1, -22.3, (22, 15, 16))
    block(-9, -12, 9, -9.6, (96, 44, 40))
    for leg in (-7.5, 6.3):
        block(leg, -9.6, leg + 1.2, 3, (40, 25, 22))
    return x, y - 12 * unit


def _furniture(image: Image.Image, box: list[int], lamp: tuple[float, float], mood: Mood) -> None:
    """The window's frame and sill, curtains, and a lamp."""
    width, height = image.size
    unit = max(image.size) / 100
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = box
    wood = (58, 36, 30)
    draw.rectangle((left - 1.3 * unit, top - 1.3 * unit, right + 1.3 * unit, bottom + 1.3 * unit), fill=wood)
    draw.rectangle((left - 0.25 * unit, top - 0.25 * unit, right + 0.25 * unit, bottom), fill=(38, 24, 22))
    draw.rectangle((left - 2.6 * unit, bottom, right + 2.6 * unit, bottom + 1.5 * unit), fill=(84, 54, 42))
    draw.rectangle((left - 2.6 * unit, bottom + 1.5 * unit, right + 2.6 * unit, bottom + 2.1 * unit), fill=(34, 22, 20))
    pixels = np.array(image)
    for inner, outer in ((left - 0.2 * unit, left - 6.5 * unit), (right + 0.2 * unit, right + 6.5 * unit)):
        low, high = sorted((round(inner), round(outer)))
        low, high = max(0, low), min(width, high)
        rows = slice(max(0, round(top - 3 * unit)), min(height, round(bottom + 9 * unit)))
        folds = 0.72 + 0.28 * np.sin(np.arange(low, high) / unit * 2.6)
        cloth = np.array([150, 62, 52], np.float32) * 0.6 + mood.horizon * 0.08
        behind = pixels[rows, low:high].astype(np.float32)
        pixels[rows, low:high] = (cloth * folds[None, :, None] * 0.75 + behind * 0.35).clip(0, 255)
    image.paste(Image.fromarray(pixels))
    draw = ImageDraw.Draw(image)
    x, y = lamp
    draw.rectangle((x - 0.3 * unit, y, x + 0.3 * unit, height), fill=(30, 20, 18))
    shade = [(x - 2.6 * unit, y - 5 * unit), (x + 2.6 * unit, y - 5 * unit), (x + 4.2 * unit, y), (x - 4.2 * unit, y)]
    light = Image.new("L", image.size)
    ImageDraw.Draw(light).polygon(shade, fill=255)
    image.paste((255, 214, 150), (0, 0), light.filter(ImageFilter.GaussianBlur(unit * 0.14)))


_FUR = (206, 128, 66)


class _Cat:
    """A cat on the sill that looks out; its tail swings."""

    def __init__(self, height: float, at: tuple[float, float]) -> None:
        scale = 4
        side = round(height * 1.2) // 2 * 2
        image = Image.new("L", (side * scale, side * scale))
        draw = ImageDraw.Draw(image)

        def oval(x: float, y: float, across: float, down: float) -> None:
            box = (x - across, y - down, x + across, y + down)
            draw.ellipse([side * scale * edge for edge in box], fill=255)

        oval(0.5, 0.80, 0.21, 0.22)
        oval(0.5, 0.58, 0.155, 0.24)
        oval(0.5, 0.30, 0.15, 0.13)
        for sign in (-1, 1):
            ear = [(0.5 + sign * 0.145, 0.28), (0.5 + sign * 0.135, 0.09), (0.5 + sign * 0.03, 0.19)]
            draw.polygon([(side * scale * x, side * scale * y) for x, y in ear], fill=255)
        draw.rectangle((0, round(side * scale * 0.985), side * scale, side * scale), fill=0)
        shape = image.resize((side, side), Image.Resampling.BOX)
        rgba = Image.new("RGBA", (side, side), _FUR)
        rgba.putalpha(shape)
        self._body = Layer(np.asarray(rgba))
        self._x, self._y = round(at[0] - side / 2), round(at[1] - side * 0.985)
        self._root = at[0] + side * 0.14, at[1] - side * 0.06
        self._side = side
        self._links: Floats = np.linspace(0, 1, 16, dtype=np.float32)
        self._tail = np.empty((side, side, 4), np.uint8)
        self._tail[..., :3] = _FUR

    def onto(self, frame: av.VideoFrame, turn: float) -> None:
        """Draws the cat into a frame."""
        side, links = self._side, self._links
        # The tail is a chain of discs, painted at half the size into a square whose middle is its root.
        angle = -0.1 + 1.9 * links + 0.45 * np.sin(turn * 2) * links**1.5
        x, y = (side / 4 + np.cumsum(turned) * (0.25 * side / len(links)) for turned in (np.cos(angle), np.sin(angle)))
        steps = np.arange(side // 2, dtype=np.float32)[:, None]
        across, down = (steps - x) ** 2, (steps - y) ** 2
        away = np.full((side // 2, side // 2), np.inf, np.float32)
        for link in range(len(links)):
            np.minimum(away, down[:, link, None] + across[:, link], out=away)
        shape = Image.fromarray((255 * (0.5 + 0.016 * side - np.sqrt(away)).clip(0, 1)).astype(np.uint8))
        self._tail[..., 3] = np.asarray(shape.resize((side, side), Image.Resampling.BILINEAR))
        Layer(self._tail).onto(frame, round(self._root[0] - side / 2), round(self._root[1] - side / 2))
        # It nods eight times in a loop, as to a slow tune.
        nod = round(side * 0.012 * abs(np.sin(turn * 4)))
        self._body.onto(frame, self._x, self._y + nod)
