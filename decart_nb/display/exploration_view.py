"""Live view of an exploration: its blind rating, which tells the progress of both, and a stop button."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .rating_view import RatingView

if TYPE_CHECKING:
    from ..adaptive.exploration import Exploration
    from ..rating.rating import Rating


class ExplorationView(RatingView):
    """Live view of an exploration. Closing it stops nothing."""

    def __init__(
        self, exploration: Exploration, *, output_id: str, on_change: Callable[[Rating], object] | None = None
    ) -> None:
        self._exploration = exploration
        super().__init__(exploration.rating, output_id=output_id, on_change=on_change)

    def _refresh(self, rating: Rating) -> None:
        super()._refresh(rating)
        self.stop_label = "" if self._exploration.over else "Stop"

    def _act(self, action: str, message: Mapping[str, Any]) -> None:
        if action == "stop":
            self._exploration.stop()
        else:
            super()._act(action, message)
