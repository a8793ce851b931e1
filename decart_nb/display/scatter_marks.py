"""The colours and shapes of the groups of a scatter plot, for HTML and for matplotlib."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """How the points of a group look.

    Attributes:
        colour: one that people who see few colours can tell from the others, on a light and on a dark ground.
        marker: the shape, by matplotlib's name.
        path: the shape as the data of an SVG path, in a square from -10 to 10.
    """

    colour: str
    marker: str
    path: str


#: Okabe and Ito's colours, without those that are lost on a light or a dark ground.
MARKS = (
    Mark("#0072b2", "o", "M-8 0A8 8 0 1 0 8 0A8 8 0 1 0 -8 0Z"),
    Mark("#e69f00", "s", "M-7 -7H7V7H-7Z"),
    Mark("#009e73", "^", "M0 -9L9 8H-9Z"),
    Mark("#d55e00", "D", "M0 -9L9 0L0 9L-9 0Z"),
    Mark("#cc79a7", "v", "M0 9L9 -8H-9Z"),
    Mark("#56b4e9", "P", "M-3 -9H3V-3H9V3H3V9H-3V3H-9V-3H-3Z"),
    Mark("#999933", "X", "M-5 -9L0 -4L5 -9L9 -5L4 0L9 5L5 9L0 4L-5 9L-9 5L-4 0L-9 -5Z"),
    Mark("#888888", "h", "M0 -9L8 -4.5V4.5L0 9L-8 4.5V-4.5Z"),
)
