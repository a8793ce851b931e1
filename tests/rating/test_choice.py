"""Which pair comes next."""

from __future__ import annotations

import math
import random
from collections import Counter

import numpy as np
import pytest

from decart_nb.rating.choice import REPEAT_EVERY, Comparison, choose, variance_reductions
from decart_nb.rating.pairs import Pair, find_pairs
from decart_nb.rating.strengths import fit, prior_ties
from tests.rating_tables import clips_of, results


def _all(models: str = "abc", prompts: int = 4) -> list[Pair]:
    table = results(model=list(models), prompt=[f"p{number}" for number in range(prompts)])
    return [*find_pairs(table, clips_of(table), "model").pairs]


def _run(pairs: list[Pair], size: int, *, seed: int = 1, most: int = 10_000) -> list[Comparison]:
    """All comparisons until there is none, as if each were a tie."""
    chance, shown, votes = random.Random(seed), [], np.zeros((size, size))
    while len(shown) < most:
        history = [comparison.pair for comparison in shown]
        comparison = choose(pairs, history, np.zeros(size), votes, chance)
        if comparison is None:
            return shown
        shown.append(comparison)
        one, two = comparison.pair.values
        votes[one, two] += 1
        votes[two, one] += 1
    return shown


def test_before_any_vote_the_pairs_are_spread_evenly() -> None:
    shown = _run(_all(prompts=8), 3, most=12)
    assert set(Counter(comparison.pair.values for comparison in shown).values()) <= {3, 4, 5}
    assert max(Counter(comparison.pair.shared["prompt"] for comparison in shown).values()) <= 3


def test_each_pair_comes_once_and_some_a_second_time_in_between() -> None:
    pairs = _all(prompts=40)
    shown = _run(pairs, 3)
    once = [comparison.pair.identity for comparison in shown if not comparison.repeated]
    assert sorted(map(sorted, once)) == sorted(sorted(pair.identity) for pair in pairs)
    again = [number for number, comparison in enumerate(shown) if comparison.repeated]
    assert len({shown[number].pair.identity for number in again}) == len(again)
    for number in again:
        before = [comparison.pair.identity for comparison in shown[:number]]
        assert shown[number].pair.identity in before[:-4]


def test_about_one_in_twenty_is_repeated_and_sides_are_a_coins() -> None:
    pairs, count = _all(prompts=40), 0
    repeats = lefts = 0
    for seed in range(10):
        shown = _run(pairs, 3, seed=seed)
        count += len(shown)
        repeats += sum(comparison.repeated for comparison in shown)
        lefts += sum(comparison.swapped for comparison in shown)
    share = 1 / REPEAT_EVERY
    assert abs(repeats / count - share) < 4 * math.sqrt(share * (1 - share) / count)
    assert abs(lefts / count - 0.5) < 4 * math.sqrt(0.25 / count)


def test_sides_follow_from_the_seed() -> None:
    pairs = _all()
    first, second, other = (
        [(comparison.digests, comparison.repeated) for comparison in _run(pairs, 3, seed=seed)] for seed in (3, 3, 4)
    )
    assert first == second != other


def test_skipped_pairs_come_last() -> None:
    pairs, chance = _all("ab", 3), random.Random(0)
    skipped = {pairs[0].identity, pairs[1].identity}
    zeros = np.zeros((2, 2))
    for _ in range(20):
        comparison = choose(pairs, [], np.zeros(2), zeros, chance, skipped)
        assert comparison is not None
        assert comparison.pair == pairs[2]
    comparison = choose(pairs, [pairs[2]], np.zeros(2), zeros, chance, skipped)
    assert comparison is not None
    assert comparison.pair.identity in skipped


def test_the_next_pair_is_the_one_that_narrows_the_intervals_most() -> None:
    # Two are close, the third is far off: to compare the close ones tells most.
    wins = np.array([[0.0, 9, 15], [8, 0, 14], [1, 2, 0]])
    found = fit(wins, np.zeros((3, 3)))
    votes = wins + wins.T
    gains = variance_reductions(found.strengths, votes)
    # The same, by inverting the information after one more vote.
    expected = 1 / (1 + np.exp(found.strengths[None, :] - found.strengths[:, None]))
    weights = expected * (1 - expected)

    def total(counts: np.ndarray) -> float:
        inner = counts * weights
        covariance = np.linalg.pinv(np.diag(inner.sum(axis=1)) - inner)
        variances = np.diag(covariance)[:, None] + np.diag(covariance)[None, :] - 2 * covariance
        return float(variances.sum() / 2)

    before = total(votes + prior_ties(3))
    for one, two in ((0, 1), (0, 2), (1, 2)):
        more = votes + prior_ties(3)
        more[one, two] += 1
        more[two, one] += 1
        assert gains[one, two] == pytest.approx(before - total(more))
    pairs = _all(prompts=6)
    comparison = choose(pairs, [], found.strengths, votes, random.Random(0))
    assert comparison is not None
    assert gains[comparison.pair.values] == np.triu(gains, 1).max()
