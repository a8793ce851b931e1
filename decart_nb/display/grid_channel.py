"""Messages between a live view's frontend and the grid of clips that it shows."""

from __future__ import annotations

from typing import Any

from .grid import ClipGrid
from .media_channel import MediaChannel

#: The parts of the grid's JavaScript, which a static gallery has too.
BOARD_PARTS = ("clock", "compare", "arrange", "tile", "player", "lightbox", "board")
#: The parts of a live view that has a grid.
GRID_PARTS = ("media_channel", *BOARD_PARTS, "grid_mount")


class GridChannel:
    """Sends the changes of a grid to a widget's frontends, and does what their buttons ask for.

    Args:
        widget: the widget, on which the channel listens until it is closed. Its trait ``grid`` is the grid as it is
            now, since a frontend that a busy kernel does not answer has to show it too.
        grid: the grid.
    """

    def __init__(self, widget: Any, grid: ClipGrid) -> None:
        self._widget, self._grid = widget, grid
        widget.grid = grid.data()
        MediaChannel(widget, grid.files)
        widget.on_msg(self._on_message)
        self.close = grid.observe(self._send_tiles)

    def _send_tiles(self, tiles: dict[int, dict[str, Any]]) -> None:
        if self._widget.comm is not None:
            self._widget.send({"tiles": tiles, "header": self._grid.header})

    def _on_message(self, _: object, message: dict[str, Any], __: object) -> None:
        action = message.get("action")
        if action in ("rate", "take", "again"):  # others are the widget's own
            self._widget.problem = ""
        try:
            if action == "grid":
                self._send_tiles(self._grid.states())
            elif action == "rate":
                judgement = {name: message[name] for name in ("rating", "note") if name in message}
                self._grid.rate(int(message["tile"]), **judgement)
            elif action in ("take", "again"):
                self._grid.repeat(int(message["tile"]))
        except Exception as error:  # noqa: BLE001 - no cell could raise it, so the view shows it
            self._widget.problem = str(error)
            self._send_tiles(self._grid.states())  # a view may have shown already what was not done
