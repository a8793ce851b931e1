"""Sentences on how a rating stands, which name none of the values that are compared."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .._util.text import counted
from .strengths import Z95, Fit

#: More votes than this are not foretold.
_FAR = 500


class Standing(NamedTuple):
    """How a rating stands.

    Attributes:
        text: in a sentence: ``12 votes, about 20 more until the two part``.
        enough: whether the votes tell which value is the best.
    """

    text: str
    enough: bool


def standing(fit: Fit | None, votes: int, *, own: int, open_pairs: int) -> Standing:
    """How a rating stands.

    Args:
        fit: the strengths; ``None`` if there are no votes.
        votes: the number of votes of all raters, without repeated ones.
        own: the number of all votes of the present rater.
        open_pairs: the number of pairs on which that rater has not voted.
    """
    counts = counted(own, "vote")
    if own != votes and votes > own:
        counts += f" ({votes:,} with those of others)"
    if fit is None:
        return Standing(f"{counts}, {counted(open_pairs, 'pair')} to rate", enough=False)
    two = len(fit.strengths) == 2
    if (more := votes_until_decided(fit, votes)) == 0:
        undecided = len(fit.strengths) - 1 - _decided_neighbours(fit)
        rest = "" if two or not undecided else f"; {counted(undecided, 'place')} below it undecided"
        said = "the two have parted" if two else "the best has parted from the others"
        return Standing(f"{counts}. Enough: {said}{rest}", enough=True)
    best = "the two part" if two else "the best two part"
    if not open_pairs:
        return Standing(
            f"{counts}, all pairs are rated, and {best.removesuffix(' part')} have not parted", enough=False
        )
    if more > _FAR:
        return Standing(f"{counts}, too close to tell how many more until {best}", enough=False)
    short = f"; {counted(open_pairs, 'pair')} left" if more > open_pairs else ""
    return Standing(f"{counts}, about {_rounded(more)} more until {best}{short}", enough=False)


def votes_until_decided(fit: Fit, votes: int) -> float:
    """About how many more votes decide between the best and each other, if their strengths stay as they are.

    0 if it is decided, and infinity if there is no difference.
    """
    best = int(np.argmax(fit.strengths))
    others = np.delete(np.arange(len(fit.strengths)), best)
    if fit.better()[best, others].all():
        return 0
    difference, variance = fit.differences()
    # Variance falls with the number of votes, and the interval is to be as wide as the difference.
    with np.errstate(divide="ignore"):
        factor = float(np.max(Z95**2 * variance[best, others] / np.square(difference[best, others])))
    return max(1.0, votes * (factor - 1)) if math.isfinite(factor) else math.inf


def _decided_neighbours(fit: Fit) -> int:
    """How many values in order of strength are certainly better than the next."""
    order = np.argsort(-fit.strengths)
    return int(fit.better()[order[:-1], order[1:]].sum())


def _rounded(more: float) -> int:
    return max(1, round(more)) if more < 20 else 5 * round(more / 5)
