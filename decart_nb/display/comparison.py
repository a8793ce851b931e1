"""Comparisons: two to four videos that are looked at together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import media
from .._util.cached import Cached
from .._util.text import printable, short_repr
from ..errors import InvalidInputError
from ..job.clip import Clip
from ..job.job import Job
from .compare_html import compare_html, compare_text
from .displayed import Displayed
from .text import clip_caption

if TYPE_CHECKING:
    from .ipython import NotebookDisplay

_MIN_VIDEOS, _MAX_VIDEOS = 2, 4
_LABEL_LIMIT = 80
_POSTER_WIDTH = 640


@dataclass(frozen=True, eq=False)
class ComparedVideo:
    """A video of a comparison.

    Attributes:
        path: the file.
        label: what tells it from the others.
        facts: its caption, in parts.
        width, height: in pixels; 0 if unknown.
        fps: frames a second; 0 if unknown.
        duration: in seconds; 0 if unknown.
    """

    path: Path
    label: str
    facts: tuple[str, ...]
    width: int
    height: int
    fps: float
    duration: float

    @Cached
    def poster(self) -> bytes:
        """A frame in the middle of the video, as a JPEG.

        Raises:
            MediaError: the file is missing or cannot be decoded.
        """
        return media.poster(self.path, width=_POSTER_WIDTH)


class Comparison(Displayed):
    """Two to four videos that are looked at together. As a cell's last line, it shows itself.

    Args:
        videos: clips, finished jobs or paths. A clip alone is compared with the video that it was made from.
        labels: a text for each video; by default, what tells the clips apart.
        input_of: returns the path and the name of the video that a clip was made from.

    Attributes:
        videos: the videos.

    Raises:
        InvalidInputError: there are too few or too many, or one of them is no video.
    """

    def __init__(
        self,
        videos: Sequence[Any],
        labels: Sequence[str] | None = None,
        *,
        input_of: Callable[[Clip], tuple[Path, str]] | None = None,
    ) -> None:
        sources = [_source(video) for video in videos]
        if len(sources) == 1 and isinstance(clip := sources[0], Clip) and input_of is not None:
            path, name = input_of(clip)
            found = [_of_path(path, f"input {printable(name, limit=_LABEL_LIMIT)}"), _of_clip(clip, clip.model)]
        elif _MIN_VIDEOS <= len(sources) <= _MAX_VIDEOS:
            names = distinguishing_labels([source for source in sources if isinstance(source, Clip)])
            found = [
                _of_clip(source, names.pop(0)) if isinstance(source, Clip) else _of_path(source, source.name)
                for source in sources
            ]
        else:
            raise InvalidInputError(
                f"A comparison has {_MIN_VIDEOS} to {_MAX_VIDEOS} videos, not {len(sources)}; one clip alone is "
                "compared with the video that it was made from."
            )
        self.videos = tuple(_relabelled(found, labels))

    def _html(self) -> str:
        return compare_html(self.videos)

    def _text(self) -> str:
        return compare_text(self.videos)

    def _show(self, display: NotebookDisplay) -> None:
        display.show_comparison(self)


def distinguishing_labels(clips: Sequence[Clip]) -> list[str]:
    """A label for each clip: its model, inputs and take, as far as the clips differ in them."""
    facts: list[Mapping[str, Any]] = [{"model": clip.model, **clip.inputs, "take": clip.take} for clip in clips]
    names = dict.fromkeys(name for fact in facts for name in fact)
    differing = [name for name in names if len({str(fact.get(name)) for fact in facts}) > 1] or ["model"]
    labels = []
    for fact in facts:
        values = {name: str(fact[name]) for name in differing if fact.get(name) is not None}
        parts = [value if name in ("model", "prompt") else f"{name} {value}" for name, value in values.items()]
        labels.append(printable(" · ".join(parts) or str(fact["model"]), limit=_LABEL_LIMIT))
    return labels


def _source(video: Any) -> Clip | Path:
    """What was given as a clip or the path of a file."""
    if isinstance(video, Clip):
        return video
    if isinstance(video, Job):
        if video.clip is None:
            raise InvalidInputError(f"The job {video.id or ''} has no video yet: compare job.result().")
        return video.clip
    if not isinstance(video, (str, os.PathLike)):
        raise InvalidInputError(f"A comparison takes clips or paths of videos, not {short_repr(video)}.")
    path = Path(video)
    if not path.is_file():
        raise InvalidInputError(
            f"There is no video {printable(path.name)}. For the id of a job, compare dnb.attach(id).result()."
        )
    return path


def _of_clip(clip: Clip, label: str) -> ComparedVideo:
    return ComparedVideo(clip.path, label, tuple(clip_caption(clip)), clip.width, clip.height, clip.fps, clip.duration)


def _of_path(path: Path, label: str) -> ComparedVideo:
    info = media.probe(path)
    facts = (f"{info.width}×{info.height}", f"{info.duration:.1f} s", f"{info.fps:g} fps")
    return ComparedVideo(path, printable(label), facts, info.width, info.height, info.fps, info.duration)


def _relabelled(videos: Sequence[ComparedVideo], labels: Sequence[str] | None) -> list[ComparedVideo]:
    if labels is None:
        return [*videos]
    if isinstance(labels, str) or len(labels) != len(videos):
        raise InvalidInputError(f"labels must be a list with a text for each of the {len(videos)} videos.")
    return [
        replace(video, label=printable(str(label), limit=_LABEL_LIMIT))
        for video, label in zip(videos, labels, strict=True)
    ]
