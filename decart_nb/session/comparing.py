"""The function that compares videos, and finds the video that a clip was made from in the store."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import media
from .._util.public import public
from ..errors import InvalidInputError
from ..job import provenance
from ..job.clip import Clip
from ..job.job import Job
from .functions import open_store

if TYPE_CHECKING:
    from ..display import register
    from ..display.comparison import Comparison

    register()  # videos may be compared without a session
#: The input that a video model takes its video by.
_VIDEO_INPUT = "data"


@public
def compare(*videos: Clip | Job | str | os.PathLike[str], labels: Sequence[str] | None = None) -> Comparison:
    """Compares two to four videos: side by side, under a wipe, flickering, or as their difference, frame by frame.

    A clip alone is compared with the video that it was made from. A notebook shows the comparison as a cell's last
    line, or where ``display`` is called on it.

    Args:
        videos: clips, finished jobs, or paths of videos.
        labels: a text for each video; by default, what tells the clips apart.

    Raises:
        InvalidInputError: there are too few or too many, one of them is no video, or the clip was made from none.
    """
    from ..display import register
    from ..display.comparison import Comparison

    register()  # videos may be compared without a session
    return Comparison(videos, labels, input_of=_input_of)


def _input_of(clip: Clip) -> tuple[Path, str]:
    """The path and the name of the video that a clip was made from."""
    store = open_store()
    if store is None:
        raise InvalidInputError(
            "The video that a clip was made from is in its store: call dnb.connect first, or give another video."
        )
    records = store.find(sha256=clip.sha256)
    files = records[-1].files if records else (provenance.find(clip.path) or {}).get("files", {})
    file = files.get(_VIDEO_INPUT)
    if not isinstance(file, dict):
        raise InvalidInputError("This clip was not made from a video: give a second one to compare it with.")
    name = str(file.get("filename"))
    if not store.files.has_input(file):
        raise InvalidInputError(f"The input of this clip, {name}, is not in this store: give its path as well.")
    path = store.files.input(file)
    if not media.is_video_container(path):
        raise InvalidInputError(f"This clip was made from {name}, which is not a video: give a second one.")
    return path, name
