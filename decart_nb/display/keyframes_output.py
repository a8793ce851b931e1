"""Notebook output of keyframes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .clip_html import relative_url
from .keyframes_html import keyframes_html, keyframes_text
from .keyframes_view import KeyframesView
from .output import Output, probe_video

if TYPE_CHECKING:
    from .keyframes import Keyframes


class KeyframesOutput(Output):
    """Notebook output of keyframes: the picked frames, and in an interactive session the video to pick them from.

    Args:
        keyframes: the keyframes.
        publish: publishes a MIME bundle under a display id; with ``update=True``, it replaces the output of that id.
        live: whether there is a live view.
        folder: the folder against which the frontend resolves relative URLs, if any.
        replaceable: whether a published output can be replaced. If not, the frames are those of the beginning.
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
        super().__init__(publish, live=live, replaceable=replaceable)
        address = relative_url(keyframes.path, folder) if live else None
        self._probe = "" if address is None else probe_video(address, keyframes.path.name)
        self._publish_picks(keyframes)
        if live:
            update = self._update if replaceable else None
            self._publish_live(KeyframesView(keyframes, output_id=self._id, on_change=update))

    def _update(self, keyframes: Keyframes) -> None:
        """Publish the frames again, so that a saved notebook has those that were picked."""
        self._publish_picks(keyframes, update=True)

    def _publish_picks(self, keyframes: Keyframes, *, update: bool = False) -> None:
        with self._lock:
            content = f'<div class="decart-fallback">{keyframes_html(keyframes)}</div>{self._probe}'
            self._publish_static(content, keyframes_text(keyframes), update=update)
