"""Static output of an exploration: its progress, which values are better, and the scores, as HTML and as text."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any

from .._util.text import printable
from .clip_html import NO_MATH, STYLE
from .rating_html import rating_html, rating_text

if TYPE_CHECKING:
    from ..adaptive.exploration import Exploration

#: The longest name of a value, in characters.
_NAME_LIMIT = 80


def exploration_lines(exploration: Exploration) -> list[str]:
    """What an exploration has decided, a line for each two values. They are named only if there are votes."""
    options, facts = exploration.options, exploration.facts
    lines = [f"Exploration of {exploration.sweep.name} by {options.by}, with an error rate of {options.error_rate:g}."]
    if facts.votes:
        lines += [_comparison(row) for row in exploration.comparisons.to_dict("records")]
        lines.append("These lines decide. The ranks below are of another rule, for a number of votes fixed beforehand.")
    return [printable(line) for line in lines]


def exploration_text(exploration: Exploration) -> str:
    """An exploration as plain text."""
    return "\n".join([*exploration_lines(exploration), "", rating_text(exploration.rating)])


def exploration_html(exploration: Exploration) -> str:
    """An exploration as HTML without scripts."""
    lines = "<br>".join(map(html.escape, exploration_lines(exploration)))
    return f'<div class="{NO_MATH}" style="{STYLE};max-width:none">{lines}</div>{rating_html(exploration.rating)}'


def _comparison(row: dict[str, Any]) -> str:
    """What is known of two values, as a sentence."""
    value, other = (printable(str(row[name]), limit=_NAME_LIMIT) for name in ("value", "other"))
    ties = f", {row['ties']} ties left out" if row["ties"] else ""
    if row["better"] is None:
        low, high = f"{row['low']:.0%}", f"{row['high']:.0%}"
        return f"{value} or {other}: not decided; {value} is preferred in {low} to {high} of the votes{ties}."
    first = row["better"] == row["value"]
    better, worse = (value, other) if first else (other, value)
    wins, losses = (row["wins"], row["losses"]) if first else (row["losses"], row["wins"])
    least = row["low"] if first else 1 - row["high"]
    return (
        f"{better} is better than {worse}: preferred in {wins} of {wins + losses} votes, and in at least "
        f"{math.floor(100 * least)} % of all that could be given{ties}."
    )
