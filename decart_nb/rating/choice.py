"""Choice of the next pair: the one after whose vote the intervals are expected to be narrowest.

A vote between two items adds ``p(1 - p) x xᵀ`` to the information, whatever its outcome, so that the sum of the
variances of all differences of strengths after it is known beforehand (an A-optimal design). Among the pairs of clips
of the items chosen, those come first whose shared inputs and whose clips were seen least.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..job.clip import Clip
from .pairs import Pair
from .strengths import covariance_of, information_of, preference_variance, prior_ties

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: One pair in so many is shown again, to see whether its rater answers the same way.
REPEAT_EVERY = 20
#: A pair is not repeated before so many others: the rater would remember it.
_REPEAT_AFTER = 4


@dataclass(frozen=True)
class Comparison:
    """A pair as it is shown.

    Attributes:
        pair: the pair.
        swapped: whether its second clip is on the left.
        repeated: whether the rater has voted on it before.
    """

    pair: Pair
    swapped: bool
    repeated: bool

    @property
    def clips(self) -> tuple[Clip, Clip]:
        """The left and the right clip."""
        return self.pair.clips[::-1] if self.swapped else self.pair.clips

    @property
    def digests(self) -> tuple[str, str]:
        """The digests of the left and the right video."""
        return self.pair.digests[::-1] if self.swapped else self.pair.digests


def choose(
    pairs: Sequence[Pair],
    history: Sequence[Pair],
    strengths: NDArray[np.float64],
    votes: NDArray[np.float64],
    chance: random.Random,
    skipped: Collection[frozenset[str]] = (),
    *,
    repeats: bool = True,
) -> Comparison | None:
    """The next comparison, or ``None`` if every pair was voted on.

    Args:
        pairs: all pairs.
        history: the pairs that this rater has voted on, in order, repeated ones as often as they were shown.
        strengths: the current strengths of the items; zeros if there are no votes.
        votes: the number of votes between each two items; symmetric.
        chance: decides between equals, on the sides, and on repeats.
        skipped: the pairs that the rater has skipped, which come last.
        repeats: whether some pairs are shown a second time.
    """
    seen = Counter(pair.identity for pair in history)
    recent = {pair.identity for pair in history[-_REPEAT_AFTER:]}
    again = [pair for pair in history if seen[pair.identity] == 1 and pair.identity not in recent]
    if repeats and again and chance.random() < 1 / REPEAT_EVERY:
        return Comparison(chance.choice(again), chance.random() < 0.5, repeated=True)
    open_pairs = [pair for pair in pairs if not seen[pair.identity]]
    open_pairs = [pair for pair in open_pairs if pair.identity not in skipped] or open_pairs
    if not open_pairs:
        return None
    gains = variance_reductions(strengths, votes)
    possible = sorted({pair.values for pair in open_pairs})
    best = max(gains[values] for values in possible)
    items = chance.choice([values for values in possible if gains[values] >= best * (1 - 1e-9)])
    candidates = [pair for pair in open_pairs if pair.values == items]
    keys = Counter(pair.key for pair in history)
    clips = Counter(digest for pair in history for digest in pair.digests)
    rarity = [(keys[pair.key], sum(clips[digest] for digest in pair.digests)) for pair in candidates]
    rarest = [pair for pair, rank in zip(candidates, rarity, strict=True) if rank == min(rarity)]
    return Comparison(chance.choice(rarest), chance.random() < 0.5, repeated=False)


def variance_reductions(strengths: NDArray[np.float64], votes: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much one more vote between each two items reduces the sum of the variances of all differences.

    Args:
        strengths, votes: as in :func:`choose`.
    """
    count = len(strengths)
    covariance = covariance_of(information_of(strengths, votes + prior_ties(count)))
    weight = preference_variance(strengths)
    diagonal, squared = np.diag(covariance), covariance @ covariance
    variance = diagonal[:, None] + diagonal[None, :] - 2 * covariance
    # The squared length of covariance · x, where x is 1 at the one item and -1 at the other.
    lengths = np.diag(squared)[:, None] + np.diag(squared)[None, :] - 2 * squared
    reductions: NDArray[np.float64] = count * weight * lengths / (1 + weight * variance)
    return reductions
