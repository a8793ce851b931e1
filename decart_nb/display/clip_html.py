"""A clip inline: a muted, looping video with its caption, as an ordinary output that a saved notebook keeps."""

from __future__ import annotations

import base64
import html
import os
import threading
from pathlib import Path
from urllib.parse import quote, unquote

from .. import media
from .._util.files import os_reason
from .._util.text import printable
from ..job.clip import Clip
from .text import clip_caption

#: How the words beside a video look: the frontend's own font and colour, where it has them.
STYLE = (
    "font:var(--jp-ui-font-size1,13px)/1.5 var(--jp-ui-font-family,system-ui,sans-serif);"
    "color:var(--jp-ui-font-color2,inherit);max-width:640px"
)
#: Two dollars in a prompt are no formula: these classes keep MathJax away, in its third and its second version.
NO_MATH = "mathjax_ignore tex2jax_ignore"
#: Up to so many bytes a video lies in the notebook itself, as long as all of them together have no more than these.
EMBED_LIMIT = 4 * 2**20
_TOTAL_EMBED_LIMIT = 20 * 2**20
_WIDTH = 640
_CAPTION = 320


class EmbedBudget:
    """Limit on the video embedded in a notebook, 4 MB a clip and 20 MB in all, so that it can still be opened.

    Beyond it, the notebook refers to the file. Video embedded by an earlier kernel is not counted.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cells: dict[str, tuple[int, int]] = {}

    def take(self, size: int, cell_id: str, run: int) -> bool:
        """Reserve space for a video, and return whether there was enough.

        Args:
            size: the size of the video in bytes.
            cell_id: the cell whose output it becomes.
            run: the execution count of that cell. The outputs of its earlier runs no longer count.
        """
        with self._lock:
            last_run, cell_bytes = self._cells.get(cell_id, (run, 0))
            cell_bytes = cell_bytes if last_run == run else 0
            other_bytes = sum(used for name, (_, used) in self._cells.items() if name != cell_id)
            fits = size <= EMBED_LIMIT and other_bytes + cell_bytes + size <= _TOTAL_EMBED_LIMIT
            self._cells[cell_id] = (run, cell_bytes + size * fits)
            return fits


def clip_html(clip: Clip, folder: Path | None, *, embed: bool) -> str:
    """The clip as HTML. Where its file is gone, or can no longer be read, it says so.

    Args:
        clip: the clip.
        folder: where the frontend resolves what is referred to, if it does.
        embed: whether the video goes into the HTML; else only a still does, and a reference to the file.
    """
    caption = clip_caption(clip)
    reference = None if embed else _reference(clip, folder)
    try:
        if embed:
            source = f'src="{_data("video/mp4", clip.path.read_bytes())}"'
        else:
            still = _data("image/jpeg", media.poster(clip.path, width=_WIDTH))
            source = f'src="{still}"' if reference is None else f'src="{html.escape(reference)}" poster="{still}"'
    except Exception as error:  # noqa: BLE001 - a formatter never raises
        reason = f"{printable(clip.path.name)} cannot be shown: {_why(error)}"
        said = "<br>".join(map(html.escape, (" · ".join(caption), reason)))
        return f'<div class="{NO_MATH}" style="{STYLE}">{said}</div>'
    if not embed:
        caption.append(_why_not_embedded(clip, folder, reference))
    width = min(clip.width, _WIDTH) if clip.width >= clip.height else min(clip.width, _WIDTH * 9 // 16)
    style = f"display:block;width:100%;height:auto;max-width:{width}px;aspect-ratio:{clip.width}/{clip.height}"
    return (
        f'<figure style="margin:0;flex:0 1 {max(width, _CAPTION)}px">'
        f"{_picture(source, clip, style, plays=embed or reference is not None)}"
        f'<figcaption class="{NO_MATH}" style="{STYLE};padding:4px 0">{html.escape(" · ".join(caption))}</figcaption>'
        "</figure>"
    )


def _picture(source: str, clip: Clip, style: str, *, plays: bool) -> str:
    size = f'width="{clip.width}" height="{clip.height}" style="{style}"'
    if plays:
        return f"<video {source} {size} controls autoplay loop muted playsinline></video>"
    return f'<img {source} {size} alt="A still of the video">'


def _reference(clip: Clip, folder: Path | None) -> str | None:
    """The clip's address, relative to a folder; ``None`` where nothing in that folder reaches the file.

    Jupyter serves no file under a name that begins with a dot. It follows links, so that a file is also reached through
    a link in the folder, and a folder may be known by two names.
    """
    if folder is None:
        return None
    for path, base in ((clip.path.absolute(), folder), (clip.path.resolve(), folder.resolve())):
        inside = Path(os.path.normpath(path))
        if inside.is_relative_to(base):
            parts = inside.relative_to(base).parts
            return None if any(part.startswith(".") for part in parts) else quote("/".join(parts))
    return None


def _why_not_embedded(clip: Clip, folder: Path | None, reference: str | None) -> str:
    """Why the notebook holds a still alone, and how the video is seen."""
    limit = f"{EMBED_LIMIT >> 20} MB a clip"
    if clip.size_bytes <= EMBED_LIMIT:
        limit = f"{_TOTAL_EMBED_LIMIT >> 20} MB of video"
    over = f"over the notebook's limit of {limit}"
    if reference is not None:
        return f"{over}: plays from {unquote(reference)}"
    reach = "this editor plays no files" if folder is None else "its file is not in the notebook's folder"
    return f"{over}, and {reach}: clip.video() shows it"


def _why(error: Exception) -> str:
    return printable(os_reason(error))


def _data(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
