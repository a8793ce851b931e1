"""A video that was cut or fitted, to be an input: a path to whatever takes paths."""

from __future__ import annotations

import html
from pathlib import Path

from .. import media
from .._util.text import printable
from .clip_html import EMBED_LIMIT, NO_MATH, STYLE, data_url

_WIDTH = 640


class PreparedVideo:
    """A video that was cut or fitted. It goes wherever a path does; a notebook shows it.

    Attributes:
        path: the file. It goes with this process, unless it is the one that was given; a job keeps a copy.
        changes: what is other than in the video that was given; empty if it is that one.
    """

    def __init__(self, path: Path, facts: str, changes: tuple[str, ...]) -> None:
        self.path, self.changes = path, changes
        self._facts = facts

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"<{self._text()}>"

    def _text(self) -> str:
        made = "; ".join(self.changes) or "unchanged"
        return printable(f"{self.path.name}: {self._facts}; {made}")

    def _repr_html_(self) -> str | None:
        try:
            content = self.path.read_bytes() if self.path.stat().st_size <= EMBED_LIMIT else None
            style = f"display:block;width:100%;height:auto;max-width:{_WIDTH}px;max-height:60vh"
            if content is None:
                still = data_url("image/jpeg", media.poster(self.path, width=_WIDTH))
                shown = f'<img src="{still}" style="{style}" alt="A still of the video">'
            else:
                source = data_url("video/mp4", content)
                shown = f'<video src="{source}" style="{style}" controls loop muted playsinline></video>'
        except Exception:  # noqa: BLE001 - a formatter never raises: the notebook shows the text
            return None
        return f'<div class="{NO_MATH}" style="{STYLE}">{shown}{html.escape(self._text())}</div>'
