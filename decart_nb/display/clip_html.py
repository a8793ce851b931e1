"""Static HTML of a clip: a muted, looping video with a caption."""

from __future__ import annotations

import base64
import html
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, unquote

from .. import media
from .._util.files import os_reason
from .._util.text import printable
from ..errors import MediaError
from ..job.clip import Clip
from .clip_size import RESERVED, box_style, figure_style
from .text import clip_caption, clip_facts, clip_prompt, clip_reuse

#: The style of text in static outputs: the frontend's font and colour, with fallbacks.
STYLE = (
    "font:var(--jp-ui-font-size1,13px)/1.5 var(--jp-ui-font-family,system-ui,sans-serif);"
    "color:var(--jp-ui-font-color2,inherit);max-width:640px"
)
#: Classes that MathJax 3 and 2 ignore, so that text between two dollar signs is not shown as a formula.
NO_MATH = "mathjax_ignore tex2jax_ignore"
#: The largest embedded video, and the most embedded video in a notebook, in bytes.
EMBED_LIMIT = 4 * 2**20
_TOTAL_EMBED_LIMIT = 20 * 2**20
_POSTER_WIDTH = 640
#: An outline and quiet text: a filled box would look like a video that does not play.
_RESERVED_STYLE = (
    "display:flex;align-items:center;justify-content:center;color:var(--jp-ui-font-color2,gray);"
    "outline:1px dashed var(--jp-border-color1,gray);outline-offset:-1px"
)
_BLANK = "\u00a0"
#: A line of a caption: cut where it is too long, with the whole as its title.
_LINE = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
_FIRST_LINE = f"color:var(--jp-ui-font-color1,inherit);{_LINE}"


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


def clip_html(clip: Clip, folder: Path | None, *, embed: bool, access: Sequence[str] = ()) -> str:
    """A clip as HTML. If its file is missing or unreadable, the HTML says so.

    Args:
        clip: the clip.
        folder: the folder against which the frontend resolves relative URLs, if any.
        embed: whether the HTML contains the video; if not, it contains a still image and refers to the file.
        access: lines at the end of its caption: how to get at it.
    """
    url = None if embed else relative_url(clip.path, folder)
    try:
        if embed:
            source = f'src="{data_url("video/mp4", clip.path.read_bytes())}"'
        else:
            still = data_url("image/jpeg", media.poster(clip.path, width=_POSTER_WIDTH))
            source = f'src="{still}"' if url is None else f'src="{html.escape(url)}" poster="{still}"'
    except Exception as error:  # noqa: BLE001 - a formatter never raises
        reason = unreadable_text(clip, error)
        text = "<br>".join(map(html.escape, (" · ".join(clip_caption(clip)), reason)))
        return f'<div class="{NO_MATH}" style="{STYLE}">{text}</div>'
    notes = [clip_reuse(clip), "" if embed else _limit_note(clip, folder, url)]
    style = box_style(clip.width, clip.height) if clip.width and clip.height else "display:block;max-width:100%"
    return (
        f'<figure style="{figure_style(clip.width, clip.height)}">'
        f"{_media_element(source, clip, style, plays=embed or url is not None)}"
        f"{caption_html([*clip_title_lines(clip), *access], notes)}</figure>"
    )


def clip_title_lines(clip: Clip) -> list[str]:
    """The two lines of a clip's caption: the prompt, or the model's name where there is none, and the facts."""
    return [clip_prompt(clip) or printable(clip.model), " · ".join(clip_facts(clip))]


def reserved_html(size: tuple[int, int], lines: int) -> str:
    """The space that is kept for a clip which is being made, so that what is below does not move when it comes.

    Args:
        size: the width and height that its video will have.
        lines: how many lines its caption will have.
    """
    box = f"{box_style(*size)};{_RESERVED_STYLE}"
    return (
        f'<figure class="{RESERVED}" aria-hidden="true" style="display:none;{figure_style(*size)}">'
        f'<div style="{box}">The clip will be here</div>{caption_html([_BLANK] * lines, [])}</figure>'
    )


def caption_html(lines: Sequence[str], notes: Sequence[str]) -> str:
    """A caption: lines that are cut to the width of the video, and notes that are shown whole. Empty ones are left out.

    Args:
        lines, notes: as plain text.
    """
    cut = [
        f'<div style="{_LINE if number else _FIRST_LINE}" title="{html.escape(line)}">{html.escape(line)}</div>'
        for number, line in enumerate(filter(None, lines))
    ]
    whole = [f'<div style="overflow-wrap:anywhere">{html.escape(note)}</div>' for note in notes if note]
    return f'<figcaption class="{NO_MATH}" style="{STYLE};padding:4px 0">{"".join(cut + whole)}</figcaption>'


def _media_element(source: str, clip: Clip, style: str, *, plays: bool) -> str:
    size = f'width="{clip.width}" height="{clip.height}" style="{style}"'
    if plays:
        return f"<video {source} {size} controls autoplay loop muted playsinline>{_fallback_image(clip)}</video>"
    return f'<img {source} {size} alt="A still of the video">'


def _fallback_image(clip: Clip) -> str:
    """A small still inside the video element, for renderers that strip videos and keep what is in them."""
    try:
        return f'<img src="{data_url("image/webp", media.thumbnail(clip.path))}" alt="A still of the video">'
    except MediaError:  # the video may play all the same
        return ""


def relative_url(file: Path, folder: Path | None) -> str | None:
    """The URL of a file relative to a folder; ``None`` if it is not served from there.

    Args:
        file: its path, in the folder, or in a store beside the folder or above it.
        folder: the folder against which the frontend resolves relative URLs, if any.

    Jupyter serves no path with a name that begins with a dot. It follows symbolic links, so that a file may be inside
    the folder by its path or by its resolved path. A store above the folder that it serves it does not reach.
    """
    if folder is None:
        return None
    named, real = (Path(os.path.normpath(file.absolute())), folder), (file.resolve(), folder.resolve())
    for path, base in (named, real):
        if path.is_relative_to(base):
            return _url(path, base)
    for path, base in (named, real):
        above = path.parent.parent
        if above.name and base.is_relative_to(above) and (url := _url(path, above)):
            return "../" * len(base.relative_to(above).parts) + url
    return None


def _url(file: Path, base: Path) -> str | None:
    parts = file.relative_to(base).parts
    return None if any(part.startswith(".") for part in parts) else quote("/".join(parts))


def _limit_note(clip: Clip, folder: Path | None, url: str | None) -> str:
    """Which limit the video exceeds, and how to see it."""
    limit = f"{EMBED_LIMIT >> 20} MB a clip"
    if clip.size_bytes <= EMBED_LIMIT:
        limit = f"{_TOTAL_EMBED_LIMIT >> 20} MB of video"
    over = f"over the notebook's limit of {limit}"
    if url is not None:
        return f"{over}: plays from {unquote(url)}"
    reach = "this editor plays no files" if folder is None else "its file is not in the notebook's folder"
    return f"{over}, and {reach}: clip.video() shows it"


def unreadable_text(clip: Clip, error: Exception) -> str:
    """A sentence about a clip whose file cannot be read or decoded.

    Args:
        clip: the clip.
        error: the error that reading it raised.
    """
    return printable(f"{clip.path.name} cannot be shown: {os_reason(error)}")


def data_url(media_type: str, content: bytes) -> str:
    """A ``data:`` URL.

    Args:
        media_type: the type of the content, such as ``image/jpeg``.
        content: the content.
    """
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
