"""The frames of a video by number: when each is shown, and its picture, without decoding those before it."""

from __future__ import annotations

from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream
from PIL import Image

from ..errors import MediaError
from . import images
from .decoding import upright_image
from .demux import VIDEO, container, name_of, open_source, usual_pause
from .limits import LIMITS, Limits
from .timeline import Timeline

#: Containers whose packets say when their frames are shown.
_TIMED = ("mov", "matroska")


class FrameIndex:
    """The frames of a video file, in the order in which :func:`decart_nb.media.frames` gives them.

    Args:
        path: the video.
        limits: the maximum sizes that are decoded.

    Attributes:
        times: when each frame is shown, in seconds from the first one.
        duration: when the last frame ends, in seconds.
        stamps: what the file calls the time of each frame, in its stream's own unit; empty where that finds no frame.

    Raises:
        MediaError: it is not a video that can be decoded, or is beyond the limits.
    """

    def __init__(self, path: Path, *, limits: Limits = LIMITS) -> None:
        self._path, self._limits, self._name = path, limits, name_of(path)
        self.stamps: list[int] = []
        self.times: tuple[float, ...]
        self.duration: float
        with open_source(path, self._name, VIDEO) as file:
            animation = images.animated(file, limits)
            if animation:
                self._set_times([(None, pause) for _, pause in images.timed(animation)], 0.1)
                return
            with container(file, self._name, VIDEO, limits=limits) as (media, stream, _):
                first = next(media.decode(stream)).pts
            # Opened again, and not sought: of a few frames the only key frame is gone with the first one.
            with container(file, self._name, VIDEO, limits=limits, look_only=True) as (media, stream, _):
                if media.format.name.startswith(_TIMED) and self._read_packets(media, stream, first):
                    return
            with container(file, self._name, VIDEO, limits=limits) as (media, stream, _):
                shown = [
                    (None if frame.pts is None else frame.time, float(frame.duration * (frame.time_base or 0)))
                    for frame in media.decode(stream)
                ]
                self._set_times(shown, usual_pause(stream))

    def __len__(self) -> int:
        return len(self.times)

    def image(self, number: int) -> Image.Image:
        """Decode the frame of a number to an upright RGB image.

        Args:
            number: from 0 to ``len(index) - 1``.

        Raises:
            MediaError: the file is gone, has changed, or can no longer be decoded.
        """
        with open_source(self._path, self._name, VIDEO) as file:
            animation = images.animated(file, self._limits)
            if animation:
                animation.seek(number)
                return images.upright(animation)
            if self.stamps:
                with container(file, self._name, VIDEO, limits=self._limits) as (media, stream, _):
                    if found := self._sought(media, stream, self.stamps[number]):
                        return found
            with container(file, self._name, VIDEO, limits=self._limits) as (media, stream, _):
                for at, frame in enumerate(media.decode(stream)):
                    if at == number:
                        return upright_image(frame, stream, self._limits)
        raise MediaError(f"{self._name} has no frame {number} any more: has the file changed?")

    def _read_packets(self, media: InputContainer, stream: VideoStream, first: int | None) -> bool:
        """Read the times of all frames from their packets, and return whether each frame has one of its own."""
        found = [
            (packet.pts, packet.duration or 0)
            for packet in media.demux(stream)
            if packet.size and not packet.is_discard and not packet.is_corrupt
        ]
        if first is None or any(stamp is None for stamp, _ in found):
            return False
        # What comes before the first picture needs a key frame that the file has not.
        shown = sorted((stamp, pause) for stamp, pause in found if stamp is not None and stamp >= first)
        stamps = [stamp for stamp, _ in shown]
        if not stamps or stamps[0] != first or len(set(stamps)) < len(stamps):
            return False
        unit = float(stream.time_base or 0)
        self._set_times([(stamp * unit, pause * unit) for stamp, pause in shown], usual_pause(stream))
        self.stamps = stamps
        return True

    def _set_times(self, shown: list[tuple[float | None, float]], usual: float) -> None:
        timeline = Timeline(usual, self._limits)
        self.times = tuple(timeline.add(time, pause) for time, pause in shown)
        if not self.times:
            raise MediaError(f"{self._name} is not {VIDEO} that can be decoded: it has no picture.")
        self.duration = timeline.length()

    def _sought(self, media: InputContainer, stream: VideoStream, stamp: int) -> Image.Image | None:
        media.seek(stamp, stream=stream)
        for frame in media.decode(stream):
            if frame.pts is None or frame.pts > stamp:
                break
            if frame.pts == stamp:
                return upright_image(frame, stream, self._limits)
        return None
