"""Decoding of still and animated images (GIF, WebP, PNG, AVIF) with Pillow.

Exceptions are Pillow's or fragments of a message; :mod:`decart_nb.media.demux` converts them to errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .limits import Limits, RefusedError

RGB = NDArray[np.uint8]

#: All that is read. None of these runs another program (EPS, PS, PDF), asks the system to draw (WMF, EMF), or names
#: another file.
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "JPEG2000", "PPM", "QOI", "ICO")
#: This one has no signature: a video may begin like it.
_UNSIGNED = ("TGA",)
#: Those of which several images in a file are frames, and not pages or views.
_ANIMATED = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
#: Bytes a pixel that a decoder takes beside the image it makes, as measured with Pillow 13.
_OVERHEAD = {"JPEG": 8, "MPO": 8, "JPEG2000": 21, "WEBP": 14, "AVIF": 8, "TIFF": 7}
_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}
_RGB_BYTES = 4  # Pillow keeps a fourth byte with each RGB pixel
#: Pixels that are converted at a time, so that what is between takes little memory.
_STRIP = 2**20
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class TooLargeError(RefusedError):
    """A picture exceeds a limit; the message has its size and the limit."""

    def __init__(self, told: str) -> None:
        super().__init__(f"it is too large, {told}")


class StillImageError(Exception):
    """A still image was passed as a video."""


def open_image(file: BinaryIO, limits: Limits, *, may_be_video: bool = False) -> Image.Image | None:
    """Open a file with Pillow without decoding it; ``None`` if its format is not allowed.

    Args:
        file: at its beginning.
        limits: those of an image.
        may_be_video: whether formats are left out that a video may be mistaken for.

    Raises:
        TooLargeError: the image is too large.
    """
    Image.init()
    head = file.read(16)
    for format_name in FORMATS if may_be_video else FORMATS + _UNSIGNED:
        # Not Image.open, which warns of large images before anybody can refuse them.
        make, accepts = Image.OPEN.get(format_name, (None, None))
        if make is None or (accepts is not None and accepts(head) is not True):
            continue
        size = file.seek(0, 2)
        if size > limits.image_bytes:
            raise TooLargeError(f"{size >> 20} MiB; at most {limits.image_bytes >> 20} MiB of an image are read")
        file.seek(0)
        try:
            image = make(file, "")
        except Exception:  # noqa: BLE001, S112 Pillow's plugins raise all sorts on what only begins like an image
            continue
        check_size(image, limits)
        return image
    file.seek(0)
    return None


def check_size(image: Image.Image, limits: Limits) -> None:
    """Check the size in an image's header against the limits.

    Raises:
        TooLargeError: it is too large; the message has its size and the limit.
    """
    pixels, moving = image.width * image.height, is_animated(image)
    taken = _BYTES.get(image.mode, 4) + max(_RGB_BYTES, _OVERHEAD.get(image.format or "", 0))
    most = min(limits.image_pixels, limits.image_memory // taken, *([limits.video_pixels] if moving else []))
    check_pixels(image.size, most, limits)
    frames = count(image) if moving else 1
    if frames > limits.frames or (moving and frames * pixels > limits.animation_pixels):
        raise TooLargeError(
            f"{frames} frames of {image.width}×{image.height} pixels; "
            f"at most {_millions(limits.animation_pixels)} pixels of an animated image are taken. A video may have more"
        )


def check_pixels(size: tuple[int, int], most: int, limits: Limits) -> None:
    """Check a width and height against a number of pixels and the longest side allowed.

    Raises:
        TooLargeError: it exceeds one of them; the message has the size and the limit.
    """
    width, height = size
    if width * height > most:
        raise TooLargeError(
            f"{width}×{height}, {_millions(width * height)} pixels; at most {_millions(most)} are taken"
        )
    if max(size) > limits.side:
        raise TooLargeError(f"{width}×{height} pixels; at most {limits.side} are taken on a side")


def _millions(number: int) -> str:
    return f"{number / 1e6:.1f} million"


def is_animated(image: Image.Image) -> bool:
    """Whether an image is animated."""
    return image.format in _ANIMATED and bool(getattr(image, "is_animated", False))


def animated(file: BinaryIO, limits: Limits) -> Image.Image | None:
    """Open an animated image; ``None`` for a file that may be a video.

    Raises:
        StillImageError: it is a still image.
        TooLargeError: it is too large.
    """
    image = open_image(file, limits, may_be_video=True)
    if image is not None and not is_animated(image):
        raise StillImageError
    return image


def count(animation: Image.Image) -> int:
    """The number of frames of an animated image."""
    return int(cast(Any, animation).n_frames)


def timed(animation: Image.Image) -> Iterator[tuple[Image.Image, float]]:
    """Iterate over the frames of an animated image with their durations in seconds."""
    for number in range(count(animation)):
        animation.seek(number)
        animation.load()  # WebP's duration is known only then
        # Browsers show what asks for less than 20 ms for 100.
        milliseconds = float(animation.info.get("duration") or 0)
        yield animation, milliseconds / 1000 if milliseconds >= 20 else 0.1


def upright(image: Image.Image) -> Image.Image:
    """Convert an image to upright RGB over white; floats and 16 bits are scaled by :func:`eight_bits`.

    Raises:
        ValueError: floats out of range, or a mode that cannot be brought to RGB.
        Exception: whatever Pillow raises for a file that cannot be decoded.
    """
    image.load()
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:  # noqa: BLE001 Exif that cannot be read turns nothing
        orientation = None
    convert = _conversion(image)
    if convert is None:
        rgb = image.copy()
    else:
        rgb = Image.new("RGB", image.size)
        rows = max(1, _STRIP // max(1, image.width))
        for top in range(0, image.height, rows):
            box = (0, top, image.width, min(top + rows, image.height))
            rgb.paste(convert(image.crop(box)), box)
    # Nothing else that the file says of itself holds any longer: neither how it lies, nor what is transparent.
    rgb.info = {"icc_profile": image.info["icc_profile"]} if _has_rgb_profile(image) else {}
    turn = _TURNS.get(orientation or 1)
    return rgb if turn is None else rgb.transpose(turn)


def _has_rgb_profile(image: Image.Image) -> bool:
    return image.mode in ("RGB", "RGBA", "P") and bool(image.info.get("icc_profile"))


def _conversion(image: Image.Image) -> Callable[[Image.Image], Image.Image] | None:
    """What brings a part of an image to RGB; ``None`` where it is RGB already."""
    if image.mode.startswith("I;16") or image.mode == "F":
        return lambda part: Image.fromarray(eight_bits(np.asarray(part))).convert("RGB")
    if image.mode == "I":
        # Pillow's integers are 16 bits wide where they come from such a file, and else what its other modes have.
        deep = image.format in ("PNG", "PPM", "TIFF")
        return lambda part: Image.fromarray(eight_bits(_narrowed(np.asarray(part), deep))).convert("RGB")
    if image.has_transparency_data:
        return _over_white
    return None if image.mode == "RGB" else lambda part: part.convert("RGB")


def _over_white(part: Image.Image) -> Image.Image:
    plain = {"La": "LA", "RGBa": "RGBA"}.get(part.mode, part.mode)
    rgba = part.convert(plain).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def _narrowed(values: NDArray[np.int32], deep: bool) -> NDArray[Any]:
    most = 65_535 if deep else 255
    if values.min() < 0 or values.max() > most:
        raise ValueError(f"it has integers outside 0 to {most}")
    return values.astype(np.uint16 if deep else np.uint8)


def eight_bits(values: NDArray[Any]) -> RGB:
    """Numbers as eight bits a channel: bytes as they are, 16 bits divided by 257, floats from 0 to 1 times 255.

    Raises:
        ValueError: floats that are NaN or outside 0 to 1, or numbers of another type; it ends a sentence.
    """
    if values.dtype == np.uint8:
        return values
    made = np.empty(values.shape, np.uint8)
    rows = max(1, _STRIP // max(1, values[:1].size))
    for top in range(0, len(values), rows):
        made[top : top + rows] = _scaled(values[top : top + rows])
    return made


def _scaled(values: NDArray[Any]) -> RGB:
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if values.dtype.kind == "f":
        if not (values.min() >= 0 and values.max() <= 1):  # NaN fails this too
            raise ValueError("it has floats outside 0 to 1, or that are no numbers (NaN); scale them, or use uint8")
        return np.rint(values * np.float32(255)).astype(np.uint8)
    raise ValueError(f"it is made of {values.dtype}, not of uint8, uint16 or floats")
