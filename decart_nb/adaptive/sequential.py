"""A sequential test of which of two values is preferred, which may be looked at after every vote.

Who looks at 95 % intervals after each vote and stops at the first that leaves out one half is wrong far more often than
once in twenty. A confidence sequence is an interval for each number of votes, all of which include the true
probability at once with the promised probability, whenever one stops.

The one here is the beta-binomial mixture of Robbins (Statistical methods related to the law of the iterated logarithm,
Annals of Mathematical Statistics 41, 1970; see also Howard, Ramdas, McAuliffe and Sekhon, Time-uniform, nonparametric,
nonasymptotic confidence sequences, Annals of Statistics 49, 2021). For ``s`` of ``n`` votes that prefer the one value,
the likelihood under all probabilities alike, relative to that under ``p``, is ::

    M(p) = B(1 + s, 1 + n - s) / (p**s * (1 - p)**(n - s))

where B is the beta function. If ``p`` is true, M is a martingale that begins at 1, and by Ville's inequality it
reaches ``1 / a`` at any time with a probability of at most ``a``. So the interval has all ``p`` with ``M(p) < 1 / a``,
and a pair of values is decided as soon as one half is not among them. With several pairs of values, each gets the same
part of the error rate: the probability that any decision is wrong is at most their sum.

It takes for granted that each vote of one pair of values has the same probability, given the votes before. Therefore
each pair of clips counts once, whoever sees it again; no clip is in two pairs of the same two values; and rows are
drawn at random, those with a new prompt first. Ties say nothing of which is better and are left out, as in a sign test.

The promise is about this rater, and about the sweep's own prompts with any seeds. It extends to other prompts of their
kind only as far as each prompt is used once: votes on several seeds of a prompt say the same again, so that few prompts
with many seeds decide rightly what another choice of prompts would not confirm.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

_BISECTIONS = 40


@dataclass(frozen=True)
class Verdict:
    """What the votes say of two values.

    Attributes:
        wins: the votes for the first.
        losses: the votes for the second.
        ties: the votes for neither.
        low, high: the interval of the probability that the first is preferred in a vote without a tie: what all
            intervals of the sequence share.
        better: 1 if the first is better, -1 if the second is, 0 if that is not decided.
    """

    wins: int = 0
    losses: int = 0
    ties: int = 0
    low: float = 0.0
    high: float = 1.0
    better: int = 0

    @property
    def decided(self) -> bool:
        """Whether one of the two is better."""
        return self.better != 0


def verdict(votes: Sequence[int], error_rate: float) -> Verdict:
    """What the votes say of two values.

    Args:
        votes: in the order in which they were given: 1 for the first value, -1 for the second, 0 for a tie.
        error_rate: the probability of a wrong decision, at most.
    """
    wins = losses = ties = 0
    low, high = 0.0, 1.0
    for vote in votes:
        wins, losses, ties = wins + (vote > 0), losses + (vote < 0), ties + (vote == 0)
        if vote:
            bounds = interval(wins, losses, error_rate)
            low, high = max(low, bounds[0]), min(high, bounds[1])
    # Intervals that have parted tell that a vote's probability has changed: the first decision stands.
    return Verdict(wins, losses, ties, low, high, decision(votes, error_rate))


def decision(votes: Sequence[int], error_rate: float) -> int:
    """Which of two values is better: 1 for the first, -1 for the second, 0 if it is not decided.

    Args:
        votes, error_rate: as for :func:`verdict`.
    """
    count = lead = 0
    for vote in votes:
        count, lead = count + (vote != 0), lead + vote
        if abs(lead) >= deciding_lead(count, error_rate):
            return 1 if lead > 0 else -1
    return 0


@functools.lru_cache(maxsize=100_000)
def deciding_lead(count: int, error_rate: float) -> int:
    """By how many votes one value has to lead for it to be better, after so many votes without ties.

    It is more than ``count`` where not even all votes would do.
    """
    leads = range(count % 2, count + 1, 2)
    limit = -math.log(error_rate)
    return next((lead for lead in leads if _evidence((count + lead) // 2, count, 0.5) >= limit), count + 1)


@functools.lru_cache(maxsize=10_000)
def interval(wins: int, losses: int, error_rate: float) -> tuple[float, float]:
    """The interval of the confidence sequence after these votes.

    Args:
        wins, losses: the votes for the first and for the second value.
        error_rate: the probability, at most, that any interval of the sequence leaves out the true probability.
    """
    count, limit = wins + losses, -math.log(error_rate)
    share = wins / count if count else 0.5

    def bound(outside: float) -> float:
        """Where between the share, which is inside, and an end of the scale the interval ends."""
        inside = share
        for _ in range(_BISECTIONS):
            middle = (inside + outside) / 2
            if _evidence(wins, count, middle) >= limit:
                outside = middle
            else:
                inside = middle
        return (inside + outside) / 2

    return (bound(0.0) if wins else 0.0), (bound(1.0) if losses else 1.0)


def _evidence(wins: int, count: int, probability: float) -> float:
    """The logarithm of M; see above."""
    losses = count - wins
    beta = math.lgamma(1 + wins) + math.lgamma(1 + losses) - math.lgamma(2 + count)
    return beta - wins * math.log(probability) - losses * math.log1p(-probability)
