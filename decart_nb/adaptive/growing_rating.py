"""A blind rating whose pairs become more while it goes on, and which leaves out what is decided."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence

from ..rating.pairs import Pair, Pairs
from ..rating.progress import Standing
from ..rating.rating import Rating
from ..rating.tally import Ballot
from ..store.store import Store
from .blocks import Values


class GrowingRating(Rating):
    """The blind rating of an exploration. No pair is shown twice, since each counts once.

    Args:
        pairs: those that there are at the beginning; there may be none.
        rater: the name of the person who votes.
        store: keeps the votes.
        chance: decides on sides, and between equals.
        progress: tells the progress of the exploration, without the names of the compared values.
    """

    _repeats = False

    def __init__(
        self, pairs: Pairs, rater: str, store: Store, chance: random.Random, progress: Callable[[], Standing]
    ) -> None:
        super().__init__(pairs, rater, store, chance)
        self._progress = progress
        self._decided: frozenset[Values] = frozenset()

    @property
    def standing(self) -> Standing:
        """The progress of the exploration, as a sentence without the names of the compared values."""
        return self._progress()

    def grow(self, pairs: Pairs) -> None:
        """Go on with more pairs.

        Args:
            pairs: all of them, those from before included.
        """
        with self._lock:
            self._pairs = pairs
            self._pair_of = {pair.identity: pair for pair in pairs.pairs}

    def leave_out(self, decided: Collection[Values]) -> None:
        """Show no pairs of values that need no more votes.

        Args:
            decided: the numbers of each two such values.
        """
        with self._lock:
            self._decided = frozenset(decided)
            if self._current is not None and self._current.pair.values in self._decided:
                self._current = None

    def refresh(self) -> None:
        """Tell the observers that something has changed."""
        self._notify()

    def outcomes(self) -> dict[Values, list[int]]:
        """The rater's votes on each two values, in order: 1 for the first, -1 for the second, 0 for neither.

        The first vote on a clip and another value counts: rows may have the same video, such as those of a model that
        ignores the seed, and two votes about it are not independent.
        """
        found: dict[Values, list[int]] = {}
        for ballot in self._counted():
            preferred = {None: 0, ballot.pair.values[0]: 1, ballot.pair.values[1]: -1}[ballot.winner]
            found.setdefault(ballot.pair.values, []).append(preferred)
        return found

    @property
    def open_pairs(self) -> int:
        """The number of pairs that the rater has not voted on, without those that need no more votes."""
        return len(self._open())

    def _to_show(self) -> Sequence[Pair]:
        used = {place for ballot in self._counted() for place in _places(ballot.pair)}
        return [pair for pair in self._pairs.pairs if pair.values not in self._decided and not used & _places(pair)]

    def _counted(self) -> list[Ballot]:
        """The rater's votes that count, in order."""
        counted: list[Ballot] = []
        used: set[tuple[Values, str]] = set()
        for ballot in self._ballots():
            if ballot.vote.rater == self.rater and not used & _places(ballot.pair):
                used |= _places(ballot.pair)
                counted.append(ballot)
        return counted


def _places(pair: Pair) -> set[tuple[Values, str]]:
    """The videos of a pair, each with the values that are compared."""
    return {(pair.values, digest) for digest in pair.digests}
