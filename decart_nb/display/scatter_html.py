"""The static form of a scatter plot of clips: HTML without scripts, whose points show posters on hover and focus."""

from __future__ import annotations

import html
from collections.abc import Sequence

from .clip_html import NO_MATH, STYLE, data_url
from .grid_data import Tile
from .grid_html import Link, Poster
from .grid_measures import number_text
from .poster_budget import PosterBudget
from .scatter_data import Point, ScatterData
from .scatter_marks import MARKS, Mark
from .scatter_ticks import Ticks, ticks_of

#: The picture in its own units, and the axes in it.
_WIDTH, _HEIGHT = 760, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 748, 8, 392
#: The colours are the frontend's, with fallbacks. A card is on the side of its point that has more room.
_CSS = """
.decart-scatter{position:relative;width:100%;max-width:760px;aspect-ratio:760/440}
.decart-scatter>svg{position:absolute;inset:0;width:100%;height:100%;color:inherit}
.decart-scatter-point{position:absolute;width:14px;height:14px;margin:-7px 0 0 -7px;color:inherit;text-decoration:none}
.decart-scatter-point>svg{display:block;width:14px;height:14px;overflow:visible}
.decart-scatter-point:is(:hover,:focus){z-index:2}
.decart-scatter-point:is(:hover,:focus)>svg{transform:scale(1.6)}
.decart-scatter-point:focus-visible{outline:2px solid currentColor;outline-offset:3px}
.decart-scatter-card{display:none;position:absolute;width:200px;padding:6px;pointer-events:none;
border:1px solid var(--jp-border-color1,#888);border-radius:4px;overflow-wrap:anywhere;font-size:.92em;line-height:1.35;
background:var(--jp-layout-color1,light-dark(#fff,#111));color:var(--jp-ui-font-color1,light-dark(#212121,#e0e0e0))}
.decart-scatter-card>img{display:block;width:100%;height:auto;margin:0 0 4px}
.decart-scatter-point:is(:hover,:focus)>.decart-scatter-card{display:block}
.decart-scatter-legend{display:flex;flex-wrap:wrap;gap:2px 14px;padding-left:64px}
.decart-scatter-legend svg{width:12px;height:12px;margin-right:5px;overflow:visible}
""".replace("\n", "")


def scatter_html(data: ScatterData, tiles: Sequence[Tile], poster: Poster, link: Link, note: str = "") -> str:
    """A scatter plot as static HTML.

    Args:
        data: the points.
        tiles: the clips of the rows.
        poster, link: of each tile.
        note: which rows are shown, if not all of them.
    """
    budget = PosterBudget()
    axes = ticks_of([point.x for point in data.points]), ticks_of([point.y for point in data.points])
    points = []
    for point in data.points:
        tile = tiles[point.row]
        points.append(_point(point, data, tile, axes, _image(tile, point.row, poster, budget), link(tile)))
    notes = " ".join(filter(None, [f"{note[:1].upper()}{note[1:]}." if note else "", data.note, budget.note]))
    return (
        f'<div class="{NO_MATH}" style="{STYLE};max-width:none"><style>{_CSS}</style>'
        f'<div class="decart-scatter">{_axes(data, *axes)}{"".join(points)}</div>{_legend(data)}'
        f"{f'<p>{html.escape(notes)}</p>' if notes else ''}</div>"
    )


def _point(
    point: Point, data: ScatterData, tile: Tile, axes: tuple[Ticks, Ticks], image: str, address: str | None
) -> str:
    across, up = (axis.place(value) for axis, value in zip(axes, (point.x, point.y), strict=True))
    left = (_LEFT + across * (_RIGHT - _LEFT)) / _WIDTH
    top = (_BOTTOM - up * (_BOTTOM - _TOP)) / _HEIGHT
    side = ("left:18px" if left < 0.5 else "right:18px") + (";top:-7px" if top < 0.5 else ";bottom:-7px")
    values = f"{data.x} {number_text(point.x)} · {data.y} {number_text(point.y)}"
    name, state = html.escape(tile.name), "" if tile.clip else f"<br>{html.escape(tile.label)}"
    card = (
        f'<span class="decart-scatter-card" style="{side}">{image}<b>{name}</b><br>{html.escape(values)}{state}</span>'
    )
    label = html.escape(f"{tile.name}: {values}")
    place = f'class="decart-scatter-point" style="left:{left:.2%};top:{top:.2%}" aria-label="{label}"'
    inner = f"{_mark(MARKS[point.group])}{card}"
    if address is not None:
        return f'<a {place} href="{html.escape(address)}">{inner}</a>'
    return f'<span {place} role="img" tabindex="0">{inner}</span>'


def _image(tile: Tile, row: int, poster: Poster, budget: PosterBudget) -> str:
    """The poster of a tile as an element; empty where there is none, or where all together would be too large."""
    content = poster(str(row)) if tile.clip else None
    if content is None or not budget.take(len(content)):
        return ""
    return f'<img src="{data_url("image/webp", content)}" alt="">'


def _mark(mark: Mark) -> str:
    return (
        f'<svg viewBox="-10 -10 20 20" aria-hidden="true"><path d="{mark.path}" fill="{mark.colour}" '
        'stroke="var(--jp-layout-color1,#fff)" stroke-width="1"/></svg>'
    )


def _axes(data: ScatterData, x_axis: Ticks, y_axis: Ticks) -> str:
    """The frame, the grid lines with their numbers, and the names of the axes, in the colour of the text."""
    lines, texts = [], []
    for value, label in zip(x_axis.values, x_axis.labels, strict=True):
        x = _LEFT + x_axis.place(value) * (_RIGHT - _LEFT)
        lines.append(f"M{x:.1f} {_TOP}V{_BOTTOM}")
        texts.append(f'<text x="{x:.1f}" y="{_BOTTOM + 18}" text-anchor="middle">{label}</text>')
    for value, label in zip(y_axis.values, y_axis.labels, strict=True):
        y = _BOTTOM - y_axis.place(value) * (_BOTTOM - _TOP)
        lines.append(f"M{_LEFT} {y:.1f}H{_RIGHT}")
        texts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    middle = (_LEFT + _RIGHT) / 2, (_TOP + _BOTTOM) / 2
    names = (
        f'<text x="{middle[0]}" y="{_BOTTOM + 38}" text-anchor="middle">{html.escape(data.x)}</text>'
        f'<text transform="translate(14 {middle[1]}) rotate(-90)" text-anchor="middle">{html.escape(data.y)}</text>'
    )
    frame = f"M{_LEFT} {_TOP}V{_BOTTOM}H{_RIGHT}"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(f"{data.y} by {data.x}")}" '
        'font-size="12" fill="currentColor">'
        f'<path d="{"".join(lines)}" stroke="currentColor" stroke-opacity="0.2" fill="none"/>'
        f'<path d="{frame}" stroke="currentColor" fill="none"/>{"".join(texts)}'
        f'<g font-size="13" font-weight="600">{names}</g></svg>'
    )


def _legend(data: ScatterData) -> str:
    if not data.by:
        return ""
    used = {point.group for point in data.points}
    entries = [
        f"<span>{_mark(MARKS[number])}{html.escape(label)}</span>"
        for number, label in enumerate(data.groups)
        if number in used
    ]
    return f'<div class="decart-scatter-legend">{"".join(entries)}</div>'
