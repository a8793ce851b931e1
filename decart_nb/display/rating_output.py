"""Notebook output of a blind rating."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

from .output import Output
from .rating_html import rating_html, rating_text
from .rating_view import RatingView

if TYPE_CHECKING:
    from ..rating.rating import Rating


class RatingOutput(Output):
    """Notebook output of a blind rating: its scores, and in an interactive session the clips beside them.

    Args:
        rating: the rating.
        publish: publishes a MIME bundle under a display id; with ``update=True``, it replaces the output of that id.
        live: whether there is a live view.
        replaceable: whether a published output can be replaced. If not, the scores are those of the beginning.
    """

    def __init__(self, rating: Rating, publish: Callable[..., object], *, live: bool, replaceable: bool = True) -> None:
        super().__init__(publish, live=live, replaceable=replaceable)
        self._publish_scores(rating)
        if live:
            update = self._update if replaceable else None
            self._publish_live(RatingView(rating, output_id=self._id, on_change=update))

    def _update(self, rating: Rating) -> None:
        """Publish the scores again, so that a saved notebook has them."""
        self._publish_scores(rating, update=True)

    def _publish_scores(self, rating: Rating, *, update: bool = False) -> None:
        with self._lock:
            try:
                content, text = rating_html(rating), rating_text(rating)
            except Exception as error:  # noqa: BLE001 - a formatter never raises
                text = f"The scores cannot be shown: {error}"
                content = html.escape(text)
            self._publish_static(f'<div class="decart-fallback">{content}</div>', text, update=update)
