"""Notebook output of a blind rating."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .output import UpdatedOutput
from .rating_html import rating_html, rating_text
from .rating_view import RatingView

if TYPE_CHECKING:
    from ..rating.rating import Rating


class RatingOutput(UpdatedOutput):
    """Notebook output of a blind rating: its scores, and in an interactive session the clips beside them."""

    _subject_name = "The scores"

    def _content(self, subject: Rating) -> tuple[str, str]:
        return rating_html(subject), rating_text(subject)

    def _view(self, subject: Rating, on_change: Callable[[Rating], object] | None) -> RatingView:
        return RatingView(subject, output_id=self._id, on_change=on_change)
