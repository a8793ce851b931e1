"""Bradley–Terry strengths with 95 % intervals, fitted to counts of votes by evalica.

In the Bradley–Terry model, the probability that ``i`` is preferred to ``j`` is ``1 / (1 + exp(s_j - s_i))``. A tie
counts as half a win for each. Intervals come from the observed information; a tie varies less than a win or a loss,
which the covariance takes into account. ``benchmarks/rating.py`` measures how often they include the true strengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._util.interface_names import step
from ..errors import InvalidInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: The normal quantile of a two-sided 95 % interval.
Z95 = 1.959963984540054
#: The weight of all ties that are added to the votes of one item if these alone give no finite strengths.
PRIOR_TIES = 2.0
_TOLERANCE = 1e-10
_MAX_STEPS = 20_000


@dataclass(frozen=True)
class Fit:
    """Strengths of several items, and how certain they are.

    Attributes:
        strengths: on the logarithmic scale; their mean is zero.
        covariance: of the strengths.
        identified: whether the votes alone give finite strengths. If not, such as where one item has won every
            comparison, or some items were never compared, a few ties between all items were added.
    """

    strengths: NDArray[np.float64]
    covariance: NDArray[np.float64]
    identified: bool

    @property
    def half_widths(self) -> NDArray[np.float64]:
        """Half of the width of each strength's 95 % interval."""
        return Z95 * np.sqrt(np.diag(self.covariance))

    def differences(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The differences of all strengths, row minus column, and their variances."""
        diagonal = np.diag(self.covariance)
        variances = diagonal[:, None] + diagonal[None, :] - 2 * self.covariance
        return self.strengths[:, None] - self.strengths[None, :], np.maximum(variances, 0.0)

    def better(self) -> NDArray[np.bool_]:
        """Whether the row is better than the column: the 95 % interval of their difference is above zero."""
        difference, variance = self.differences()
        return difference > Z95 * np.sqrt(variance) + 1e-12


def fit(wins: NDArray[Any], ties: NDArray[Any]) -> Fit:
    """Fit the Bradley–Terry model by maximum likelihood.

    Args:
        wins: how often the item of the row was preferred to that of the column.
        ties: how often neither was; symmetric.

    Raises:
        InvalidInputError: evalica is not installed.
    """
    wins, ties = np.asarray(wins, dtype=np.float64), np.asarray(ties, dtype=np.float64)
    identified = _is_strongly_connected((wins > 0) | (ties > 0))
    observed_ties = ties
    if not identified:
        ties = ties + prior_ties(len(wins))
    strengths = _maximum_likelihood(wins, ties)
    information = information_of(strengths, wins + wins.T + ties)
    # The outcome of a vote, 1, 0 or ½, varies by p(1 - p), less ¼ for the share of the votes that are ties.
    spread = covariance_of(information)
    excess = _laplacian(_tie_correction(strengths, wins + wins.T, observed_ties))
    covariance = spread @ (information - excess) @ spread
    return Fit(strengths, covariance, identified)


def require() -> None:
    """Make sure that strengths can be fitted.

    Raises:
        InvalidInputError: evalica is not installed.
    """
    _evalica()


def prior_ties(count: int) -> NDArray[np.float64]:
    """The ties between all of ``count`` items that make every fit finite."""
    ties = np.full((count, count), PRIOR_TIES / count)
    np.fill_diagonal(ties, 0.0)
    return ties


def information_of(strengths: NDArray[np.float64], votes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The Fisher information of the strengths.

    Args:
        strengths: the strengths.
        votes: the number of votes between each two items; symmetric.
    """
    return _laplacian(votes * preference_variance(strengths))


def covariance_of(information: NDArray[np.float64]) -> NDArray[np.float64]:
    """The covariance of strengths whose mean is zero: the pseudoinverse of their Fisher information.

    Args:
        information: as :func:`information_of` returns it, where votes lead from each item to each other.
    """
    count = len(information)
    if count < 2:
        return np.zeros_like(information)
    # The mean is all that the information says nothing about. NumPy's own pseudoinverse takes six times as long.
    mean = np.trace(information) / count
    covariance: NDArray[np.float64] = np.linalg.inv(information + mean / count) - 1 / (mean * count)
    return covariance


def preference_variance(strengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """``p(1 - p)`` for each two items, where p is the probability that the one is preferred to the other."""
    variance: NDArray[np.float64] = 0.25 / np.cosh((strengths[:, None] - strengths[None, :]) / 2) ** 2
    return variance


def _tie_correction(
    strengths: NDArray[np.float64], decided: NDArray[np.float64], ties: NDArray[np.float64]
) -> NDArray[np.float64]:
    """By how much the sum of the outcomes between each two items varies less, since some are ties."""
    tie_count, count = ties.sum() / 2, (decided + ties).sum() / 2
    if not tie_count:
        return np.zeros_like(ties)
    votes = decided + ties
    variance = votes * preference_variance(strengths)
    # One decided vote more: nobody who has voted only for ties is certain for that.
    share = tie_count / (count + 1)
    ratio = min(share * 0.25 * count / max(variance.sum() / 2, 1e-12), 0.95)
    correction: NDArray[np.float64] = ratio * variance
    return correction


def _laplacian(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum over all pairs of ``weight · x xᵀ``, where x is 1 at the one item and -1 at the other."""
    laplacian: NDArray[np.float64] = np.diag(weights.sum(axis=1)) - weights
    return laplacian


def _is_strongly_connected(beats: NDArray[np.bool_]) -> bool:
    """Whether a path of wins and ties leads from each item to each other: then the likelihood has a maximum."""
    reached = beats | np.eye(len(beats), dtype=np.bool_)
    for _ in range(max(1, len(beats)).bit_length()):
        reached = (reached.astype(np.float64) @ reached.astype(np.float64)) > 0
    return bool(reached.all())


def _maximum_likelihood(wins: NDArray[np.float64], ties: NDArray[np.float64]) -> NDArray[np.float64]:
    evalica = _evalica()
    count = len(wins)
    winners, losers = np.nonzero(wins)
    lefts, rights = np.nonzero(np.triu(ties))
    found = evalica.bradley_terry(
        [*winners.tolist(), *lefts.tolist()],
        [*losers.tolist(), *rights.tolist()],
        [*[evalica.Winner.X] * len(winners), *[evalica.Winner.Draw] * len(lefts)],
        weights=[*wins[winners, losers].tolist(), *ties[lefts, rights].tolist()],
        tolerance=_TOLERANCE,
        limit=_MAX_STEPS,
    )
    logarithms = np.log(found.scores.reindex(range(count)).to_numpy(dtype=np.float64))
    strengths: NDArray[np.float64] = logarithms - logarithms.mean()
    return strengths


def _evalica() -> Any:
    """The library, imported on first use: it brings SciPy."""
    try:
        import evalica
    except ImportError as cause:
        raise InvalidInputError(
            f"Scores of ratings need evalica to be computed: {step('install', package='evalica')}. "
            "The votes so far are kept.",
            {},
            cause,
        ) from None
    return evalica
