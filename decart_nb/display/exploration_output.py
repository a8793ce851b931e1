"""Notebook output of an exploration: the scores so far, and in an interactive session a live view for blind rating."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .exploration_html import exploration_html, exploration_text
from .exploration_view import ExplorationView
from .output import UpdatedOutput

if TYPE_CHECKING:
    from ..adaptive.exploration import Exploration


class ExplorationOutput(UpdatedOutput):
    """Notebook output of an exploration: its static HTML and text, and its live view in an interactive session."""

    _subject_name = "The exploration"

    def _content(self, subject: Exploration) -> tuple[str, str]:
        return exploration_html(subject), exploration_text(subject)

    def _view(self, subject: Exploration, on_change: Callable[[Any], object] | None) -> ExplorationView:
        follow = None if on_change is None else lambda _: on_change(subject)
        return ExplorationView(subject, output_id=self._id, on_change=follow)
