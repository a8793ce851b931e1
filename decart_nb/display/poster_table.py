"""Static HTML table with a poster image for each clip."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from .. import media
from ..job.clip import Clip
from .clip_html import NO_MATH, STYLE, data_url, unreadable_text
from .text import clip_caption

if TYPE_CHECKING:
    import pandas as pd

#: The width of a poster in pixels, in landscape and in portrait.
_WIDTH, _PORTRAIT_WIDTH = 320, 180
#: The most posters in a table, about 2 MB, so that the notebook can still be opened.
_MAX_POSTERS = 120
_CELL = (
    "text-align:left;vertical-align:top;padding:4px 8px;white-space:normal;overflow-wrap:anywhere;"
    "min-width:8em;max-width:320px"
)


def table_html(table: pd.DataFrame) -> str | None:
    """A table as HTML; ``None`` after an error, so that IPython shows its text instead.

    Args:
        table: its values are clips, tuples of clips, or other values, which are shown as text.
    """
    try:
        budget = iter(range(_MAX_POSTERS))
        names = [_joined(axis.names, " · ") for axis in (table.index, table.columns)]
        head = [_joined(names, " × "), *(_label(label) for label in table.columns)]
        lines = [f"<tr>{''.join(_cell('th', html.escape(text)) for text in head)}</tr>"]
        for label, cells in zip(table.index, table.to_numpy(dtype=object), strict=True):
            inner = "".join(_cell("td", _value_html(value, budget)) for value in cells)
            lines.append(f"<tr>{_cell('th', html.escape(_label(label)))}{inner}</tr>")
        table_tag = f'<table class="{NO_MATH}" style="{STYLE};max-width:none">'
        return f"{table_tag}{''.join(lines)}</table>".encode(errors="replace").decode()
    except Exception:  # noqa: BLE001 - a formatter never raises
        return None


def _cell(tag: str, inner: str) -> str:
    return f'<{tag} style="{_CELL}">{inner}</{tag}>'


def _value_html(value: Any, budget: Any) -> str:
    """A value as posters or text. ``budget`` is an iterator with one item for each poster that is still allowed."""
    if isinstance(value, Clip):
        return _poster(value, "", budget)
    if isinstance(value, tuple):
        return "".join(
            _poster(item, _difference(item), budget)
            if isinstance(item, Clip)
            else f"<div>{html.escape(_label(item))}</div>"
            for item in value
        )
    return html.escape(_label(value))


def _poster(clip: Clip, note: str, budget: Any) -> str:
    caption = html.escape(" · ".join(clip_caption(clip)))
    if next(budget, None) is None:
        return f"<div>{caption}<br>(no poster: the table has more than {_MAX_POSTERS} clips)</div>"
    width = _PORTRAIT_WIDTH if clip.height > clip.width else _WIDTH
    try:
        source = data_url("image/jpeg", media.poster(clip.path, width=width))
    except Exception as error:  # noqa: BLE001 - a formatter never raises
        return f"<div>{html.escape(unreadable_text(clip, error))}</div>"
    return (
        f'<div><img src="{source}" alt="{caption}" title="{caption}" '
        f'style="display:block;width:{width * 3 // 4}px;max-width:none;height:auto">{html.escape(note)}</div>'
    )


def _difference(clip: Clip) -> str:
    """The seed and the take, in which the clips of one table cell usually differ."""
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
