"""A blind rating: pairs of clips that a person compares, and what the votes say."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._util.copying import ProcessLocal
from .._util.observed import Observed
from .._util.text import counted, printable, short_repr
from ..errors import InvalidInputError, NotPicklableError
from ..job.clip import Clip
from ..store.ratings import OUTCOMES, Vote
from ..store.store import Store
from . import strengths
from .choice import Comparison, choose
from .pairs import Pair, Pairs, find_pairs
from .progress import Standing, standing
from .tally import Ballot, Counts, consistency_table, count, score_table, vote_table, win_table

if TYPE_CHECKING:
    import pandas as pd

_log = logging.getLogger("decart_nb")
_MAX_RATER_LENGTH = 200


def rate(
    table: pd.DataFrame,
    clips: Sequence[Clip | None],
    *,
    by: str,
    rater: str,
    store: Store | None,
    seed: int | None = None,
) -> Rating:
    """A blind rating of the clips of a table.

    Args:
        table: a table of results.
        clips: the clip of each row, or ``None``.
        by: the column whose values are compared.
        rater: the name of the person who votes.
        store: keeps the votes.
        seed: of the random choices: sides, repeated pairs, and the order of equals.

    Raises:
        InvalidInputError: there is nothing to compare, and the message says why; or evalica is not installed.
    """
    rater = checked_rater(rater)
    if store is None:
        raise InvalidInputError("There is no store to keep the votes in: call decart_nb.connect(…) first.")
    pairs = find_pairs(table, clips, by)
    strengths.require()
    return Rating(pairs, rater, store, random.Random(seed))


def checked_rater(name: str) -> str:
    """The name of a rater, without blanks around it.

    Raises:
        InvalidInputError: it is no text, empty, or too long.
    """
    if not isinstance(name, str) or not name.strip() or len(name) > _MAX_RATER_LENGTH:
        raise InvalidInputError(f"rater must be the name of the person who votes, not {short_repr(name)}.")
    return name.strip()


class Rating(Observed, ProcessLocal):
    """A blind rating, which a notebook shows as two clips side by side. ``df.decart.rate()`` returns it.

    Each vote is in the store at once. The same call, in any kernel on that store, goes on where the rater stopped, and
    counts the votes of all raters on the clips of the table.

    Attributes:
        by: the column whose values are compared.
        rater: the name of the person who votes.
    """

    _repeats = True  # whether some pairs are shown twice, to see whether the rater answers the same way

    def __init__(self, pairs: Pairs, rater: str, store: Store, chance: random.Random) -> None:
        super().__init__()
        self.by, self.rater = pairs.by, rater
        self._pairs, self._store, self._chance = pairs, store, chance
        self._pair_of = {pair.identity: pair for pair in pairs.pairs}
        self._skipped: dict[frozenset[str], None] = {}
        # What the rater has done here, the latest last: comparisons with the ids of their votes, or None for a skip.
        self._done: list[tuple[Comparison, int | None]] = []
        self._current: Comparison | None = None
        self._lock = threading.RLock()

    @property
    def ratings(self) -> pd.DataFrame:
        """The votes of all raters, a row each, the oldest first.

        The columns: ``rater``; ``left`` and ``right``, the values that were compared; ``outcome``, one of ``left right
        tie bad``; ``preferred``, the value that was chosen, if any; ``repeated``, whether the rater saw the pair for
        the second time; ``voted_at``; the digests of the two videos; and the inputs that they share.
        """
        return vote_table(self._pairs, self._ballots())

    def scores(self) -> pd.DataFrame:
        """Bradley–Terry strengths of the compared values from the votes of all raters, the best first.

        The columns: ``strength``, on the logarithmic scale with mean zero: one more is to be preferred 2.7 times as
        often; ``low`` and ``high``, its 95 % interval; ``wins``, ``losses``, ``ties``; ``bad``, where both were bad,
        which counts as a tie; ``votes``; and ``rank``, ``undecided`` where the 95 % interval of a difference includes
        zero. A repeated vote is not counted. ``attrs["note"]`` says if the votes alone give no finite strengths.

        The intervals hold for a number of votes that was fixed beforehand: whoever stops as soon as a
        difference is decided is wrong more often than one time in twenty. ``sweep.explore`` has a rule for that.
        """
        counts, fit = self._fitted(self._ballots())
        table = score_table(self._pairs, counts, fit)
        table.attrs["note"] = self._note(counts, fit)
        return table

    @property
    def wins(self) -> pd.DataFrame:
        """How often the value of the row was preferred to that of the column."""
        return win_table(self._pairs, self._counts(self._ballots()))

    @property
    def consistency(self) -> pd.DataFrame:
        """How consistent each rater was; see :func:`decart_nb.rating.tally.consistency_table`."""
        return consistency_table(self._ballots())

    @property
    def standing(self) -> Standing:
        """The progress of the rating, as a sentence without the names of the compared values."""
        ballots = self._ballots()
        counts, fit = self._fitted(ballots)
        own = [ballot for ballot in ballots if ballot.vote.rater == self.rater]
        open_pairs = len(self._pairs.pairs) - len({ballot.pair.identity for ballot in own})
        return standing(fit, counts.total, own=len(own), open_pairs=open_pairs)

    @property
    def can_undo(self) -> bool:
        """Whether there is a vote or a skip of this rater to be taken back."""
        return bool(self._done) or any(ballot.vote.rater == self.rater for ballot in self._ballots())

    def current(self) -> Comparison | None:
        """The comparison that is to be shown now; ``None`` if this rater has voted on all pairs."""
        with self._lock:
            if self._current is None:
                ballots = self._ballots()
                counts, fit = self._fitted(ballots)
                self._current = choose(
                    self._to_show(),
                    [ballot.pair for ballot in ballots if ballot.vote.rater == self.rater],
                    np.zeros(len(self._pairs.values)) if fit is None else fit.strengths,
                    counts.votes,
                    self._chance,
                    self._skipped,
                    repeats=self._repeats,
                )
            return self._current

    def vote(self, outcome: str) -> None:
        """Vote on the current comparison.

        Args:
            outcome: ``left``, ``right``, ``tie``, or ``bad`` if both are bad.

        Raises:
            InvalidInputError: there is no such outcome, or nothing left to vote on.
            StoreError: the vote cannot be stored. The comparison stays.
        """
        if outcome not in OUTCOMES:
            raise InvalidInputError(f"A vote is one of {', '.join(OUTCOMES)}, not {short_repr(outcome)}.")
        with self._lock:
            shown = self._shown()
            left, right = shown.digests
            vote_id = self._store.add_vote(
                Vote(
                    rater=self.rater,
                    by_column=self.by,
                    pair_key=shown.pair.key,
                    left_sha256=left,
                    right_sha256=right,
                    outcome=outcome,
                    repeated=shown.repeated,
                )
            )
            self._done.append((shown, vote_id))
            self._skipped.pop(shown.pair.identity, None)
            self._current = None
        self._notify()

    def skip(self) -> None:
        """Pass over the current comparison, which comes again when there is no other.

        Raises:
            InvalidInputError: nothing is left to be compared.
        """
        with self._lock:
            shown = self._shown()
            self._done.append((shown, None))
            if not shown.repeated:
                self._skipped[shown.pair.identity] = None
                if len(self._skipped) == sum(1 for _ in self._open()):
                    self._skipped = {shown.pair.identity: None}  # a new round, which does not begin with this one
            self._current = None
        self._notify()

    def undo(self) -> None:
        """Take back the rater's latest vote or skip, also a vote from an earlier kernel, and show its pair again.

        Raises:
            InvalidInputError: there is none.
            StoreError: the vote cannot be removed.
        """
        with self._lock:
            shown, vote_id = self._done[-1] if self._done else self._latest_stored()
            if vote_id is None:
                self._skipped.pop(shown.pair.identity, None)
            else:
                self._store.remove_vote(vote_id)
            if self._done:
                self._done.pop()
            self._current = shown
        self._notify()

    def __repr__(self) -> str:
        pairs = counted(len(self._pairs.pairs), "pair")
        return printable(f"<Rating by {self.by} of {pairs}, rater {self.rater}: {self.standing.text}>")

    def _shown(self) -> Comparison:
        shown = self.current()
        if shown is None:
            raise InvalidInputError("All pairs are rated; undo takes the last vote back.")
        return shown

    def _to_show(self) -> Sequence[Pair]:
        """The pairs that may be shown."""
        return self._pairs.pairs

    def _open(self) -> Sequence[Pair]:
        voted = {ballot.pair.identity for ballot in self._ballots() if ballot.vote.rater == self.rater}
        return [pair for pair in self._to_show() if pair.identity not in voted]

    def _latest_stored(self) -> tuple[Comparison, int]:
        own = [ballot for ballot in self._ballots() if ballot.vote.rater == self.rater]
        if not own:
            raise InvalidInputError("There is no vote to undo.")
        latest = own[-1]
        swapped = latest.vote.left_sha256 != latest.pair.digests[0]
        return Comparison(latest.pair, swapped, latest.vote.repeated), latest.vote.id

    def _ballots(self) -> list[Ballot]:
        """The votes on pairs of this table, of all raters and kernels."""
        votes = self._store.votes(by=self.by)
        found = [(vote, self._pair_of.get(frozenset((vote.left_sha256, vote.right_sha256)))) for vote in votes]
        return [Ballot(vote, pair) for vote, pair in found if pair is not None]

    def _counts(self, ballots: Sequence[Ballot]) -> Counts:
        return count(ballots, len(self._pairs.values))

    def _fitted(self, ballots: Sequence[Ballot]) -> tuple[Counts, strengths.Fit | None]:
        counts = self._counts(ballots)
        return counts, strengths.fit(counts.wins, counts.ties) if counts.total else None

    def _note(self, counts: Counts, fit: strengths.Fit | None) -> str:
        if fit is None:
            return "There are no votes yet."
        if fit.identified:
            return ""
        added = (
            f"{strengths.PRIOR_TIES:g} ties, shared among all pairs of values, were added; the intervals include it."
        )
        values, votes = self._pairs.values, counts.votes.sum(axis=1)
        if unseen := [str(value) for value, number in zip(values, votes, strict=True) if not number]:
            return f"{', '.join(unseen)} had no votes. So that all strengths are finite, {added}"
        lost = counts.wins.sum(axis=0) + counts.ties.sum(axis=1)
        always = [str(value) for value, number in zip(values, lost, strict=True) if not number]
        won = f"{' and '.join(always)} was preferred in every vote" if always else "Some won every vote against others"
        return f"{won}, which gives no finite strength. So that it is finite, {added}"

    def _notify(self) -> None:
        for observer in tuple(self._observers):
            try:
                observer(self)
            except Exception:  # noqa: BLE001 - the vote is stored, whatever becomes of a view
                _log.exception("An observer of a rating broke.")

    def _not_picklable(self) -> Exception:
        return NotPicklableError(
            "A rating exists in one process only: call df.decart.rate(…) in the other one; the votes are in the store."
        )
