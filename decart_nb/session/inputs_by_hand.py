"""The functions that open inputs to be made by hand: a path on an image, and frames of a video."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .._util.public import public

if TYPE_CHECKING:
    from ..display.keyframes import Keyframes
    from ..display.trajectory import Trajectory
    from ..job.clip import Clip
    from ..job.job import Job
    from ..request.models import ModelDefinition


@public
def trajectory(
    image: Any, points: Iterable[Any] | None = None, *, model: str | ModelDefinition = "lucy-motion"
) -> Trajectory:
    """Opens an image to draw a path on, along which a motion model moves what lies under the path's beginning.

    A notebook shows it as a cell's last line, or where ``display`` is called on it. It goes where a model takes a
    trajectory: ``dnb.generate("lucy-motion", data="still.png", trajectory=path)``. ``path.value`` has the points, with
    ``x`` and ``y`` as fractions of the image; ``path.pixels`` has them in its pixels.

    Args:
        image: a path, bytes, an open file, a PIL image or a NumPy array.
        points: the path to begin with: points ``{"frame": 0, "x": 0.5, "y": 0.5}`` or ``(0, 0.5, 0.5)``, in fractions
            of the image if none is above 1, else in its pixels.
        model: the model that the path is for: its rate and length are the path's.

    Raises:
        InvalidInputError: the image cannot be read, a point is not on it, or the model takes no trajectory.
        ModelNotFoundError: there is no such model.
    """
    from ..display import register
    from ..display.trajectory import Trajectory

    register()  # a path may be drawn without a session
    return Trajectory(image, points, model=model)


@public
def keyframes(video: Clip | Job | str | os.PathLike[str], *, first: int = 0, last: int = -1) -> Keyframes:
    """Opens a video to pick a first and a last frame of it, or one.

    A notebook shows it as a cell's last line, or where ``display`` is called on it. Its ``first``, ``last`` and
    ``frame``, which is the one on the screen, are PIL images, fit to be inputs:
    ``dnb.generate("lucy-pro-flf2v", prompt="…", start=frames.first, end=frames.last)``.

    Args:
        video: a clip, a finished job, or the path of a video.
        first, last: the numbers of the frames to begin with. They count from 0, and negative ones from the end.

    Raises:
        InvalidInputError: it is no video that can be decoded, or has no such frame.
    """
    from ..display import register
    from ..display.keyframes import Keyframes

    register()  # frames may be picked without a session
    return Keyframes(video, first=first, last=last)
