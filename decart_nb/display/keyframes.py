"""Keyframes that are picked by hand from a video: a first and a last frame, or one."""

from __future__ import annotations

import functools
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import media
from .._util.observed import Observed
from .._util.plain_values import NotPlainError, whole
from .._util.text import printable, short_repr
from ..errors import InvalidInputError
from ..job.clip import Clip
from ..job.job import Job
from .displayed import Displayed
from .keyframes_html import keyframes_html, keyframes_text

if TYPE_CHECKING:
    from PIL import Image

    from .ipython import NotebookDisplay

#: What is picked: the first and the last frame, and the one that is shown.
PICKS = ("first", "last", "frame")
#: The longest side of a still that is shown in place of a video that the browser cannot play.
_STILL_SIDE = 1280
_SMALL_SIDE = 320
_NAME_LIMIT = 80
#: How many small stills are kept: those of three picks, and of those that were picked before.
_KEPT = 24


class Keyframes(Observed, Displayed):
    """Frames of a video, picked in a notebook or given in code. As a cell's last line, it shows itself.

    Frames are numbered from 0 in the order in which they are shown, as in ``list(clip.frames())``.

    Args:
        video: a clip, a finished job, or the path of a video.
        first, last: the numbers of the frames to begin with; negative ones count from the end.

    Attributes:
        path: the file.
        name: its name.
        width, height: of its frames, in pixels.
        times: when each frame is shown, in seconds from the first one.
        duration: when the last frame ends, in seconds.

    Raises:
        InvalidInputError: it is no video that can be decoded, or has no such frame.
    """

    def __init__(self, video: Any, *, first: int = 0, last: int = -1) -> None:
        super().__init__()
        self.path = _path_of(video)
        self.name = printable(self.path.name, limit=_NAME_LIMIT)
        info = media.probe(self.path)
        self.width, self.height = info.width, info.height
        self._index = media.FrameIndex(self.path)
        self.times, self.duration = self._index.times, self._index.duration
        self._picks = dict.fromkeys(PICKS, 0)
        self._small = functools.lru_cache(_KEPT)(lambda number: _jpeg(self._index.image(number), _SMALL_SIDE))
        self.select(first=first, last=last)

    @property
    def first(self) -> Image.Image:
        """The first frame that was picked, pixel for pixel: an upright RGB image.

        Raises:
            MediaError: the file is gone, or can no longer be decoded.
        """
        return self.image(self._picks["first"])

    @property
    def last(self) -> Image.Image:
        """The last frame that was picked; as :attr:`first`."""
        return self.image(self._picks["last"])

    @property
    def frame(self) -> Image.Image:
        """The frame that is on the screen; as :attr:`first`."""
        return self.image(self._picks["frame"])

    @property
    def value(self) -> dict[str, int]:
        """The numbers of the frames: ``first``, ``last`` and ``frame``."""
        return dict(self._picks)

    def select(self, *, first: int | None = None, last: int | None = None, frame: int | None = None) -> None:
        """Pick frames by their numbers, also where they are shown.

        Args:
            first, last, frame: from 0, or negative, from the end; what is left out stays.

        Raises:
            InvalidInputError: there is no such frame.
        """
        given = {"first": first, "last": last, "frame": frame}
        picks = self._picks | {name: self._number(name, value) for name, value in given.items() if value is not None}
        if picks == self._picks:
            return
        self._picks = picks
        self._notify()

    def image(self, number: int) -> Image.Image:
        """Decode a frame to an upright RGB image.

        Args:
            number: of the frame; negative ones count from the end.

        Raises:
            InvalidInputError: there is no such frame.
            MediaError: the file is gone, or can no longer be decoded.
        """
        return self._index.image(self._number("number", number))

    def still(self, number: int) -> bytes:
        """A frame as a JPEG of at most 1280 pixels on its longer side."""
        return _jpeg(self._index.image(number), _STILL_SIDE)

    def small(self, number: int) -> bytes:
        """A frame as a small JPEG."""
        return self._small(number)

    def __len__(self) -> int:
        return len(self.times)

    def _number(self, name: str, given: Any) -> int:
        try:
            number = whole(given)
        except NotPlainError as error:
            raise InvalidInputError(f"{name} {error}") from None
        if not -len(self) <= number < len(self):
            raise InvalidInputError(
                f"{name} is {number}; the frames of {self.name} are 0 to {len(self) - 1}, or -1 to {-len(self)} from "
                "the end."
            )
        return number % len(self)

    def _html(self) -> str:
        return keyframes_html(self)

    def _text(self) -> str:
        return keyframes_text(self)

    def _show(self, display: NotebookDisplay) -> None:
        display.show_keyframes(self)


def _path_of(video: Any) -> Path:
    """The file of what was given as a video."""
    if isinstance(video, Clip):
        return video.path
    if isinstance(video, Job):
        if video.clip is None:
            raise InvalidInputError(f"The job {video.id or ''} has no video yet: give job.result().")
        return video.clip.path
    if not isinstance(video, (str, os.PathLike)):
        raise InvalidInputError(f"Keyframes are picked from a clip or the path of a video, not {short_repr(video)}.")
    path = Path(video)
    if not path.is_file():
        raise InvalidInputError(
            f"There is no video {printable(path.name)}. For the id of a job, give dnb.attach(id).result()."
        )
    return path


def _jpeg(image: Image.Image, side: int) -> bytes:
    image.thumbnail((side, side))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()
