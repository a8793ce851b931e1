"""How long a video is: by the frames that are there, whatever its header says."""

from __future__ import annotations

from collections.abc import Iterable

from .limits import Limits


class TooLongError(Exception):
    """A video is longer than what is read: the end of a sentence that begins with the file's name."""


class Timeline:
    """When each frame is shown, in seconds from the first one, with the limits of a video.

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
        """Take the next frame, and return when it is shown.

        Args:
            time: what the file says, in seconds; ``None`` where it says nothing.
            pause: how long the file says it is shown, in seconds; 0 where it does not.

        Raises:
            TooLongError: there are more frames, or a longer gap, than the limits allow.
        """
        if self.count:
            step = self._pause if time is None or self._last is None else time - self._last
            step = self._usual if step < 0 else step
            self._check_gap(step)
            self.time += step
        self.count += 1
        self._pause = pause if pause > 0 else self._usual
        self._last = time if time is not None else None if self._last is None else self._last + self._pause
        if self.count > self._limits.frames:
            raise TooLongError(f"it has more than {self._limits.frames} frames")
        self._check_length(self.time)
        return self.time

    def length(self, last: float | None = None) -> float:
        """How long it is with all frames taken, in seconds.

        Args:
            last: how long the last frame is shown, where something other than itself says so.

        Raises:
            TooLongError: it is longer, or its frames follow faster, than the limits allow.
        """
        last = self._pause if last is None else last
        self._check_gap(last)
        seconds = self.time + last
        self._check_length(seconds)
        if self.count > 1 and self.count > seconds * self._limits.fps:
            raise TooLongError(
                f"its {self.count} frames are shown within {seconds:.3g} s; "
                f"at most {self._limits.fps:.0f} frames a second are read"
            )
        return seconds

    def _check_gap(self, seconds: float) -> None:
        if not seconds <= self._limits.gap:
            raise TooLongError(
                f"one of its frames is shown for {seconds:.0f} s; at most {self._limits.gap:.0f} s are read"
            )

    def _check_length(self, seconds: float) -> None:
        if not seconds <= self._limits.seconds:
            raise TooLongError(f"it is longer than {self._limits.seconds:.0f} s, the most that is read")


def length_of(times: Iterable[float], header: float, limits: Limits) -> tuple[int, float]:
    """How many frames an index has, and how long they last, in seconds.

    The header only tells how long the last frame is shown, which the index does not; a frame's usual time where the
    header says less than that the frames are there.

    Args:
        times: of the index, in its order.
        header: the length that the file's header gives, in seconds; 0 where it gives none.
        limits: those of the video.

    Raises:
        TooLongError: it is longer than the limits allow.
    """
    timeline = Timeline(0.0, limits)
    for time in times:
        timeline.add(time)
    step = timeline.time / (timeline.count - 1) if timeline.count > 1 else 0.04
    rest = header - timeline.time
    if rest > step / 2:
        timeline.length(rest)
        return timeline.count, header
    return timeline.count, timeline.length(step)
