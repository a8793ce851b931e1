"""A table of clips as posters: an ordinary output, which a saved notebook keeps."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING, Any

from .. import media
from .._util.files import os_reason
from .._util.text import printable
from ..job.clip import Clip
from .clip_html import NO_MATH, STYLE
from .text import clip_caption

if TYPE_CHECKING:
    import pandas as pd

#: Pixels across of a poster, and of one that stands upright.
_WIDTH, _UPRIGHT = 320, 180
#: A table has so many posters at most, some 2 MB, so that the notebook can still be opened.
_MOST = 120
_CELL = (
    "text-align:left;vertical-align:top;padding:4px 8px;white-space:normal;overflow-wrap:anywhere;"
    "min-width:8em;max-width:320px"
)


def table_html(table: pd.DataFrame) -> str | None:
    """The table as HTML; ``None``, which lets the text form show, where that cannot be made.

    Args:
        table: its cells are clips, tuples of several, or whatever else, which is shown as text.
    """
    try:
        left = iter(range(_MOST))
        names = [_joined(axis.names, " · ") for axis in (table.index, table.columns)]
        head = [_joined(names, " × "), *(_label(label) for label in table.columns)]
        lines = [f"<tr>{''.join(_cell('th', html.escape(text)) for text in head)}</tr>"]
        for label, cells in zip(table.index, table.to_numpy(dtype=object), strict=True):
            inner = "".join(_cell("td", _shown(value, left)) for value in cells)
            lines.append(f"<tr>{_cell('th', html.escape(_label(label)))}{inner}</tr>")
        table_tag = f'<table class="{NO_MATH}" style="{STYLE};max-width:none">'
        return f"{table_tag}{''.join(lines)}</table>".encode(errors="replace").decode()
    except Exception:  # noqa: BLE001 - a formatter never raises
        return None


def _cell(tag: str, inner: str) -> str:
    return f'<{tag} style="{_CELL}">{inner}</{tag}>'


def _shown(value: Any, left: Any) -> str:
    """A cell: posters, or words. ``left`` has one number for each poster that the table may still have."""
    if isinstance(value, Clip):
        return _poster(value, "", left)
    if isinstance(value, tuple):
        return "".join(
            _poster(item, _which(item), left) if isinstance(item, Clip) else f"<div>{html.escape(_label(item))}</div>"
            for item in value
        )
    return html.escape(_label(value))


def _poster(clip: Clip, note: str, left: Any) -> str:
    caption = html.escape(" · ".join(clip_caption(clip)))
    if next(left, None) is None:
        return f"<div>{caption}<br>(no poster: the table has more than {_MOST} clips)</div>"
    width = _UPRIGHT if clip.height > clip.width else _WIDTH
    try:
        content = base64.b64encode(media.poster(clip.path, width=width)).decode()
    except Exception as error:  # noqa: BLE001 - a formatter never raises
        reason = printable(f"{clip.path.name} cannot be shown: {os_reason(error)}")
        return f"<div>{html.escape(reason)}</div>"
    return (
        f'<div><img src="data:image/jpeg;base64,{content}" alt="{caption}" title="{caption}" '
        f'style="display:block;width:{width * 3 // 4}px;max-width:none;height:auto">{html.escape(note)}</div>'
    )


def _which(clip: Clip) -> str:
    """What tells the clips of one cell apart, mostly."""
    seed = clip.inputs.get("seed")
    parts = ["" if seed is None else f"seed {seed}", f"take {clip.take + 1}" if clip.take else ""]
    return _joined(parts, ", ")


def _label(value: Any) -> str:
    import pandas as pd

    if isinstance(value, tuple):
        return _joined(map(_label, value), " · ")
    return "" if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)) else str(value)


def _joined(parts: Any, sign: str) -> str:
    return sign.join(str(part) for part in parts if part is not None and part != "")
