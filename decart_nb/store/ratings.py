"""Ratings of jobs, and the votes table of the store's database: how people have judged the videos."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from types import EllipsisType
from typing import Any

from .._util.plain_values import NotPlainError, is_missing, is_nonnegative, whole
from .._util.text import short_repr
from ..errors import InvalidInputError
from .database import Database
from .job_row import Record, encoded

#: The most characters of a note.
MAX_NOTE_LENGTH = 2000
#: The most characters of a vote's texts. A key may have prompts in it.
_MAX_LENGTHS = {"rater": 200, "by_column": 1000, "pair_key": 100_000}
#: The outcomes of a vote: which clip is better, both are as good, or both are bad.
OUTCOMES = ("left", "right", "tie", "bad")
_RATINGS = range(1, 6)
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Vote:
    """A person's choice between two clips that were shown side by side.

    Attributes:
        rater: who has voted.
        by_column: the column by which the clips differ, such as ``model``.
        pair_key: identifies what the clips share.
        left_sha256, right_sha256: the digests of the clips.
        outcome: one of :data:`OUTCOMES`.
        repeated: whether the pair was shown a second time, to measure how consistent the rater is.
        voted_at: in seconds since the epoch.
        id: its number in the store; 0 before it is there.
    """

    rater: str
    by_column: str
    pair_key: str
    left_sha256: str
    right_sha256: str
    outcome: str
    repeated: bool = False
    voted_at: float = field(default_factory=time.time)
    id: int = 0


_COLUMNS = [column.name for column in fields(Vote)]


class RatingTable:
    """Updates of the ratings in the jobs table, and access to the votes table.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def rate(self, records: Sequence[Record], changes: Mapping[str, Any]) -> bool:
        """Store the rating and note of jobs, whoever has claimed them, and return whether there is any job."""
        values = encoded(changes)
        assignments = ", ".join(f"{name} = ?" for name in values)
        with self._database.connection() as database:
            for record in records if values else ():
                database.execute(f"UPDATE jobs SET {assignments} WHERE row = ?", [*values.values(), record.row])
        return bool(records)

    def add_vote(self, vote: Vote) -> int:
        """Insert a vote, and return its id.

        Raises:
            InvalidInputError: it is not valid.
        """
        if fault := _fault(vote):
            raise InvalidInputError(fault)
        values = encoded({name: getattr(vote, name) for name in _COLUMNS if name != "id"})
        with self._database.transaction() as database:
            # The time in microseconds, so that another database does not give the id to another vote.
            (last,) = database.execute("SELECT coalesce(max(id), 0) FROM votes").fetchone()
            values["id"] = max(time.time_ns() // 1000, last + 1)
            places = ", ".join("?" * len(values))
            database.execute(f"INSERT INTO votes ({', '.join(values)}) VALUES ({places})", [*values.values()])
        return int(values["id"])

    def remove_vote(self, vote_id: int) -> None:
        """Remove the vote with an id, if it is there."""
        with self._database.transaction() as database:
            database.execute("DELETE FROM votes WHERE id = ?", [vote_id])

    def votes(self, by: str | None, rater: str | None) -> list[Vote]:
        """The votes, the oldest first; what is damaged among them is left out.

        Args:
            by: only those with this ``by_column``.
            rater: only this rater's.
        """
        condition = "(?1 IS NULL OR by_column = ?1) AND (?2 IS NULL OR rater = ?2)"
        with self._database.connection() as database:
            rows = database.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM votes WHERE {condition} ORDER BY id", [by, rater]
            ).fetchall()
        votes = [Vote(**dict(zip(_COLUMNS, row, strict=True))) for row in rows]
        return [replace(vote, repeated=bool(vote.repeated)) for vote in votes if _fault(vote) is None]


def judgement(rating: Any, note: Any) -> dict[str, Any]:
    """The changes that a rating and a note make to a job: those of the two that are given.

    Args:
        rating: from 1 to 5, ``None``, or ``...`` where it is not given.
        note: a text, ``None``, or ``...`` where it is not given.

    Raises:
        InvalidInputError: one of them is not valid.
    """
    changes: dict[str, Any] = {}
    if not isinstance(rating, EllipsisType):
        changes["rating"] = None if is_missing(rating) else _rating(rating)
    if not isinstance(note, EllipsisType):
        changes["note"] = None if is_missing(note) else _note(note)
    return changes


def _rating(value: Any) -> int:
    try:
        number = whole(value)
    except NotPlainError:
        number = 0
    if isinstance(value, str) or number not in _RATINGS:
        raise InvalidInputError(
            f"rating must be a whole number from 1 to 5, or None to take it away, not {short_repr(value)}."
        )
    return number


def _note(value: Any) -> str | None:
    if not isinstance(value, str):
        raise InvalidInputError(f"note must be a text, or None to take it away, not {short_repr(value)}.")
    text = str.__str__(value).strip()
    if len(text) > MAX_NOTE_LENGTH:
        raise InvalidInputError(f"note has {len(text):,} characters; shorten it to at most {MAX_NOTE_LENGTH:,}.")
    return text or None


def _fault(vote: Vote) -> str | None:
    """What is wrong with a vote, as a sentence."""
    for name, longest in _MAX_LENGTHS.items():
        value = getattr(vote, name)
        if not isinstance(value, str) or not value or len(value) > longest:
            return f"A vote's {name} must be a text of 1 to {longest:,} characters, not {short_repr(value)}."
    for name in ("left_sha256", "right_sha256"):
        value = getattr(vote, name)
        if not isinstance(value, str) or not _DIGEST.fullmatch(value):
            return f"A vote's {name} must be the SHA-256 digest of a video, not {short_repr(value)}."
    if vote.outcome not in OUTCOMES:
        return f"A vote's outcome must be one of {', '.join(OUTCOMES)}, not {short_repr(vote.outcome)}."
    if not is_nonnegative(vote.voted_at):
        return f"A vote's voted_at must be in seconds since the epoch, not {short_repr(vote.voted_at)}."
    return None
