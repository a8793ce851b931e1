"""Rewriting of a stretch of a video as an MP4 of H.264: frames are copied where that is exact, and else encoded."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from ..errors import MediaError
from . import images
from .decoding import upright_array
from .demux import VIDEO, container, name_of, open_source, quarters
from .encoding import add_picture, picture, writing
from .footage import Footage
from .hdr import ToneMapper, is_hdr, tone_mapper
from .images import RGB
from .limits import LIMITS, Limits
from .sound import Sound

#: Rounded times (a thousandth of a second in WebM) are taken for what they mean.
ROUNDING = 1e-3
#: What the times of a written video count in.
_CLOCK = Fraction(1, 90_000)
#: Bits per second that are left for the sound, and the part of the others that the picture may have on average.
_SOUND_BITS = 160_000
_PICTURE_SHARE = 0.9
_MIN_BITS = 100_000
#: Seconds at the highest rate that the encoder may have ahead.
_BUFFER = 1.0
#: So many frames behind a stretch, all of its sound has been read.
_BEHIND = 32


@dataclass(frozen=True, slots=True)
class Target:
    """What is wanted of a rewritten video.

    Attributes:
        start, end: the stretch, in seconds from the first frame: the frames that begin to be shown in it. With
            ``end=None``, up to the last one.
        size: the most pixels of the longer and the shorter side; a larger picture is scaled down, in its own shape.
        fps: a constant rate; without it, every frame is shown when it was.
        most_bytes: the largest file.
        upright: whether a picture that lies on its side is turned, and not only marked as to be turned.
    """

    start: float = 0.0
    end: float | None = None
    size: tuple[int, int] | None = None
    fps: int | None = None
    most_bytes: int | None = None
    upright: bool = False


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The frames of a stretch by number, the last one excluded, and when it begins and ends, in seconds."""

    first: int
    stop: int
    begin: float
    end: float


def stretch_of(footage: Footage, target: Target) -> _Stretch:
    """The frames of a video that are wanted.

    Raises:
        MediaError: there are none.
    """
    times = footage.index.times
    first = bisect_left(times, target.start - ROUNDING)
    stop = len(times) if target.end is None else bisect_left(times, target.end - ROUNDING)
    if first >= stop:
        end = footage.duration if target.end is None else target.end
        raise MediaError(
            f"{footage.name} has no frame from {target.start:g} s to {end:g} s: it is {footage.duration:.2f} s long."
        )
    end = times[stop] if stop < len(times) else footage.duration
    return _Stretch(first, stop, times[first], end)


def rewrite(footage: Footage, path: Path, target: Target, *, limits: Limits = LIMITS) -> bool:
    """Write a stretch of a video as an MP4 of H.264, whose bytes are the same on every run, with its sound as AAC.

    Frames are copied where the stretch has all that they are decoded from, and the picture is as wanted; else they are
    encoded: upright, in 8 bits, and HDR as SDR.

    Args:
        footage: the video.
        path: the file to write. It is not written atomically.
        target: what is wanted.
        limits: what is not decoded.

    Returns:
        Whether the frames were copied.

    Raises:
        MediaError: the video cannot be decoded, has no such stretch, or the file cannot be written.
    """
    stretch = stretch_of(footage, target)
    is_wanted = footage.is_picture_of(target.size, target.fps, upright=target.upright)
    is_copied = is_wanted and _copy(footage, path, stretch, limits)
    if is_copied and target.most_bytes is not None:
        is_copied = path.stat().st_size <= target.most_bytes
    if not is_copied:
        _encode(footage, path, stretch, target, limits)
    return is_copied


def _copy(footage: Footage, path: Path, stretch: _Stretch, limits: Limits) -> bool:
    """Copy the frames of a stretch, if it has all that they are decoded from, and return whether they were copied."""
    stamps = footage.index.stamps[stretch.first : stretch.stop]
    if not stamps:
        return False
    name, wanted = name_of(path), set(stamps)
    ends = (*footage.index.times[stretch.first + 1 : stretch.stop], stretch.end)
    pauses = {
        stamp: end - begin
        for stamp, begin, end in zip(stamps, footage.index.times[stretch.first : stretch.stop], ends, strict=True)
    }
    with _reading(footage, limits) as (media, stream), writing(name), _written(path) as out:
        copied = out.add_stream_from_template(stream)
        begin = stamps[0] * float(stream.time_base or 0)
        sound = Sound(media, out, begin, begin + stretch.end - stretch.begin)
        media.seek(stamps[0], stream=stream)
        left, behind, last_dts = len(wanted), 0, None
        for packet in media.demux(*filter(None, (stream, sound.stream))):
            if packet.stream.index != stream.index:  # the last ones have no index of their own
                sound.write(packet)
                continue
            if left == 0:
                behind += 1
                if behind > _BEHIND:
                    break
            if not packet.size or left == 0:
                continue
            if packet.pts not in wanted or packet.is_discard or packet.is_corrupt:
                if left < len(wanted):  # frames of the stretch may be decoded from one outside
                    return False
                continue
            if left == len(wanted) and not (packet.is_keyframe and packet.pts == stamps[0]):
                return False
            packet.duration = round(pauses[packet.pts] / (stream.time_base or 1))
            packet.pts -= stamps[0]
            packet.dts = packet.dts - stamps[0] if packet.dts is not None else packet.pts
            if last_dts is not None and packet.dts <= last_dts:
                return False
            left, last_dts = left - 1, packet.dts
            packet.stream = copied
            out.mux(packet)
        sound.finish()
    return left == 0 and _is_exact(footage, path, stretch)


def _is_exact(footage: Footage, path: Path, stretch: _Stretch) -> bool:
    """Whether a copy shows the frames of a stretch, at their times: a container may count them otherwise."""
    copy = Footage(path)
    times = [time - stretch.begin for time in footage.index.times[stretch.first : stretch.stop]]
    if len(copy.index.times) != len(times) or copy.turns != footage.turns:
        return False
    if any(abs(ours - theirs) > ROUNDING for ours, theirs in zip(copy.index.times, times, strict=True)):
        return False
    ends = ((0, stretch.first), (len(times) - 1, stretch.stop - 1))
    return all(copy.index.image(ours) == footage.index.image(theirs) for ours, theirs in ends)


def _encode(footage: Footage, path: Path, stretch: _Stretch, target: Target, limits: Limits) -> None:
    plan = _plan(footage, stretch, target.fps)
    seconds = stretch.end - stretch.begin
    most_bits = None
    if target.most_bytes is not None:
        bits = target.most_bytes * 8 / (seconds + _BUFFER) * _PICTURE_SHARE
        most_bits = max(_MIN_BITS, int(min(bits - _SOUND_BITS * footage.has_audio, 2**31 - 1)))
    rate = Fraction(target.fps or len(plan) / seconds).limit_denominator(1001)
    name = name_of(path)
    shape = scaled((footage.width, footage.height), target.size)[::-1]
    with ExitStack() as stack:
        if footage.is_animation:
            out, sound = stack.enter_context(_written(path)), None
            pictures = _animated(footage, stretch, shape, limits)
        else:
            media, stream = stack.enter_context(_reading(footage, limits))
            out = stack.enter_context(_written(path))
            begin = footage.clock_of(stretch.first)
            sound = Sound(media, out, begin, begin + seconds)
            pictures = _decoded(footage, media, stream, sound, {number for number, _ in plan}, shape)
        # All streams are there before the first packet is written.
        end = Fraction(len(plan), target.fps) if target.fps else Fraction(seconds)
        writer = _Writer(out, add_picture(out, shape[::-1], rate, most_bits=most_bits), plan, end)
        for number, rgb in stack.enter_context(closing(pictures)):
            with writing(name):
                writer.write(number, picture(rgb))
        with writing(name):
            writer.finish()
            if sound is not None:
                sound.finish()
            out.close()


def _plan(footage: Footage, stretch: _Stretch, fps: int | None) -> list[tuple[int, Fraction]]:
    """The frames of the result: the number of the one that is shown, and when, in seconds."""
    times = footage.index.times
    if fps is None:
        return [(number, Fraction(times[number] - stretch.begin)) for number in range(stretch.first, stretch.stop)]
    count = max(1, round((stretch.end - stretch.begin) * fps))
    shown = (bisect_right(times, stretch.begin + at / fps + ROUNDING) - 1 for at in range(count))
    return [(min(max(number, stretch.first), stretch.stop - 1), Fraction(at, fps)) for at, number in enumerate(shown)]


class _Writer:
    """Encodes frames when a plan has them."""

    def __init__(
        self, out: OutputContainer, stream: VideoStream, plan: list[tuple[int, Fraction]], end: Fraction
    ) -> None:
        self._out, self._stream = out, stream
        stream.time_base = stream.codec_context.time_base = _CLOCK
        stamps = [round(at / _CLOCK) for _, at in plan]
        ends = [*stamps[1:], max(round(end / _CLOCK), stamps[-1] + 1)]
        self._due = list(zip((number for number, _ in plan), stamps, strict=True))[::-1]
        self._pauses = {stamp: end - stamp for stamp, end in zip(stamps, ends, strict=True)}

    def write(self, number: int, frame: av.VideoFrame) -> None:
        while self._due and self._due[-1][0] == number:
            frame.pts, frame.time_base = self._due.pop()[1], _CLOCK
            self._mux(self._stream.encode(frame))

    def finish(self) -> None:
        self._mux(self._stream.encode(None))

    def _mux(self, packets: list[av.Packet[VideoStream]]) -> None:
        for packet in packets:
            packet.duration = self._pauses.get(cast(int, packet.pts), 0)
            self._out.mux(packet)


def _animated(
    footage: Footage, stretch: _Stretch, shape: tuple[int, int], limits: Limits
) -> Generator[tuple[int, RGB]]:
    """The frames of a stretch of an animated image, by number."""
    with open_source(footage.path, footage.name, VIDEO) as file:
        animation = images.animated(file, limits)
        assert animation is not None
        for number, (image, _) in enumerate(images.timed(animation)):
            if number >= stretch.stop:
                return
            if number >= stretch.first:
                yield number, np.asarray(images.upright(image).resize(shape[::-1]))


def _decoded(
    footage: Footage,
    media: InputContainer,
    stream: VideoStream,
    sound: Sound,
    wanted: Collection[int],
    shape: tuple[int, int],
) -> Generator[tuple[int, RGB]]:
    """The frames of a video with these numbers, in order. The sound among them is written on the way."""
    by_stamp = {stamp: at for at, stamp in enumerate(footage.index.stamps)}
    if by_stamp:
        media.seek(footage.index.stamps[min(wanted)], stream=stream)
    last = max(wanted)
    mapper: ToneMapper | None = None
    number = 0
    with ExitStack() as stack:
        for packet in media.demux(*filter(None, (stream, sound.stream))):
            if packet.stream.index != stream.index:  # the last ones have no index of their own
                sound.write(packet)
                continue
            for frame in stream.codec_context.decode(packet):
                if by_stamp:
                    number = by_stamp.get(cast(int, frame.pts), number)
                if number in wanted:
                    if mapper is None and is_hdr(frame):
                        mapper = stack.enter_context(tone_mapper(frame))
                    yield number, _rgb(frame, shape, mapper)
                number += 1
            if number > last + _BEHIND:
                return


def _rgb(frame: av.VideoFrame, shape: tuple[int, int], mapper: ToneMapper | None) -> RGB:
    """A frame as an upright RGB array of a height and a width."""
    if mapper is None:
        return upright_array(frame, shape)
    height, width = shape[::-1] if quarters(frame) % 2 else shape
    return np.ascontiguousarray(np.rot90(mapper.convert(frame, width, height), quarters(frame)))


def scaled(shape: tuple[int, int], size: tuple[int, int] | None) -> tuple[int, int]:
    """An upright width and height, scaled down to a longer and a shorter side, and even.

    Args:
        shape: width and height.
        size: the most pixels of the longer and the shorter side; ``None`` for any.
    """
    scale = 1.0 if size is None else min(1.0, max(size) / max(shape), min(size) / min(shape))
    width, height = (max(2, round(side * scale / 2) * 2) for side in shape)
    return width, height


@contextmanager
def _reading(footage: Footage, limits: Limits) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video: its container, and its picture's stream."""
    with (
        open_source(footage.path, footage.name, VIDEO) as file,
        container(file, footage.name, VIDEO, limits=limits) as (media, stream, _),
    ):
        yield media, stream


def _written(path: Path) -> OutputContainer:
    return av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
