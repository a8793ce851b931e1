"""Image filters that the styles are made of: strokes, outlines, grain, colour ramps, ink."""

from __future__ import annotations

from collections.abc import Callable

import av
import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from ... import media
from .compositing import planes
from .palettes import Ramp

_BLACK = (16, 128, 128)  # of a video's three planes


def lookup(values: ArrayLike) -> list[int]:
    """Return 256 values as a table for Pillow's ``point``: what becomes of each brightness."""
    return [int(value) for value in np.clip(np.round(np.asarray(values, np.float64)), 0, 255)]


def ink(frame: av.VideoFrame, mask: Image.Image) -> av.VideoFrame:
    """Return a frame with black laid over it where a full-sized mask says so."""
    half = mask.reduce(2)
    for plane, value, share in zip(planes(frame), _BLACK, (mask, half, half), strict=True):
        plane[...] = np.asarray(Image.composite(Image.new("L", share.size, value), Image.fromarray(plane), share))
    return frame


def colour(ramp: Ramp, grey: Image.Image) -> Image.Image:
    """Return a grey picture in a ramp's colours."""
    image = grey.copy()
    image.putpalette(ramp.tobytes())
    return image.convert("RGB")


def colouring(ramp: Ramp) -> Callable[[Image.Image], av.VideoFrame]:
    """Return what brings full-sized grey pictures to a ramp's colours, in the encoder's format."""
    luma, *chroma = planes(media.picture(ramp[None].repeat(2, axis=0).repeat(2, axis=1)))
    tables = [lookup(row) for row in (luma[0, ::2], *(plane[0] for plane in chroma))]

    def coloured(grey: Image.Image) -> av.VideoFrame:
        frame, half = av.VideoFrame(*grey.size, "yuv420p"), grey.reduce(2)
        for plane, source, table in zip(planes(frame), (grey, half, half), tables, strict=True):
            plane[...] = np.asarray(source.point(table))
        return frame

    return coloured


def tinting(ramp: Ramp, share: float) -> Callable[[av.VideoFrame], av.VideoFrame]:
    """Return what pulls each pixel of a frame towards the ramp's colour for its brightness."""
    coloured, full_range = colouring(ramp), lookup((np.arange(256) - 16) * 255 / 219)

    def tinted(frame: av.VideoFrame) -> av.VideoFrame:
        wanted = coloured(Image.fromarray(planes(frame)[0]).point(full_range))
        for plane, other in zip(planes(frame), planes(wanted), strict=True):
            plane[...] = np.asarray(Image.blend(Image.fromarray(plane), Image.fromarray(other), share))
        return frame

    return tinted


def strokes(image: Image.Image, radius: int) -> Image.Image:
    """Return flat patches with firm borders (a Kuwahara filter).

    Each pixel takes the calmest of the four squares that it is a corner of.
    """
    blur = ImageFilter.BoxBlur(radius)
    grey = image.convert("L")
    # What the offset brings in from the other side is never the calmest.
    unrest = border(ImageChops.difference(grey, grey.filter(blur)).filter(blur), radius, 255)
    image = image.filter(blur)
    for step in ((radius, 0), (0, radius)):
        back = (-step[0], -step[1])
        one, other = ImageChops.offset(unrest, *step), ImageChops.offset(unrest, *back)
        calmer = ImageChops.subtract(other, one).point([0] + [255] * 255)
        image = Image.composite(ImageChops.offset(image, *step), ImageChops.offset(image, *back), calmer)
        unrest = ImageChops.darker(one, other)
    return image


def edges(grey: Image.Image) -> Image.Image:
    """Return how strong the outlines of a picture are at each pixel."""
    for step in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        grey = Image.blend(grey, ImageChops.offset(grey, *step), 0.5)
    across = ImageChops.difference(ImageChops.offset(grey, 1, 0), ImageChops.offset(grey, -1, 0))
    down = ImageChops.difference(ImageChops.offset(grey, 0, 1), ImageChops.offset(grey, 0, -1))
    return border(ImageChops.add(across, down).point(_STEEP), 2, 0)


_STEEP = lookup(np.arange(256) * 4.5 - 9)


def border(grey: Image.Image, width: int, value: int) -> Image.Image:
    """Return a picture whose border is set to a value, where a filter of neighbours knows nothing."""
    ImageDraw.Draw(grey).rectangle((0, 0, grey.width - 1, grey.height - 1), outline=value, width=width)
    return grey


def grain(rng: np.random.Generator, size: tuple[int, int], depth: float) -> Image.Image:
    """Return the shadows in the grain of a canvas."""
    noise = Image.fromarray(rng.integers(0, 256, size[::-1], np.uint8)).filter(ImageFilter.GaussianBlur(0.9))
    return noise.point(lookup(depth * (2 * 255 + (np.arange(256) - 128) * 9)))
