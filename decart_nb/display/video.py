"""A clip inline: a muted, looping video with its caption, as an ordinary output that a saved notebook keeps."""

from __future__ import annotations

import base64
import html
from pathlib import Path
from urllib.parse import quote

from .. import media
from ..clip import Clip
from . import words

#: Up to this many bytes a video lies in the notebook itself; above, the notebook refers to the file beside it.
EMBEDDED = 4 * 2**20
_WIDTH = 640


def clip_html(clip: Clip, folder: Path) -> str:
    """The clip as HTML.

    Args:
        clip: the clip.
        folder: the notebook's own folder, from which a frontend resolves what is referred to.

    Raises:
        MediaError, OSError: the file is gone, or can no longer be read.
    """
    width = min(clip.width, _WIDTH) if clip.width >= clip.height else min(clip.width, _WIDTH * 9 // 16)
    style = f"display:block;width:100%;height:auto;max-width:{width}px;aspect-ratio:{clip.width}/{clip.height}"
    caption = words.caption(clip)
    if clip.size_bytes > EMBEDDED and _reference(clip.path, folder) is None:
        caption.append("too large to embed, and outside the notebook's folder: clip.video() shows it")
    return (
        '<figure style="margin:0">'
        f'<video {_source(clip, folder)} width="{clip.width}" height="{clip.height}" style="{style}" '
        "controls autoplay loop muted playsinline></video>"
        f'<figcaption style="{_CAPTION}">{html.escape(" · ".join(caption))}</figcaption>'
        "</figure>"
    )


_CAPTION = (
    "font:var(--jp-ui-font-size1,13px) var(--jp-ui-font-family,system-ui,sans-serif);"
    "color:var(--jp-ui-font-color2,#666);padding:4px 0;max-width:640px"
)


def _source(clip: Clip, folder: Path) -> str:
    if clip.size_bytes <= EMBEDDED:
        return f'src="{_data("video/mp4", clip.path.read_bytes())}"'
    poster = f'poster="{_data("image/jpeg", media.poster(clip.path, width=_WIDTH))}"'
    reference = _reference(clip.path, folder)
    return f'src="{html.escape(reference)}" {poster}' if reference else poster


def _data(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def _reference(path: Path, folder: Path) -> str | None:
    """The file as the frontend reaches it, or nothing where it does not: outside the notebook's folder."""
    try:
        return quote(path.relative_to(folder).as_posix())
    except ValueError:
        return None
