"""Live view of a grid of clips."""

from __future__ import annotations

from typing import Any

import traitlets

from .grid import ClipGrid
from .grid_channel import GRID_PARTS, GridChannel
from .live_view import LiveView, assets


class GridView(LiveView):
    """Live view of a grid of clips.

    Attributes:
        output_id: the id of the static output beside the view, which hides while the view is alive.
        grid: the grid when the view was made, as JSON.
    """

    _esm, _css = assets(*GRID_PARTS, "grid_view")
    output_id = traitlets.Unicode().tag(sync=True)
    grid: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    def __init__(self, grid: ClipGrid, *, output_id: str) -> None:
        super().__init__(output_id=output_id)
        self._grid, self._channel = grid, GridChannel(self, grid)

    def text(self) -> str:
        """The view as plain text."""
        return self._grid.text()

    def close(self) -> None:
        """Close the view; what is under way goes on."""
        self._channel.close()
        super().close()
