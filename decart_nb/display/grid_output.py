"""Notebook output of a grid of clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .grid import ClipGrid
from .grid_view import GridView
from .output import Output, fallback_html, probe_video


class GridOutput(Output):
    """Notebook output of a grid of clips: a static table of posters, and the live grid in its place.

    Args:
        grid: the grid.
        publish: publishes a MIME bundle under a display id; with ``update=True``, it replaces the output of that id.
        live: whether there is a live view.
        folder: the folder against which the frontend resolves relative URLs, if any.
        replaceable: whether a published output can be replaced.
    """

    def __init__(
        self,
        grid: ClipGrid,
        publish: Callable[..., object],
        *,
        live: bool,
        folder: Path | None,
        replaceable: bool = True,
    ) -> None:
        super().__init__(publish, live=live, replaceable=replaceable)
        self._grid, self._folder = grid, folder
        self.publish()
        if live:
            self._publish_live(GridView(grid, output_id=self._id))

    def publish(self, *, update: bool = False) -> None:
        """Publish the static table.

        Args:
            update: whether it replaces the earlier one.
        """
        content = fallback_html(self._grid.html(self._folder)) + probe_html(self._grid, self._folder)
        self._publish_static(content, self._grid.text(), update=update)


def probe_html(grid: ClipGrid, folder: Path | None) -> str:
    """A hidden video of the store, from whose address a live view learns where the server has the others."""
    probe = grid.probe(folder)
    return probe_video(*probe) if probe else ""
