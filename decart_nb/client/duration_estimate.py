"""When to look again, and how far along a job may be: pure functions of how long such jobs took.

A poll costs something, and so does every second that a finished job waits to be found. Where λ is the delay that one
would accept to save a poll, and h(t) the chance that a job of age t ends in the next second, it is best to poll √(h/2λ)
times a second (Keller, Management Science 21, 1974): hardly ever while no job ends, often when most do.
"""

from __future__ import annotations

import bisect
import math
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple, Self

#: Decart fails a job after ten minutes; a minute on top covers the clocks and the last poll.
DEADLINE = 660.0
#: Right after a submission a job may not have reached every server yet: until then a 404 means nothing.
PROPAGATION = 30.0
#: λ, the delay that is accepted to save a poll, in seconds (benchmarks/polling.py).
WORTH = 0.092

_LONGEST_GAP = 15.0
#: Also what takes minutes is asked after a minute, since it may have failed at once.
_LATEST_START = 60.0
#: The share of jobs that may have ended before anybody looks.
_EARLIEST = 0.02
_STEP = 0.5

#: What is learned from: so many of the newest jobs, and no duration that the service does not allow.
_MEMORY = 50
_SHORTEST, _LONGEST = 0.05, 600.0
#: The spread of a few durations says little: it counts as if so many others had had the usual one.
_USUAL_SPREAD, _SPREAD_WEIGHT = 0.3, 3.0
#: As if a quarter of a job had been like none of the others: the longer the history, the less room for surprises.
_STRANGE = 0.25
#: Where a kind of which little is known may lie, in standard deviations; and how much less likely is left out.
_PLACES = [step / 3 for step in range(-8, 9)]
_LIKELY = 7.0
#: How much of input lengths has to vary before they explain anything.
_RIDGE = 0.2

#: Seconds that a job took, and seconds of video that went into it, where that is known.
Past = tuple[float, float | None]


class _Kind(NamedTuple):
    """One kind of job: its share, and where the logarithm of its seconds lies, and how far spread."""

    share: float
    centre: float
    spread: float


@dataclass(frozen=True)
class Estimate:
    """How long a job takes, in seconds: one kind of job or several, each lognormal.

    Attributes:
        kinds: the kinds, whose shares add up to 1.
        floor: the least seconds between two polls of a job.
    """

    kinds: tuple[_Kind, ...]
    floor: float = 1.0

    @classmethod
    def around(cls, seconds: float, spread: float, floor: float = 1.0) -> Self:
        """An estimate by hand.

        Args:
            seconds: what half of the jobs take at most.
            spread: the standard deviation of the seconds' logarithm.
            floor: the least seconds between two polls.
        """
        return cls((_Kind(1.0, math.log(seconds), spread),), floor)

    def after(
        self, history: Iterable[Past], input_seconds: float | None = None, running: Collection[float] = ()
    ) -> Self:
        """What is to be expected after the jobs of a history; the fewer they are, the more is left of this estimate.

        Args:
            history: the model's finished jobs, oldest first.
            input_seconds: how many seconds of video go into the job, if any.
            running: how old those under way are, this one among them, in seconds. Until one of them has ended, the
                others say that it takes longer.
        """
        past = [(_held(took), length) for took, length in history if took > 0][-_MEMORY:]
        if not past:
            return replace(self, kinds=tuple(_outlived(self.kinds, running))) if len(running) > 1 else self
        strange = _STRANGE / (len(past) + _STRANGE)
        expected = _kinds(sorted(_for_length(past, input_seconds)), 1 - strange)
        unexpected = (kind._replace(share=kind.share * strange) for kind in self.kinds)
        return replace(self, kinds=(*expected, *unexpected))

    @cached_property
    def usual(self) -> tuple[float, float]:
        """From how many seconds to how many eight in ten jobs take."""
        return self._quantile(0.1), self._quantile(0.9)

    @cached_property
    def first(self) -> float:
        """The age at which a job is asked for the first time: before that hardly any has ended."""
        return max(self.floor, min(_LATEST_START, self._quantile(_EARLIEST)))

    def progress(self, elapsed: float) -> float:
        """How much of a job may be done, from 0 to just under 1: it never goes back, and never says that all is.

        Args:
            elapsed: seconds since the submission.
        """
        share = max(0.0, elapsed) / self.usual[1]
        return 0.9 * share if share < 1 else 0.95 - 0.05 * math.exp(1 - share)

    def gap(self, age: float) -> float:
        """Seconds until the next poll of a job of that age."""
        if (left := self.first - age) >= self.floor:
            return left
        # The next poll is due when the polls a second have added up to one.
        now = min(DEADLINE, max(0.0, -left)) / _STEP
        due, step = self._polls_due(now + _LONGEST_GAP / _STEP), int(now)
        wanted = due[step] + (now - step) * (due[step + 1] - due[step]) + 1
        after = bisect.bisect_left(due, wanted)
        over = (due[after] - wanted) / (due[after] - due[after - 1]) if after < len(due) else 0.0
        return max(self.floor, min(_LONGEST_GAP, (after - over - now) * _STEP))

    def _polls_due(self, steps: float) -> list[float]:
        """How many polls are due from the first one on, after so many steps at least."""
        due = self._dues
        while len(due) < steps + 2:
            age = self.first + (len(due) - 0.5) * _STEP
            due.append(due[-1] + _STEP * min(1 / self.floor, math.sqrt(self._hazard(age) / (2 * WORTH))))
        return due

    @cached_property
    def _dues(self) -> list[float]:
        return [0.0]

    def _hazard(self, age: float) -> float:
        """The chance a second that a job ends which has not ended yet."""
        at, ending, left = math.log(age), 0.0, 0.0
        for share, centre, spread in self.kinds:
            z = (at - centre) / spread
            ending += share * math.exp(-z * z / 2) / (spread * age * math.sqrt(2 * math.pi))
            left += share * _beyond(z)
        return ending / left if left else 0.0

    def _quantile(self, share: float) -> float:
        """The seconds within which that share of jobs ends."""
        low, high = math.log(_SHORTEST) - 1, math.log(_LONGEST) + 1
        for _ in range(30):
            middle = (low + high) / 2
            ended = sum(kind.share * (1 - _beyond((middle - kind.centre) / kind.spread)) for kind in self.kinds)
            low, high = (middle, high) if ended < share else (low, middle)
        return math.exp(high)


def _beyond(z: float) -> float:
    """The share of a normal distribution that lies above z standard deviations."""
    return math.erfc(z / math.sqrt(2)) / 2


def _held(seconds: float) -> float:
    return math.log(min(_LONGEST, max(_SHORTEST, seconds)))


def _outlived(kinds: Iterable[_Kind], running: Collection[float]) -> Iterator[_Kind]:
    """What is left of kinds when jobs that are all alike have lived that long.

    How far spread a kind is says how little is known of it: it may be any of several that are as narrow as one usually
    is, each of which is as likely as it is likely that all of the jobs have outlived it so far.
    """
    ages = [_held(age) for age in sorted(running)[:: -(-len(running) // _MEMORY)]]
    each = (len(running) - 1) / len(ages)  # some stand for all, but for the one whose estimate it is
    chances: dict[_Kind, float] = {}
    for share, centre, spread in kinds:
        apart = math.sqrt(max(0.0, spread**2 - _USUAL_SPREAD**2))
        for z in _PLACES:
            kind = _Kind(share, centre + z * apart, min(spread, _USUAL_SPREAD))
            lived = (_beyond((age - kind.centre) / kind.spread) or sys.float_info.min for age in ages)
            chances[kind] = math.log(share) - z * z / 2 + sum(map(math.log, lived)) * each
    best = max(chances.values())
    weights = {kind: math.exp(chance - best) for kind, chance in chances.items() if chance > best - _LIKELY}
    for kind, weight in weights.items():
        yield kind._replace(share=weight / sum(weights.values()))


def _for_length(past: Sequence[Past], input_seconds: float | None) -> Iterator[float]:
    """The logarithms of what jobs took, as if each had had an input of that length.

    They may take the same for every length, or so many seconds for each of input, or a part of both: a power of the
    length between 0 and 1, fitted by least squares, and drawn to 0 where the lengths hardly differ.
    """
    known = [math.log(length) for _, length in past if length]
    usual = sum(known) / len(known) if known else 0.0
    away = [math.log(length) - usual if length else 0.0 for _, length in past]
    explained = sum(x * took for x, (took, _) in zip(away, past, strict=True))
    power = min(1.0, max(0.0, explained / (sum(x * x for x in away) + _RIDGE)))
    here = math.log(input_seconds) - usual if input_seconds and known else 0.0
    for x, (took, _) in zip(away, past, strict=True):
        yield took + power * (here - x)


def _kinds(logs: Sequence[float], share: float) -> Iterator[_Kind]:
    """One kind for sorted logarithms, or several, where they clearly fall apart."""
    sums = list(accumulate(logs, initial=0.0))
    squares = list(accumulate((log * log for log in logs), initial=0.0))
    size = len(logs)

    def fit(start: int, end: int) -> tuple[float, float, float]:
        """Centre, spread, and what they leave unexplained: the negative log likelihood, up to a constant."""
        count = end - start
        centre = (sums[end] - sums[start]) / count
        off = max(0.0, squares[end] - squares[start] - count * centre * centre)
        variance = (off + _SPREAD_WEIGHT * _USUAL_SPREAD**2) / (count + _SPREAD_WEIGHT)
        return centre, math.sqrt(variance), count * (math.log(variance) / 2 - math.log(count / size))

    centre, spread, whole = fit(0, size)
    costs = ((fit(0, cut)[2] + fit(cut, size)[2], cut) for cut in range(2, size - 1))
    parted, cut = min(costs, default=(whole, 0))
    if parted < whole - 1.5 * math.log(size):  # three more numbers have to earn their place
        for part in (logs[:cut], logs[cut:]):
            yield from _kinds(part, share * len(part) / size)
    else:
        yield _Kind(share, centre, spread)


#: What is expected of a service about which nothing is known, and of the local queue.
LIVE = Estimate.around(20.0, 1.0)
LOCAL = Estimate.around(2.0, 0.8)
