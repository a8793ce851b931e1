"""Notebook output of keyframes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .clip_html import relative_url
from .keyframes_html import keyframes_html, keyframes_text
from .keyframes_view import KeyframesView
from .output import UpdatedOutput, probe_video

if TYPE_CHECKING:
    from .keyframes import Keyframes


class KeyframesOutput(UpdatedOutput):
    """Notebook output of keyframes: the picked frames, and in an interactive session the video to pick them from.

    Args:
        keyframes: the keyframes.
        publish, live, replaceable: as for :class:`~decart_nb.display.output.UpdatedOutput`.
        folder: the folder against which the frontend resolves relative URLs, if any.
    """

    def __init__(
        self,
        keyframes: Keyframes,
        publish: Callable[..., object],
        *,
        live: bool,
        folder: Path | None = None,
        replaceable: bool = True,
    ) -> None:
        self._folder = folder
        super().__init__(keyframes, publish, live=live, replaceable=replaceable)

    def _content(self, subject: Keyframes) -> tuple[str, str]:
        return keyframes_html(subject), keyframes_text(subject)

    def _view(self, subject: Keyframes, on_change: Callable[[Keyframes], object] | None) -> KeyframesView:
        return KeyframesView(subject, output_id=self._id, on_change=on_change)

    def _beside(self, subject: Keyframes) -> str:
        address = relative_url(subject.path, self._folder) if self._live else None
        return "" if address is None else probe_video(address, subject.path.name)
