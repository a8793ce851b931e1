"""What a frontend sends to a widget in the kernel, as messages of its comm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ipywidgets import Widget


def send(widget: Widget, message: dict[str, Any], buffers: Sequence[memoryview] = ()) -> None:
    """Send a widget a message of its own protocol, such as that of a button."""
    _receive(widget, {"method": "custom", "content": message}, buffers)


def set_state(widget: Widget, **state: Any) -> None:
    """Send a widget new values of its synchronized traits."""
    _receive(widget, {"method": "update", "state": state, "buffer_paths": []})


def _receive(widget: Widget, data: dict[str, Any], buffers: Sequence[memoryview] = ()) -> None:
    widget.comm.handle_msg({"content": {"data": data}, "buffers": list(buffers)})
