"""Graphs of FFmpeg's filters, which are fed decoded frames and whose results are read from the frames' metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
from av.filter.context import FilterContext

from .metric import FilterMetric
from .reducing import LoggedMean, Reducer

#: What filters are told of times in: a millionth of a second.
_TICKS = 1_000_000
_TIME_BASE = Fraction(1, _TICKS)
_LOG = "log.json"
#: The filters that turn a frame upright, by its quarter turns counter-clockwise.
_TURNS: tuple[tuple[tuple[str, str], ...], ...] = (
    (),
    (("transpose", "cclock"),),
    (("hflip", ""), ("vflip", "")),
    (("transpose", "clock"),),
)


class MetadataGraph:
    """A graph that frames go through, and the reducers that take what its filters have written into them.

    Args:
        metrics: those whose filters are in it; a filter that several of them share is in it once.
    """

    def __init__(self, metrics: Sequence[FilterMetric]) -> None:
        self._filters = list(dict.fromkeys(metric.filter for metric in metrics))
        self._reducers: dict[str, Reducer] = {metric.name: metric.reduce() for metric in metrics}
        self._graph = av.filter.Graph()
        self._graph.threads = 1  # several clips are measured at once
        self._sources: list[FilterContext] = []
        self._sink: FilterContext | None = None

    def values(self, length: float) -> dict[str, float | str]:
        """The values by the metrics' names, of a video of a length in seconds, once all frames have gone through."""
        for source in self._sources:
            source.push(None)
        self._reduce()
        return {name: reducer.value(length) for name, reducer in self._reducers.items()}

    def _push(self, source: FilterContext, frame: av.VideoFrame, time: float) -> None:
        frame.pts, frame.time_base = round(time * _TICKS), _TIME_BASE
        source.push(frame)

    def _reduce(self) -> None:
        for frame in self._pulled():
            metadata, time = frame.metadata, frame.time or 0.0
            for reducer in self._reducers.values():
                reducer.add(time, metadata, frame)

    def _pulled(self) -> Iterator[av.VideoFrame | av.AudioFrame]:
        while self._sink is not None:
            try:
                frame = self._sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):  # it needs another frame first, or was at the end
                return
            assert isinstance(frame, av.VideoFrame | av.AudioFrame)
            yield frame

    def _add_source(self, frame: av.VideoFrame, fps: float) -> FilterContext:
        facts = {
            "video_size": f"{frame.width}x{frame.height}",
            "pix_fmt": frame.format.name,
            "time_base": _TIME_BASE,
            "pixel_aspect": "1/1",
            "frame_rate": Fraction(fps).limit_denominator(1001),
            "range": int(frame.color_range),
            "colorspace": int(frame.colorspace),
        }
        source = self._graph.add("buffer", ":".join(f"{name}={value}" for name, value in facts.items()))
        self._sources.append(source)
        return source

    def _add_chain(self, begin: FilterContext, filters: Sequence[tuple[str, str]]) -> FilterContext:
        for name, arguments in filters:
            following = self._graph.add(name, arguments or None)
            begin.link_to(following)
            begin = following
        return begin

    def _finish(self, end: FilterContext, sink: str) -> None:
        self._sink = self._graph.add(sink)
        end.link_to(self._sink)
        self._graph.configure()


class PictureGraph(MetadataGraph):
    """A graph for the pictures of one video.

    Args:
        metrics: of one branch.
        prefix: the filters before those of the metrics.
    """

    def __init__(self, metrics: Sequence[FilterMetric], prefix: Sequence[tuple[str, str]]) -> None:
        super().__init__(metrics)
        self._prefix = prefix

    def push(self, frame: av.VideoFrame, time: float, fps: float) -> None:
        """Send the next frame through the graph.

        Args:
            frame: all are of one size and format.
            time: when it is shown, in seconds.
            fps: about how many frames a second the video has.
        """
        if not self._sources:
            self._finish(self._add_chain(self._add_source(frame, fps), [*self._prefix, *self._filters]), "buffersink")
        self._push(self._sources[0], frame, time)
        self._reduce()


class PairGraph(MetadataGraph):
    """A graph for the pictures of a video beside those of a reference, which is turned and scaled to the video's.

    Where the arguments of a filter name a ``{log}``, that is a file that it writes when the graph ends.

    Args:
        metrics: of one branch.
        prefix: the filters before those of the metrics, for both videos.
    """

    def __init__(self, metrics: Sequence[FilterMetric], prefix: Sequence[tuple[str, str]]) -> None:
        super().__init__(metrics)
        self._prefix = prefix
        self._log: TemporaryDirectory[str] | None = None

    def push(
        self, frame: av.VideoFrame, reference: av.VideoFrame, time: float, fps: float, turns: tuple[int, int]
    ) -> None:
        """Send the next pair of frames through the graph.

        Args:
            frame: of the video.
            reference: the frame to compare it with.
            time: when they are shown, in seconds.
            fps: about how many frames a second the video has.
            turns: how many quarter turns counter-clockwise make the frame, and the reference's, upright.
        """
        if not self._sources:
            self._build(frame, reference, fps, turns)
        for source, picture in zip(self._sources, (frame, reference), strict=True):
            self._push(source, picture, time)
        self._reduce()

    def values(self, length: float) -> dict[str, float | str]:
        """As :meth:`MetadataGraph.values`, with what filters have written into a log."""
        values = super().values(length)
        if self._log is not None:
            self._sources, self._sink = [], None
            del self._graph  # the filter writes its log when it ends
            with self._log:
                text = (Path(self._log.name) / _LOG).read_text()
            for name, reducer in self._reducers.items():
                if isinstance(reducer, LoggedMean):
                    reducer.read(text)
                    values[name] = reducer.value(length)
        return values

    def _build(self, frame: av.VideoFrame, reference: av.VideoFrame, fps: float, turns: tuple[int, int]) -> None:
        main = self._add_chain(self._add_source(frame, fps), [*_TURNS[turns[0]], *self._prefix])
        size = (frame.height, frame.width) if turns[0] % 2 else (frame.width, frame.height)
        fitting = [*_TURNS[turns[1]]]
        if size != ((reference.height, reference.width) if turns[1] % 2 else (reference.width, reference.height)):
            fitting.append(("scale", f"w={size[0]}:h={size[1]}:flags=bicubic"))
        if frame.format.name != reference.format.name or frame.color_range != reference.color_range:
            fitting.append(("scale", f"out_range={int(frame.color_range) or 'auto'}"))
            fitting.append(("format", frame.format.name))
        other = self._add_chain(self._add_source(reference, fps), [*fitting, *self._prefix])
        copies = self._graph.add("split", str(len(self._filters)))
        other.link_to(copies)
        for number, (name, arguments) in enumerate(self._filters):
            comparison = self._graph.add(name, self._with_log(arguments) or None)
            main.link_to(comparison)
            copies.link_to(comparison, number, 1)
            main = comparison
        self._finish(main, "buffersink")

    def _with_log(self, arguments: str) -> str:
        if "{log}" not in arguments:
            return arguments
        self._log = TemporaryDirectory(prefix="decart_nb-")
        path = str(Path(self._log.name) / _LOG)
        return arguments.format(log=re.sub(r"([\\':])", r"\\\1", path))


class SoundGraph(MetadataGraph):
    """A graph for the sound of a video."""

    def push(self, frame: av.AudioFrame) -> None:
        """Send the next piece of the sound through the graph."""
        if not self._sources:
            rate = frame.sample_rate
            source = self._graph.add_abuffer(
                sample_rate=rate, format=frame.format, layout=frame.layout, time_base=Fraction(1, rate)
            )
            self._sources.append(source)
            self._samples = 0
            self._finish(self._add_chain(source, self._filters), "abuffersink")
        frame.pts, frame.time_base = self._samples, Fraction(1, frame.sample_rate)
        self._samples += frame.samples
        self._sources[0].push(frame)
        self._reduce()
