"""Renders a request: reads its inputs, has its frames drawn as the model's kind asks, labels and encodes them.

Nothing here understands a prompt. A few keywords choose scene, style or camera movement; random numbers that follow
from model, prompt and seed do the rest, so that the same request makes the same frames in every process.
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
from PIL import Image

from ... import media
from ...errors import MediaError
from ...media import RGB
from ...request.models import ModelDefinition
from . import camera, motion, scenes, styles
from .compositing import fit
from .label import Label
from .shot import Shot, seeded

#: Seconds of the longest video that is made: Decart's own limit for an input.
MAX_SECONDS = 600.0
_DEFAULT_SECONDS = 5.0  # of models that do not say
#: How a preview is encoded: in a quarter of the CPU of x264's default, for pictures as good and files a third larger.
PRESET, CRF = "ultrafast", 24

Frames = Iterator[RGB | av.VideoFrame]


def render(
    model: ModelDefinition,
    values: Mapping[str, Any],
    files: Mapping[str, Path],
    seed: int,
    target: Path,
    check_stop: Callable[[], None] = lambda: None,
    *,
    max_seconds: float = MAX_SECONDS,
) -> None:
    """Render the preview of a request as an MP4.

    It has the model's size for the request's resolution and orientation (an odd side is one pixel longer), the model's
    frame rate, and its length, or the input's where the model follows it. ``enhance_prompt`` and ``self_anchor`` change
    nothing.

    Args:
        model: what the request is for; it has a kind.
        values: the request's fields that are no files, as :func:`decart_nb.request.validation.check` returns them.
        files: the request's files by the names of their inputs.
        seed: varies the result.
        target: where the video goes. It is written in place.
        check_stop: called before each frame and each read of a file. What it raises ends the work, though a decoder
            may wrap it into an error of its own.
        max_seconds: the longest video that is made.

    Raises:
        MediaError: a file is not the image or video it should be, or is too long; the text names the input.
    """
    width, height = model.size(values.get("resolution"), values.get("orientation"))
    size = width + width % 2, height + height % 2  # 4:2:0 has no odd sides
    with ExitStack() as stack:
        opened = {name: stack.enter_context(_open(path, check_stop)) for name, path in files.items()}
        request = _Request(model, values, opened, seed, size, max_seconds)
        labelled = _labelled(_frames(request), request, check_stop)
        media.encode(labelled, target, fps=model.fps, crf=CRF, preset=PRESET)


def _open(path: Path, check_stop: Callable[[], None]) -> BinaryIO:
    """A file that calls ``check_stop`` before each read: a decoder may read for long before it gives a frame."""
    return io.BufferedReader(_StoppableFile(path, check_stop), 2**16)


class _StoppableFile(io.FileIO):
    def __init__(self, path: Path, check_stop: Callable[[], None]) -> None:
        super().__init__(path)
        self._check_stop = check_stop

    def readinto(self, buffer: Any, /) -> int | None:
        self._check_stop()
        return super().readinto(buffer)


@dataclass(frozen=True, slots=True)
class _Request:
    model: ModelDefinition
    values: Mapping[str, Any]
    files: Mapping[str, BinaryIO]
    seed: int
    size: tuple[int, int]
    max_seconds: float

    @property
    def prompt(self) -> str:
        return str(self.values.get("prompt") or "")

    def shot(self) -> Shot:
        rng = seeded(self.model.name, self.prompt, self.seed)
        return Shot(self.prompt, rng, self.size, self.count)

    @property
    def count(self) -> int:
        """How many frames there are of what follows from no video."""
        return max(1, round((self.model.seconds or _DEFAULT_SECONDS) * self.model.fps))

    def image(self, name: str) -> RGB:
        return np.asarray(media.read_image(self.file(name), name=name))

    def reference(self) -> RGB | None:
        return self.image("reference_image") if "reference_image" in self.files else None

    def video(self) -> Iterator[RGB]:
        """The given video at the model's frame rate and size, up to the model's length."""
        frames = media.frames(self.file("data"), fps=self.model.fps, name="data")
        limit = None if self.model.seconds is None else self.count
        if limit is None and (seconds := media.probe(self.file("data"), name="data").duration) > self.max_seconds:
            raise _too_long(self.max_seconds, f": it lasts {seconds:.0f} seconds")
        return (fit(rgb, *self.size, resample=Image.Resampling.BILINEAR) for rgb in islice(frames, limit))

    def file(self, name: str) -> BinaryIO:
        if name not in self.files:
            raise MediaError(f"{name} is missing: there is no such file.")
        return self.files[name]


def _too_long(max_seconds: float, found: str = "") -> MediaError:
    return MediaError(f"data is too long: the local queue makes at most {max_seconds:g} seconds of video{found}.")


def _labelled(frames: Frames, request: _Request, check_stop: Callable[[], None]) -> Iterator[av.VideoFrame]:
    label = Label(request.model.name, request.prompt, request.seed, request.size)
    convert, limit = VideoReformatter(), round(request.max_seconds * request.model.fps)
    for number, item in enumerate(frames):
        check_stop()
        if number >= limit:  # longer than its header says
            raise _too_long(request.max_seconds)
        frame = item if isinstance(item, av.VideoFrame) else media.picture(item, convert)
        label.draw(frame, label.x, label.y)
        yield frame


def _frames(request: _Request) -> Frames:
    shot = request.shot()
    assert request.model.kind is not None  # each model of the catalogue has one, and the queue accepts no others
    match request.model.kind:
        case "text-to-video":
            return scenes.animate(shot)
        case "image-to-video":
            return camera.move(request.image("data"), shot)
        case "video-to-video":
            return map(styles.transform(shot, request.reference()), request.video())
        case "restyle":
            return map(styles.restyle(shot, request.reference()), request.video())
        case "first-last-frame":
            return camera.transition(request.image("start"), request.image("end"), shot)
        case "motion":
            return motion.follow(request.image("data"), request.values["trajectory"], shot)
