"""Stills and animated images (GIF, WebP, PNG), read with Pillow.

Whatever of Pillow's raises here is its own error: :mod:`decart_nb.media`, the door to this room, says what it means.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from .errors import MediaError

# What Pillow itself takes for a decompression bomb; it only warns, here it is an error, for videos too.
MAX_PIXELS = Image.MAX_IMAGE_PIXELS or 2**26


def opened(file: BinaryIO, name: str) -> Image.Image | None:
    """Pillow's reading of a file, not decoded yet; ``None`` where it knows no such format."""
    try:
        image = Image.open(file)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaError(f"{name} is too large to be decoded: {error}", cause=error) from None
    except Exception:  # noqa: BLE001 its plugins raise all sorts on what only begins like an image
        file.seek(0)
        return None
    if image.width * image.height > MAX_PIXELS:
        raise MediaError(f"{name} is too large to be decoded: {image.width}×{image.height} pixels.")
    return image


def animated(file: BinaryIO, name: str) -> Image.Image | None:
    """An animated image; ``None`` for what may be a video; an error for a still."""
    image = opened(file, name)
    if image is None:
        return None
    if not getattr(image, "is_animated", False):
        raise MediaError(f"{name} is a still image, not a video.")
    return image


def count(animation: Image.Image) -> int:
    """How many frames an animated image has."""
    return int(cast(Any, animation).n_frames)


def timed(animation: Image.Image) -> Iterator[tuple[Image.Image, float, float]]:
    """An animated image at each of its frames, with its time and how long it is shown, both in seconds."""
    time = 0.0
    for number in range(count(animation)):
        animation.seek(number)
        animation.load()  # WebP's duration is known only then
        # Browsers show what asks for less than 20 ms for 100.
        milliseconds = float(animation.info.get("duration") or 0)
        pause = milliseconds / 1000 if milliseconds >= 20 else 0.1
        yield animation, time, pause
        time += pause


def upright(image: Image.Image) -> Image.Image:
    """An image upright, in RGB, over white."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        values: NDArray[np.float32] = np.asarray(image, dtype=np.float32)
        # 16 bits a pixel, or floating point from 0 to 1: brought to 0 … 255.
        scale = 255 if values.max() <= 1 and image.mode == "F" else 1 / 257 if values.max() > 255 else 1
        return Image.fromarray((values * scale).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")
