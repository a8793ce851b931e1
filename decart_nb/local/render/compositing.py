"""Pictures fitted to the output's size, upscaled for the encoder, and layers laid over them.

Drawing into a frame's own planes (brightness at full size, two of colour at half) is two to three times faster than
drawing in RGB, and saves the encoder the conversion.
"""

from __future__ import annotations

from typing import Any, cast

import av
import numpy as np
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ... import media
from ...media import RGB

Plane = NDArray[np.uint8]
RGBA = NDArray[np.uint8]

# Aspect ratios that differ by no more than this are cropped to the output's rather than framed.
_MAX_CROP = 0.04
_BACKDROP_BRIGHTNESS = 0.45


def planes(frame: av.VideoFrame) -> list[Plane]:
    """Return a 4:2:0 frame's own memory, to read and to write: Y at full size, U and V at half of it."""
    return [
        np.frombuffer(cast(Any, plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
        for plane in frame.planes
    ]


def fit(rgb: RGB, width: int, height: int, *, resample: Image.Resampling = Image.Resampling.BICUBIC) -> RGB:
    """Return a picture at another size, without distortion.

    All of it is shown, over a blurred and dimmed enlargement of itself. Only where the aspect ratios nearly agree is
    it cropped, by at most 4 %.

    Args:
        rgb: height × width × 3.
        width, height: of the result, in pixels.
        resample: the filter; the default one is the sharpest, and the slowest.
    """
    image = Image.fromarray(rgb)
    if image.size == (width, height):
        return rgb
    crop_width, crop_height = (
        min(image.width, image.height * width / height),
        min(image.height, image.width * height / width),
    )
    left, top = (image.width - crop_width) / 2, (image.height - crop_height) / 2
    crop = (left, top, left + crop_width, top + crop_height)
    if 1 - crop_width * crop_height / (image.width * image.height) <= _MAX_CROP:
        return np.asarray(image.resize((width, height), resample, box=crop))
    thumb = (max(8, round(48 * width / max(width, height))), max(8, round(48 * height / max(width, height))))
    backdrop = image.resize(thumb, Image.Resampling.BILINEAR, box=crop, reducing_gap=2)
    backdrop = backdrop.filter(ImageFilter.GaussianBlur(2)).point(lambda value: value * _BACKDROP_BRIGHTNESS)
    canvas = backdrop.resize((width, height), Image.Resampling.BICUBIC)
    x, y, inner_width, inner_height = placement(image.size, (width, height))
    canvas.paste(image.resize((inner_width, inner_height), resample, reducing_gap=3), (x, y))
    return np.asarray(canvas)


def placement(source: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return where :func:`fit` puts a picture of one size on a canvas of another: x, y, width and height in pixels."""
    smaller, larger = sorted((target[0] / source[0], target[1] / source[1]))
    scale = larger if 1 - smaller / larger <= _MAX_CROP else smaller
    width, height = max(1, round(source[0] * scale)), max(1, round(source[1] * scale))
    return (target[0] - width) // 2, (target[1] - height) // 2, width, height


def enlarge(
    rgb: RGB, size: tuple[int, int], *, sharp: bool = False, convert: VideoReformatter | None = None
) -> av.VideoFrame:
    """Return a small picture enlarged, in the encoder's format.

    Args:
        rgb: height × width × 3.
        size: width and height of the result, in pixels.
        sharp: whether its pixels stay square.
        convert: a converter to reuse.
    """
    return (convert or VideoReformatter()).reformat(
        av.VideoFrame.from_ndarray(rgb, format="rgb24"),
        *size,
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709,
        interpolation=Interpolation.POINT if sharp else Interpolation.BICUBIC,
    )


class Upscaler:
    """Enlarges pictures that are painted at a quarter of the output's size, into the encoder's format.

    Attributes:
        small: the width and height to paint at.
    """

    scale = 4

    def __init__(self, size: tuple[int, int]) -> None:
        self._size, self._convert = size, VideoReformatter()
        self.small = max(4, -(-size[0] // self.scale)), max(4, -(-size[1] // self.scale))

    def frame(self, picture: NDArray[np.floating]) -> av.VideoFrame:
        """Return a picture, height × width × 3 from 0 to 255, enlarged."""
        return enlarge(picture.clip(0, 255).astype(np.uint8), self._size, convert=self._convert)


class Layer:
    """A picture with transparency, prepared once to be laid over many frames.

    Args:
        rgba: height × width × 4, both sides even.
    """

    def __init__(self, rgba: RGBA) -> None:
        self.height, self.width = rgba.shape[:2]
        alpha: NDArray[np.uint16] = rgba[..., 3].astype(np.uint16)
        alpha += alpha >> 7  # 0 … 255 becomes 0 … 256, so that a shift divides
        half = (alpha[::2, ::2] + alpha[1::2, ::2] + alpha[::2, 1::2] + alpha[1::2, 1::2] + 2) >> 2
        sources = planes(media.picture(np.ascontiguousarray(rgba[..., :3])))
        # Of each plane the weight of what lies behind, and what is added to that.
        self._parts = [
            (np.subtract(256, weight, dtype=np.uint16), np.add(source * weight, 128, dtype=np.uint16))
            for source, weight in zip(sources, (alpha, half, half), strict=True)
        ]

    def draw(self, frame: av.VideoFrame, x: int, y: int) -> None:
        """Lay the layer over a frame, its top left corner at these pixels. What hangs over is cut off."""
        for half, target, (weight, adds) in zip((0, 1, 1), planes(frame), self._parts, strict=True):
            at_x, at_y = x >> half, y >> half
            top, bottom = max(0, at_y), min(target.shape[0], at_y + weight.shape[0])
            left, right = max(0, at_x), min(target.shape[1], at_x + weight.shape[1])
            if top < bottom and left < right:
                part = slice(top - at_y, bottom - at_y), slice(left - at_x, right - at_x)
                mixed = target[top:bottom, left:right] * weight[part]
                mixed += adds[part]
                mixed >>= 8
                target[top:bottom, left:right] = mixed
