"""The static form of a grid of clips: an HTML table of posters, captions and links."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

from .clip_html import NO_MATH, STYLE, data_url
from .grid_columns import label_of
from .grid_data import GridData, Tile
from .grid_measures import OUTLIER_RULE, with_mark
from .poster_budget import PosterBudget

_HEAD = (
    "text-align:left;vertical-align:top;padding:4px 8px;font-weight:600;min-width:6em;max-width:16em;"
    "overflow-wrap:anywhere"
)
_CELL = "text-align:left;vertical-align:top;padding:4px 8px;white-space:normal"
_BADGE = "display:flex;justify-content:space-between;gap:6px;margin-top:2px;padding:0 4px;border-radius:3px"
_USUAL = "border:1px solid transparent"
_OUTLIER = "border:1px solid var(--jp-warn-color1,#e65100)"
_CUT = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
_BAD = "border:1px solid currentColor;padding:4px 8px;overflow-wrap:anywhere"

#: Gives the poster of the tile with a number, which is a WebP image; and the address of a tile's video; or ``None``.
Poster = Callable[[str], bytes | None]
Link = Callable[[Tile], str | None]


def grid_html(grid: GridData, poster: Poster, link: Link, note: str = "") -> str:
    """A grid as static HTML.

    Args:
        grid: the grid.
        poster, link: of each tile.
        note: which rows are shown, if not all of them.
    """
    budget = PosterBudget()
    arranged = grid.arranged()
    told = {arranged.rows, arranged.cols}
    lines = []
    if arranged.cols:
        corner = [_cell("th", "")] if arranged.rows else []
        lines.append("".join([*corner, *(_cell("th", html.escape(col)) for col in arranged.col_labels)]))
    for row, line in zip(arranged.row_labels, arranged.lines(), strict=True):
        columns = [_cell("th", html.escape(row))] if arranged.rows else []
        for numbers in line:
            inner = "".join(_tile_html(number, grid, told, poster, link, budget) for number in numbers)
            columns.append(
                _cell("td", f'<div style="display:flex;flex-wrap:wrap;gap:8px">{inner}</div>') if inner else "<td></td>"
            )
        lines.append("".join(columns))
    facts = html.escape(" · ".join(filter(None, [grid.title, *grid.facts])))
    rows = "".join(f"<tr>{line}</tr>" for line in lines)
    has_outliers = any(mark for tile in grid.tiles for *_, mark in grid.badges_of(tile))
    rule = f"Outliers, {OUTLIER_RULE}." if has_outliers else ""
    notes = (f"{note[:1].upper()}{note[1:]}." if note else "", arranged.note, rule, budget.note)
    more = "".join(f"<p>{html.escape(text)}</p>" for text in notes if text)
    return (
        f'<div class="{NO_MATH}" style="{STYLE};max-width:none"><p style="margin:4px 0">{facts}</p>'
        f'<table style="max-width:none">{rows}</table>{more}</div>'
    )


def _cell(tag: str, inner: str) -> str:
    return f'<{tag} style="{_HEAD if tag == "th" else _CELL}">{inner}</{tag}>'


def _tile_html(number: int, grid: GridData, told: set[str], poster: Poster, link: Link, budget: PosterBudget) -> str:
    tile = grid.tiles[number]
    labels = [
        label_of(name, value)
        for name, value in zip(grid.names, tile.values, strict=True)
        if name in grid.varying and name not in told and value is not None
    ]
    stars = "★" * (tile.rating or 0) + "☆" * (5 - tile.rating if tile.rating else 0)
    caption = html.escape(" · ".join([*labels, *([stars] if stars else [])]))
    badges = "".join(map(badge_html, map(with_mark, grid.badges_of(tile))))
    if tile.clip is None:
        text = html.escape(f"{tile.label}{f': {tile.error}' if tile.error else ''}")
        return f'<div style="width:160px;{_BAD}">{text}<br>{caption}</div>'
    name = html.escape(tile.name)
    image = poster(str(number))
    address = link(tile)
    if image is None:
        shown = f"{html.escape(tile.clip.path.name)} has no poster yet"
    elif budget.take(len(image)):
        shown = (
            f'<img src="{data_url("image/webp", image)}" alt="{name}" title="{name}" width="160" '
            'style="display:block;width:160px;max-width:none;height:auto">'
        )
    else:
        shown = name
    if address is not None:
        shown = f'<a href="{html.escape(address)}">{shown}</a>'
    return f'<div style="width:160px">{shown}{caption}{badges}</div>'


def badge_html(badge: Sequence[str]) -> str:
    """A badge as a line of HTML: the name of a column, a value, and a frame and a mark if it is an outlier.

    Args:
        badge: the name, the value, and the mark, which may be empty.
    """
    name, value, mark = map(html.escape, badge)
    style = f"{_BADGE};{_OUTLIER if mark else _USUAL}"
    return (
        f'<div style="{style}" title="{name} {value}"><span style="{_CUT}">{name}</span>'
        f'<b style="white-space:nowrap">{value}{f" {mark}" if mark else ""}</b></div>'
    )
