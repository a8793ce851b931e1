"""An ``ipywidgets.Output`` around the code that shows something.

The frontend puts into it what is published while it is open; it does not know display ids, so nothing in it can be
replaced. What comes after it was closed is appended to its ``outputs``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def open_output(shell: Any) -> Any | None:
    """The ``Output`` that captures what is published now, if one does: of several, the one that was made last."""
    # Not imported to find out: who is in one has imported it.
    module = sys.modules.get("ipywidgets.widgets.widget_output")
    if module is None or not hasattr(shell, "get_parent"):
        return None
    running = ((shell.get_parent() or {}).get("header") or {}).get("msg_id")
    captures = [one for one in _widgets() if isinstance(one, module.Output) and one.msg_id and one.msg_id == running]
    return captures[-1] if captures else None


def publisher(shell: Any, output: Any, later: Callable[[Callable[[], object]], object]) -> Callable[..., None]:
    """What publishes into an ``Output``.

    Args:
        shell: the kernel's.
        output: the widget.
        later: calls what it is given when no cell runs. Until then the kernel has not heard what the frontend has put
            into the widget, and appending to it would remove that.
    """

    def append(data: dict[str, Any]) -> None:
        output.outputs += ({"output_type": "display_data", "data": data, "metadata": {}},)

    def publish(data: dict[str, Any], display_id: str, *, update: bool = False) -> None:
        if output.msg_id:
            shell.display_pub.publish(data)
        else:
            later(lambda: append(data))

    return publish


def _widgets() -> list[Any]:
    """All widgets of this process, the oldest first."""
    module = sys.modules["ipywidgets.widgets.widget"]
    instances = getattr(module, "_instances", None)  # ipywidgets 8
    return [*(module.Widget.widgets if instances is None else instances).values()]
