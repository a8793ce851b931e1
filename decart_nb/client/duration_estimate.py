"""Estimates of job durations, learned from past jobs: poll intervals and progress are computed from them.

A poll has a cost, and so has every second until a finished job is noticed. With λ the delay that is acceptable to save
one poll, and h(t) the hazard rate of a job of age t, the optimal poll rate is √(h/2λ) a second (Keller, Management
Science 21, 1974): low while few jobs end, high when most do. All functions here are pure.
"""

from __future__ import annotations

import bisect
import math
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple, Self

from .._util.cached import Cached

#: Seconds after which a job is given up. Decart fails it after ten minutes; the eleventh covers clock skew and the last
#: poll.
JOB_TIMEOUT = 660.0
#: The usual λ (benchmarks/polling.py).
POLL_COST = 0.092

#: The maximum seconds between two polls of a job.
MAX_GAP = 15.0
#: The latest first poll: a job that takes minutes may have failed at once.
_LATEST_START = 60.0
#: The share of jobs that may end before the first poll.
_EARLIEST = 0.02
_STEP = 0.5

#: How many of the newest jobs are learned from, and the range that their durations are clipped to, in seconds.
_MEMORY = 50
_MIN_SECONDS, _MAX_SECONDS = 0.05, 600.0
#: A prior on a component's spread, and its weight in observations: the spread of a few durations says little.
_USUAL_SPREAD, _SPREAD_WEIGHT = 0.3, 3.0
#: The weight of the prior estimate in observations: the longer the history, the less of the prior is left.
_PRIOR_WEIGHT = 0.25
#: Candidate centres of a survived component, in standard deviations, and the log likelihood ratio to drop one at.
_CENTRES = [step / 3 for step in range(-8, 9)]
_LOG_CUTOFF = 7.0
#: Ridge penalty of the regression on input length: it explains nothing unless the lengths vary.
_RIDGE = 0.2

#: A finished job: its duration, and the length of its input video if known, both in seconds.
Observation = tuple[float, float | None]


class _Component(NamedTuple):
    """A lognormal component of the mixture: its weight, and the mean and standard deviation of the log seconds."""

    share: float
    centre: float
    spread: float


@dataclass(frozen=True)
class Estimate:
    """The distribution of a job's duration in seconds: a mixture of lognormal components.

    Attributes:
        components: their shares add up to 1.
        floor: the minimum seconds between two polls of a job.
        poll_cost: λ, the delay in seconds that is accepted to save one poll.
        history: the number of finished jobs that it was learned from. Without any, it is an assumption.
    """

    components: tuple[_Component, ...]
    floor: float = 1.0
    poll_cost: float = POLL_COST
    history: int = 0

    @classmethod
    def around(cls, seconds: float, spread: float, floor: float = 1.0, poll_cost: float = POLL_COST) -> Self:
        """An estimate of one component.

        Args:
            seconds: the median duration.
            spread: the standard deviation of the log duration.
            floor, poll_cost: as the attributes.
        """
        return cls((_Component(1.0, math.log(seconds), spread),), floor, poll_cost)

    def updated_with(
        self, history: Iterable[Observation], input_seconds: float | None = None, running: Collection[float] = ()
    ) -> Self:
        """The posterior estimate given past durations. With little history it stays close to this prior.

        Args:
            history: the model's finished jobs, oldest first.
            input_seconds: the length of the job's input video, if it has one.
            running: the ages in seconds of the jobs in flight, this one included. They count only while the history is
                empty: jobs that are still running say that this one takes longer.
        """
        past = [(_clip_log(took), length) for took, length in history if took > 0][-_MEMORY:]
        if not past:
            survived = _condition_on_survival(self.components, running) if len(running) > 1 else self.components
            return replace(self, components=tuple(survived))
        prior_share = _PRIOR_WEIGHT / (len(past) + _PRIOR_WEIGHT)
        expected = _components(sorted(_for_length(past, input_seconds)), 1 - prior_share)
        unexpected = (component._replace(share=component.share * prior_share) for component in self.components)
        return replace(self, components=(*expected, *unexpected), history=len(past))

    @Cached
    def interval(self) -> tuple[float, float]:
        """The 10th and the 90th percentile of the duration, in seconds."""
        return self._quantile(0.1), self._quantile(0.9)

    @Cached
    def first(self) -> float:
        """The age of a job, in seconds, at its first poll: hardly any ends earlier."""
        return max(self.floor, min(_LATEST_START, self._quantile(_EARLIEST)))

    def progress(self, elapsed: float) -> float:
        """Estimated progress, from 0 to just under 1: it never decreases, and never reaches 1.

        Args:
            elapsed: seconds since the submission.
        """
        share = max(0.0, elapsed) / self.interval[1]
        return 0.9 * share if share < 1 else 0.95 - 0.05 * math.exp(1 - share)

    def gap(self, age: float) -> float:
        """Seconds until the next poll of a job of this age."""
        if (left := self.first - age) >= self.floor:
            return left
        # The next poll is due when the integral of the poll rate has grown by one.
        now = min(JOB_TIMEOUT, max(0.0, -left)) / _STEP
        due, step = self._polls_due(now + MAX_GAP / _STEP), int(now)
        wanted = due[step] + (now - step) * (due[step + 1] - due[step]) + 1
        after = bisect.bisect_left(due, wanted)
        over = (due[after] - wanted) / (due[after] - due[after - 1]) if after < len(due) else 0.0
        return max(self.floor, min(MAX_GAP, (after - over - now) * _STEP))

    def _polls_due(self, steps: float) -> list[float]:
        """Cumulative number of polls due at each time step after the first poll, for at least this many steps."""
        due = self._cumulative_polls
        while len(due) < steps + 2:
            age = self.first + (len(due) - 0.5) * _STEP
            due.append(due[-1] + _STEP * min(1 / self.floor, math.sqrt(self._hazard(age) / (2 * self.poll_cost))))
        return due

    @Cached
    def _cumulative_polls(self) -> list[float]:
        return [0.0]

    def _hazard(self, age: float) -> float:
        """The hazard rate: the chance per second that a job of this age ends."""
        at, ending, left = math.log(age), 0.0, 0.0
        for share, centre, spread in self.components:
            z = (at - centre) / spread
            ending += share * math.exp(-z * z / 2) / (spread * age * math.sqrt(2 * math.pi))
            left += share * _normal_sf(z)
        return ending / left if left else 0.0

    def _quantile(self, share: float) -> float:
        """The duration in seconds within which this share of jobs ends."""
        low, high = math.log(_MIN_SECONDS) - 1, math.log(_MAX_SECONDS) + 1
        for _ in range(30):
            middle = (low + high) / 2
            ended = sum(one.share * (1 - _normal_sf((middle - one.centre) / one.spread)) for one in self.components)
            low, high = (middle, high) if ended < share else (low, middle)
        return math.exp(high)


def _normal_sf(z: float) -> float:
    """Survival function of the standard normal distribution."""
    return math.erfc(z / math.sqrt(2)) / 2


def _clip_log(seconds: float) -> float:
    """The logarithm of a duration, clipped to the range that the service allows."""
    return math.log(min(_MAX_SECONDS, max(_MIN_SECONDS, seconds)))


def _condition_on_survival(components: Iterable[_Component], running: Collection[float]) -> Iterator[_Component]:
    """The components, reweighted by the chance that jobs of these ages are still running.

    A wide component stands for uncertainty about a narrow one, so each is replaced by several narrow components at
    different centres, weighted by the likelihood that every running job has survived so far.
    """
    ages = [_clip_log(age) for age in sorted(running)[:: -(-len(running) // _MEMORY)]]
    each = (len(running) - 1) / len(ages)  # a sample stands for all running jobs but this one
    chances: dict[_Component, float] = {}
    for share, centre, spread in components:
        apart = math.sqrt(max(0.0, spread**2 - _USUAL_SPREAD**2))
        for z in _CENTRES:
            component = _Component(share, centre + z * apart, min(spread, _USUAL_SPREAD))
            lived = (_normal_sf((age - component.centre) / component.spread) or sys.float_info.min for age in ages)
            chances[component] = math.log(share) - z * z / 2 + sum(map(math.log, lived)) * each
    best = max(chances.values())
    weights = {
        component: math.exp(chance - best) for component, chance in chances.items() if chance > best - _LOG_CUTOFF
    }
    for component, weight in weights.items():
        yield component._replace(share=weight / sum(weights.values()))


def _for_length(past: Sequence[Observation], input_seconds: float | None) -> Iterator[float]:
    """The log durations of past jobs, adjusted to an input of this length.

    The duration is modelled as a power of the length between 0 (independent) and 1 (proportional), fitted by ridge
    regression, so that the exponent is near 0 where the lengths hardly differ.
    """
    known = [math.log(length) for _, length in past if length]
    usual = sum(known) / len(known) if known else 0.0
    away = [math.log(length) - usual if length else 0.0 for _, length in past]
    explained = sum(x * took for x, (took, _) in zip(away, past, strict=True))
    power = min(1.0, max(0.0, explained / (sum(x * x for x in away) + _RIDGE)))
    here = math.log(input_seconds) - usual if input_seconds and known else 0.0
    for x, (took, _) in zip(away, past, strict=True):
        yield took + power * (here - x)


def _components(logs: Sequence[float], share: float) -> Iterator[_Component]:
    """Split sorted log durations into components by likelihood: one, or several where they clearly separate."""
    sums = list(accumulate(logs, initial=0.0))
    squares = list(accumulate((log * log for log in logs), initial=0.0))
    size = len(logs)

    def fit(start: int, end: int) -> tuple[float, float, float]:
        """Centre, spread and negative log likelihood (up to a constant) of one component fitted to a slice."""
        count = end - start
        centre = (sums[end] - sums[start]) / count
        off = max(0.0, squares[end] - squares[start] - count * centre * centre)
        variance = (off + _SPREAD_WEIGHT * _USUAL_SPREAD**2) / (count + _SPREAD_WEIGHT)
        return centre, math.sqrt(variance), count * (math.log(variance) / 2 - math.log(count / size))

    centre, spread, whole = fit(0, size)
    costs = ((fit(0, cut)[2] + fit(cut, size)[2], cut) for cut in range(2, size - 1))
    parted, cut = min(costs, default=(whole, 0))
    if parted < whole - 1.5 * math.log(size):  # a penalty for three more parameters (BIC)
        for part in (logs[:cut], logs[cut:]):
            yield from _components(part, share * len(part) / size)
    else:
        yield _Component(share, centre, spread)
