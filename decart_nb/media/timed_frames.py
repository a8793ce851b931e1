"""Decoded frames of a video as PyAV gives them, with their times, and its sound from the same reading of the file.

Unlike :func:`decart_nb.media.frames`, it converts nothing: frames are in the pixel format of the file, and not turned.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from typing import Any, NamedTuple

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

from . import images
from .demux import (
    SOUNDS,
    VIDEO,
    Source,
    container,
    header_seconds,
    name_of,
    open_source,
    quarters,
    refusal,
    upright_shape,
    usual_pause,
)
from .encoding import picture
from .limits import LIMITS, Limits
from .timeline import Timeline


class TimedFrame(NamedTuple):
    """A decoded frame of a video.

    Attributes:
        picture: the frame, all of one size and pixel format within a video.
        time: when it is shown, in seconds from the first frame.
        pause: for how long, in seconds.
        turns: how many quarter turns counter-clockwise make it upright.
        shape: height and width once it is upright and its pixels are square.
        length: of the whole video, in seconds, as its header tells; 0 where it does not.
    """

    picture: av.VideoFrame
    time: float
    pause: float
    turns: int
    shape: tuple[int, int]
    length: float


def timed_frames(
    source: Source,
    *,
    on_sound: Callable[[av.AudioFrame], bool] | None = None,
    name: str | None = None,
    limits: Limits = LIMITS,
) -> Generator[TimedFrame]:
    """Iterate over the frames of a video, with only a few of them in memory.

    Args:
        source: the video.
        on_sound: called with each decoded piece of the first sound that can be decoded, until it returns ``False``;
            without it, no sound is read.
        name: what an error calls it; the file's own name unless given.
        limits: the maximum sizes that are decoded.

    Raises:
        MediaError: it is not a video that can be decoded, or is beyond the limits.
    """
    name = name or name_of(source)
    with open_source(source, name, VIDEO) as file:
        animation = images.animated(file, limits)
        if animation:
            time = 0.0
            for image, pause in images.timed(animation):
                rgb = np.asarray(images.upright(image))
                yield TimedFrame(picture(rgb), time, pause, 0, rgb.shape[:2], 0.0)
                time += pause
            return
        with container(file, name, VIDEO, limits=limits) as (media, stream, _):
            first: TimedFrame | None = None
            for frame, time, pause in with_times(_decoded(media, stream, on_sound), stream, limits):
                if first is None:
                    shape = upright_shape(frame, stream, limits)
                    first = TimedFrame(frame, time, pause, quarters(frame), shape, header_seconds(media, stream))
                    yield first
                    continue
                yield first._replace(picture=_like(first.picture, frame), time=time, pause=pause)
            if first is None:
                raise refusal(name, VIDEO, "it has no picture")


def with_times(
    frames: Iterable[av.VideoFrame], stream: VideoStream, limits: Limits
) -> Generator[tuple[av.VideoFrame, float, float]]:
    """Iterate over decoded frames, each with its time and its duration in seconds, and check the limits of a video.

    Raises:
        RefusedError: it is longer, or its frames follow faster, than the limits allow.
    """
    usual = usual_pause(stream)
    timeline = Timeline(usual, limits)
    for frame in frames:
        pause = float(frame.duration * (frame.time_base or 0)) or usual
        time = timeline.add(None if frame.pts is None else frame.time, pause)
        timeline.length()
        yield frame, time, pause


def _like(first: av.VideoFrame, frame: av.VideoFrame) -> av.VideoFrame:
    """A frame in the size and pixel format of the first one, which a stream may change."""
    size = first.width, first.height
    if (frame.width, frame.height) == size and frame.format.name == first.format.name:
        return frame
    return frame.reformat(*size, format=first.format.name)


def _decoded(
    media: InputContainer, stream: VideoStream, on_sound: Callable[[Any], bool] | None
) -> Iterable[av.VideoFrame]:
    """The frames of a stream, while the sound beside it is handed on."""
    sound = None
    if on_sound is not None:
        sound = next((one for one in media.streams.audio if _is_read(one)), None)
    if on_sound is None or sound is None:
        yield from media.decode(stream)
        return
    is_wanted = True
    for packet in media.demux(stream, sound):
        if packet.stream is stream:
            yield from stream.decode(packet)
        elif is_wanted:
            with suppress(av.FFmpegError):  # a fault of the sound is no reason to refuse the picture
                is_wanted = all(map(on_sound, sound.decode(packet)))


def _is_read(sound: AudioStream) -> bool:
    """Whether the decoder of a sound is an allowed one."""
    return sound.codec_context is not None and sound.codec_context.codec.name in SOUNDS.split(",")
