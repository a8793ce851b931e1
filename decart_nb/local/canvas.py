"""The canvas all kinds paint on: a picture fitted to the output's size, and the mark of a local preview."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .planes import Layer

RGB = NDArray[np.uint8]

MARK = "local preview"
# Shapes that differ by no more than this are cropped to the output's rather than framed.
_CROPPED = 0.04
_DIMMED = 0.45


def fit(rgb: RGB, width: int, height: int) -> RGB:
    """A picture brought to a size without distortion.

    All of it is shown, over a blurred and dimmed enlargement of itself; only where the shapes all but agree
    it is cropped, by at most 4 %.

    Args:
        rgb: height × width × 3.
        width, height: of the result, in pixels.
    """
    image = Image.fromarray(rgb)
    if image.size == (width, height):
        return rgb
    cover = _cover(image.width, image.height, width / height)
    lost = 1 - (cover[2] - cover[0]) * (cover[3] - cover[1]) / (image.width * image.height)
    if lost <= _CROPPED:
        return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box=cover))
    thumb = (max(8, round(48 * width / max(width, height))), max(8, round(48 * height / max(width, height))))
    backdrop = image.resize(thumb, Image.Resampling.BILINEAR, box=cover, reducing_gap=2)
    backdrop = backdrop.filter(ImageFilter.GaussianBlur(2)).point(lambda value: value * _DIMMED)
    canvas = backdrop.resize((width, height), Image.Resampling.BICUBIC)
    left, top, inner_width, inner_height = placed(image.width, image.height, width, height)
    inner = image.resize((inner_width, inner_height), Image.Resampling.BICUBIC, reducing_gap=3)
    canvas.paste(inner, (left, top))
    return np.asarray(canvas)


def placed(from_width: int, from_height: int, width: int, height: int) -> tuple[int, int, int, int]:
    """Where :func:`fit` puts a picture of one size on a canvas of another: left, top, width and height."""
    smaller, larger = sorted((width / from_width, height / from_height))
    scale = larger if 1 - smaller / larger <= _CROPPED else smaller
    inner_width, inner_height = max(1, round(from_width * scale)), max(1, round(from_height * scale))
    return (width - inner_width) // 2, (height - inner_height) // 2, inner_width, inner_height


def _cover(width: int, height: int, shape: float) -> tuple[float, float, float, float]:
    """The largest box of a shape (width over height) in the middle of a picture."""
    inner_width, inner_height = min(width, height * shape), min(height, width / shape)
    left, top = (width - inner_width) / 2, (height - inner_height) / 2
    return left, top, left + inner_width, top + inner_height


class Mark(Layer):
    """The small words in the bottom right corner that say where a picture comes from.

    White on a dark plate, so that it can be read on anything.

    Args:
        width, height: of the frames it will be laid on, in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        size = max(8.0, 0.026 * min(width, height))
        font = ImageFont.load_default(size)
        length = font.getlength(MARK)
        if length > 0.8 * width:
            size *= 0.8 * width / length
            font = ImageFont.load_default(max(1.0, size))
        length = font.getlength(MARK)
        plate_width, plate_height = (round(length + size) + 1) // 2 * 2, round(1.7 * size + 1) // 2 * 2
        image = Image.new("RGBA", (plate_width, plate_height), (0, 0, 0, 0))
        draw = ImageDraw.Draw(image)
        draw.rounded_rectangle((0, 0, plate_width - 1, plate_height - 1), size / 3, fill=(12, 14, 18, 150))
        draw.text((plate_width / 2, plate_height / 2), MARK, (255, 255, 255, 255), font, anchor="mm")
        super().__init__(np.asarray(image))
        gap = round(0.6 * size)
        self.x, self.y = (width - plate_width - gap) // 2 * 2, (height - plate_height - gap) // 2 * 2
