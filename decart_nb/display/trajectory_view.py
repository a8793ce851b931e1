"""Live view of a trajectory: an image to draw a path on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import traitlets

from .live_view import LiveView, assets
from .media_channel import Media, MediaChannel

if TYPE_CHECKING:
    from .trajectory import Trajectory


class TrajectoryView(LiveView):
    """Live view of a trajectory. Its image comes on request, in a message of its own.

    Attributes:
        output_id: the id of the static output beside the view, which hides while the view is alive.
        picture: ``name``, ``width`` and ``height`` of the image, ``fps`` and ``frames`` of the video.
        points: the trajectory's points. The frontend sets it too, and what it may not set is taken back.
    """

    _esm, _css = assets("trajectory_view")
    output_id = traitlets.Unicode().tag(sync=True)
    picture: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    points: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(
        self, trajectory: Trajectory, *, output_id: str, on_change: Callable[[Trajectory], object] | None = None
    ) -> None:
        facts = {name: getattr(trajectory, name) for name in ("name", "width", "height", "fps", "frames")}
        super().__init__(output_id=output_id, picture=facts, points=trajectory.value)
        self._trajectory, self._on_change = trajectory, on_change
        MediaChannel(self, {("poster", "image"): Media(lambda: trajectory.jpeg, "image/jpeg")})
        self._unobserve = trajectory.observe(self._update)
        self.observe(self._on_points, "points")

    def text(self) -> str:
        """The view as plain text."""
        return repr(self._trajectory).strip("<>")

    def close(self) -> None:
        """Close the view; the trajectory stays as it is."""
        self._unobserve()
        super().close()

    def _update(self, trajectory: Trajectory) -> None:
        if self.comm is not None:
            self.points = trajectory.value
            if self._on_change is not None:
                self._on_change(trajectory)

    def _on_points(self, change: dict[str, Any]) -> None:
        if change["new"] == self._trajectory.value:  # set from here
            return
        self.problem = ""
        try:
            self._trajectory.value = change["new"]
        except Exception as error:  # noqa: BLE001 - no cell could raise it, so the view shows it
            self.problem = str(error)
        self.points = self._trajectory.value
