"""What a video file is like, as far as it decides whether its picture can be used without encoding it anew."""

from __future__ import annotations

from pathlib import Path

from . import images
from .demux import VIDEO, container, name_of, open_source, quarters
from .frame_index import FrameIndex
from .hdr import is_hdr
from .limits import LIMITS, Limits
from .probing import probe
from .sniff import HEAD, sniff

#: 4:2:0 in eight bits, of limited and of full range.
_EVERY_DECODER = ("yuv420p", "yuvj420p")
#: Frames of a constant rate are shown at most so far from their times, in frames.
_STEADY = 0.5
_SAME_RATE = 0.01
#: A side may be so much longer than what is wanted: lines are not worth the loss of another encoding.
_ABOUT = 1.03


class Footage:
    """A video file, whose frames are numbered and timed.

    Args:
        path: the file.
        limits: what is not decoded.

    Attributes:
        path: the file.
        name: its name.
        index: its frames by number.
        width, height: in pixels, upright, with square pixels.
        fps: average frames per second.
        duration: in seconds.
        codec: FFmpeg's name for the picture's codec.
        pixels: FFmpeg's name for the format of the picture's pixels; empty for an animated image.
        media_type: detected from its first bytes.
        turns: how many quarter turns make it upright.
        is_square: whether its pixels are square.
        is_hdr: whether its brightness is coded as HLG or PQ.
        has_audio: whether there is sound.
        is_animation: whether it is an animated image.

    Raises:
        MediaError: it is not a video that can be decoded, or is beyond the limits.
    """

    def __init__(self, path: Path, *, limits: Limits = LIMITS) -> None:
        self.path, self.name = path, name_of(path)
        info = probe(path, limits=limits)
        self.index = FrameIndex(path, limits=limits)
        self.width, self.height, self.codec = info.width, info.height, info.codec
        # The header may know better than the last frame how long that is shown.
        self.duration = info.duration if info.duration > self.index.times[-1] else self.index.duration
        self.has_audio = info.has_audio
        self.fps = len(self.index) / self.duration
        self.pixels, self.turns, self.is_square, self.is_hdr, self._clock = "", 0, True, False, 0.0
        with open_source(path, self.name, VIDEO) as file:
            self.media_type = sniff(file.read(HEAD)) or ""
            file.seek(0)
            self.is_animation = images.animated(file, limits) is not None
            if self.is_animation:
                return
            with container(file, self.name, VIDEO, limits=limits) as (media, stream, _):
                frame = next(media.decode(stream))
                self.pixels = frame.format.name
                self.turns, self.is_hdr = quarters(frame), is_hdr(frame)
                self.is_square = stream.sample_aspect_ratio in (None, 0, 1)
                self._clock = frame.time or 0.0

    def clock_of(self, number: int) -> float:
        """When a frame is shown by the file's own clock, in seconds."""
        return self._clock + self.index.times[number]

    @property
    def is_steady(self) -> bool:
        """Whether the frames follow each other at one rate."""
        return all(abs(time * self.fps - number) < _STEADY for number, time in enumerate(self.index.times))

    def is_picture_of(self, size: tuple[int, int] | None, fps: float | None, *, upright: bool) -> bool:
        """Whether the picture is H.264 that every decoder plays, and as wanted.

        Args:
            size: the most pixels of the longer and the shorter side, about; ``None`` for any.
            fps: a constant rate; ``None`` for any.
            upright: whether it may not be marked as to be turned, nor have pixels that are not square.
        """
        return (
            self.codec == "h264"
            and self.pixels in _EVERY_DECODER
            and not self.is_hdr
            and not (upright and (self.turns or not self.is_square))
            and self.is_within(size)
            and self.has_rate(fps)
        )

    def is_within(self, size: tuple[int, int] | None) -> bool:
        """Whether the sides are at most about so long."""
        sides = self.width, self.height
        return size is None or (max(sides) <= max(size) * _ABOUT and min(sides) <= min(size) * _ABOUT)

    def has_rate(self, fps: float | None) -> bool:
        """Whether the frames are shown at a constant rate."""
        return fps is None or (abs(self.fps / fps - 1) < _SAME_RATE and self.is_steady)
