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
#: The statuses of one that has ended.
ENDED = ("decided", "limit reached", "all made", "stopped", "failed")


@dataclass(frozen=True)
class Facts:
    """The progress of an exploration at one moment.

    Attributes:
        status: see :data:`Status`.
        votes: how many votes the rater has given.
        open_pairs: how many pairs of clips wait for a vote.
        decided: how many pairs of values are decided.
        compared: how many there are.
        made: how many rows have a video.
        rows: how many there are that can be compared.
        running: how many are being made.
        spent: in USD, an estimate.
        budget: in USD; ``None`` if there is none.
        payment: whether costs are paid.
        error: why it has failed.
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


def sentence(facts: Facts) -> str:
    """The progress of an exploration, as one sentence without a full stop."""
    votes = counted(facts.votes, "vote")
    if facts.open_pairs and facts.status not in ENDED:
        votes += f", {counted(facts.open_pairs, 'pair')} to rate"
    return "; ".join(part for part in (votes, _decided(facts), _made(facts), _status(facts)) if part)


def _decided(facts: Facts) -> str:
    if facts.compared > 1:
        return f"{facts.decided} of {facts.compared} comparisons decided"
    return f"it is {'' if facts.decided else 'not yet '}decided which of the two is better"


def _made(facts: Facts) -> str:
    rows = f"{facts.made:,} of {counted(facts.rows, 'row')} made"
    if not facts.spent and facts.budget is None:
        return rows
    spent = about(facts.spent) if facts.spent else "$0.00"
    limit = "" if facts.budget is None else f" of {usd(facts.budget)}"
    return f"{rows}, {spent}{limit}{', rehearsed' * (facts.payment == 'rehearsed')}"


def _status(facts: Facts) -> str:
    match facts.status:
        case "making":
            return f"making {facts.running or 'more'}" if facts.open_pairs else "the next clips are being made"
        case "limit reached":
            return "ended, since the limit does not allow for more"
        case "all made":
            return (
                f"ended, since {'all rows are made' if facts.made == facts.rows else 'no more can be made'} and rated"
            )
        case "stopped":
            return "stopped; the same call goes on"
        case "failed":
            return f"ended by an error: {facts.error}"
    return ""


def comparison_table(values: Sequence[Any], verdicts: Mapping[Values, Verdict]) -> pd.DataFrame:
    """The verdicts as a table, a row for each pair of values.

    Args:
        values: of the compared input, by their numbers.
        verdicts: by the numbers of two values.
    """
    import pandas as pd

    from ..job.printable_frame import PrintableFrame

    better = {0: None, 1: 0, -1: 1}
    rows = [
        {
            "value": values[pair[0]],
            "other": values[pair[1]],
            "wins": said.wins,
            "losses": said.losses,
            "ties": said.ties,
            "low": said.low,
            "high": said.high,
            "better": None if (side := better[said.better]) is None else values[pair[side]],
        }
        for pair, said in verdicts.items()
    ]
    names = ["value", "other", "wins", "losses", "ties", "low", "high", "better"]
    table = PrintableFrame(rows, columns=names)
    table["better"] = pd.Series([row["better"] for row in rows], dtype="object")
    return table
