"""Thumbnails of videos: small WebP pictures, made from one decoded frame."""

from __future__ import annotations

import contextlib
import io
from typing import cast

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream
from PIL import Image

from ..errors import MediaError
from . import images
from .decoding import frame_at
from .demux import VIDEO, Source, container, header_seconds, name_of, open_source, quarters, upright_shape
from .images import RGB
from .limits import LIMITS, Limits

#: The maximum width in pixels of a landscape or square thumbnail, and of a portrait one.
_WIDTH = 320
_PORTRAIT_WIDTH = 180
#: The maximum height of a thumbnail, as a multiple of its maximum width.
_MAX_HEIGHT = 4
_QUALITY = 60
#: The encoder's effort, from 0 to 6: 4 takes three times as long, for 5 % fewer bytes.
_EFFORT = 2


def thumbnail(source: Source, *, limits: Limits = LIMITS) -> bytes:
    """Encode the last key frame before the middle of a video as a small WebP picture, typically 3 to 8 KB.

    A key frame can be decoded alone; the frame in the middle needs the frames before it, and is taken only if no key
    frame can be had.

    Args:
        source: the video.
        limits: the maximum sizes that are decoded.

    Raises:
        MediaError: it is not a video that can be decoded, or is beyond the limits.
    """
    image = _key_frame(source, limits) or frame_at(source, limits=limits)
    size = _size(image.width, image.height)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "WEBP", quality=_QUALITY, method=_EFFORT)
    return out.getvalue()


def _size(width: int, height: int) -> tuple[int, int]:
    """The width and height of a thumbnail, from those of the upright picture."""
    most = _WIDTH if width >= height else _PORTRAIT_WIDTH
    scale = min(1.0, most / width, _MAX_HEIGHT * most / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _key_frame(source: Source, limits: Limits) -> Image.Image | None:
    """A key frame, scaled down; ``None`` for an animated image, and if no key frame can be decoded alone."""
    name = name_of(source)
    with contextlib.suppress(MediaError), open_source(source, name, VIDEO) as file:
        if images.animated(file, limits):
            return None
        with container(file, name, VIDEO, look_only=True, limits=limits) as (media, stream, _):
            stream.thread_type = "NONE"  # threads would decode the next frames too
            frame = _middle_key_frame(media, stream)
            return None if frame is None else _scaled(frame, upright_shape(frame, stream, limits))
    return None


def _middle_key_frame(media: InputContainer, stream: VideoStream) -> av.VideoFrame | None:
    """Decode the last key frame before the middle of a video, and no other frame."""
    start = (stream.start_time or 0) * float(stream.time_base or 0)
    media.seek(int((start + header_seconds(media, stream) / 2) * av.time_base))
    for packet in media.demux(stream):
        if packet.is_keyframe and packet.size:
            # Decoding None flushes the decoder, which may otherwise wait for more packets.
            frames = [*packet.decode(), *stream.codec_context.decode(None)]
            return frames[0] if frames else None
    return None


def _scaled(frame: av.VideoFrame, shape: tuple[int, int]) -> Image.Image:
    """Scale a frame to the size of a thumbnail, and turn it upright.

    Args:
        frame: the frame.
        shape: its height and width once it is upright.
    """
    height, width = shape
    width, height = _size(width, height)
    if quarters(frame) % 2:
        width, height = height, width
    rgb = frame.to_ndarray(format="rgb24", width=width, height=height, interpolation=Interpolation.AREA)
    return Image.fromarray(np.ascontiguousarray(np.rot90(cast(RGB, rgb), quarters(frame))))
