"""The embedded queue's renderer: what a model would be asked for, made on this machine as a preview.

Nothing here understands a prompt. It takes a few words from it, and lets chance that follows from the prompt
and the seed do the rest: the same request makes the same frames, in every process.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from .. import media
from ..catalogue import Kind, ModelDefinition
from ..errors import MediaError
from . import camera, looks, motion, scenery
from .canvas import RGB, Mark, fit

#: Seconds of the longest video that is made: Decart's own limit for an input.
MOST_SECONDS = 600.0


def render(
    model: ModelDefinition,
    values: Mapping[str, Any],
    files: Mapping[str, Path],
    seed: int,
    target: Path,
    proceed: Callable[[], None] = lambda: None,
    *,
    most_seconds: float = MOST_SECONDS,
) -> None:
    """Makes the video that a request asks for, as an MP4.

    The picture has the model's size for the request's resolution and orientation, the model's rate, and its
    length, or the input's where the model follows it. ``enhance_prompt`` and ``self_anchor`` change nothing.

    Args:
        model: what the request is for. One without a kind gets the kind that its inputs suggest.
        values: the request's fields that are no files, as :func:`decart_nb.catalogue.check` returns them.
        files: the request's files by the names of their inputs.
        seed: what chance follows.
        target: where the video goes. It is written in place.
        proceed: called before each frame, and whenever a file is read on. What it raises ends the work, though a
            decoder may wrap it into an error of its own.
        most_seconds: the longest video that is made.

    Raises:
        MediaError: a file is not the image or video it should be, or is too long; the text names the input.
    """
    size = model.size(values.get("resolution"), values.get("orientation"))
    with ExitStack() as stack:
        opened = {name: stack.enter_context(_watched(path, proceed)) for name, path in files.items()}
        task = _Task(model, values, opened, seed, size, most_seconds)
        drawn = _FRAMES[model.kind or _kind(values, opened)](task)
        media.encode(_marked(drawn, task, proceed), target, fps=model.fps)


def _watched(path: Path, proceed: Callable[[], None]) -> BinaryIO:
    """A file that asks before each read whether to go on: a decoder may read for long before it gives a frame."""
    return io.BufferedReader(_Watched(path, proceed), 2**16)


class _Watched(io.FileIO):
    def __init__(self, path: Path, proceed: Callable[[], None]) -> None:
        super().__init__(path)
        self._proceed = proceed

    def readinto(self, buffer: Any, /) -> int | None:
        self._proceed()
        return super().readinto(buffer)


@dataclass(frozen=True, slots=True)
class _Task:
    model: ModelDefinition
    values: Mapping[str, Any]
    files: Mapping[str, BinaryIO]
    seed: int
    size: tuple[int, int]
    most_seconds: float

    @property
    def prompt(self) -> str:
        return str(self.values.get("prompt") or "")

    @property
    def count(self) -> int:
        """How many frames there are of what follows from no video."""
        return max(1, round((self.model.seconds or _SECONDS) * self.model.fps))

    def image(self, name: str) -> RGB:
        return np.asarray(media.read_image(self.file(name), name=name))

    def reference(self) -> RGB | None:
        return self.image("reference_image") if "reference_image" in self.files else None

    def video(self) -> Iterator[RGB]:
        """The given video at the model's rate and size, as far as the model goes."""
        shown = media.frames(self.file("data"), fps=self.model.fps, name="data")
        most = None if self.model.seconds is None else self.count
        if most is None and (seconds := media.probe(self.file("data"), name="data").duration) > self.most_seconds:
            raise _too_long(self.most_seconds, f": it lasts {seconds:.0f} seconds")
        return (fit(rgb, *self.size) for rgb in islice(shown, most))

    def file(self, name: str) -> BinaryIO:
        if name not in self.files:
            raise MediaError(f"{name} is missing: there is no such file.")
        return self.files[name]


_SECONDS = 5.0  # where the model does not say


def _too_long(most_seconds: float, found: str = "") -> MediaError:
    return MediaError(f"data is too long: the local queue makes at most {most_seconds:g} seconds of video{found}.")


def _marked(drawn: Iterator[RGB | av.VideoFrame], task: _Task, proceed: Callable[[], None]) -> Iterator[av.VideoFrame]:
    mark, convert = Mark(*task.size), VideoReformatter()
    most = round(task.most_seconds * task.model.fps)
    for number, item in enumerate(drawn):
        proceed()
        if number >= most:  # longer than its header says
            raise _too_long(task.most_seconds)
        frame = item if isinstance(item, av.VideoFrame) else media.picture(item, convert)
        mark.onto(frame, mark.x, mark.y)
        yield frame


def _kind(values: Mapping[str, Any], files: Mapping[str, BinaryIO]) -> Kind:
    """What a model that the catalogue does not know would probably do with these inputs."""
    if "start" in files and "end" in files:
        return "first-last-frame"
    if "data" not in files:
        return "text-to-video"
    if values.get("trajectory"):
        return "motion"
    try:
        media.probe(files["data"], name="data")
    except MediaError:
        return "image-to-video"
    return "video-to-video"


def _from_text(task: _Task) -> Iterator[RGB | av.VideoFrame]:
    return scenery.drawn(task.prompt, task.seed, task.size, task.count)


def _from_image(task: _Task) -> Iterator[RGB | av.VideoFrame]:
    return camera.still(task.image("data"), task.prompt, task.seed, task.size, task.count)


def _from_video(task: _Task) -> Iterator[RGB | av.VideoFrame]:
    return map(looks.transformed(task.prompt, task.seed, task.size, task.reference()), task.video())


def _restyled(task: _Task) -> Iterator[RGB | av.VideoFrame]:
    return map(looks.restyled(task.prompt, task.seed, task.reference()), task.video())


def _between(task: _Task) -> Iterator[RGB | av.VideoFrame]:
    start, end = task.image("start"), task.image("end")
    return camera.between(start, end, task.prompt, task.seed, task.size, task.count)


def _led(task: _Task) -> Iterator[RGB | av.VideoFrame]:
    return motion.led(task.image("data"), task.values["trajectory"], task.seed, task.size, task.count)


_FRAMES: Mapping[Kind, Callable[[_Task], Iterator[RGB | av.VideoFrame]]] = {
    "text-to-video": _from_text,
    "image-to-video": _from_image,
    "video-to-video": _from_video,
    "restyle": _restyled,
    "first-last-frame": _between,
    "motion": _led,
}
