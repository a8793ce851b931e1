"""Faults that the local queue can simulate, with their rates, and the reproducible schedule that picks them.

===================  ===========  ================================================================
fault                hits         what happens
===================  ===========  ================================================================
``429``              any call     429 without ``Retry-After``
``429-retry-after``  any call     429 with ``Retry-After: 1``
``500``              any call     500
``502``              any call     502, with a gateway's HTML page
``503``              any call     503, in the service's own JSON
``reset-before``     any call     the connection is reset before the request is handled
``reset-after``      any call     the connection is reset; a submission is accepted before that
``stall``            any call     no response for five minutes, and then a reset
``malformed``        any call     200 with truncated JSON
``503-bare``         any call     503, with a gateway's HTML page, without ``Retry-After``
``408``              any call     408, with a gateway's HTML page
``409``              any call     409, likewise
``425``              any call     425, likewise
``499``              any call     499, likewise
``taken-408``        submissions  408, with a gateway's HTML page, after the job was accepted
``taken-502``        submissions  502, likewise
``taken-503``        submissions  503, likewise
``404``              early polls  404 for a job that was submitted less than two seconds ago
``cut``              downloads    the connection is closed after half of the body
``failed``           jobs         the job is processed, and ends as failed
===================  ===========  ================================================================

*Any call* is a submission, a poll or a download. Other routes never fail, and a call gets at most one fault. A
submission with a fault of :data:`TAKEN` (``reset-after``, ``stall``, ``malformed``, ``taken-…``) is accepted and
counted: only its response is lost. Under every other fault it is not accepted. A poll or a download with a fault is
not served and not counted, except that a ``cut`` download is.
"""

from __future__ import annotations

import math
import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self, get_args

from .._util.text import did_you_mean
from ..errors import LocalQueueError

Call = Literal["submission", "early poll", "poll", "download", "job"]

_ANY: tuple[Call, ...] = ("submission", "early poll", "poll", "download")
#: fault → the calls that it can affect.
HITS: dict[str, tuple[Call, ...]] = {
    "429": _ANY,
    "429-retry-after": _ANY,
    "500": _ANY,
    "502": _ANY,
    "503": _ANY,
    "reset-before": _ANY,
    "reset-after": _ANY,
    "stall": _ANY,
    "malformed": _ANY,
    "503-bare": _ANY,
    "408": _ANY,
    "409": _ANY,
    "425": _ANY,
    "499": _ANY,
    "taken-408": ("submission",),
    "taken-502": ("submission",),
    "taken-503": ("submission",),
    "404": ("early poll",),
    "cut": ("download",),
    "failed": ("job",),
}
#: The faults after which a submission has been accepted, although the client gets no valid response.
TAKEN = frozenset({"reset-after", "stall", "malformed", "taken-408", "taken-502", "taken-503"})


@dataclass(frozen=True)
class Faults:
    """The rate of each fault, the seed of the random choice, and how long some faults last.

    Attributes:
        rates: fault → the share of affected calls, from 0 to 1.
        seed: seeds the choice: the n-th call of a kind always gets the same fault under the same seed.
        early: the seconds after its submission in which a poll of a job is an early poll.
        stall: the seconds that a stalled call stays without a response; by default, longer than clients wait.

    Raises:
        LocalQueueError: a name is unknown, a rate is not from 0 to 1, or the rates of one kind of call exceed 1.
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    early: float = 2.0
    stall: float = 300.0

    def __post_init__(self) -> None:
        for name, rate in self.rates.items():
            if name not in HITS:
                raise LocalQueueError(
                    f"There is no fault {name!r}.{did_you_mean(name, HITS)} The faults are {', '.join(HITS)}."
                )
            if not 0 <= rate <= 1:
                raise LocalQueueError(f"The rate of {name} must be a number from 0 to 1.")
        for call in get_args(Call):
            total = sum(rate for name, rate in self.rates.items() if call in HITS[name])
            if total > 1 + 1e-9:  # ten times 0.1 is not exactly 1
                raise LocalQueueError(
                    f"Faults of one {call} exclude one another: their rates add up to {total:g}, over 1."
                )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parses the value of ``--faults``.

        Args:
            text: such as ``429:0.05,reset-after:0.02,seed:7``.

        Raises:
            LocalQueueError: the text is malformed, or its rates are not valid.
        """
        given: dict[str, str] = {}
        for part in text.split(","):
            name, _, value = (word.strip() for word in part.partition(":"))
            if name in given:
                raise LocalQueueError(f"{name} is given twice in {text!r}.")
            given[name] = value
        seed = given.pop("seed", "0")
        if not seed.removeprefix("-").isdecimal():
            raise LocalQueueError(f"The seed of the faults must be a whole number, not {seed!r}.")
        return cls({name: _rate(value) for name, value in given.items()}, int(seed))

    def fault_for(self, call: Call, number: int) -> str | None:
        """The fault of one call, or ``None``. The same arguments always give the same answer.

        Args:
            call: the kind of call.
            number: how many calls of that kind came before it.
        """
        chance = random.Random(f"{self.seed} {call} {number}").random()
        for name, rate in self.rates.items():
            if call in HITS[name]:
                chance -= rate
                if chance < 0:
                    return name
        return None


def _rate(text: str) -> float:
    """The number in a text, or NaN, which no rate may be."""
    try:
        return float(text)
    except ValueError:
        return math.nan


class FaultSchedule:
    """Counts the calls of each kind and picks the fault of each. Thread-safe.

    Attributes:
        faults: which faults there are.
        fault_counts: how often each configured fault has occurred.
        call_counts: how many calls of each kind there were.
    """

    def __init__(self, faults: Faults) -> None:
        self.fault_counts = Counter(dict.fromkeys(faults.rates, 0))
        self.faults = faults
        self.call_counts: Counter[Call] = Counter()
        self._lock = threading.Lock()

    @property
    def is_active(self) -> bool:
        """Whether any fault is configured."""
        return bool(self.fault_counts)

    def next_fault(self, call: Call) -> str | None:
        """Counts one call of that kind, and returns its fault or ``None``."""
        with self._lock:
            name = self.faults.fault_for(call, self.call_counts[call])
            self.call_counts[call] += 1
            if name:
                self.fault_counts[name] += 1
        return name
