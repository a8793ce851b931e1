"""Counts and tables of votes: wins, scores with ranks, and how consistent each rater was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..store.ratings import Vote
from .pairs import Pair, Pairs
from .strengths import Z95, Fit

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

#: The mark of a rank that the votes do not decide.
UNDECIDED = "undecided"


@dataclass(frozen=True)
class Ballot:
    """A vote together with its pair.

    Attributes:
        vote: the vote.
        pair: the pair, whose first clip may have been on either side.
    """

    vote: Vote
    pair: Pair

    @property
    def sides(self) -> tuple[int, int]:
        """The numbers of the values on the left and on the right."""
        one, two = self.pair.values
        return (one, two) if self.vote.left_sha256 == self.pair.digests[0] else (two, one)

    @property
    def winner(self) -> int | None:
        """The number of the value that was preferred, or ``None``."""
        left, right = self.sides
        return {"left": left, "right": right}.get(self.vote.outcome)


@dataclass(frozen=True)
class Counts:
    """How often each value was preferred to each other, by number; repeated votes are not counted.

    Attributes:
        wins: how often the row was preferred to the column.
        ties: how often both were as good, or both bad; symmetric.
        bad: how often both were bad; symmetric.
    """

    wins: NDArray[np.float64]
    ties: NDArray[np.float64]
    bad: NDArray[np.float64]

    @property
    def votes(self) -> NDArray[np.float64]:
        """The number of votes between each two; symmetric."""
        votes: NDArray[np.float64] = self.wins + self.wins.T + self.ties
        return votes

    @property
    def total(self) -> int:
        """The number of votes."""
        return int(self.votes.sum()) // 2


def count(ballots: Sequence[Ballot], size: int) -> Counts:
    """Count the votes between ``size`` values. A second answer to the same question by one rater tells nothing new."""
    wins, ties, bad = (np.zeros((size, size)) for _ in range(3))
    for ballot in ballots:
        if ballot.vote.repeated:
            continue
        one, two = ballot.pair.values
        if ballot.winner is not None:
            wins[ballot.winner, two if ballot.winner == one else one] += 1
            continue
        for table in (ties, bad) if ballot.vote.outcome == "bad" else (ties,):
            table[one, two] += 1
            table[two, one] += 1
    return Counts(wins, ties, bad)


def score_table(pairs: Pairs, counts: Counts, fit: Fit | None) -> pd.DataFrame:
    """The scores of all values, the best first.

    Args:
        pairs: has the values.
        counts: the votes.
        fit: the strengths; ``None`` if there are no votes.
    """
    import pandas as pd

    from ..job.printable_frame import PrintableFrame

    size = len(pairs.values)
    strengths = np.full(size, np.nan) if fit is None else fit.strengths
    widths = np.full(size, np.nan) if fit is None else fit.half_widths
    table = PrintableFrame(
        {
            "strength": strengths,
            "low": strengths - widths,
            "high": strengths + widths,
            "wins": counts.wins.sum(axis=1).astype(int),
            "losses": counts.wins.sum(axis=0).astype(int),
            "ties": (counts.ties - counts.bad).sum(axis=1).astype(int),
            "bad": counts.bad.sum(axis=1).astype(int),
            "votes": counts.votes.sum(axis=1).astype(int),
            "rank": [UNDECIDED] * size if fit is None else ranks(fit.better()),
        },
        index=pd.Index(list(pairs.values), name=pairs.by),
    )
    return table.sort_values("strength", ascending=False, kind="stable")


def ranks(better: NDArray[np.bool_]) -> list[str]:
    """The rank of each item: ``1``, or ``1–2, undecided`` where the intervals of differences include zero.

    Args:
        better: whether the row is certainly better than the column.
    """
    best = 1 + better.sum(axis=0)
    worst = len(better) - better.sum(axis=1)
    return [
        f"{low}" if low == high else f"{low}–{high}, {UNDECIDED}"
        for low, high in zip(best.tolist(), worst.tolist(), strict=True)
    ]


def vote_table(pairs: Pairs, ballots: Sequence[Ballot]) -> pd.DataFrame:
    """The votes, a row each, the oldest first."""
    import pandas as pd

    from ..job.printable_frame import PrintableFrame
    from ..job.table import column_names

    shared = dict.fromkeys(name for ballot in ballots for name in ballot.pair.shared)
    own = ("rater", "left", "right", "outcome", "preferred", "repeated", "voted_at", "left_sha256", "right_sha256")
    rows: dict[str, list[Any]] = {name: [] for name in own}
    for ballot in ballots:
        vote, (left, right) = ballot.vote, ballot.sides
        preferred = None if ballot.winner is None else pairs.values[ballot.winner]
        compared = (vote.rater, pairs.values[left], pairs.values[right], vote.outcome, preferred)
        stored = (vote.repeated, vote.voted_at, vote.left_sha256, vote.right_sha256)
        for name, value in zip(own, (*compared, *stored), strict=True):
            rows[name].append(value)
    table = PrintableFrame(rows, columns=list(own))
    table["voted_at"] = pd.to_datetime(table["voted_at"], unit="s", utc=True)
    for name, column in column_names(shared, own).items():
        table[column] = [ballot.pair.shared.get(name) for ballot in ballots]
    return table


def win_table(pairs: Pairs, counts: Counts) -> pd.DataFrame:
    """How often the value of the row was preferred to that of the column."""
    import pandas as pd

    from ..job.printable_frame import PrintableFrame

    index = pd.Index(list(pairs.values), name=pairs.by)
    return PrintableFrame(counts.wins.astype(int), index=index, columns=index.rename("preferred to"))


def consistency_table(ballots: Sequence[Ballot]) -> pd.DataFrame:
    """How consistent each rater was, and whether one side was preferred.

    The columns: ``votes``; ``repeats``, the pairs that were shown twice; ``same``, those that were answered the same
    way both times, and their ``share``; ``left`` and ``right``, the votes for a side; ``left_share``, with its 95 %
    interval ``left_low`` to ``left_high``, which includes 0.5 if no side is preferred.
    """
    import pandas as pd

    from ..job.printable_frame import PrintableFrame

    rows = {}
    for rater in dict.fromkeys(ballot.vote.rater for ballot in ballots):
        own = [ballot for ballot in ballots if ballot.vote.rater == rater]
        answers: dict[frozenset[str], Any] = {}
        repeats = same = 0
        for ballot in own:
            answer = ballot.vote.outcome if ballot.winner is None else ballot.winner
            if not ballot.vote.repeated:
                answers[ballot.pair.identity] = answer
            elif ballot.pair.identity in answers:
                repeats += 1
                same += answers[ballot.pair.identity] == answer
        left, right = (sum(ballot.vote.outcome == side for ballot in own) for side in ("left", "right"))
        low, high = proportion_interval(left, left + right)
        rows[rater] = {
            "votes": len(own),
            "repeats": repeats,
            "same": same,
            "share": same / repeats if repeats else math.nan,
            "left": left,
            "right": right,
            "left_share": left / (left + right) if left + right else math.nan,
            "left_low": low,
            "left_high": high,
        }
    names = ["votes", "repeats", "same", "share", "left", "right", "left_share", "left_low", "left_high"]
    index = pd.Index(list(rows), name="rater", dtype="object")
    return PrintableFrame(list(rows.values()), index=index, columns=names)


def proportion_interval(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion; from 0 to 1 without trials."""
    if not trials:
        return 0.0, 1.0
    share, squared = successes / trials, Z95**2
    centre = (share + squared / (2 * trials)) / (1 + squared / trials)
    width = Z95 / (1 + squared / trials) * math.sqrt(share * (1 - share) / trials + squared / (4 * trials**2))
    return centre - width, centre + width
