"""The progress of a blind rating as a sentence, which does not name the compared values."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .._util.text import counted
from .strengths import Z95, Fit

#: If more votes than this are needed, their number is not stated.
_MAX_PREDICTED = 500


class Standing(NamedTuple):
    """The progress of a rating.

    Attributes:
        text: a sentence: ``12 votes, about 20 more until it is clear which of the two is better``.
        enough: whether the votes tell which value is the best.
    """

    text: str
    enough: bool


def standing(fit: Fit | None, votes: int, *, own: int, open_pairs: int) -> Standing:
    """The progress of a rating, as the current rater sees it.

    Args:
        fit: the strengths; ``None`` if there are no votes.
        votes: the number of votes of all raters, without repeated ones.
        own: the number of the current rater's votes, with repeated ones.
        open_pairs: the number of pairs on which the current rater has not voted.
    """
    counts = counted(own, "vote")
    if votes > own:
        counts += f" ({votes:,} with those of others)"
    if fit is None:
        return Standing(f"{counts}, {counted(open_pairs, 'pair')} to rate", enough=False)
    two = len(fit.strengths) == 2
    which = "which of the two is better" if two else "which is the best"
    if (more := votes_until_decided(fit, votes)) == 0:
        undecided = len(fit.strengths) - 1 - _decided_neighbours(fit)
        rest = "" if two or not undecided else f"; {counted(undecided, 'rank')} below it undecided"
        return Standing(f"{counts}. Enough: it is clear {which}{rest}", enough=True)
    if not open_pairs:
        return Standing(f"{counts}, all pairs are rated, and it is not clear {which}", enough=False)
    if more > _MAX_PREDICTED:
        return Standing(f"{counts}, too close to tell how many more until it is clear {which}", enough=False)
    short = f"; {counted(open_pairs, 'pair')} left" if more > open_pairs else ""
    return Standing(f"{counts}, about {_rounded(more)} more until it is clear {which}{short}", enough=False)


def votes_until_decided(fit: Fit, votes: int) -> float:
    """About how many more votes are needed until the best is certainly better than each other.

    It is assumed that the strengths stay the same. 0 if the best is so already, and infinity if another is as strong.
    """
    best = int(np.argmax(fit.strengths))
    others = np.delete(np.arange(len(fit.strengths)), best)
    if fit.better()[best, others].all():
        return 0
    difference, variance = fit.differences()
    # The variance is inversely proportional to the votes. Half of the 95 % interval has to shrink to the difference.
    with np.errstate(divide="ignore"):
        factor = float(np.max(Z95**2 * variance[best, others] / np.square(difference[best, others])))
    return max(1.0, votes * (factor - 1)) if math.isfinite(factor) else math.inf


def _decided_neighbours(fit: Fit) -> int:
    """How many values are certainly better than the next one in the order of strength."""
    order = np.argsort(-fit.strengths)
    return int(fit.better()[order[:-1], order[1:]].sum())


def _rounded(more: float) -> int:
    """A number of votes, in steps of 5 from 20 on."""
    return max(1, round(more)) if more < 20 else 5 * round(more / 5)
