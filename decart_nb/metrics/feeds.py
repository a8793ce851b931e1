"""Feeds: they send a clip's decoded frames to graphs of filters and to plug-ins, and collect what these measure."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Generic, TypeVar

import av

from .._util.text import printable
from ..errors import InvalidInputError
from ..media.decoding import upright_array
from ..media.timed_frames import TimedFrame
from .graphs import MetadataGraph, PairGraph, PictureGraph, SoundGraph
from .metric import Branch, FilterMetric, PluginMetric
from .plugin_calls import PluginCall

if TYPE_CHECKING:
    from ..media import RGB

#: Seconds from one sampled frame to the next, and the fewest of them in a video whose header tells its length.
_INTERVAL, _MIN_FRAMES = 2.0, 3
_USUAL_PAUSE = 0.04
#: Smaller pictures are not given to filters: some of them divide by zero, or read beyond the picture.
_MIN_SIDE = 48

_Graph = TypeVar("_Graph", bound=MetadataGraph)


@dataclass(frozen=True)
class Measurement:
    """What was measured of a clip by one metric.

    Attributes:
        value: the number, or a fingerprint's text; NaN where there is none.
        error: why there is no value; empty where there is one.
        is_final: whether the same file gives the same again: not of a plug-in's error, nor of one of the disk.
    """

    value: float | str
    error: str = ""
    is_final: bool = True


class Frame:
    """A frame of the clip with the reference's beside it, as filters and plug-ins take them, converted once for all.

    Args:
        clip: the clip's frame.
        reference: the reference's at that time; ``None`` where there is none.

    Attributes:
        clip, reference: the same, for filters: without RGB, palettes and alpha, which some of them misread.
    """

    def __init__(self, clip: TimedFrame, reference: TimedFrame | None) -> None:
        self._decoded = [clip.picture, *([] if reference is None else [reference.picture])]
        self.clip = clip._replace(picture=_without_rgb(clip.picture))
        self.reference = reference and reference._replace(picture=_without_rgb(reference.picture))
        self._rgb: list[RGB] = []

    def rgb(self, count: int) -> list[RGB]:
        """The first, or both, as read-only RGB arrays, upright and of one size."""
        for picture in self._decoded[len(self._rgb) : count]:
            array = upright_array(picture, self.clip.shape)
            array.flags.writeable = False  # several plug-ins get it
            self._rgb.append(array)
        return self._rgb[:count]


def _without_rgb(frame: av.VideoFrame) -> av.VideoFrame:
    return frame if _is_plain(frame.format.name) else frame.reformat(format="yuv444p")


@cache
def _is_plain(pixels: str) -> bool:
    """Whether a pixel format is grey or YUV, without alpha."""
    kind = av.VideoFormat(pixels)
    return not (kind.is_rgb or kind.has_palette or any(component.is_alpha for component in kind.components))


class Feed(ABC):
    """Takes the frames of one clip."""

    @abstractmethod
    def add(self, frame: Frame) -> None:
        """Take the next frame."""

    @abstractmethod
    def results(self, length: float) -> dict[str, Measurement]:
        """What was measured of a video of a length in seconds, by the metrics' names."""

    def abandon(self) -> None:
        """Let what works on it come to an end: nobody wants the results."""
        return


class _GraphFeed(Feed, Generic[_Graph]):
    """Feeds a graph. What FFmpeg refuses is the error of the metrics in it, and of no other."""

    def __init__(self, metrics: Sequence[FilterMetric], graph: _Graph) -> None:
        self._metrics, self._graph, self._error, self._is_final = metrics, graph, "", True

    def results(self, length: float) -> dict[str, Measurement]:
        """The values of the graph's metrics."""
        values: dict[str, float | str] = {}
        if not self._error:
            with self._catching():
                values = self._graph.values(length)
        if self._error:
            return {metric.name: Measurement(math.nan, self._error, self._is_final) for metric in self._metrics}
        return {name: Measurement(value) for name, value in values.items()}

    def _takes(self, frame: av.VideoFrame) -> bool:
        """Whether a frame is to be sent to the graph."""
        if not self._error and min(frame.width, frame.height) < _MIN_SIDE:
            self._error = f"the picture is smaller than {_MIN_SIDE} pixels, and cannot be measured."
        return not self._error

    @contextmanager
    def _catching(self) -> Iterator[None]:
        """Keep what FFmpeg raises; nothing more is sent to a graph that has failed."""
        try:
            yield
        except (av.FFmpegError, ValueError) as error:
            filters = ", ".join(metric.filter[0] for metric in self._metrics)
            self._error = printable(f"FFmpeg's filters ({filters}) cannot take this video: {error}", limit=300)
            self._is_final = not isinstance(error, OSError | MemoryError)


class PictureFeed(_GraphFeed[PictureGraph]):
    """Feeds the filters of one branch."""

    def __init__(self, metrics: Sequence[FilterMetric], branch: Branch) -> None:
        super().__init__(metrics, PictureGraph(metrics, branch.prefix))
        self._is_sampled, self._samples = branch.is_sampled, 0
        self._left_out: TimedFrame | None = None

    def add(self, frame: Frame) -> None:
        """Send the next frame through the graph, if it is one of the sample or all are wanted."""
        timed = frame.clip
        if self._is_sampled and not self._is_next_sample(timed):
            self._left_out = timed
            return
        self._send(timed)

    def results(self, length: float) -> dict[str, Measurement]:
        """The values of the branch's metrics."""
        if self._is_sampled and not self._samples and self._left_out is not None:  # there was no middle of an interval
            self._send(self._left_out)
        return super().results(length)

    def _send(self, timed: TimedFrame) -> None:
        if self._takes(timed.picture):
            with self._catching():
                self._graph.push(timed.picture, timed.time, 1 / (timed.pause or _USUAL_PAUSE))

    def _is_next_sample(self, timed: TimedFrame) -> bool:
        """Whether it is on screen in the middle of an interval: the beginning of a video is not like the rest."""
        interval = min(_INTERVAL, timed.length / _MIN_FRAMES) if timed.length > 0 else _INTERVAL
        if timed.time + timed.pause <= (self._samples + 0.5) * interval:
            return False
        self._samples = math.floor((timed.time + timed.pause) / interval + 0.5)
        return True


class PairFeed(_GraphFeed[PairGraph]):
    """Feeds the filters of one branch that compare a clip with its reference, as long as both last."""

    def __init__(self, metrics: Sequence[FilterMetric], branch: Branch) -> None:
        super().__init__(metrics, PairGraph(metrics, branch.prefix))

    def add(self, frame: Frame) -> None:
        """Send the next pair of frames through the graph."""
        clip, reference = frame.clip, frame.reference
        if reference is None or not self._takes(clip.picture):
            return
        fps = 1 / (clip.pause or _USUAL_PAUSE)
        with self._catching():
            self._graph.push(clip.picture, reference.picture, clip.time, fps, (clip.turns, reference.turns))


class SoundFeed(_GraphFeed[SoundGraph]):
    """Feeds the filters of sound.

    Args:
        metrics: of sound.
        longest: the most seconds of sound that are taken: a small file may have sound for days.
    """

    def __init__(self, metrics: Sequence[FilterMetric], longest: float) -> None:
        super().__init__(metrics, SoundGraph(metrics))
        self._longest, self._seconds = longest, 0.0

    def add(self, frame: Frame) -> None:
        """Leave the picture out."""
        return

    def add_sound(self, piece: av.AudioFrame) -> bool:
        """Take the next piece of the sound, and say whether more is wanted."""
        self._seconds += piece.samples / piece.sample_rate
        if self._seconds > self._longest:
            self._error = f"the sound is longer than {self._longest:.0f} s, the most that is read."
        if not self._error:
            with self._catching():
                self._graph.push(piece)
        return not self._error


class PluginFeed(Feed):
    """Feeds one plug-in.

    Args:
        metric: the plug-in.
        beside: the calls of plug-ins for the same clip, to which this one is added.
    """

    def __init__(self, metric: PluginMetric, beside: list[PluginCall]) -> None:
        self._metric, self._call = metric, PluginCall(metric, beside)

    def add(self, frame: Frame) -> None:
        """Give the plug-in the next frame, and the reference's beside it if it needs one."""
        needed = 1 + self._metric.needs_reference
        if needed == 2 and frame.reference is None:
            return
        if self._call.wants(frame.clip.time, frame.clip.pause):
            self._call.feed(*frame.rgb(needed))

    def results(self, length: float) -> dict[str, Measurement]:
        """What the plug-in returns."""
        try:
            return {self._metric.name: Measurement(self._call.value())}
        except InvalidInputError as error:
            return {self._metric.name: Measurement(math.nan, error.message, is_final=False)}

    def abandon(self) -> None:
        """Let the plug-in come to an end."""
        self._call.abandon()
