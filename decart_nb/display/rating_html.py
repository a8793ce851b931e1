"""Static output of a blind rating: its scores, with intervals as bars in plain HTML, and as text."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from .._util.text import counted, printable
from .._util.text_table import text_table
from .clip_html import NO_MATH, STYLE

if TYPE_CHECKING:
    import pandas as pd

    from ..rating.rating import Rating

#: The longest name of a value, in characters.
_NAME_LIMIT = 80
COUNTS = ("wins", "losses", "ties", "bad", "votes")
_CELL = "text-align:left;padding:3px 10px 3px 0;white-space:nowrap"
_NAME_CELL = "text-align:left;padding:3px 10px 3px 0;white-space:normal;overflow-wrap:anywhere;max-width:20em"
_NUMBER_CELL = "text-align:right;padding:3px 10px 3px 0;white-space:nowrap;font-variant-numeric:tabular-nums"
_BAR = "position:relative;width:160px;height:14px"
_PART = "position:absolute;background:currentColor;"


class ScoreRow(NamedTuple):
    """A row of the scores as it is shown.

    Attributes:
        rank: the rank, or the range of ranks.
        name: the value.
        score: its strength with the 95 % interval, as text.
        bar: where the interval begins, how wide it is, and where the strength and zero are, in percent; or ``None``.
        counts: the numbers of :data:`COUNTS`.
    """

    rank: str
    name: str
    score: str
    bar: tuple[float, float, float, float] | None
    counts: tuple[int, ...]


def score_rows(scores: pd.DataFrame) -> list[ScoreRow]:
    """The rows of a table of scores as they are shown.

    Args:
        scores: as :meth:`decart_nb.rating.rating.Rating.scores` returns it.
    """
    known = scores[["low", "high"]].dropna()
    low, high = (min(0.0, known["low"].min()), max(0.0, known["high"].max())) if len(known) else (0.0, 0.0)
    span = (high - low) or 1.0

    def place(value: float) -> float:
        return round(100 * (value - low) / span, 2)

    rows = []
    for value, row in zip(scores.index, scores.to_dict("records"), strict=True):
        finite = math.isfinite(row["strength"])
        bar = (place(row["low"]), place(row["high"]) - place(row["low"]), place(row["strength"]), place(0.0))
        score = (
            f"{_signed(row['strength'])} ({_signed(row['low'])} to {_signed(row['high'])})" if finite else "no votes"
        )
        counts = tuple(int(row[name]) for name in COUNTS)
        name = printable(str(value), limit=_NAME_LIMIT)
        rows.append(ScoreRow(str(row["rank"]), name, score, bar if finite else None, counts))
    return rows


def rating_lines(rating: Rating, scores: pd.DataFrame) -> list[str]:
    """The progress of a rating and the consistency of its raters, as sentences."""
    consistency = rating.consistency
    lines = [f"Blind rating by {rating.by}: {rating.standing.text}.", scores.attrs.get("note", "")]
    for rater, row in consistency.iterrows():
        repeats = f"answered {row['same']:.0f} of {counted(int(row['repeats']), 'repeated pair')} the same way"
        sides = f"chose left {row['left']:.0f} and right {row['right']:.0f} times"
        if not row["left_low"] <= 0.5 <= row["left_high"]:
            sides += ", which is further from half than chance explains"
        parts = [counted(int(row["votes"]), "vote"), *([repeats] if row["repeats"] else [])]
        parts += [sides] if row["left"] + row["right"] else []
        lines.append(f"{rater}: {', '.join(parts)}.")
    return [printable(line) for line in lines if line]


def rating_text(rating: Rating) -> str:
    """A rating as plain text."""
    scores = rating.scores()
    lines = rating_lines(rating, scores)
    if len(rating.ratings):
        rows = score_rows(scores)
        columns = {
            "rank": [row.rank for row in rows],
            printable(rating.by): [row.name for row in rows],
            "strength (95 % interval)": [row.score for row in rows],
            **{name: [str(row.counts[number]) for row in rows] for number, name in enumerate(COUNTS)},
        }
        lines += ["", text_table(columns, right=COUNTS)]
    return "\n".join(lines)


def rating_html(rating: Rating) -> str:
    """A rating as HTML without scripts. Values are named only if there are votes."""
    scores = rating.scores()
    lines = "<br>".join(map(html.escape, rating_lines(rating, scores)))
    table = _table(rating.by, score_rows(scores)) if len(rating.ratings) else ""
    return f'<div class="{NO_MATH}" style="{STYLE};max-width:none">{lines}{table}</div>'


def _table(by: str, rows: list[ScoreRow]) -> str:
    heads = [("Rank", _CELL), (by, _NAME_CELL), ("Strength (95 % interval)", _CELL), ("", _CELL)]
    heads += [(name.capitalize(), _NUMBER_CELL) for name in COUNTS]
    head = "".join(f'<th scope="col" style="{style}">{html.escape(text)}</th>' for text, style in heads)
    lines = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    return f'<table style="margin:6px 0;border-collapse:collapse"><tr>{head}</tr>{lines}</table>'


def _cells(row: ScoreRow) -> str:
    cells: list[tuple[str, Any]] = [(_CELL, html.escape(row.rank)), (_NAME_CELL, html.escape(row.name))]
    cells += [(_CELL, html.escape(row.score)), (_CELL, _bar(row))]
    cells += [(_NUMBER_CELL, count) for count in row.counts]
    return "".join(f'<td style="{style}">{content}</td>' for style, content in cells)


def _bar(row: ScoreRow) -> str:
    """The interval as a line, the strength as a mark on it, and zero as a thin line across."""
    if row.bar is None:
        return ""
    low, width, strength, zero = row.bar
    parts = [
        f"{_PART}left:{zero}%;top:0;width:1px;height:100%;opacity:0.4",
        f"{_PART}left:{low}%;top:6px;width:{width}%;height:2px",
        f"{_PART}left:calc({strength}% - 3px);top:3px;width:7px;height:7px;border-radius:50%",
    ]
    inner = "".join(f'<div style="{part}"></div>' for part in parts)
    return f'<div style="{_BAR}" role="img" aria-label="{html.escape(row.score)}">{inner}</div>'


def _signed(value: float) -> str:
    """A number with its sign, to two decimals: ``+0.42``, ``−0.10``."""
    return f"{value:+.2f}".replace("-", "−")
