"""Base class of objects that a notebook shows by an output of their own, such as a comparison or a form."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from . import environment

if TYPE_CHECKING:
    from .ipython import NotebookDisplay


class Displayed(ABC):
    """An object that a Jupyter kernel shows live. Elsewhere its static HTML or its text is shown."""

    @abstractmethod
    def _html(self) -> str:
        """The object as static HTML."""

    @abstractmethod
    def _text(self) -> str:
        """The object as plain text."""

    @abstractmethod
    def _show(self, display: NotebookDisplay) -> None:
        """Show the object in a Jupyter kernel."""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self._html(), "text/plain": self._text()}

    def _ipython_display_(self) -> None:
        shell = environment.kernel_shell()
        if shell is None:
            raise NotImplementedError  # IPython then uses the next formatter
        from .ipython import notebook_display

        self._show(notebook_display(shell))

    def _mime_(self) -> tuple[str, str]:
        """The media type and data that marimo shows."""
        return "text/html", self._html()

    def __repr__(self) -> str:
        return f"<{self._text()}>"
