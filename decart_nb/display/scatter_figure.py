"""A scatter plot of clips as a figure of matplotlib. Imported on first use, since it imports matplotlib."""

from __future__ import annotations

import io

from matplotlib.figure import Figure

from .._util.text import printable
from .scatter_data import ScatterData
from .scatter_marks import MARKS

#: Longer labels would leave no room for the points.
_MAX_LABEL_LENGTH = 40


class ClipFigure(Figure):
    """A figure that a notebook shows as a cell's last line, and that ``pyplot`` does not keep."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def scatter_figure(data: ScatterData) -> ClipFigure:
    """A figure with a point for each clip, a colour and a shape for each group, and a legend.

    Args:
        data: the points.
    """
    figure = ClipFigure(figsize=(7.0, 4.4), layout="constrained")
    axes = figure.add_subplot()
    for number, (label, mark) in enumerate(zip(data.groups, MARKS, strict=False)):
        points = [point for point in data.points if point.group == number]
        axes.scatter(
            [point.x for point in points],
            [point.y for point in points],
            marker=mark.marker,
            color=mark.colour,
            edgecolors="white",
            linewidths=0.5,
            s=48,
            label=_text(label),
        )
    axes.set_xlabel(_text(data.x))
    axes.set_ylabel(_text(data.y))
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    if data.note:
        axes.set_title(_text(data.note), loc="left", fontsize="small")
    if data.by:
        axes.legend(title=_text(data.by), loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _text(text: str) -> str:
    """A text that matplotlib takes for no formula, and for no label that a legend leaves out."""
    short = printable(text, limit=_MAX_LABEL_LENGTH)
    return f"{' ' * short.startswith('_')}{short}".replace("$", r"\$")
