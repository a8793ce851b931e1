"""How the metadata that FFmpeg's filters write into each frame become one value of a video."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import av

#: What filters have written into a frame.
Metadata = Mapping[str, str]
#: Times are rounded in files, to a thousandth of a second in some.
ROUNDING = 1e-3


class Reducer(Protocol):
    """Turns what a filter says of each frame into one value."""

    def add(self, time: float, metadata: Metadata, frame: av.VideoFrame | av.AudioFrame) -> None:
        """Take the next frame: when it is shown, in seconds, and what the filters have written into it."""

    def value(self, length: float) -> float | str:
        """The value, of a video of a length in seconds; NaN where there is none."""


class Mean:
    """The mean of a number over all frames that have it.

    Args:
        keys: the names of the number; of several, their mean in each frame.
        scale: what the number is multiplied by; a function of the frame where that depends on it.
        skip_first: whether the first frame is left out, which has none before it to be compared with.
        inverse: whether the result is one divided by the mean.
    """

    def __init__(
        self,
        *keys: str,
        scale: float | Callable[[Any], float] = 1.0,
        skip_first: bool = False,
        inverse: bool = False,
    ) -> None:
        self._keys, self._scale, self._skip, self._inverse = keys, scale, skip_first, inverse
        self._sum, self._count = 0.0, 0

    def add(self, time: float, metadata: Metadata, frame: av.VideoFrame | av.AudioFrame) -> None:
        """Take the next frame."""
        if self._skip:
            self._skip = False
            return
        number = sum(_number(metadata, key) for key in self._keys) / len(self._keys)
        if math.isfinite(number):
            self._sum += number * (self._scale(frame) if callable(self._scale) else self._scale)
            self._count += 1

    def value(self, length: float) -> float:
        """The mean, or its inverse."""
        mean = self._sum / self._count if self._count else math.nan
        if not self._inverse:
            return mean
        return 1 / mean if mean else math.nan


class Decibels:
    """The ratio of signal to noise of a whole video, in dB, from that of each frame: of the mean error, as FFmpeg does.

    Args:
        keys: the names of the ratio, in dB; of several, the least.
        power: of the error that is averaged: 2 for its square, 1 for its root mean square.
    """

    def __init__(self, *keys: str, power: int) -> None:
        self._keys, self._per_decade = keys, 20.0 / power
        self._errors, self._count = [0.0] * len(keys), 0

    def add(self, time: float, metadata: Metadata, frame: av.VideoFrame | av.AudioFrame) -> None:
        """Take the next frame."""
        ratios = [_number(metadata, key) for key in self._keys]
        if not all(map(math.isnan, ratios)):
            for plane, ratio in enumerate(ratios):
                if not math.isnan(ratio):  # a grey video has no planes of colours
                    self._errors[plane] += 10 ** (-ratio / self._per_decade)
            self._count += 1

    def value(self, length: float) -> float:
        """The ratio in dB; infinite where both videos are the same."""
        if not self._count:
            return math.nan
        return min(
            math.inf if not error else -self._per_decade * math.log10(error / self._count) for error in self._errors
        )


class Last:
    """The last value of a number that a filter has kept adding to."""

    def __init__(self, key: str) -> None:
        self._key, self._last = key, math.nan

    def add(self, time: float, metadata: Metadata, frame: av.VideoFrame | av.AudioFrame) -> None:
        """Take the next frame."""
        number = _number(metadata, self._key)
        if not math.isnan(number):
            self._last = number

    def value(self, length: float) -> float:
        """The last value."""
        return self._last


class Count:
    """The number of frames that a filter has marked."""

    def __init__(self, key: str) -> None:
        self._key, self._count = key, 0

    def add(self, time: float, metadata: Metadata, frame: av.VideoFrame | av.AudioFrame) -> None:
        """Take the next frame."""
        self._count += self._key in metadata

    def value(self, length: float) -> float:
        """The number."""
        return float(self._count)


class Seconds:
    """How long stretches take together, of which a filter marks the beginning and the end.

    Args:
        start: the name of the time at which a stretch begins.
        end: the name of the time at which it ends; a stretch without one lasts until the end of the video.
    """

    def __init__(self, start: str, end: str) -> None:
        self._start, self._end = start, end
        self._sum, self._begun = 0.0, math.nan

    def add(self, time: float, metadata: Metadata, frame: av.VideoFrame | av.AudioFrame) -> None:
        """Take the next frame."""
        if self._start in metadata and math.isnan(self._begun):
            self._begun = _number(metadata, self._start)
        if self._end in metadata and not math.isnan(self._begun):  # of one long frame, both are marked in the next one
            self._sum += _number(metadata, self._end) - self._begun
            self._begun = math.nan

    def value(self, length: float) -> float:
        """The seconds."""
        return self._sum if math.isnan(self._begun) else self._sum + max(0.0, length - self._begun)


class MostPerSecond:
    """The most frames within one second in which a number reaches a threshold.

    Args:
        key: the name of the number. That of the first frame does not count.
        threshold: the least that counts.
        scale: what the count is multiplied by.
    """

    def __init__(self, key: str, threshold: float, scale: float) -> None:
        self._key, self._threshold, self._scale = key, threshold, scale
        self._times: deque[float] = deque()
        self._most, self._is_first = 0, True

    def add(self, time: float, metadata: Metadata, frame: av.VideoFrame | av.AudioFrame) -> None:
        """Take the next frame."""
        if not self._is_first and _number(metadata, self._key) >= self._threshold:
            self._times.append(time)
            while self._times[0] <= time - 1.0 + ROUNDING:
                self._times.popleft()
            self._most = max(self._most, len(self._times))
        self._is_first = False

    def value(self, length: float) -> float:
        """The count, times the scale."""
        return self._most * self._scale


class LoggedMean:
    """The mean of a score that a filter writes into a JSON file of its own, when the graph ends, and not into frames.

    Args:
        score: its name there.
    """

    def __init__(self, score: str) -> None:
        self._score, self._mean = score, math.nan

    def add(self, time: float, metadata: Metadata, frame: av.VideoFrame | av.AudioFrame) -> None:
        """Leave the frame out."""

    def read(self, log: str) -> None:
        """Take what the filter has written."""
        self._mean = float(json.loads(log)["pooled_metrics"][self._score]["mean"])

    def value(self, length: float) -> float:
        """The mean."""
        return self._mean


def _number(metadata: Metadata, key: str) -> float:
    """A number of the metadata; NaN where it is missing, or is none."""
    try:
        return float(metadata.get(key, "nan"))
    except ValueError:
        return math.nan
