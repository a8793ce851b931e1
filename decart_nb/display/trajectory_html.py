"""Static HTML and text of a trajectory: the image with the path drawn on it, and the points as numbers."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

from .._util.text import counted
from .._util.text_table import text_table
from .clip_html import NO_MATH, STYLE, data_url

if TYPE_CHECKING:
    from .trajectory import Trajectory

#: The largest width of the image in HTML, in CSS pixels: of a landscape or square one, and of a portrait one.
_WIDTH, _PORTRAIT_WIDTH = 640, 360
#: More points than these are left out of the text, but not of the HTML, where the table is collapsed.
_MAX_LINES = 12
_CELL = "text-align:right;padding:1px 10px 1px 0;font-variant-numeric:tabular-nums"


def trajectory_html(trajectory: Trajectory) -> str:
    """A trajectory as HTML without scripts: the image, the path as inline SVG, and its points in a table.

    Args:
        trajectory: the trajectory.
    """
    width = _PORTRAIT_WIDTH if trajectory.height > trajectory.width else _WIDTH
    return (
        f'<figure style="margin:0;max-width:{width}px">{_picture(trajectory)}'
        f'<figcaption class="{NO_MATH}" style="{STYLE};padding:4px 0;overflow-wrap:anywhere">'
        f"{html.escape(_caption(trajectory))}{_table(trajectory)}</figcaption></figure>"
    )


def trajectory_text(trajectory: Trajectory) -> str:
    """A trajectory as plain text: a summary in one line, and below it the first points.

    Args:
        trajectory: the trajectory.
    """
    lines = [f"Trajectory on {_caption(trajectory)}"]
    if rows := _rows(trajectory):
        shown = rows[:_MAX_LINES]
        names = ("frame", "x", "y")
        lines.append(text_table({name: [row[at] for row in shown] for at, name in enumerate(names)}, right=names))
        if len(rows) > len(shown):
            lines.append(f"and {counted(len(rows) - len(shown), 'more point')}")
    return "\n".join(lines)


def _caption(trajectory: Trajectory) -> str:
    """The summary in one line: name, size, points, and frames."""
    size = f"{trajectory.name} · {trajectory.width}×{trajectory.height}"
    if not len(trajectory):
        return f"{size} · no points yet"
    first, last = trajectory[0]["frame"], trajectory[-1]["frame"]
    frames = f"frames {first} to {last} of {trajectory.frames} at {trajectory.fps:g} fps"
    return f"{size} · {counted(len(trajectory), 'point')} · {frames}"


def _rows(trajectory: Trajectory) -> list[tuple[str, str, str]]:
    """The points as text: frame, x and y."""
    return [(str(point["frame"]), f"{point['x']:.1f}", f"{point['y']:.1f}") for point in trajectory.pixels]


def _picture(trajectory: Trajectory) -> str:
    """The image, and over it the path as SVG: black under white, to be seen on any image."""
    width, height = trajectory.width, trajectory.height
    label = html.escape(f"{trajectory.name} with the path drawn on it")
    # Everything scales with the drawing, so that it looks the same on images of any size.
    unit = math.hypot(width, height) / 400
    places = [(point["x"] * width, point["y"] * height) for point in trajectory]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    strokes = "".join(
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{thickness * unit:.2f}" '
        'stroke-linejoin="round" stroke-linecap="round"/>'
        for colour, thickness in (("#000", 3), ("#fff", 1.5))
    )
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{(4.5 if not number else 2.2) * unit:.2f}" '
        f'fill="{"#fff" if number else "none"}" stroke="{"#000" if number else "#fff"}" stroke-width="{unit:.2f}"/>'
        for number, (x, y) in enumerate(places)
    )
    # The image is an element of its own: some renderers of saved notebooks strip an image inside an SVG.
    return (
        '<div style="position:relative">'
        f'<img src="{data_url("image/jpeg", trajectory.small_jpeg)}" width="{width}" height="{height}" alt="{label}" '
        'style="display:block;width:100%;height:auto">'
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true" '
        f'style="position:absolute;inset:0;width:100%;height:100%">{strokes}{dots}</svg></div>'
    )


def _table(trajectory: Trajectory) -> str:
    """The points as a collapsed HTML table; empty if there is none."""
    rows = _rows(trajectory)
    if not rows:
        return ""
    head = "".join(f'<th scope="col" style="{_CELL}">{name}</th>' for name in ("frame", "x", "y"))
    lines = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in row) + "</tr>"  # numbers: nothing to escape
        for row in rows
    )
    table = f'<table style="border-collapse:collapse;margin:4px 0"><tr>{head}</tr>{lines}</table>'
    return f"<details><summary>The points, in pixels of the image</summary>{table}</details>"
