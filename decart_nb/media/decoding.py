"""Decoding of images and video frames to upright RGB."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import BinaryIO, cast

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream
from PIL import Image

from ..errors import MediaError
from . import images
from .demux import (
    IMAGE,
    VIDEO,
    Source,
    container,
    header_seconds,
    is_indexed,
    name_of,
    open_source,
    prepare,
    quarters,
    refusal,
    upright_shape,
)
from .heif import HeifImage, read_heif
from .images import RGB
from .limits import LIMITS, Limits
from .numbers import finite_number
from .timed_frames import with_times

#: A poster's height, in its widths: a JPEG has at most 65,500 pixels on a side.
_TALLEST = 16
_WIDEST = 4096


def frames(
    source: Source,
    *,
    fps: float | None = None,
    within: tuple[int, int] | None = None,
    name: str | None = None,
    limits: Limits = LIMITS,
) -> Iterator[RGB]:
    """Iterate over the frames of a video, with only a few of them in memory.

    Args:
        source: the video.
        fps: a constant rate to show it at, more than 0 and at most 1000, by its timestamps, so that its length
            stays; without it, every frame once.
        within: a width and a height, in pixels. A larger frame is scaled down into them and keeps its shape, which
            takes less time than to scale the whole frame afterwards.
        name: what an error calls it; the file's own name unless given.
        limits: the maximum sizes that are decoded.

    Returns:
        Upright RGB arrays, height × width × 3, all of the first one's size.

    Raises:
        InvalidInputError: ``fps`` is no such number.
        MediaError: it is not a video that can be decoded, or is beyond the limits; raised when a frame is asked for.
    """
    if fps is not None:
        fps = finite_number("fps", fps, above=0, at_most=limits.fps)
    return _frames(source, fps, within, name or name_of(source), limits)


def _frames(
    source: Source, fps: float | None, within: tuple[int, int] | None, name: str, limits: Limits
) -> Generator[RGB]:
    timed = _timed(source, within, name, limits)
    with closing(timed):
        if fps is None:
            for rgb, _, _ in timed:
                yield rgb
            return
        shown, made, end = None, 0, 0.0
        for rgb, time, pause in timed:
            # All output times before this frame's show the one before it; the small part takes rounded
            # timestamps (a thousandth of a second in WebM) for what they mean.
            while shown is not None and made / fps < time - 1e-3:
                yield shown
                made += 1
            shown, end = rgb, time + pause
        while shown is not None and made < max(1, round(end * fps)):
            yield shown
            made += 1


def read_image(source: Source, *, name: str | None = None, limits: Limits = LIMITS) -> Image.Image:
    """Decode an image, or the first frame of a video, to upright RGB with transparency over white.

    Of a greyscale image with 16 bits, 65535 is white; of one with floats, 1 is, and what is outside 0 to 1 is an error.

    Args:
        source: the image.
        name: what an error calls it; the file's own name unless given.
        limits: the maximum sizes that are decoded.

    Raises:
        MediaError: it can be decoded neither as an image nor as a video, or is too large to be decoded.
    """
    name = name or name_of(source)
    with open_source(source, name, IMAGE) as file:
        image = _still(file, name, limits)
        if image is not None:
            return image
        with container(file, name, IMAGE, limits=limits) as (media, stream, _):
            return upright_image(next(media.decode(stream)), stream, limits)


def check_image(source: Source, *, name: str | None = None, limits: Limits = LIMITS) -> None:
    """Check that a file is a complete image, by decoding it.

    Raises:
        MediaError: it is no image (``data["is"]`` is ``"video"`` for a video), or too large to be decoded.
    """
    name = name or name_of(source)
    with open_source(source, name, IMAGE) as file:
        if _still(file, name, limits) is None:
            with container(file, name, IMAGE, look_only=True, limits=limits):
                raise MediaError(f"{name} is a video, not an image.", {"is": "video"})


def _still(file: BinaryIO, name: str, limits: Limits) -> Image.Image | None:
    """Decode an image with Pillow or as HEIF; ``None`` for a file that may be a video."""
    image = images.open_image(file, limits)
    if image is not None:
        return images.upright(image)
    heif = read_heif(file)
    file.seek(0)
    return None if heif is None else _assembled(file, heif, name, limits)


def _assembled(file: BinaryIO, heif: HeifImage, name: str, limits: Limits) -> Image.Image:
    """Assemble a HEIF image from its tiles."""
    with container(file, name, IMAGE, limits=limits) as (media, _, _):
        by_id = {stream.id: stream for stream in media.streams.video}
        image: Image.Image | None = None
        for number, item in enumerate(heif.tiles):
            if item not in by_id:
                raise refusal(name, IMAGE, "some of its tiles are missing")
            stream = by_id[item]
            prepare(stream, name, IMAGE, limits)
            media.seek(0, stream=stream)
            rgb = next(media.decode(stream)).to_ndarray(format="rgb24")
            height, width = rgb.shape[:2]
            if image is None:
                size = heif.size or (width, height)
                if size[0] > width * heif.columns or size[1] > height * heif.rows:
                    raise refusal(name, IMAGE, "its tiles do not cover it")
                image = Image.new("RGB", size)
                images.check_size(image, limits)
            image.paste(Image.fromarray(rgb), (number % heif.columns * width, number // heif.columns * height))
    assert image is not None
    for change in heif.changes:
        if change in _TRANSPOSES:
            image = image.transpose(_TRANSPOSES[change])
    return image


#: What a change of :class:`HeifImage` does; a turn by no quarters does nothing.
_TRANSPOSES = {
    ("turn", 1): Image.Transpose.ROTATE_90,
    ("turn", 2): Image.Transpose.ROTATE_180,
    ("turn", 3): Image.Transpose.ROTATE_270,
    ("mirror", 0): Image.Transpose.FLIP_LEFT_RIGHT,
    ("mirror", 1): Image.Transpose.FLIP_TOP_BOTTOM,
}


def frame_at(source: Source, *, at: float = 0.5, name: str | None = None, limits: Limits = LIMITS) -> Image.Image:
    """Decode one frame of a video. The decoder seeks to it, so that a long video takes no longer.

    Args:
        source: the video.
        at: where in the video, from 0 to 1.
        name: what an error calls it; the file's own name unless given.
        limits: the maximum sizes that are decoded.

    Raises:
        InvalidInputError: ``at`` is no such number.
        MediaError: it is not a video that can be decoded, or is beyond the limits.
    """
    at = finite_number("at", at, at_least=0, at_most=1)
    name = name or name_of(source)
    with open_source(source, name, VIDEO) as file:
        animation = images.animated(file, limits)
        if animation:
            animation.seek(round(at * (images.count(animation) - 1)))
            return images.upright(animation)
        with container(file, name, VIDEO, limits=limits) as (media, stream, _):
            return upright_image(_sought(media, stream, at), stream, limits)


def poster(
    source: Source, *, at: float = 0.5, width: int = 640, name: str | None = None, limits: Limits = LIMITS
) -> bytes:
    """Encode one frame of a video as a small JPEG, to show before the video plays.

    Args:
        source: the video.
        at: where in the video, from 0 to 1.
        width: the most pixels across, from 1 to 4096.
        name: what an error calls it; the file's own name unless given.
        limits: the maximum sizes that are decoded.

    Raises:
        InvalidInputError: ``at`` or ``width`` is no such number.
        MediaError: as :func:`frame_at`.
    """
    width = int(finite_number("width", width, at_least=1, at_most=_WIDEST))
    image = frame_at(source, at=at, name=name, limits=limits)
    scale = min(1.0, width / image.width, _TALLEST * width / image.height)
    if scale < 1:
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def _timed(
    source: Source, within: tuple[int, int] | None, name: str, limits: Limits
) -> Generator[tuple[RGB, float, float]]:
    """Iterate over frames with their time and duration, both in seconds."""
    with open_source(source, name, VIDEO) as file:
        animation = images.animated(file, limits)
        if animation:
            time = 0.0
            for image, pause in images.timed(animation):
                picture = images.upright(image)
                height, width = _scaled((picture.height, picture.width), within)
                if (width, height) != picture.size:
                    picture = picture.resize((width, height), Image.Resampling.BOX)
                yield np.asarray(picture), time, pause
                time += pause
            return
        with container(file, name, VIDEO, limits=limits) as (media, stream, _):
            shape: tuple[int, int] | None = None
            for frame, time, pause in with_times(media.decode(stream), stream, limits):
                shape = shape or _scaled(upright_shape(frame, stream, limits), within)
                yield upright_array(frame, shape), time, pause
            if shape is None:
                raise refusal(name, VIDEO, "it has no picture")


def _scaled(shape: tuple[int, int], within: tuple[int, int] | None) -> tuple[int, int]:
    """A height and a width, scaled down to fit within a width and a height."""
    if within is None:
        return shape
    scale = min(1.0, within[1] / shape[0], within[0] / shape[1])
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def upright_array(frame: av.VideoFrame, shape: tuple[int, int]) -> RGB:
    """Convert a decoded frame to an upright RGB array of a height and a width."""
    height, width = shape[::-1] if quarters(frame) % 2 else shape
    smaller = width * height < frame.width * frame.height
    interpolation = Interpolation.AREA if smaller else None  # the default one leaves out lines
    rgb = cast(RGB, frame.to_ndarray(format="rgb24", width=width, height=height, interpolation=interpolation))
    return np.ascontiguousarray(np.rot90(rgb, quarters(frame)))


def upright_image(frame: av.VideoFrame, stream: VideoStream, limits: Limits) -> Image.Image:
    """Convert a decoded frame to an upright RGB image with square pixels.

    Raises:
        TooLargeError: it is too large then.
    """
    return Image.fromarray(upright_array(frame, upright_shape(frame, stream, limits)))


def _sought(media: InputContainer, stream: VideoStream, at: float) -> av.VideoFrame:
    seconds = header_seconds(media, stream)
    if is_indexed(media, stream, False) and (entries := stream.index_entries):  # the header may say too little
        seconds = max(seconds, float((entries[-1].timestamp - entries[0].timestamp) * (stream.time_base or 0)))
    start = (stream.start_time or 0) * float(stream.time_base or 0)
    target = start + at * seconds
    found = None
    for begin in (target, 0.0):  # where a key frame cannot be sought, from the beginning
        media.seek(int(begin * av.time_base))
        for frame in media.decode(stream):
            if found is not None and frame.time is not None and frame.time > target:
                break
            found = frame
        if found is not None:
            return found
    raise StopIteration
