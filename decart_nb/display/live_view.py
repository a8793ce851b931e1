"""What every live view has in common: its theme, its place for errors, its cleanup, and a text form.

A view's JavaScript and style lie beside its module, under the same name, and follow on those of this one. What shows
when nothing is alive is an output of its own beside the view; see :mod:`decart_nb.display.output`.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

from .._util.text import did_you_mean
from ..errors import InvalidInputError

_VIEW = "application/vnd.jupyter.widget-view+json"
_IMPORT = re.compile(r"^import .*\n", re.MULTILINE)


class LiveView(anywidget.AnyWidget):
    """A live view of something that goes on without it. Closing it stops nothing.

    Attributes:
        problem: what went wrong in the view, also in its JavaScript: it is shown in a place of its own.
    """

    problem = traitlets.Unicode().tag(sync=True)
    # How many frontends show it; ipywidgets counts where this is a number.
    _view_count = traitlets.Int(0, allow_none=True).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        names = [name for name in type(self).class_trait_names() if not name.startswith("_")]
        for name in traits:
            if name not in names:
                raise InvalidInputError(f"{type(self).__name__} has no {name}.{did_you_mean(name, names)}")
        super().__init__(**traits)
        self.observe(self._close_unseen, "_view_count")

    def text(self) -> str:
        """The view in words."""
        raise NotImplementedError

    def bundle(self) -> dict[str, Any]:
        """The view as an output. Where no widgets are shown it is empty: its static form stands beside it."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {_VIEW: view, "text/html": "", "text/plain": ""}

    def close(self) -> None:
        """Ends the view, here and in the frontend."""
        layout = self.layout
        super().close()
        if layout is not None:  # a widget too, which nobody else closes
            layout.close()

    def __repr__(self) -> str:
        return f"<{self.text()}>"

    def _close_unseen(self, change: dict[str, Any]) -> None:
        if change["old"] and not change["new"]:  # its output was cleared
            self.close()


def assets(name: str) -> tuple[str, str]:
    """A view's JavaScript and style, as anywidget takes them.

    Args:
        name: of the files beside this one, without their endings.
    """
    here = files(__package__)
    script, style = (
        "".join(here.joinpath(f"{part}.{ending}").read_text(encoding="utf-8") for part in ("live_view", name))
        for ending in ("js", "css")
    )
    # The frontend gets one module, so what is imported from the first file stands before the second.
    return _IMPORT.sub("", script), style
