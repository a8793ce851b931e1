"""Scatter plots of clips: two columns of numbers against each other, with the clips' posters on hover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._util.interface_names import step
from .._util.text import counted
from ..errors import InvalidInputError
from .clip_html import relative_url
from .displayed import Displayed
from .environment import kernel_shell, notebook_folder, served_folder
from .grid import ClipGrid
from .scatter_data import ScatterData
from .scatter_html import scatter_html

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .ipython import NotebookDisplay


class Scatter(Displayed):
    """A scatter plot of clips. A notebook shows it as a cell's last line: a point shows its poster on hover and focus.

    It is static: a saved notebook keeps it as it is.

    Args:
        grid: the clips.
        data: the points.
    """

    def __init__(self, grid: ClipGrid, data: ScatterData) -> None:
        self._grid, self._data = grid, data
        shell = kernel_shell()
        self._folder = served_folder(shell) if shell else notebook_folder()

    def figure(self) -> Figure:
        """The plot as a figure of matplotlib, without posters: ``.figure().savefig("plot.pdf")``.

        Raises:
            InvalidInputError: matplotlib is not installed.
        """
        try:
            from .scatter_figure import scatter_figure
        except ImportError:
            raise InvalidInputError(
                f"A figure is drawn by matplotlib, which is not installed: {step('install', package='matplotlib')}. "
                "A notebook shows the plot without it."
            ) from None
        return scatter_figure(self._data)

    def _html(self) -> str:
        grid = self._grid
        return scatter_html(
            self._data,
            grid.contents.tiles,
            grid.posters(),
            lambda tile: relative_url(tile.clip.path, self._folder) if tile.clip else None,
            grid.note,
        )

    def _text(self) -> str:
        data = self._data
        by = f", by {data.by}" if data.by else ""
        parts = [f"scatter plot of {counted(len(data.points), 'clip')}: {data.y} by {data.x}{by}", data.note]
        return "; ".join(filter(None, [*parts, self._grid.note]))

    def _show(self, display: NotebookDisplay) -> None:
        raise NotImplementedError  # its static form is all there is: IPython then uses the next formatter
