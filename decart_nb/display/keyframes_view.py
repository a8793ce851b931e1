"""Live view of keyframes: a video to go through frame by frame, and to pick frames of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import traitlets

from .keyframes_html import keyframes_text
from .live_view import LiveView, assets
from .media_channel import MEDIA_TYPES, Media, MediaChannel

if TYPE_CHECKING:
    from .keyframes import Keyframes

#: Times that differ by less from those of a constant rate, in frames, are those of a constant rate.
_STEADY = 0.1
#: Decimals of the times that the frontend gets, in seconds.
_DECIMALS = 5


class KeyframesView(LiveView):
    """Live view of keyframes.

    The browser has the video from the notebook's server, if that has it, or else on request, in a message of its own.
    Where it cannot play it, it has stills of its frames.

    Attributes:
        output_id: the id of the static output beside the view, which hides while the view is alive.
        video: ``name``, ``width``, ``height``, ``duration``, and ``frames``, their number. ``times`` are when they are
            shown; where they follow each other at one rate, it is empty.
        picks: the numbers of the ``first`` and the ``last`` frame, and of the ``frame`` that is shown. The frontend
            sets it too.
    """

    _esm, _css = assets("keyframes_view")
    output_id = traitlets.Unicode().tag(sync=True)
    video: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    picks: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    def __init__(
        self, keyframes: Keyframes, *, output_id: str, on_change: Callable[[Keyframes], object] | None = None
    ) -> None:
        facts = {name: getattr(keyframes, name) for name in ("name", "width", "height", "duration")}
        video = {**facts, "frames": len(keyframes), "times": _unsteady(keyframes)}
        super().__init__(output_id=output_id, video=video, picks=keyframes.value)
        self._keyframes, self._on_change = keyframes, on_change
        MediaChannel(self, _Files(keyframes))
        self._unobserve = keyframes.observe(self._update)
        self.observe(self._on_picks, "picks")

    def text(self) -> str:
        """The view as plain text."""
        return keyframes_text(self._keyframes)

    def close(self) -> None:
        """Close the view; what is picked stays."""
        self._unobserve()
        super().close()

    def _update(self, keyframes: Keyframes) -> None:
        if self.comm is not None:
            self.picks = keyframes.value
            if self._on_change is not None:
                self._on_change(keyframes)

    def _on_picks(self, change: dict[str, Any]) -> None:
        if change["new"] == self._keyframes.value:  # set from here
            return
        self.problem = ""
        try:
            self._keyframes.select(**change["new"])
        except Exception as error:  # noqa: BLE001 - no cell could raise it, so the view shows it
            self.problem = str(error)
        self.picks = self._keyframes.value


class _Files(Mapping[tuple[str, str], Media]):
    """The video, each of its frames as a still, and, with an ``s`` before its number, as a small one."""

    def __init__(self, keyframes: Keyframes) -> None:
        self._keyframes = keyframes

    def __getitem__(self, asked: tuple[str, str]) -> Media:
        kind, key = asked
        if asked == ("video", "video"):
            return Media(self._keyframes.path, MEDIA_TYPES.get(self._keyframes.path.suffix.lower(), "video/mp4"))
        number = key.removeprefix("s")
        if kind != "poster" or not (number.isascii() and number.isdigit() and int(number) < len(self._keyframes)):
            raise KeyError(asked)
        still = self._keyframes.still if number == key else self._keyframes.small
        return Media(partial(still, int(number)), "image/jpeg")

    def __iter__(self) -> Iterator[tuple[str, str]]:
        yield "video", "video"
        for number in range(len(self._keyframes)):
            yield "poster", str(number)
            yield "poster", f"s{number}"

    def __len__(self) -> int:
        return 1 + 2 * len(self._keyframes)


def _unsteady(keyframes: Keyframes) -> list[float]:
    """The times of frames that do not follow each other at one rate."""
    pause = keyframes.duration / len(keyframes)
    if all(abs(time / pause - number) < _STEADY for number, time in enumerate(keyframes.times)):
        return []
    return [round(time, _DECIMALS) for time in keyframes.times]
