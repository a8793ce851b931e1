"""Conversion of PIL images and NumPy arrays to image and video files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import media
from .._util.text import printable
from ..errors import MediaError
from ..media import images
from ..media.limits import LIMITS
from .local_files import UnusableFileError

_MAX_REASON_LENGTH = 200


def png_of(image: Image.Image) -> bytes:
    """Encode a PIL image as an upright RGB PNG, with transparency over white.

    Raises:
        UnusableFileError: it cannot be read, or is too large.
    """
    try:
        if getattr(image, "tile", None) and image.format not in (*images.FORMATS, "MPO", "TGA"):
            raise ValueError(f"it is {image.format} and not loaded; call its .load() if you trust it")
        images.check_size(image, LIMITS)
        buffer = io.BytesIO()
        images.upright(image).save(buffer, "png")
    except Exception as error:  # noqa: BLE001 - Pillow raises all sorts: of a closed file an AssertionError
        reason = printable(str(error), limit=_MAX_REASON_LENGTH).rstrip(".")
        hint = reason or "its file is closed. Call .load() on it before its file is closed, or give the path"
        raise UnusableFileError(f"is a PIL image that cannot be read: {hint}.") from None
    return buffer.getvalue()


def array_of(value: Any) -> NDArray[Any]:
    """Convert an object with ``__array__`` to an array of an image or a video, without a copy.

    Raises:
        UnusableFileError: its shape or type is neither of an image nor of a video.
    """
    try:
        array = np.asarray(value)
    except Exception as error:  # noqa: BLE001 - whatever a foreign array refuses with, such as a tensor with gradients
        reason = printable(str(error), limit=_MAX_REASON_LENGTH).rstrip(".")
        raise UnusableFileError(f"cannot be read by NumPy: a {type(value).__name__} ({reason}).") from None
    fits = array.ndim == 2 or (array.ndim in (3, 4) and array.shape[-1] in (1, 3, 4))
    is_number = array.dtype.kind == "f" or array.dtype in (np.uint8, np.uint16)
    if not (fits and is_number and array.size):
        shape = "×".join(map(str, array.shape))
        raise UnusableFileError(
            f"is an array of {array.dtype}, {shape or 'a single value'}; an image is H×W or H×W×C, a video T×H×W×C, "
            "where C is 1 (grey), 3 (RGB) or 4 (RGBA), of uint8, of uint16, or of floats from 0 to 1."
        )
    return array


def image_of(array: NDArray[Any]) -> Image.Image:
    """Convert an array from :func:`array_of` to an image.

    Raises:
        UnusableFileError: it is too large, or has values that mean nothing.
    """
    try:
        images.check_pixels((array.shape[1], array.shape[0]), LIMITS.image_pixels, LIMITS)
        return Image.fromarray(
            np.ascontiguousarray(images.eight_bits(array.squeeze(2) if array.shape[2:] == (1,) else array))
        )
    except (ValueError, images.TooLargeError) as error:
        raise UnusableFileError(f"is an array that cannot be sent: {error}.") from None


def write_video(array: NDArray[Any], path: Path, fps: int) -> None:
    """Encode an array of frames as an MP4, one frame at a time.

    Raises:
        UnusableFileError: it is too long or too large, has values that mean nothing, or cannot be encoded.
    """
    frames, height, width = array.shape[:3]
    try:
        images.check_pixels((width, height), LIMITS.video_pixels, LIMITS)
        if frames > min(LIMITS.frames, LIMITS.seconds * fps):
            raise ValueError(f"its {frames} frames are longer than {LIMITS.seconds:.0f} s at {fps} frames a second")
        media.encode(_rgb(array), path, fps=fps, crf=12)
    except (ValueError, images.TooLargeError) as error:
        raise UnusableFileError(f"is an array that cannot be sent: {error}.") from None
    except MediaError:
        raise UnusableFileError(f"is a video of {width}×{height} that cannot be encoded.") from None


def _rgb(array: NDArray[Any]) -> Iterator[images.RGB]:
    for frame in array:
        yield np.asarray(images.upright(image_of(frame)))
