"""Notebook output of a trajectory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .output import Output
from .trajectory_html import trajectory_html, trajectory_text
from .trajectory_view import TrajectoryView

if TYPE_CHECKING:
    from .trajectory import Trajectory


class TrajectoryOutput(Output):
    """Notebook output of a trajectory: its image with the path, and in an interactive session one to draw on.

    Args:
        trajectory: the trajectory.
        publish: publishes a MIME bundle under a display id; with ``update=True``, it replaces the output of that id.
        live: whether there is a live view.
        replaceable: whether a published output can be replaced. If not, the path is that of the beginning.
    """

    def __init__(
        self, trajectory: Trajectory, publish: Callable[..., object], *, live: bool, replaceable: bool = True
    ) -> None:
        super().__init__(publish, live=live, replaceable=replaceable)
        self._publish_path(trajectory)
        if live:
            update = self._update if replaceable else None
            self._publish_live(TrajectoryView(trajectory, output_id=self._id, on_change=update))

    def _update(self, trajectory: Trajectory) -> None:
        """Publish the path again, so that a saved notebook has it as it was drawn."""
        self._publish_path(trajectory, update=True)

    def _publish_path(self, trajectory: Trajectory, *, update: bool = False) -> None:
        with self._lock:
            content = trajectory_html(trajectory)
            self._publish_static(
                f'<div class="decart-fallback">{content}</div>', trajectory_text(trajectory), update=update
            )
