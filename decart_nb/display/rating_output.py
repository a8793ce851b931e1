"""Notebook output of a blind rating."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

from .output import UpdatedOutput
from .rating_html import rating_html, rating_text
from .rating_view import RatingView

if TYPE_CHECKING:
    from ..rating.rating import Rating


class RatingOutput(UpdatedOutput):
    """Notebook output of a blind rating: its scores, and in an interactive session the clips beside them."""

    def _content(self, subject: Rating) -> tuple[str, str]:
        try:
            return rating_html(subject), rating_text(subject)
        except Exception as error:  # noqa: BLE001 - a formatter never raises
            text = f"The scores cannot be shown: {error}"
            return html.escape(text), text

    def _view(self, subject: Rating, on_change: Callable[[Rating], object] | None) -> RatingView:
        return RatingView(subject, output_id=self._id, on_change=on_change)
