"""Base classes of the live widgets: theme, error message, clean-up, and a view of a job or sweep with a stop button.

Each widget has one Python, one JavaScript and one CSS file of the same name; script and style are appended to those of
this module and of the parts that several widgets share. What a notebook shows without a kernel is a separate static
output; see :mod:`decart_nb.display.output`.
"""

from __future__ import annotations

import re
import threading
from abc import abstractmethod
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

from .._util.text import did_you_mean
from ..errors import InvalidInputError

_VIEW = "application/vnd.jupyter.widget-view+json"
_IMPORT = re.compile(r'^import [^;]* from "\./(\w+)\.js";\n', re.MULTILINE)


class LiveView(anywidget.AnyWidget):
    """Base class of widgets that follow work in progress. Closing a view does not stop the work.

    Attributes:
        problem: the message of the last error in the view's Python or JavaScript, shown below the view.
    """

    problem = traitlets.Unicode().tag(sync=True)
    # The number of frontends that show the view. ipywidgets maintains it if it is a number.
    _view_count = traitlets.Int(0, allow_none=True).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        names = [name for name in type(self).class_trait_names() if not name.startswith("_")]
        for name in traits:
            if name not in names:
                raise InvalidInputError(f"{type(self).__name__} has no {name}.{did_you_mean(name, names)}")
        super().__init__(**traits)
        self.observe(self._close_if_unseen, "_view_count")

    @abstractmethod
    def text(self) -> str:
        """The view as plain text."""

    def bundle(self) -> dict[str, Any]:
        """The view as a MIME bundle. Its HTML and text are empty, since a static output stands beside it."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {_VIEW: view, "text/html": "", "text/plain": ""}

    def close(self) -> None:
        """Close the view in the kernel and in all frontends."""
        layout = self.layout
        super().close()
        if layout is not None:  # a widget of its own, which ipywidgets leaves open
            layout.close()

    def __repr__(self) -> str:
        return f"<{self.text()}>"

    def _close_if_unseen(self, change: dict[str, Any]) -> None:
        if change["old"] and not change["new"]:  # its output was cleared
            self.close()


class StoppableView(LiveView):
    """Base class of a live view that observes a job or a sweep and has a stop button.

    Attributes:
        output_id: the id of the static output beside the view, which hides while the view is alive.
        stop_label: the text of the stop button; empty if there is none.
        stop_hint: shown in place of the stop button: why there is none, or how to stop without it.
    """

    output_id = traitlets.Unicode().tag(sync=True)
    stop_label = traitlets.Unicode().tag(sync=True)
    stop_hint = traitlets.Unicode().tag(sync=True)

    def __init__(self, *, output_id: str) -> None:
        super().__init__(output_id=output_id)
        # Observers are called on any thread; the lock makes the last update the newest state.
        self._update_lock = threading.RLock()
        # Some kernels deliver clicks while a cell blocks, others only after it.
        self._receives_clicks = False
        self._unobserve: Callable[[], object] = lambda: None
        self.on_msg(self._on_message)

    def close(self) -> None:
        """Close the view; the work goes on."""
        self._unobserve()
        super().close()

    def _follow(self, subject: Any) -> None:
        """Show this job or sweep from now on."""
        self._unobserve = subject.observe(self._update)
        self._update(subject)

    def _update(self, subject: Any) -> None:
        with self._update_lock, self.hold_sync():
            if self.comm is not None and subject is self._subject and self._refresh(subject):
                self._unobserve()

    @property
    @abstractmethod
    def _subject(self) -> Any:
        """The job or sweep that is shown."""

    @abstractmethod
    def _refresh(self, subject: Any) -> bool:
        """Set the traits from the job or sweep, and return whether it has ended."""

    def _act(self, action: str) -> None:
        """Do what a button asks for. This may run on any thread, so that work is only started here."""
        if action == "stop":
            self._subject.cancel()

    def _on_message(self, _: object, message: dict[str, Any], __: object) -> None:
        if "action" not in message:  # a request on the media channel
            return
        if self._subject.blocks_main_thread:  # and the message has arrived nevertheless
            self._receives_clicks = True
        self.problem = ""
        try:
            self._act(str(message.get("action")))
        except Exception as error:  # noqa: BLE001 - no cell could raise it, so the view shows it
            self.problem = str(error)
        self._update(self._subject)


def assets(*names: str) -> tuple[str, str]:
    """A widget's JavaScript module and style sheet: those of the base class, then each part's after what it imports.

    All parts share one scope, so that no two have a top-level name in common, and only the last has a default export.

    Args:
        names: the names of the parts' files, without suffix. A part without a style sheet has no such file.
    """
    folder = files(__package__)
    scripts: dict[str, str] = {}

    def add(name: str) -> None:
        if name not in scripts:
            script = folder.joinpath(f"{name}.js").read_text(encoding="utf-8")
            for imported in _IMPORT.findall(script):
                add(imported)
            # anywidget takes a single module, in which the imported names are defined above their use.
            scripts[name] = _IMPORT.sub("", script)

    for name in ("live_view", *names):
        add(name)
    sheets = [folder.joinpath(f"{name}.css") for name in scripts]
    style = "".join(sheet.read_text(encoding="utf-8") for sheet in sheets if sheet.is_file())
    return "".join(scripts.values()), style
