"""Pairs of clips to be compared: of two values of a column, and alike in everything else that was asked for.

Rows whose clips do not exist yet are matched by the same rules.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._util.files import os_reason
from .._util.plain_values import is_missing
from .._util.text import did_you_mean, listing, short_repr
from ..errors import InvalidInputError
from ..job.clip import Clip
from ..job.table import OWN_COLUMNS, as_results, as_text, measured_columns
from ..store.job_row import JUDGED

if TYPE_CHECKING:
    import pandas as pd

#: Columns that say what became of a job or what is thought of it. Takes may be compared with each other.
_NOT_ASKED_FOR = {*OWN_COLUMNS, *JUDGED} - {"model"}
#: Where a table has a template, the prompt follows from it and from the other columns.
_TEMPLATE, _PROMPT = "prompt_template", "prompt"


@dataclass(frozen=True)
class Pair:
    """Two clips that can be compared.

    Attributes:
        clips: the clips.
        digests: the SHA-256 digests of their videos, which differ.
        values: the number of each clip's value in :attr:`Pairs.values`; they differ too.
        shared: what was asked for alike, by column. Missing values are left out.
    """

    clips: tuple[Clip, Clip]
    digests: tuple[str, str]
    values: tuple[int, int]
    shared: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Identifies what the clips share: JSON."""
        return json.dumps({name: _plain(value) for name, value in self.shared.items()}, ensure_ascii=False)

    @property
    def identity(self) -> frozenset[str]:
        """Identifies the pair, whichever clip is on which side."""
        return frozenset(self.digests)


@dataclass(frozen=True)
class Pairs:
    """All pairs of a table.

    Attributes:
        by: the column whose values are compared.
        values: these values, in order of first appearance.
        pairs: the pairs, each once.
    """

    by: str
    values: Sequence[Any]
    pairs: Sequence[Pair]


@dataclass(frozen=True, slots=True)
class Match:
    """Two rows of a table that share everything but the value of a column.

    Attributes:
        rows: their numbers.
        values: the number of each one's value in :attr:`Matches.values`.
        shared: what was asked for alike, by column. Missing values are left out.
    """

    rows: tuple[int, int]
    values: tuple[int, int]
    shared: Mapping[str, Any]


@dataclass(frozen=True)
class Matches:
    """All matches of a table.

    Attributes:
        by: the column whose values are compared.
        values: these values, in order of first appearance.
        matches: the matches.
    """

    by: str
    values: Sequence[Any]
    matches: Sequence[Match]

    def pairs(self, clips: Sequence[Clip | None]) -> Pairs:
        """The pairs of clips of the matched rows: of those that have different clips.

        Args:
            clips: the clip of each row, or ``None``.
        """
        found: dict[frozenset[str], Pair] = {}
        for match in self.matches:
            one, two = (clips[number] for number in match.rows)
            if one is not None and two is not None:
                pair = Pair((one, two), (_digest(one), _digest(two)), match.values, match.shared)
                if len(pair.identity) == 2:
                    found.setdefault(pair.identity, pair)
        return Pairs(self.by, self.values, [*found.values()])


@dataclass(frozen=True)
class _Row:
    number: int
    digest: str
    asked: Mapping[str, Any]
    prompt: Any


def find_pairs(table: pd.DataFrame, clips: Sequence[Clip | None], by: str) -> Pairs:
    """The pairs of clips with different values of a column that share every other input.

    A column that has no values at all for one of two values of ``by``, such as an input that one model does not take,
    does not keep their clips apart.

    Args:
        table: a table of results.
        clips: the clip of each row, or ``None``.
        by: the column.

    Raises:
        InvalidInputError: there is no such column, or there are no pairs; the message says why.
    """
    rows = _rows_by_value(table, clips, by, ())
    if len(rows) < 2:
        raise InvalidInputError(_too_few(rows, by, has_clips=any(clips)))
    found = Matches(by, [*rows], _matches(rows, ()))
    pairs = found.pairs(clips)
    if not pairs.pairs:
        raise InvalidInputError(_no_pairs(rows, by, identical=bool(found.matches)))
    return pairs


def find_matches(
    table: pd.DataFrame, by: str, *, alike: Collection[str] = (), most_values: int | None = None
) -> Matches:
    """The pairs of rows with different values of a column that share every other input, whether or not they have clips.

    Args:
        table: a table of results.
        by: the column.
        alike: further columns that the rows of a match must share, such as ``take``.
        most_values: how many values may be compared, each with each; any number unless given.

    Raises:
        InvalidInputError: there is no such column, it has too many values, or there are no matches; the message says
            why.
    """
    rows = _rows_by_value(table, None, by, alike)
    if len(rows) < 2:
        one = f"have the same {by}, {as_text(next(iter(rows)))!r}" if rows else f"have no {by}"
        raise InvalidInputError(f"All rows {one}, and at least two values are compared: choose another column for by.")
    if most_values is not None and len(rows) > most_values:
        raise InvalidInputError(
            f"{short_repr(by)} has {len(rows):,} values, and each is compared with each: choose a column of at most "
            f"{most_values} values for by, or make a sweep of fewer."
        )
    if not (matches := _matches(rows, alike)):
        alone, varied = _what_differs(rows)
        which = listing([name for name in alone or varied if name not in alike])
        raise InvalidInputError(
            f"No two rows with another {by} share everything else: they also differ in {which}. Compare rows that "
            f"share it, as in a sweep of every combination, or choose another column for by."
        )
    return Matches(by, [*rows], matches)


def _rows_by_value(
    table: pd.DataFrame, clips: Sequence[Clip | None] | None, by: str, alike: Collection[str]
) -> dict[Any, list[_Row]]:
    """The rows that have a clip, each once, by their value of ``by``; without clips, all rows."""
    if not isinstance(by, str):
        raise InvalidInputError(f"by must be the name of one column, as text, not {short_repr(by)}.")
    if by not in table.columns:
        meant = did_you_mean(by, map(str, table.columns))
        raise InvalidInputError(f"by must name a column of the table; it has no {short_repr(by)}.{meant}")
    table = as_results(table)
    ignored = {by, *_NOT_ASKED_FOR, *measured_columns(table)} - {*alike}
    if _TEMPLATE in table and by != _PROMPT:
        ignored |= {_PROMPT}
    compared = [name for name in table.columns if name not in ignored]
    columns = {name: _values(table[name]) for name in dict.fromkeys((by, *compared, *({_PROMPT} & {*table.columns})))}
    rows: dict[Any, dict[Any, _Row]] = {}
    for number, value in enumerate(columns[by]):
        clip = clips[number] if clips is not None else None
        if value is None or (clips is not None and clip is None):
            continue
        asked = {str(name): columns[name][number] for name in compared}
        prompt = columns[_PROMPT][number] if _PROMPT in columns else None
        row = _Row(number, f"row {number}" if clip is None else _digest(clip), asked, prompt)
        rows.setdefault(value, {}).setdefault((row.digest, *asked.values()), row)
    return {value: [*unique.values()] for value, unique in rows.items()}


def _matches(rows: Mapping[Any, Sequence[_Row]], unsaid: Collection[str], ignored: Collection[str] = ()) -> list[Match]:
    """All pairs of rows of different values that are equal in all columns but those that are ignored.

    Args:
        rows: by their value.
        unsaid: the columns that are compared, but not told as shared.
        ignored: the columns that are not compared.
    """
    filled = {
        value: {name for row in group for name, asked in row.asked.items() if asked is not None} - {*ignored}
        for value, group in rows.items()
    }
    found = []
    for (one, first), (two, second) in itertools.combinations(enumerate(rows), 2):
        names = [name for name in rows[first][0].asked if name in filled[first] & filled[second]]
        groups: dict[tuple[Any, ...], list[_Row]] = {}
        for row in rows[second]:
            groups.setdefault(tuple(row.asked[name] for name in names), []).append(row)
        for row in rows[first]:
            key = tuple(row.asked[name] for name in names)
            named = zip(names, key, strict=True)
            shared = {name: value for name, value in named if value is not None and name not in unsaid}
            prompted = shared if row.prompt is None else {_PROMPT: row.prompt, **shared}
            for other in groups.get(key, ()):
                alike = prompted if row.prompt == other.prompt else shared  # also where it was not compared
                found.append(Match((row.number, other.number), (one, two), alike))
    return found


def _too_few(rows: Mapping[Any, Sequence[_Row]], by: str, *, has_clips: bool) -> str:
    if not has_clips:
        return "The table has no finished clips, so there is nothing to rate: wait until its jobs have ended."
    if not rows:
        return f"None of the finished clips has a value in the column {by}, so there is nothing to compare."
    return (
        f"All finished clips have the same {by}, {as_text(next(iter(rows)))!r}; a rating compares at least two values. "
        "Choose another column for by."
    )


def _no_pairs(rows: Mapping[Any, Sequence[_Row]], by: str, *, identical: bool) -> str:
    if identical:
        return f"The clips that differ in {by} are the same video, byte for byte, so there is nothing to compare."
    alone, varied = _what_differs(rows)
    if alone:
        columns = listing(alone)
        return (
            f"No two clips with another {by} share everything else: they also differ in {columns}. Make clips that "
            f"share it, rate by={alone[0]!r}, or leave it out of the comparison: "
            f"df.drop(columns={alone[0]!r}).decart.rate(by={by!r})."
        )
    return (
        f"No two clips with another {by} share everything else: they differ in {listing(varied)} too. Make clips that "
        "share these columns, or drop those that should not count from the table."
    )


def _what_differs(rows: Mapping[Any, Sequence[_Row]]) -> tuple[list[str], list[str]]:
    """The columns each of which alone keeps rows of different values apart, and all columns that vary."""
    names = list(next(iter(rows.values()))[0].asked)
    varied = [name for name in names if len({row.asked[name] for group in rows.values() for row in group}) > 1]
    return [name for name in names if _matches(rows, (), (name,))], varied


def _values(column: pd.Series) -> list[Any]:
    """The values of a column: ``None`` where missing, text for values that cannot be hashed."""
    return [None if is_missing(value) else _hashable(value) for value in column.tolist()]


def _hashable(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return as_text(value)
    return value


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool)) else as_text(value)


def _digest(clip: Clip) -> str:
    if clip.sha256:
        return clip.sha256
    try:
        with clip.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidInputError(
            f"{clip.path.name} cannot be read, and the table has no digest of it: {os_reason(error)}."
        ) from None
