"""What a frontend sends to a widget in the kernel, and what it receives, as messages of the widget's comm."""

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


def received(widget: Widget, method: str = "custom") -> list[tuple[dict[str, Any], list[bytes]]]:
    """The messages that a widget sends from now on, with their buffers: its own, or with ``update`` those of traits."""
    messages: list[tuple[dict[str, Any], list[bytes]]] = []

    def send(data: dict[str, Any], buffers: Sequence[bytes] | None = None, **_: Any) -> None:
        if data["method"] == method:
            messages.append((data["content" if method == "custom" else "state"], [*(buffers or ())]))

    widget.comm.send = send  # without a kernel, nobody is there to receive them
    return messages


def _receive(widget: Widget, data: dict[str, Any], buffers: Sequence[memoryview] = ()) -> None:
    widget.comm.handle_msg({"content": {"data": data}, "buffers": list(buffers)})
