"""The measuring of one clip: it is decoded once, and its frames go to all metrics that are asked for."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from ..errors import MediaError
from ..media.limits import LIMITS, Limits
from ..media.timed_frames import TimedFrame, timed_frames
from .builtin import BUILTIN, TEXTS
from .feeds import Feed, Frame, Measurement, PairFeed, PictureFeed, PluginFeed, SoundFeed
from .metric import Branch, FilterMetric, Metric, PluginMetric
from .plugin_calls import PluginCall
from .reducing import ROUNDING


def measure_clip(
    clip: str | Path,
    reference: str | Path | None,
    metrics: Sequence[str | PluginMetric],
    limits: Limits = LIMITS,
) -> dict[str, Measurement]:
    """Measure a clip by several metrics. It is decoded once, and so is the reference.

    Arguments and results can be pickled, so that it may be called in another process.

    Args:
        clip: the path of the video.
        reference: the path of the video that it is compared with; needed by the metrics that compare.
        metrics: built-in ones by their names, and plug-ins.
        limits: the maximum sizes that are decoded.

    Returns:
        What was measured, by the metrics' names. A metric that fails, and a reference that cannot be decoded, stop no
        other metric. That the clip cannot be decoded is the error of all.
    """
    wanted = [_metric(metric) for metric in metrics]
    failed: dict[str, Measurement] = {}
    while True:
        try:
            return failed | _measured(clip, reference, wanted, limits)
        except _ReferenceError as error:
            failed = {metric.name: _failure(error.cause) for metric in wanted if metric.needs_reference}
            wanted = [metric for metric in wanted if not metric.needs_reference]
        except MediaError as error:
            return failed | {metric.name: _failure(error) for metric in wanted}


class _ReferenceError(Exception):
    """The reference cannot be decoded."""

    def __init__(self, cause: MediaError) -> None:
        super().__init__(cause)
        self.cause = cause


def _metric(metric: str | PluginMetric) -> Metric:
    if isinstance(metric, PluginMetric):
        return metric
    return BUILTIN.get(metric) or TEXTS[metric]


def _failure(error: MediaError) -> Measurement:
    return Measurement(math.nan, error.message, is_final=not isinstance(error.cause, OSError | MemoryError))


def _measured(
    clip: str | Path, reference: str | Path | None, metrics: Sequence[Metric], limits: Limits
) -> dict[str, Measurement]:
    if not metrics:
        return {}
    feeds = _feeds(metrics, limits)
    with ExitStack() as stack:
        for feed in feeds:
            stack.callback(feed.abandon)
        sound = next((feed for feed in feeds if isinstance(feed, SoundFeed)), None)
        frames = stack.enter_context(
            closing(timed_frames(clip, on_sound=None if sound is None else sound.add_sound, limits=limits))
        )
        others: Generator[TimedFrame] | None = None
        if reference is not None and any(metric.needs_reference for metric in metrics):
            others = stack.enter_context(closing(_reference_frames(reference, limits)))
        length = 0.0
        for frame, other in _side_by_side(frames, others or iter(())):
            both = Frame(frame, other)
            for feed in feeds:
                feed.add(both)
            length = frame.time + frame.pause
        results: dict[str, Measurement] = {}
        for feed in feeds:
            results |= feed.results(length)
        return results


def _feeds(metrics: Sequence[Metric], limits: Limits) -> list[Feed]:
    """What sends frames to the metrics: filters with the same frames share a graph."""
    filters = [metric for metric in metrics if isinstance(metric, FilterMetric)]
    branches: dict[tuple[Branch, bool], list[FilterMetric]] = {}
    for metric in filters:
        if metric.branch is not None:
            branches.setdefault((metric.branch, metric.needs_reference), []).append(metric)
    feeds: list[Feed] = [
        (PairFeed if needs_reference else PictureFeed)(those, branch)
        for (branch, needs_reference), those in branches.items()
    ]
    if sounds := [metric for metric in filters if metric.branch is None]:
        feeds.append(SoundFeed(sounds, limits.seconds))
    calls: list[PluginCall] = []
    return [*feeds, *(PluginFeed(metric, calls) for metric in metrics if isinstance(metric, PluginMetric))]


def _reference_frames(reference: str | Path, limits: Limits) -> Generator[TimedFrame]:
    try:
        yield from timed_frames(reference, limits=limits)
    except MediaError as error:
        raise _ReferenceError(error) from None


def _side_by_side(
    frames: Iterator[TimedFrame], others: Iterator[TimedFrame]
) -> Iterator[tuple[TimedFrame, TimedFrame | None]]:
    """Each frame with that of the other video that is nearest in time, of two the earlier; ``None`` after its end."""
    other = following = next(others, None)
    for frame in frames:
        while other is not None and following is not None and frame.time > (other.time + following.time) / 2 + ROUNDING:
            other, following = following, next(others, None)
        if other is not None and following is None and frame.time >= other.time + other.pause - ROUNDING:
            other = None
        yield frame, other
