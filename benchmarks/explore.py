"""Measures how often an exploration is wrong, and how much it makes, for simulated raters.

A rater prefers one model with a given probability, and calls some pairs a tie. Rows and votes are numbers here; which
rows are made next, and what the votes decide, comes from the code that explores a sweep. Beside it stand a sweep of all
rows, and the same exploration if it stopped at the first 95 % interval without one half in it, as whoever peeks does.
Run with ``python -m benchmarks.explore [REPETITIONS]``.
"""

from __future__ import annotations

import functools
import math
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from decart_nb.adaptive.blocks import Limits, Values, blocks_of, next_batch
from decart_nb.adaptive.sequential import decision
from decart_nb.rating.pairs import Match
from decart_nb.rating.tally import proportion_interval

REPETITIONS = 1000
ERROR_RATE = 0.05
PROMPTS, SEEDS, BATCH, TIED = 50, 2, 4, 0.1
#: The probability that the better of two models is preferred.
PREFERENCES = (0.5, 0.6, 0.7, 0.8, 0.9)
#: The probability that the model is preferred that is the better one at a prompt.
ONE_SIDED = 0.9
#: Says which of two values is better, from the votes on them and the error rate.
Rule = Callable[[Sequence[int], float], int]


class Outcome(NamedTuple):
    """One exploration: what it has decided, and how many rows of each value it has made."""

    decisions: Mapping[Values, int]
    made: Sequence[int]


def explore(
    preferred: Mapping[Values, float], chance: random.Random, *, rule: Rule = decision, error_rate: float = ERROR_RATE
) -> Outcome:
    """Explore a sweep of some values × prompts × seeds.

    Args:
        preferred: the probability that the first of two values is preferred, for each two.
        chance: the rater's.
        rule: decides.
        error_rate: the promised one.
    """
    size = 1 + max(second for _, second in preferred)
    blocks = blocks_of(sweep(size), str(chance.random()))
    votes: dict[Values, list[int]] = {values: [] for values in preferred}
    decisions = dict.fromkeys(preferred, 0)
    there: set[int] = set()
    rows = set(range(size * PROMPTS * SEEDS))
    while undecided := [values for values, better in decisions.items() if not better]:
        batch = next_batch(
            blocks,
            BATCH,
            undecided=undecided,
            there=there,
            possible=rows - there,
            paid=(),
            costs=[0.0] * len(rows),
            limits=Limits(),
        )
        if not batch.rows:
            break
        there.update(batch.rows)
        new = set(batch.rows)
        for match in (match for block in blocks for match in block):
            if match.values in undecided and new.issuperset(match.rows) and not decisions[match.values]:
                votes[match.values].append(vote(preferred[match.values], chance))
                decisions[match.values] = rule(votes[match.values], error_rate / len(preferred))
    return Outcome(decisions, [sum(row % size == value for row in there) for value in range(size)])


@functools.cache
def sweep(size: int) -> list[Match]:
    """The matches of a sweep: the row of value v in block b has the number b · size + v."""
    pairs = [(one, two) for one in range(size) for two in range(one + 1, size)]
    return [
        Match((block * size + one, block * size + two), (one, two), {"prompt": block // SEEDS, "seed": block % SEEDS})
        for block in range(PROMPTS * SEEDS)
        for one, two in pairs
    ]


def vote(preferred: float, chance: random.Random) -> int:
    """A vote: 1, -1, or 0 for a tie."""
    if chance.random() < TIED:
        return 0
    return 1 if chance.random() < preferred else -1


def peek(votes: Sequence[int], error_rate: float) -> int:
    """The decision of whoever looks at a 95 % interval after each vote, from the sixth on."""
    decided = [one for one in votes if one]
    wins = decided.count(1)
    low, high = proportion_interval(wins, len(decided))
    return 0 if len(decided) < 6 else (low > 0.5) - (high < 0.5)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)
    print()


def two_models(repetitions: int) -> None:
    """Print how often the decision about two models is wrong, and what it has cost."""
    full = 2 * PROMPTS * SEEDS
    print(
        f"Two models × {PROMPTS} prompts × {SEEDS} seeds, promised error rate {ERROR_RATE:.0%}, {TIED:.0%} ties, "
        f"{repetitions:,} explorations each; a full sweep makes {full} rows\n"
    )
    rows = []
    for preferred in PREFERENCES:
        shown = [f"{preferred:.0%}"]
        for rule in (decision, peek):
            chance = random.Random(round(1000 * preferred))
            outcomes = [explore({(0, 1): preferred}, chance, rule=rule) for _ in range(repetitions)]
            said = [outcome.decisions[0, 1] for outcome in outcomes]
            wrong = sum(better == -1 or (better == 1 and preferred == 0.5) for better in said) / repetitions
            made = sum(sum(outcome.made) for outcome in outcomes) / repetitions
            margin = 1.96 * math.sqrt(wrong * (1 - wrong) / repetitions)
            shown.append(f"{wrong:.1%} ± {margin:.1%}")
            if rule is decision:
                shown += [f"{said.count(0) / repetitions:.0%}", f"{made:.0f}", f"{made / full:.0%}"]
        rows.append(shown)
    heads = [
        "preferred in",
        "wrong",
        "undecided",
        "rows made",
        "of a full sweep",
        "wrong, if one peeked at 95 % intervals",
    ]
    table(heads, rows)


def three_models(repetitions: int) -> None:
    """Print how many rows of each of three models are made where one is clearly worse."""
    preferred: dict[Values, float] = {(0, 1): 0.6, (0, 2): 0.95, (1, 2): 0.95}
    chance = random.Random(3)
    outcomes = [explore(preferred, chance) for _ in range(repetitions)]
    print(
        "Three models: A is preferred to B in 60 %, and each of both to C in 95 %. "
        f"A full sweep makes {PROMPTS * SEEDS} rows of each.\n"
    )
    rows = []
    for value, name in enumerate("ABC"):
        made = sum(outcome.made[value] for outcome in outcomes) / repetitions
        rows.append([name, f"{made:.0f}", f"{made / (PROMPTS * SEEDS):.0%}"])
    table(["model", "rows made", "of a full sweep"], rows)
    wrong = sum(-1 in outcome.decisions.values() for outcome in outcomes) / repetitions
    print(f"Any decision wrong in {wrong:.1%} of the explorations.")


def prompts_and_seeds(repetitions: int) -> None:
    """Print how often two models are called different that are equal over all prompts, but not at any one of them."""
    chance = random.Random(4)
    print(
        f"Two models, one of which is preferred in {ONE_SIDED:.0%} at half of all prompts, the other at the others. "
        "A decision is wrong about the sweep's own prompts if the better one there is called worse, or none is better; "
        "about all prompts, any decision is wrong.\n"
    )
    rows = []
    for prompts, seeds in ((100, 1), (50, 2), (20, 5), (10, 20)):
        wrong_here = wrong = 0
        for _ in range(repetitions):
            preferred = [chance.choice((ONE_SIDED, 1 - ONE_SIDED)) for _ in range(prompts)]
            turns = [probability for _ in range(seeds) for probability in chance.sample(preferred, prompts)]
            better = decision([1 if chance.random() < probability else -1 for probability in turns], ERROR_RATE)
            lead = sum(preferred) / prompts - 0.5
            wrong += better != 0
            wrong_here += better != 0 and better * lead <= 1e-9
        rows.append([f"{prompts}", f"{seeds}", f"{wrong_here / repetitions:.1%}", f"{wrong / repetitions:.1%}"])
    table(["prompts", "seeds of each", "wrong about these prompts", "wrong about all prompts"], rows)


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else REPETITIONS
    two_models(repetitions)
    three_models(repetitions)
    prompts_and_seeds(repetitions)


if __name__ == "__main__":
    main()
