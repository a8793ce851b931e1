"""Clips: finished videos on disk, with the request that made them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._util.public import public
from .._util.text import printable
from ..store.job_row import Record
from .seeds import seeded_values

if TYPE_CHECKING:
    import numpy as np
    from IPython.display import Video
    from numpy.typing import NDArray
    from PIL import Image


@public
@dataclass(frozen=True, eq=False, repr=False)
class Clip:
    """A finished video on disk. It may be given wherever a path may, also as the input of the next job.

    Attributes:
        path: the file.
        job_id: the job that made it.
        model: the model's name.
        inputs: what it was made from: plain values, among them the seed, and the names of files.
        width, height: of the picture, in pixels.
        fps: frames a second.
        duration: in seconds; like the size and the rate, 0 where the video cannot be decoded here.
        size_bytes: of the file.
        sha256: of the file, in hex.
        backend: ``live`` or ``local``; what the local queue makes is a preview.
        waited, made: seconds in the queue before anything worked on it, and from then until it was made, as far as the
            polls tell; ``None`` where they do not.
        cost: an estimate in USD, by the catalogue's price or the session's; ``None`` where unknown.
        reused: whether it was there already when it was asked for.
        take: which of the videos of the very same request, from 0; captions, tables and ``job.takes`` count the same.
        made_at: when it was stored, in seconds since the epoch.
    """

    path: Path
    job_id: str
    model: str
    inputs: Mapping[str, Any]
    width: int
    height: int
    fps: float
    duration: float
    size_bytes: int
    sha256: str
    backend: str
    waited: float | None = None
    made: float | None = None
    cost: float | None = None
    reused: bool = False
    take: int = 0
    made_at: float | None = None

    def poster(self, at: float = 0.5) -> Image.Image:
        """One of the video's frames, pixel for pixel, in its full size: an RGB image, fit to be the next job's input.

        Args:
            at: where, as a fraction of the video's length from 0 to 1.

        Raises:
            InvalidInputError: ``at`` is no such fraction.
            MediaError: the file is gone, or can no longer be decoded.
        """
        from .. import media

        return media.frame_at(self.path, at=at)

    def frames(self, fps: float | None = None) -> Iterator[NDArray[np.uint8]]:
        """The frames, one after another: H×W×3, RGB, uint8.

        Args:
            fps: frames a second, in place of the video's own: more than 0, and at most 1000.

        Raises:
            InvalidInputError: ``fps`` is no such number.
            MediaError: the file is gone, or can no longer be decoded.
        """
        from .. import media

        return media.frames(self.path, fps=fps)

    def save(self, path: str | os.PathLike[str]) -> Path | str:
        """Copies the video to a file, or into a folder that is there. The copy's tags say what made it.

        Picture and sound are untouched, to the last bit. :func:`decart_nb.provenance` reads the tags, and so does
        ``ffprobe``.

        Args:
            path: where to, also an fsspec address, such as ``s3://bucket/cat.mp4``, or with ``/`` at its end for a
                folder; an ending that belongs to another sort of video is refused.

        Returns:
            The copy's path, or its address without secrets.

        Raises:
            MediaError: it cannot be written there, or the clip's own file is gone.
        """
        from . import provenance
        from .destinations import write_file

        record = provenance.find(self.path)
        if record is None or record.get("job_id") != self.job_id:
            record = provenance.describe(
                model=self.model,
                backend=self.backend,
                inputs=self.inputs,
                video={name: getattr(self, name) for name in provenance.VIDEO},
                job_id=self.job_id,
                waited=self.waited,
                made=self.made,
            )
        return write_file(path, lambda target: provenance.save_copy(self.path, target, record))

    def video(self, **options: Any) -> Video:
        """An ``IPython.display.Video`` with the bytes in it, so that it plays wherever the notebook goes.

        Args:
            options: passed on, such as ``width`` (pixels) or ``html_attributes``.
        """
        from IPython.display import Video

        video: Video = Video(data=self.path.read_bytes(), embed=True, mimetype="video/mp4", **options)  # type: ignore[no-untyped-call]  # IPython's own
        return video

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return printable(
            f"<Clip {self.path.name}: {self.model}, {self.width}×{self.height} at {self.fps:g} fps, "
            f"{self.duration:.1f} s, {self.size_bytes / 1e6:.1f} MB>"
        )


def clip_of(record: Record, path: Path, *, reused: bool) -> Clip:
    """The clip that the store knows, without another look into its file.

    Args:
        record: of a completed job.
        path: its file.
        reused: as in :class:`Clip`.
    """
    return Clip(
        path=path,
        job_id=str(record.job_id),
        model=record.asked_model,
        inputs=inputs_of(record),
        width=record.width or 0,
        height=record.height or 0,
        fps=record.fps or 0.0,
        duration=record.duration or 0.0,
        size_bytes=record.size_bytes or 0,
        sha256=record.sha256 or "",
        backend=record.backend,
        waited=record.waited,
        made=record.made,
        cost=record.cost,
        reused=reused,
        take=record.take,
        made_at=record.ended_at,
    )


def asked_inputs(record: Record) -> dict[str, Any]:
    """What a job was asked for, as a person would say it: plain values, and what its files are called."""
    return {**record.inputs, **_file_names(record)}


def inputs_of(record: Record) -> dict[str, Any]:
    """What a job was made from: what was asked for, and the seed that was drawn for it."""
    return {**record.inputs, **seeded_values(record), **_file_names(record)}


def _file_names(record: Record) -> dict[str, Any]:
    return {name: file["filename"] for name, file in record.files.items()}
