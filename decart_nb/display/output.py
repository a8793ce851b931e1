"""Base class of notebook outputs: a static output, and in an interactive session a live view beside it.

Only the static output is stored in the notebook. When the notebook is opened again, the frontend says "model not found"
for the live view; the static output's style hides that message. While the live view is alive, its own style hides the
parts of the static output that it replaces.
"""

from __future__ import annotations

import threading
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from html import escape
from typing import Any

from .clip_html import NO_MATH, STYLE
from .live_view import LiveView

#: JupyterLab and Notebook 7: hides the output after a static one if it is a widget's that could not be drawn.
HIDE_STALE_WIDGET_CSS = (
    ".jp-OutputArea-child:has(.decart-output)+.jp-OutputArea-child:has(>.lm-Panel.jp-OutputArea-output)"
    ":not(:has(>.jp-OutputArea-output>*)){display:none}"
)


class Output:
    """A static output and, if the session is interactive, a live view beside it.

    Args:
        publish: publishes a MIME bundle under a display id; with ``update=True``, it replaces the output of that id.
        live: whether there is a live view.
        replaceable: whether a published output can be replaced. If not, only final results are published.
    """

    def __init__(self, publish: Callable[..., object], *, live: bool, replaceable: bool) -> None:
        self._publish, self._live, self._replaceable = publish, live, replaceable
        self._id = uuid.uuid4().hex
        self._lock = threading.Lock()

    def _publish_static(self, html: str, text: str, *, update: bool = False, attributes: str = "") -> None:
        """Publish the static output.

        Args:
            html: its HTML.
            text: its plain text.
            update: whether it replaces an earlier one.
            attributes: further HTML attributes of the element around it.
        """
        if self._live:
            html = (
                f'<div class="decart-output decart-output-{self._id}"{attributes}>'
                f"<style>{HIDE_STALE_WIDGET_CSS}</style>{html}</div>"
            )
        self._publish({"text/html": html, "text/plain": text}, self._id, update=update)

    def _publish_live(self, view: LiveView) -> None:
        self._publish(view.bundle(), f"{self._id}-live")


class UpdatedOutput(Output, ABC):
    """An output of an object that its live view changes: the static output follows, so that a saved notebook has it.

    Args:
        subject: the object.
        publish, live: as for :class:`Output`.
        replaceable: whether a published output can be replaced. If not, it stays as it was at the beginning.
    """

    #: The name of the subject at the beginning of an error text.
    _subject_name = "This output"

    def __init__(self, subject: Any, publish: Callable[..., object], *, live: bool, replaceable: bool = True) -> None:
        super().__init__(publish, live=live, replaceable=replaceable)
        self._publish_subject(subject)
        if live:
            self._publish_live(self._view(subject, self._update if replaceable else None))

    @abstractmethod
    def _content(self, subject: Any) -> tuple[str, str]:
        """The object as static HTML, which hides while the live view is alive, and as plain text."""

    @abstractmethod
    def _view(self, subject: Any, on_change: Callable[[Any], object] | None) -> LiveView:
        """A live view of the object, which calls back when it has changed it."""

    def _update(self, subject: Any) -> None:
        self._publish_subject(subject, update=True)

    def _publish_subject(self, subject: Any, *, update: bool = False) -> None:
        with self._lock:
            try:
                content, text = self._content(subject)
            except Exception as error:  # noqa: BLE001 - a formatter never raises
                text = f"{self._subject_name} cannot be shown: {error}"
                content = escape(text)
            html = f'<div class="decart-fallback">{content}</div>{self._beside(subject)}'
            self._publish_static(html, text, update=update)

    def _beside(self, subject: Any) -> str:
        """HTML that does not hide; none by default."""
        return ""


def probe_video(address: str, name: str) -> str:
    """A hidden video, from whose address a live view learns where the notebook's server has a file.

    Args:
        address: the file's address relative to the notebook's folder.
        name: its name in that folder.
    """
    return (
        f'<video class="decart-probe" data-name="{escape(name)}" src="{escape(address)}" preload="none" hidden></video>'
    )


def fallback_html(content: str) -> str:
    """The part of a static output that hides while its live view is alive.

    Args:
        content: its HTML.
    """
    return f'<div class="decart-fallback {NO_MATH}" style="{STYLE}">{content}</div>'
