"""Trajectories that are drawn by hand on an image: the points that a motion model moves a part of the image along."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, overload

from .. import media
from .._util.observed import Observed
from .._util.text import counted, printable
from ..errors import InvalidInputError
from ..request.local_files import UnusableFileError, read_unchanged
from ..request.locations import RemoteFile
from ..request.models import Field, FieldType, ModelDefinition
from ..request.request import definition_of, read_file
from ..request.uploads import Upload
from ..request.validation import check_field
from .displayed import Displayed
from .trajectory_html import trajectory_html, trajectory_text

if TYPE_CHECKING:
    from PIL import Image

    from .ipython import NotebookDisplay

#: The longest side of the image as it is shown, in pixels.
_SHOWN_SIDE = 1280
#: And as a saved notebook has it.
_SAVED_SIDE = 640
#: Decimals of the fractions: a hundredth of a pixel of the largest images that models take.
_DECIMALS = 6
_NAME_LIMIT = 80

Point = dict[str, float]


class Trajectory(Observed, Displayed, Sequence[Point]):
    """A path on an image, drawn in a notebook or given in code. As a cell's last line, it shows itself.

    It is a sequence of points ``{"frame": 0, "x": 0.5, "y": 0.5}``, and goes wherever a model takes a trajectory. A
    request keeps the points as they are when it is made; drawing on changes later requests only.

    Args:
        image: the image, in any form that a model takes it in, but a URL.
        points: the path so far, in any form that a model takes it in: fractions of the image if none is above 1, else
            its pixels.
        model: the model that the path is for: how many frames there are.

    Attributes:
        name: what the image is called.
        width, height: of the image, in pixels.
        fps: frames a second of the model's videos.
        frames: the number of frames of a video of the model.
        jpeg: the image as it is shown: at most 1280 pixels on its longer side.
        small_jpeg: the image as a saved notebook has it.

    Raises:
        InvalidInputError: the image cannot be read, a point is not on it, or the model takes no trajectory.
        ModelNotFoundError: there is no such model.
    """

    def __init__(
        self, image: Any, points: Iterable[Any] | None = None, *, model: str | ModelDefinition = "lucy-motion"
    ) -> None:
        super().__init__()
        definition = definition_of(model)
        picture, path = _field(definition, "image"), _field(definition, "trajectory")
        self.fps = definition.fps
        self.frames = max(1, round((definition.seconds or 0) * definition.fps))
        # While it is drawn, a path may have fewer points than a request needs.
        self._model = replace(definition, fields=(replace(path, minimum=0),))
        self._path = path
        upload = _opened(definition, picture.name, image)
        self.name = printable(upload.filename, limit=_NAME_LIMIT)
        shown = read_unchanged(partial(_decoded, upload))
        self.width, self.height = shown.size
        self.jpeg, self.small_jpeg = (_jpeg(shown, side) for side in (_SHOWN_SIDE, _SAVED_SIDE))
        self._points: tuple[Point, ...] = self._checked([] if points is None else points)

    @property
    def value(self) -> list[Point]:
        """The points in order of their frames, with ``x`` and ``y`` as fractions of the image's width and height.

        Setting it replaces the path, also where it is shown.

        Raises:
            InvalidInputError: a point is not on the image, or behind the last frame.
        """
        return [dict(point) for point in self._points]

    @value.setter
    def value(self, points: Iterable[Any]) -> None:
        checked = self._checked(points)
        if checked == self._points:
            return
        self._points = checked
        self._notify()

    @property
    def pixels(self) -> list[Point]:
        """The points with ``x`` and ``y`` in pixels of the image."""
        return [
            {"frame": point["frame"], "x": round(point["x"] * self.width, 2), "y": round(point["y"] * self.height, 2)}
            for point in self._points
        ]

    def _checked(self, points: Iterable[Any]) -> tuple[Point, ...]:
        """Points in order, as fractions of the image; of two points at one frame, the later one."""
        given, problem = check_field(self._model, self._path.name, points)
        if problem:
            raise InvalidInputError(f"{problem.field} {problem.message}")
        if any(point["x"] > 1 or point["y"] > 1 for point in given):
            given = [
                {"frame": point["frame"], "x": point["x"] / self.width, "y": point["y"] / self.height}
                for point in given
            ]
        by_frame = {}
        for number, point in enumerate(given):
            if point["x"] > 1 or point["y"] > 1:
                raise InvalidInputError(
                    f"The point {number} is at {point['x'] * self.width:g}, {point['y'] * self.height:g}, outside of "
                    f"the image, which is {self.width}×{self.height}."
                )
            if point["frame"] >= self.frames:
                raise InvalidInputError(
                    f"The point {number} is at frame {point['frame']}; the last frame of {self._model.name} is "
                    f"{self.frames - 1}."
                )
            fractions = {axis: round(point[axis], _DECIMALS) for axis in ("x", "y")}
            by_frame[point["frame"]] = {"frame": point["frame"], **fractions}
        return tuple(by_frame[frame] for frame in sorted(by_frame))

    @overload
    def __getitem__(self, index: int) -> Point: ...
    @overload
    def __getitem__(self, index: slice) -> list[Point]: ...
    def __getitem__(self, index: int | slice) -> Point | list[Point]:
        return self.value[index]

    def __len__(self) -> int:
        return len(self._points)

    def _html(self) -> str:
        return trajectory_html(self)

    def _text(self) -> str:
        return trajectory_text(self)

    def _show(self, display: NotebookDisplay) -> None:
        display.show_trajectory(self)

    def __repr__(self) -> str:
        size = f"{self.width}×{self.height}"
        if not self._points:
            return f"<Trajectory on {self.name}, {size}: no points yet>"
        first, last = self._points[0]["frame"], self._points[-1]["frame"]
        return f"<Trajectory on {self.name}, {size}: {counted(len(self), 'point')}, frames {first} to {last}>"


def _field(model: ModelDefinition, kind: FieldType) -> Field:
    """The first field of a type of a model that takes a trajectory."""
    by_type = {field.type: field for field in reversed(model.fields or ())}
    if "trajectory" not in by_type or kind not in by_type:
        raise InvalidInputError(f"{model.name} takes no image with a trajectory; lucy-motion does.")
    return by_type[kind]


def _opened(model: ModelDefinition, name: str, image: Any) -> Upload:
    """An image in any form that a model takes, as an upload that has been checked."""
    try:
        found = read_unchanged(partial(read_file, model, name, image))
    except UnusableFileError as error:
        raise InvalidInputError(f"The image {error}") from None
    if isinstance(found, RemoteFile):
        raise InvalidInputError(
            f"The image is at an address, {found.shown}, which is not fetched to be drawn on: download it, and give "
            "its path."
        )
    return found


def _decoded(upload: Upload) -> Image.Image:
    with upload.open() as stream:
        return media.read_image(stream, name=printable(upload.filename))


def _jpeg(image: Image.Image, side: int) -> bytes:
    image.thumbnail((side, side))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()
