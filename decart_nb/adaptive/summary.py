"""An exploration as sentences and as a table. The sentences name no compared value: they stand beside blind votes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .._util.text import counted
from ..job.money import Payment, about, usd
from .blocks import Values
from .sequential import Verdict

if TYPE_CHECKING:
    import pandas as pd

#: What an exploration does, or why it has ended.
Status = Literal["making", "rating", "decided", "limit reached", "all made", "stopped", "failed"]
#: The statuses of an exploration that has ended.
ENDED = ("decided", "limit reached", "all made", "stopped", "failed")


@dataclass(frozen=True)
class ExplorationProgress:
    """The progress of an exploration at one moment.

    Attributes:
        status: see :data:`Status`.
        votes: how many votes the rater has given.
        open_pairs: how many pairs of clips wait for a vote.
        decided: how many pairs of values are decided.
        compared: how many pairs of values there are.
        made: how many rows have a video.
        rows: how many rows can be compared.
        running: how many rows are being made.
        spent: what the rows have cost, in USD, an estimate.
        budget: the most that they may cost, in USD; ``None`` if there is no limit.
        payment: whether costs are paid.
        error: why the exploration has failed.
    """

    status: Status
    votes: int
    open_pairs: int
    decided: int
    compared: int
    made: int
    rows: int
    running: int
    spent: float
    budget: float | None
    payment: Payment
    error: str = ""


def sentence(progress: ExplorationProgress) -> str:
    """The progress of an exploration, as one sentence without a full stop."""
    votes = counted(progress.votes, "vote")
    if progress.open_pairs and progress.status not in ENDED:
        votes += f", {counted(progress.open_pairs, 'pair')} to rate"
    return "; ".join(part for part in (votes, _decided(progress), _made(progress), _status(progress)) if part)


def _decided(progress: ExplorationProgress) -> str:
    if progress.compared > 1:
        return f"{progress.decided} of {progress.compared} comparisons decided"
    return f"it is {'' if progress.decided else 'not yet '}decided which of the two is better"


def _made(progress: ExplorationProgress) -> str:
    rows = f"{progress.made:,} of {counted(progress.rows, 'row')} made"
    if not progress.spent and progress.budget is None:
        return rows
    spent = about(progress.spent) if progress.spent else "$0.00"
    limit = "" if progress.budget is None else f" of {usd(progress.budget)}"
    return f"{rows}, {spent}{limit}{', rehearsed' * (progress.payment == 'rehearsed')}"


def _status(progress: ExplorationProgress) -> str:
    match progress.status:
        case "making":
            return f"making {progress.running or 'more'}" if progress.open_pairs else "the next clips are being made"
        case "limit reached":
            return "ended, since the limit does not allow for more"
        case "all made":
            made = "all rows are made" if progress.made == progress.rows else "no more can be made"
            return f"ended, since {made} and rated"
        case "stopped":
            return "stopped; the same call goes on"
        case "failed":
            return f"ended by an error: {progress.error}"
    return ""


def comparison_table(values: Sequence[Any], verdicts: Mapping[Values, Verdict]) -> pd.DataFrame:
    """The verdicts as a table, a row for each pair of values.

    Args:
        values: the compared values, by their numbers.
        verdicts: what the votes say of two values, by the numbers of the two.
    """
    import pandas as pd

    from ..job.printable_frame import PrintableFrame

    better = {0: None, 1: 0, -1: 1}
    rows = [
        {
            "value": values[pair[0]],
            "other": values[pair[1]],
            "wins": verdict.wins,
            "losses": verdict.losses,
            "ties": verdict.ties,
            "low": verdict.low,
            "high": verdict.high,
            "better": None if (side := better[verdict.better]) is None else values[pair[side]],
        }
        for pair, verdict in verdicts.items()
    ]
    names = ["value", "other", "wins", "losses", "ties", "low", "high", "better"]
    table = PrintableFrame(rows, columns=names)
    table["better"] = pd.Series([row["better"] for row in rows], dtype="object")
    return table
