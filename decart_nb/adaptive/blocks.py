"""Which rows of a sweep are made next: blocks of rows that share everything but the compared input.

A block is made as a whole, so that no row is paid that cannot be compared with another.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..rating.pairs import Match

_PROMPT, _SEED = "prompt", "seed"
#: USD that are lost when costs are added.
_ROUNDING = 1e-9
#: Two values of the compared input, by their numbers, the lower one first.
Values = tuple[int, int]


@dataclass(frozen=True)
class Limits:
    """What may still be made.

    Attributes:
        money: in USD; ``None`` if there is no limit.
        rows: how many rows; ``None`` if there is no limit.
    """

    money: float | None = None
    rows: int | None = None


class Batch(NamedTuple):
    """The rows that are to be made next.

    Attributes:
        rows: their numbers.
        limited: whether the limits have left a block out.
    """

    rows: list[int]
    limited: bool


def independent_matches(matches: Sequence[Match], first: Mapping[int, int]) -> list[Match]:
    """The matches in which no row is compared twice with rows of the same other value.

    Two votes about one clip are not two independent observations.

    Args:
        matches: of a sweep's rows.
        first: for a row with the same request as an earlier one, that row's number.
    """
    kept: list[Match] = []
    used: set[tuple[Values, int]] = set()
    for match in matches:
        one, two = (first.get(number, number) for number in match.rows)
        places = {(match.values, one), (match.values, two)}
        if one != two and not places & used:
            used |= places
            kept.append(Match((one, two), match.values, match.shared))
    return kept


def blocks_of(matches: Sequence[Match], seed: str) -> list[list[Match]]:
    """The blocks in the order in which they are made, as lists of matches.

    The order is random, with those first whose prompt has not come before; without one prompt, as where a template is
    filled in or prompts are compared, those whose other inputs have not, whatever their seed.

    Args:
        matches: as :func:`independent_matches` returns them.
        seed: the same one gives the same order.
    """
    parent: dict[int, int] = {}

    def root(number: int) -> int:
        while (above := parent.setdefault(number, number)) != number:
            parent[number] = number = parent[above]
        return number

    for match in matches:
        one, two = match.rows
        parent[root(one)] = root(two)
    found: dict[int, list[Match]] = {}
    for match in matches:
        found.setdefault(root(match.rows[0]), []).append(match)
    blocks = [*found.values()]
    random.Random(seed).shuffle(blocks)
    seen: Counter[object] = Counter()
    turns: list[int] = []
    for block in blocks:
        shared = {name: value for name, value in block[0].shared.items() if name != _SEED}
        kind = str(shared.get(_PROMPT, shared))
        turns.append(seen[kind])
        seen[kind] += 1
    return [block for _, block in sorted(zip(turns, blocks, strict=True), key=lambda turn: turn[0])]


def next_batch(
    blocks: Sequence[Sequence[Match]],
    count: int,
    *,
    undecided: Collection[Values],
    there: Collection[int],
    possible: Collection[int],
    paid: Collection[int],
    costs: Sequence[float | None],
    limits: Limits,
) -> Batch:
    """The rows of the next blocks.

    Args:
        blocks: in their order.
        count: how many blocks, at most.
        undecided: the pairs of values that are not told apart yet: only their rows are made.
        there: the rows that have a clip.
        possible: the rows that can be made.
        paid: those of them that have a job already, which costs nothing more.
        costs: the expected cost of each row in USD, ``None`` where it is unknown.
        limits: blocks that would exceed them are left out.
    """
    batch: list[int] = []
    spent, chosen, count_new, limited = 0.0, 0, 0, False
    for block in blocks:
        wanted: dict[int, None] = {}
        for match in block:
            if match.values in undecided and all(row in there or row in possible for row in match.rows):
                wanted |= dict.fromkeys(row for row in match.rows if row not in there)
        if not wanted:
            continue
        if chosen == count:
            break
        new = [row for row in wanted if row not in paid]
        cost = sum(costs[row] or 0.0 for row in new)
        over = limits.money is not None and bool(new) and spent + cost > limits.money + _ROUNDING
        if over or (limits.rows is not None and count_new + len(new) > limits.rows):
            limited = True
            continue
        batch += wanted
        spent, chosen, count_new = spent + cost, chosen + 1, count_new + len(new)
    return Batch(batch, limited)
