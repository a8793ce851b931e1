"""The length of a video, computed from the times of its frames instead of its header."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator

from .limits import Limits, RefusedError

#: When a frame is shown, ``None`` where the file does not say so, and for how long, 0 where it does not: in seconds.
Shown = tuple[float | None, float]
_MAX_REORDERED = 16  # by H.264 and H.265
_MAX_ALONE_SECONDS = 1.0
#: What FLV and ASF say of a frame that they know nothing of: a thousandth of a second.
_TICK = 0.0011


class Timeline:
    """Computes the display time of each frame, in seconds from the first one, and checks the limits of a video.

    A file's times may begin anywhere, stand still, or be missing. Where they go back, as they do where recordings
    were put one behind the other, the video goes on: nothing of it is left out.

    Args:
        usual: how long a frame is shown where nothing says so, in seconds.
        limits: of its length, of its frames, and of the time that one of them is shown.
    """

    def __init__(self, usual: float, limits: Limits) -> None:
        self._usual, self._limits = usual, limits
        self._last: float | None = None
        self._pause = usual
        self.time = 0.0
        self.count = 0

    def add(self, time: float | None, pause: float = 0.0) -> float:
        """Add the next frame, and return its display time.

        Args:
            time: what the file says, in seconds; ``None`` where it says nothing.
            pause: how long the file says it is shown, in seconds; 0 where it does not.

        Raises:
            RefusedError: there are more frames, or a longer gap, than the limits allow.
        """
        if self.count:
            step = self._pause if time is None or self._last is None else time - self._last
            if step < -_MAX_REORDERED * self._usual:
                step = self._usual
            elif step < 0:  # the times of an old container, which has frames in the order in which they are decoded
                step, time = 0.0, self._last
            self._check_gap(step)
            self.time += step
        self.count += 1
        self._pause = pause if pause > 0 else self._usual
        self._last = time if time is not None else None if self._last is None else self._last + self._pause
        if self.count > self._limits.frames:
            raise RefusedError(f"it has more than {self._limits.frames} frames")
        self._check_length(self.time)
        return self.time

    def length(self, last: float | None = None) -> float:
        """The total length in seconds, after all frames have been added.

        Args:
            last: how long the last frame is shown, where something other than itself says so.

        Raises:
            RefusedError: it is longer, or its frames follow faster, than the limits allow.
        """
        last = self._pause if last is None else last
        self._check_gap(last)
        seconds = self.time + last
        self._check_length(seconds)
        if self.count > 1 and self.count > seconds * self._limits.fps:
            raise RefusedError(
                f"its {self.count} frames are shown within {seconds:.3g} s; "
                f"at most {self._limits.fps:.0f} frames a second are read"
            )
        return seconds

    def _check_gap(self, seconds: float) -> None:
        if not seconds <= self._limits.gap:
            raise RefusedError(
                f"one of its frames is shown for {seconds:.0f} s; at most {self._limits.gap:.0f} s are read"
            )

    def _check_length(self, seconds: float) -> None:
        if not seconds <= self._limits.seconds:
            raise RefusedError(f"it is longer than {self._limits.seconds:.0f} s, the most that is read")


def length_of(
    frames: Iterable[Shown], header: float, usual: float, limits: Limits, *, of_frames: bool
) -> tuple[int, float]:
    """The number of frames and their total length in seconds.

    Where the last frame does not say how long it is shown, the header does, if that is made from the frames, or about
    as long as the others are shown.

    Args:
        frames: when and how long each is shown, in the order in which they are shown.
        header: the length that the file's header gives, in seconds; 0 where it gives none.
        usual: how long a frame is shown where nothing says so, in seconds.
        limits: those of the video.
        of_frames: whether the header's length is made from those of the frames, as an MP4's is.

    Raises:
        RefusedError: it is longer than the limits allow.
    """
    timeline, last = Timeline(usual, limits), 0.0
    for time, last in frames:
        timeline.add(time, last)
    step = timeline.time / (timeline.count - 1) if timeline.count > 1 else usual
    rest = header - timeline.time
    if last <= _TICK or timeline.count == 1:
        longest = math.inf if of_frames else max(2 * step, _MAX_ALONE_SECONDS if timeline.count == 1 else 0)
        last = rest if step / 2 < rest <= longest else last or step
    length = timeline.length(last)
    return timeline.count, header if abs(header - length) <= step / 2 else length


def in_order(frames: Iterable[Shown]) -> Iterator[Shown]:
    """Reorder frames from decoding order to display order.

    They are decoded at most sixteen too early. A time that goes back further is that of another recording, behind the
    one before it.
    """
    waiting: list[tuple[float, float]] = []
    shown = -math.inf
    for time, pause in frames:
        if time is None or time < shown:
            yield from sorted(waiting)
            waiting, shown = [], -math.inf
        if time is None:
            yield None, pause
            continue
        heapq.heappush(waiting, (time, pause))
        if len(waiting) > _MAX_REORDERED:
            shown, length = heapq.heappop(waiting)
            yield shown, length
    yield from sorted(waiting)
