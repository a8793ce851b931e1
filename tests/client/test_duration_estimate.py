"""Estimates of job durations learned from past jobs: poll intervals and progress."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given, strategies as st

from decart_nb.client import polling
from decart_nb.client.duration_estimate import JOB_TIMEOUT, Estimate, Observation
from decart_nb.client.responses import NOT_FOUND_GRACE

SECONDS = st.one_of(st.sampled_from([0.0, 1e-9, 1e-300, 1e300, 30.0]), st.floats(0, 1e6))
LENGTHS = st.none() | st.floats(0, 1e6)
HISTORIES = st.lists(st.tuples(SECONDS, LENGTHS), max_size=60)
LIVE, LOCAL = polling.LIVE.prior, polling.LOCAL.prior
PRIORS = st.sampled_from([LIVE, LOCAL, Estimate.around(0.02, 0.5, floor=0.01), Estimate.around(600, 0.01)])
RUNNING = st.lists(SECONDS, max_size=120)
ESTIMATES = st.builds(Estimate.updated_with, PRIORS, HISTORIES, LENGTHS, RUNNING)


def drawn(jobs: int, median: float = 30.0, spread: float = 0.25, seed: int = 0) -> list[Observation]:
    """A history of lognormal durations."""
    chance = random.Random(seed)
    return [(median * chance.lognormvariate(0, spread), None) for _ in range(jobs)]


def polls(estimate: Estimate, until: float) -> list[float]:
    """The ages at which a job is polled."""
    ages = [0.0]
    while ages[-1] < until:
        ages.append(ages[-1] + estimate.gap(ages[-1]))
    return ages[1:]


@given(ESTIMATES, st.floats(0, 1e9))
def test_no_gap_is_shorter_than_the_floor_or_longer_than_the_bounds(estimate: Estimate, age: float) -> None:
    gap = estimate.gap(age)
    assert estimate.floor <= gap
    assert gap <= 15 or age + gap <= 60 + 1e-9


@given(ESTIMATES, st.lists(st.floats(0, 1e9), min_size=2).map(sorted))
def test_progress_never_goes_back_and_never_says_done(estimate: Estimate, times: list[float]) -> None:
    told = [estimate.progress(time) for time in times]
    assert told == sorted(told)
    assert 0 <= told[0] <= told[-1] < 1


@given(ESTIMATES)
def test_what_is_usual_is_a_span_of_seconds(estimate: Estimate) -> None:
    low, high = estimate.interval
    assert 0 < low <= high < math.inf
    assert estimate.progress(0) == 0
    assert estimate.progress(high) == pytest.approx(0.9)


def test_without_a_history_nothing_is_learned() -> None:
    assert LIVE.updated_with([]) == LIVE
    assert LIVE.updated_with([(0.0, None), (-3.0, 5.0), (math.nan, None)]) == LIVE


def test_eight_in_ten_jobs_take_what_is_said_to_be_usual() -> None:
    low, high = LIVE.updated_with(drawn(50)).interval
    inside = sum(low <= seconds <= high for seconds, _ in drawn(2000, seed=1)) / 2000
    assert 0.72 < inside < 0.88


def test_the_more_is_known_the_narrower_is_the_estimate() -> None:
    spans = [
        high / low for low, high in (LIVE.updated_with(drawn(jobs, spread=0.1)).interval for jobs in (0, 1, 4, 50))
    ]
    assert spans == sorted(spans, reverse=True)
    assert spans[-1] < 1.5


def test_looks_are_rare_while_no_job_ends_and_close_when_most_do() -> None:
    estimate = LIVE.updated_with(drawn(50))
    first, *_ = polls(estimate, 40)
    assert 15 < first < 20
    assert estimate.gap(first) > 1.5 * estimate.gap(35)
    assert len(polls(estimate, 30)) < 10


def test_a_clock_that_is_a_hair_early_costs_no_second_look() -> None:
    estimate = LIVE.updated_with(drawn(50))
    assert estimate.gap(estimate.first - 1e-9) == pytest.approx(estimate.gap(estimate.first), rel=0.01)
    assert estimate.gap(estimate.first) > 2


def test_a_job_that_takes_ten_times_longer_is_still_looked_at_but_no_longer_every_second() -> None:
    later = [age for age in polls(LIVE.updated_with(drawn(50)), 600) if age > 200]
    gaps = [age - before for before, age in itertools.pairwise(later)]
    assert all(2 < gap <= 15 for gap in gaps)


def test_what_takes_minutes_is_looked_at_within_one() -> None:
    assert LIVE.updated_with(drawn(50, median=500)).gap(0) == 60


def test_one_that_was_quite_different_changes_little() -> None:
    low, high = LIVE.updated_with(drawn(50)).interval
    odd = LIVE.updated_with([*drawn(49), (600.0, None)]).interval
    assert odd == (pytest.approx(low, rel=0.15), pytest.approx(high, rel=0.15))


def test_between_two_kinds_of_jobs_hardly_anybody_looks() -> None:
    chance = random.Random(2)
    history = [((12 if chance.random() < 0.7 else 45) * chance.lognormvariate(0, 0.1), None) for _ in range(50)]
    estimate = LIVE.updated_with(history)
    ages = polls(estimate, 60)
    assert sum(20 < age < 35 for age in ages) <= 3
    assert sum(10 < age < 14 for age in ages) >= 3
    assert sum(40 < age < 50 for age in ages) >= 4


def test_only_the_newest_jobs_count() -> None:
    assert LIVE.updated_with(drawn(500) + drawn(50, median=5, seed=1)) == LIVE.updated_with(drawn(50, median=5, seed=1))


@pytest.mark.parametrize(
    ("power", "low", "high"), [(1.0, 30, 45), (0.0, 8, 12), (0.5, 16, 24)], ids=["each second", "none", "a part"]
)
def test_the_input_s_length_counts_as_far_as_it_explains_the_time(power: float, low: float, high: float) -> None:
    chance = random.Random(3)
    lengths = [1.0, 2.0, 4.0, 8.0, 16.0] * 8
    history = [(10 * (length / 4) ** power * chance.lognormvariate(0, 0.1), length) for length in lengths]
    estimate = LIVE.updated_with(history, 16.0)
    middle = math.sqrt(math.prod(estimate.interval))
    assert low < middle < high


def test_lengths_that_hardly_differ_explain_nothing() -> None:
    history = [(seconds, 5.0 + number % 2 / 100) for number, (seconds, _) in enumerate(drawn(20))]
    assert LIVE.updated_with(history, 50.0).interval == pytest.approx(LIVE.updated_with(history, 5.0).interval, rel=0.1)


def test_jobs_and_inputs_of_unknown_length_are_taken_as_usual() -> None:
    history: list[Observation] = [(10.0, 4.0), (20.0, 8.0), (5.0, 2.0), (10.0, None)] * 5
    low, high = LIVE.updated_with(history).interval
    assert low < 10 < high


def test_the_bounds_are_those_of_the_service() -> None:
    assert JOB_TIMEOUT >= 600, "Decart fails a job after ten minutes"
    assert LIVE.floor >= 1
    assert 0 < NOT_FOUND_GRACE < JOB_TIMEOUT


def test_until_one_has_ended_those_under_way_say_that_it_takes_longer() -> None:
    young, old = (LIVE.updated_with([], running=[age] * 100) for age in (1.0, 25.0))
    assert young.interval == pytest.approx(LIVE.interval, rel=0.1)
    assert old.interval[0] > 25 > LIVE.interval[0]
    assert old.first > 15 > LIVE.first
    assert old.gap(26) > 3 * LIVE.gap(26), "where a hundred have not ended, the next one hardly will"


def test_the_more_are_under_way_the_later_each_is_asked_and_one_alone_as_ever() -> None:
    firsts = [LIVE.updated_with([], running=[10.0] * jobs).first for jobs in (2, 50, 51, 1000)]
    assert firsts == sorted(firsts)
    assert 5 < firsts[0] < 10 < firsts[1]
    assert firsts[1] == pytest.approx(firsts[2], rel=0.01), "some of them stand for all"
    assert LIVE.updated_with([], running=[10.0]) == LIVE


def test_once_one_has_ended_it_is_learned_from_that_one() -> None:
    assert LIVE.updated_with(drawn(1), running=[25.0] * 100) == LIVE.updated_with(drawn(1))


@pytest.mark.parametrize("prior", [LIVE, LOCAL])
def test_what_is_unknown_is_looked_at_soon(prior: Estimate) -> None:
    assert prior.gap(0) < 3
    assert prior.gap(600) <= 15
