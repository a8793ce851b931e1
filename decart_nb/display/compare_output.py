"""Notebook output of a comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .compare_html import compare_html, compare_text
from .compare_view import CompareView
from .output import Output

if TYPE_CHECKING:
    from .comparison import Comparison


class CompareOutput(Output):
    """Notebook output of a comparison.

    Args:
        comparison: the comparison.
        publish: publishes a MIME bundle under a display id.
        live: whether there is a live view.
        replaceable: as for :class:`~decart_nb.display.output.Output`; this output is published once.
    """

    def __init__(
        self, comparison: Comparison, publish: Callable[..., object], *, live: bool, replaceable: bool = True
    ) -> None:
        super().__init__(publish, live=live, replaceable=replaceable)
        videos = comparison.videos
        self._publish_static(f'<div class="decart-fallback">{compare_html(videos)}</div>', compare_text(videos))
        if live:
            self._publish_live(CompareView(videos, output_id=self._id))
