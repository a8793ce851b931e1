"""Notebook output of a trajectory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .output import UpdatedOutput
from .trajectory_html import trajectory_html, trajectory_text
from .trajectory_view import TrajectoryView

if TYPE_CHECKING:
    from .trajectory import Trajectory


class TrajectoryOutput(UpdatedOutput):
    """Notebook output of a trajectory: its image with the path, and in an interactive session one to draw on."""

    def _content(self, subject: Trajectory) -> tuple[str, str]:
        return trajectory_html(subject), trajectory_text(subject)

    def _view(self, subject: Trajectory, on_change: Callable[[Trajectory], object] | None) -> TrajectoryView:
        return TrajectoryView(subject, output_id=self._id, on_change=on_change)
