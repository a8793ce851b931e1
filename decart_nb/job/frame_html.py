"""The HTML of a table of jobs: facts, what all rows share, shared reasons, twenty rows, and the others on request.

There is no script in it: it is the same in a saved notebook, and without its style it is still a table.
"""

from __future__ import annotations

import html

from .frame_layout import BAD, GOOD, Cell, FrameLayout
from .input_pictures import Picture, picture_url

#: How many rows are shown at first.
FIRST = 20
#: The most pictures.
_MAX_PICTURES = 4
#: The signs before a state: what came to nothing, and what is there, are told by shape as well as by colour.
_SIGNS = {**dict.fromkeys(BAD, "✗ "), **dict.fromkeys(GOOD, "✓ ")}

_STYLE = """
.decart-table{font:var(--jp-ui-font-size1,13px)/1.4 var(--jp-ui-font-family,system-ui,sans-serif);
color:var(--jp-ui-font-color1,inherit);max-width:100%}
.decart-table .decart-said{margin:0 0 4px;max-width:110ch;overflow-wrap:anywhere}
.decart-table .decart-faint,.decart-table th{color:var(--jp-ui-font-color2,light-dark(#5c5c5c,#ababab))}
.decart-table .decart-bad{color:var(--jp-error-color1,light-dark(#b71c1c,#ef9a9a))}
.decart-table img{height:32px;width:auto;margin:0 4px 0 0;vertical-align:middle;border-radius:2px;display:inline}
.decart-table .decart-rows{overflow-x:auto;max-width:100%}
.decart-table details .decart-rows{max-height:70vh;overflow-y:auto}
.decart-table:has(>details[open])>.decart-rows{display:none}
.decart-table summary{cursor:pointer;padding:4px 0}
.decart-table .decart-rows table{border-collapse:separate;border-spacing:0;margin:0;font-size:inherit;
table-layout:auto;border:0}
.decart-table .decart-rows :is(th,td){padding:3px 14px 3px 0;text-align:left;vertical-align:top;white-space:nowrap;
max-width:34ch;overflow:hidden;text-overflow:ellipsis;border:0;font-variant-numeric:tabular-nums;background:none}
.decart-table .decart-rows td:is(.decart-model,.decart-state){max-width:none;overflow:visible}
.decart-table .decart-rows td.decart-reason{max-width:52ch}
.decart-table .decart-rows th{font-weight:600}
.decart-table .decart-rows tbody th{font-weight:400}
.decart-table .decart-rows thead th{position:sticky;top:0;z-index:1;
background:var(--jp-layout-color0,var(--jp-layout-color1,light-dark(#fff,#111)));
border-bottom:1px solid var(--jp-border-color1,light-dark(#bdbdbd,#616161))}
"""


def frame_html(layout: FrameLayout) -> str:
    """A table of jobs as HTML.

    Args:
        layout: of the table; the rows that it lays out are shown on request.
    """
    # MathJax 3 and 2 leave these classes alone: two prices are no formula.
    parts = [f"<style>{_STYLE.replace(chr(10), '')}</style>"]
    if layout.facts:
        parts.append(f'<p class="decart-said">{html.escape(layout.facts)}</p>')
    if layout.constants:
        pictures = 0
        said = []
        for one in layout.constants:
            picture = ""
            if one.picture is not None and pictures < _MAX_PICTURES:
                picture = _picture(one.picture)
                pictures += bool(picture)
            label = f'<span class="decart-faint">{html.escape(one.label)}</span> ' if one.label else ""
            said.append(f"<span{_title(one.cell)}>{label}{picture}{html.escape(one.cell.text)}</span>")
        every = '<span class="decart-faint">all rows:</span> ' if layout.total > 1 else ""
        parts.append(f'<p class="decart-said">{every}{" · ".join(said)}</p>')
    for remark in layout.remarks:
        text = f"{remark.rows}: {remark.text}"
        bad = " decart-bad" if remark.is_bad else ""
        parts.append(f'<p class="decart-said{bad}">{"✗ " if remark.is_bad else ""}{html.escape(text)}</p>')
    if layout.names and layout.rows:
        parts.append(_table(layout, FIRST))
        if layout.total > FIRST:
            shown = len(layout.rows)
            all_rows = f"show all {shown:,} rows" if shown == layout.total else f"show the first {shown:,} rows"
            more = f" of {layout.total:,}" if shown < layout.total else ""
            parts.append(f"<details><summary>{all_rows}{more}</summary>{_table(layout, shown)}</details>")
    return f'<div class="decart-table mathjax_ignore tex2jax_ignore">{"".join(parts)}</div>'


def _table(layout: FrameLayout, count: int) -> str:
    """The first rows as a table."""
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in layout.names)
    classes = [_CLASSES.get(name, "") for name in layout.names]
    rows = []
    for label, row, state in zip(layout.labels[:count], layout.rows[:count], layout.states[:count], strict=True):
        cells = "".join(_cell(cell, name, state) for cell, name in zip(row, classes, strict=True))
        rows.append(f'<tr><th scope="row">{html.escape(label)}</th>{cells}</tr>')
    return (
        f'<div class="decart-rows"><table><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


#: The classes of cells, by their columns.
_CLASSES = {
    "plan": "decart-state",
    "status": "decart-state",
    "model": "decart-model",
    "why": "decart-reason",
    "error": "decart-reason",
}


def _cell(cell: Cell, name: str, state: str | None) -> str:
    sign = _SIGNS.get(state or "", "") if name == "decart-state" else ""
    classes = f"{name}{' decart-bad' if name in _COLOURED and state in BAD else ''}".strip()
    attribute = f' class="{classes}"' if classes else ""
    return f"<td{attribute}{_title(cell)}>{sign}{html.escape(cell.text)}</td>"


_COLOURED = ("decart-state", "decart-reason")


def _title(cell: Cell) -> str:
    return f' title="{html.escape(cell.whole)}"' if cell.whole else ""


def _picture(picture: Picture) -> str:
    url = picture_url(picture)
    return f'<img src="{url}" alt="">' if url else ""
