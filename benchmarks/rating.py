"""Measures how often the 95 % intervals of strengths include the true ones, for simulated raters.

Raters prefer one clip to another as the Bradley–Terry model says, and call some pairs a tie, most often those that are
nearly as good. Pairs are chosen as in a rating. Run with ``python -m benchmarks.rating``.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from decart_nb.rating.choice import variance_reductions
from decart_nb.rating.strengths import Z95, fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDS = 1000
VOTES = (60, 120, 200)
TIED = (0.0, 0.3)
STRENGTHS = ((0.0, 0.0, 0.0), (0.0, 0.5, 1.0), (0.0, 1.0, 2.0), (0.0, 0.0, 2.0), (0.0, 2.0, 4.0))


class Coverage(NamedTuple):
    """The shares of the intervals that include the true value: of strengths, and of their differences.

    ``unidentified`` is the share of the rounds in which one item won every vote, so that ties were added.
    """

    strength: float
    difference: float
    unidentified: float


def coverage(true: tuple[float, ...], *, votes: int, tied: float, rounds: int, seed: int) -> Coverage:
    """Simulate ratings of items with these strengths.

    Args:
        true: the strengths.
        votes: the number of votes of each rating.
        tied: the probability of a tie between two items of the same strength.
        rounds: the number of ratings.
        seed: of the random numbers.
    """
    chance, size = random.Random(seed), len(true)
    strengths = np.array(true) - np.mean(true)
    upper = np.triu_indices(size, 1)
    inside, between, unidentified = [], [], 0
    for _ in range(rounds):
        found = fit(*_votes(strengths, votes, tied, chance))
        inside.append(np.abs(found.strengths - strengths) <= found.half_widths)
        difference, variance = found.differences()
        off = np.abs(difference - (strengths[:, None] - strengths[None, :]))
        between.append((off <= Z95 * np.sqrt(variance))[upper])
        unidentified += not found.identified
    return Coverage(float(np.mean(inside)), float(np.mean(between)), unidentified / rounds)


def _votes(
    strengths: NDArray[np.float64], votes: int, tied: float, chance: random.Random
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The wins and ties of one rating."""
    size = len(strengths)
    wins, ties = np.zeros((size, size)), np.zeros((size, size))
    estimate = np.zeros(size)
    for number in range(votes):
        if number % 10 == 9:  # the strengths of the moment; at each vote, it would take long
            estimate = fit(wins, ties).strengths
        gains = np.triu(variance_reductions(estimate, wins + wins.T + ties), 1)
        best = np.argwhere(gains >= gains.max() * (1 - 1e-9))
        one, two = chance.choice(best.tolist())
        preferred = 1 / (1 + np.exp(strengths[two] - strengths[one]))
        tie = tied * 4 * preferred * (1 - preferred)
        drawn = chance.random()
        if drawn < tie:
            ties[one, two] += 1
            ties[two, one] += 1
        elif drawn < tie + preferred - tie / 2:
            wins[one, two] += 1
        else:
            wins[two, one] += 1
    return wins, ties


def main() -> None:
    print(f"Share of the 95 % intervals that include the true value, {ROUNDS} simulated ratings each, in %\n")
    heads = ["true strengths", "votes", "ties among equals", "strengths", "differences", "rounds with ties added"]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for true in STRENGTHS:
        for votes in VOTES:
            for tied in TIED:
                found = coverage(true, votes=votes, tied=tied, rounds=ROUNDS, seed=votes)
                shown = [", ".join(f"{strength:g}" for strength in true), str(votes), f"{tied:.0%}"]
                print(f"| {' | '.join([*shown, *(f'{100 * share:.1f}' for share in found)])} |", flush=True)


if __name__ == "__main__":
    main()
