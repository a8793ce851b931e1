"""Publishing into an ``ipywidgets.Output`` that captures a cell's outputs.

While it captures, the frontend adds each published output to it. It ignores display ids, so that no output can be
replaced. Later outputs are appended to its ``outputs``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def open_output(shell: Any) -> Any | None:
    """The ``Output`` that captures the running cell, if any; of nested ones, the newest."""
    # Looked up, not imported: a program that uses one has imported it.
    module = sys.modules.get("ipywidgets.widgets.widget_output")
    if module is None or not hasattr(shell, "get_parent"):
        return None
    running = ((shell.get_parent() or {}).get("header") or {}).get("msg_id")
    outputs = [widget for widget in _widgets() if isinstance(widget, module.Output)]
    return next((output for output in reversed(outputs) if output.msg_id and output.msg_id == running), None)


def output_publisher(
    shell: Any, output: Any, run_later: Callable[[Callable[[], object]], object]
) -> Callable[..., None]:
    """A function that publishes a MIME bundle into an ``Output``.

    Args:
        shell: the kernel's shell.
        output: the ``ipywidgets.Output``.
        run_later: runs a call when no cell is running. Only then does the kernel know what the frontend has put into
            the widget; an earlier change of its ``outputs`` would remove that.
    """

    def append(data: dict[str, Any]) -> None:
        output.outputs += ({"output_type": "display_data", "data": data, "metadata": {}},)

    def publish(data: dict[str, Any], display_id: str, *, update: bool = False) -> None:
        if output.msg_id:
            shell.display_pub.publish(data)
        else:
            run_later(lambda: append(data))

    return publish


def _widgets() -> list[Any]:
    """All widgets of this process, in order of creation."""
    module = sys.modules["ipywidgets.widgets.widget"]
    instances = getattr(module, "_instances", None)  # ipywidgets 8
    return [*(module.Widget.widgets if instances is None else instances).values()]
