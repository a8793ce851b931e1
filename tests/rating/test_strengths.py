"""Bradley–Terry strengths and their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from decart_nb.rating.strengths import PRIOR_TIES, fit

#: Wins of the row over the column in baseball's American League, 1987: Agresti, Categorical Data Analysis.
_TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
_BASEBALL = np.array(
    [
        [0, 7, 9, 7, 7, 9, 11],
        [6, 0, 7, 5, 11, 9, 9],
        [4, 6, 0, 7, 7, 8, 12],
        [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12],
        [4, 4, 5, 6, 6, 0, 6],
        [2, 4, 1, 3, 1, 7, 0],
    ]
)
_PUBLISHED_BASEBALL = (1.581, 1.436, 1.294, 1.248, 1.108, 0.684, 0.0)
#: Citations of the row by the column among four journals of statistics: Stigler, 1994, in Agresti's tables.
_JOURNALS = ("Biometrika", "Communications in Statistics", "JASA", "JRSS-B")
_CITATIONS = np.array([[0, 730, 498, 221], [33, 0, 68, 17], [320, 813, 0, 142], [284, 276, 325, 0]])
_PUBLISHED_CITATIONS = (0.0, -2.949, -0.480, 0.269)


def _newton(wins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The maximum-likelihood strengths with mean zero, and their covariance, by Newton's method."""
    strengths = np.zeros(len(wins))
    votes = wins + wins.T
    for _ in range(100):
        expected = 1 / (1 + np.exp(strengths[None, :] - strengths[:, None]))
        gradient = (wins - votes * expected).sum(axis=1)
        weight = votes * expected * (1 - expected)
        covariance = np.linalg.pinv(np.diag(weight.sum(axis=1)) - weight)
        strengths = strengths + covariance @ gradient
    return strengths - strengths.mean(), covariance


@pytest.mark.parametrize(
    ("wins", "published", "reference"),
    [(_BASEBALL, _PUBLISHED_BASEBALL, 6), (_CITATIONS, _PUBLISHED_CITATIONS, 0)],
    ids=["baseball", "citations"],
)
def test_strengths_agree_with_newtons_method_and_with_what_was_published(wins, published, reference) -> None:
    found = fit(wins, np.zeros_like(wins))
    strengths, covariance = _newton(wins.astype(float))
    assert np.abs(found.strengths - strengths).max() < 1e-6
    assert np.abs(found.covariance - covariance).max() < 1e-6
    assert found.identified
    assert np.abs(found.strengths - found.strengths[reference] - published).max() < 1e-3


def test_a_tie_is_half_a_win_for_each() -> None:
    wins, ties = np.array([[0, 7, 3], [4, 0, 9], [5, 1, 0]]), np.array([[0, 4, 0], [4, 0, 2], [0, 2, 0]])
    assert np.abs(fit(wins, ties).strengths - _newton(wins + ties / 2)[0]).max() < 1e-6


def test_ties_make_intervals_narrower_than_as_many_split_votes() -> None:
    split = fit(np.array([[0, 10], [10, 0]]), np.zeros((2, 2)))
    tied = fit(np.array([[0, 5], [5, 0]]), np.array([[0, 10], [10, 0]]))
    assert tied.half_widths[0] < split.half_widths[0]


def test_only_ties_leave_an_interval() -> None:
    found = fit(np.zeros((2, 2)), np.array([[0, 3], [3, 0]]))
    assert found.strengths == pytest.approx([0, 0])
    assert found.half_widths[0] > 0.3


@pytest.mark.parametrize("wins", [1, 5, 20, 200])
def test_one_that_always_wins_gets_a_finite_strength_that_grows_with_the_votes(wins) -> None:
    found = fit(np.array([[0, wins], [0, 0]]), np.zeros((2, 2)))
    assert not found.identified
    # Two ties shared by the two: half a win more for each.
    assert found.strengths[0] - found.strengths[1] == pytest.approx(
        math.log((wins + PRIOR_TIES / 4) / (PRIOR_TIES / 4))
    )
    assert np.isfinite(found.half_widths).all()
    assert found.better()[0, 1] == (wins >= 20)


def test_one_that_was_never_compared_is_uncertain() -> None:
    found = fit(np.array([[0, 30, 0], [10, 0, 0], [0, 0, 0]]), np.zeros((3, 3)))
    assert not found.identified
    assert found.strengths[0] > found.strengths[2] > found.strengths[1]
    assert found.half_widths[2] > 1.5 * found.half_widths[0]
    assert not found.better()[:, 2].any()
    assert found.better()[0, 1]


def test_a_large_table_of_hard_data_is_fitted() -> None:
    # A chain, in which each was compared with its neighbours alone, and nearly always won.
    size = 12
    wins = np.zeros((size, size))
    wins[np.arange(size - 1), np.arange(1, size)] = 30
    wins[np.arange(1, size), np.arange(size - 1)] = 1
    assert np.abs(fit(wins, np.zeros((size, size))).strengths - _newton(wins)[0]).max() < 1e-6


@pytest.mark.parametrize("tied", [0.0, 0.3])
def test_intervals_include_the_true_strengths_as_often_as_they_say(tied) -> None:
    from benchmarks.rating import coverage

    rounds = 300
    found = coverage((0.0, 0.5, 1.0), votes=90, tied=tied, rounds=rounds, seed=20)
    # Coverage of a difference in each round is a binomial variable: four of its standard deviations about 95 %.
    assert abs(found.difference - 0.95) < 4 * math.sqrt(0.95 * 0.05 / rounds)
    assert abs(found.strength - 0.95) < 4 * math.sqrt(0.95 * 0.05 / rounds)
