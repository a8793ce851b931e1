"""Faults on demand: what the local queue does wrong when it is told to, how often, and repeatably.

===================  ===========  ================================================================
fault                hits         what happens
===================  ===========  ================================================================
``429``              any call     429, and no word about when to come back
``429-retry-after``  any call     429, to come back after a second
``500``              any call     500
``502``              any call     502, with a gateway's HTML page
``503``              any call     503, in the service's own JSON
``reset-before``     any call     the connection is reset before anything is done
``reset-after``      any call     the connection is reset in place of the answer
``stall``            any call     no answer for five minutes, and then a reset
``malformed``        any call     200, and a JSON object that breaks off
``503-bare``         any call     503, with a gateway's HTML page, and no word about when to come back
``408``              any call     408, with a gateway's HTML page
``409``              any call     409, likewise
``425``              any call     425, likewise
``499``              any call     499, likewise
``taken-408``        submissions  408, with a gateway's HTML page, after the job was taken
``taken-502``        submissions  502, likewise
``taken-503``        submissions  503, likewise
``404``              early polls  404 for a job that was submitted less than two seconds ago
``cut``              downloads    the connection is closed after half of the answer
``failed``           jobs         the job is worked on, and fails at its end
===================  ===========  ================================================================

*Any call* is a submission, a poll or a download; what else the queue speaks is left alone, and a call meets one fault
at most. A submission that meets one of :data:`TAKEN` (``reset-after``, ``stall``, ``malformed``, ``taken-…``) is taken,
and counts: only the answer is lost. Under all others it never was. A poll or a download does nothing but meet its
fault, and counts as none, except that a cut download is one.
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
#: fault → what it hits.
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
#: The faults under which a submission is taken, though its answer does not say so.
TAKEN = frozenset({"reset-after", "stall", "malformed", "taken-408", "taken-502", "taken-503"})


@dataclass(frozen=True)
class Faults:
    """How often each fault comes.

    Attributes:
        rates: from 0 to 1, by the fault's name: the share of what it hits.
        seed: what chance follows. The same seed gives the same call the same fault.

    Raises:
        LocalQueueError: no fault has such a name, or a rate is none, or rates add up to more than 1.
    """

    rates: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

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
            if total > 1 + 1e-9:  # ten times 0.1 is 1 to a person
                raise LocalQueueError(
                    f"Faults of one {call} exclude one another: their rates add up to {total:g}, over 1."
                )

    @classmethod
    def parse(cls, text: str) -> Self:
        """What the command line says.

        Args:
            text: such as ``429:0.05,reset-after:0.02,seed:7``.

        Raises:
            LocalQueueError: it cannot be read, or says what cannot be.
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

    def of(self, call: Call, number: int) -> str | None:
        """The fault that a call meets, if any.

        Args:
            call: what sort of call.
            number: how many of its sort were before it.
        """
        lot = random.Random(f"{self.seed} {call} {number}").random()
        for name, rate in self.rates.items():
            if call in HITS[name]:
                lot -= rate
                if lot < 0:
                    return name
        return None


def _rate(text: str) -> float:
    """What a text says, and no rate at all if that is not a number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


class Lots:
    """Numbers the calls, and draws each one's fault. Any thread may draw.

    Attributes:
        drawn: how often each fault that may come has come.
        calls: how many there were of each sort.
    """

    def __init__(self, faults: Faults) -> None:
        self.drawn = Counter(dict.fromkeys(faults.rates, 0))
        self._faults = faults
        self.calls: Counter[Call] = Counter()
        self._lock = threading.Lock()

    def draw(self, call: Call) -> str | None:
        """The fault of the next call of that sort, which then counts as served."""
        with self._lock:
            name = self._faults.of(call, self.calls[call])
            self.calls[call] += 1
            if name:
                self.drawn[name] += 1
        return name
