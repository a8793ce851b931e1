from __future__ import annotations

import random
import statistics

import pytest

from decart_nb.errors import LocalQueueError
from decart_nb.local.durations import KINDS, durations, usage


def drawn(text: str, seed: int = 1) -> list[float]:
    draw = durations(text, random.Random(seed))
    return [draw() for _ in range(2000)]


@pytest.mark.parametrize(
    "text", ["uniform:1,2", "exponential:3", "lognormal:30,0.25", "bimodal:1,20,0.3"], ids=lambda text: text[:4]
)
def test_a_seed_repeats_and_another_does_not(text):
    assert drawn(text) == drawn(text)
    assert drawn(text) != drawn(text, seed=2)


def test_without_a_source_of_chance_two_draws_differ():
    assert durations("uniform:0,1")() != durations("uniform:0,1")()


def test_fixed_is_fixed():
    assert set(drawn("fixed:2.5")) == {2.5}


def test_uniform_fills_its_range():
    seconds = drawn("uniform:1,3")
    assert 1 <= min(seconds) < 1.1
    assert 2.9 < max(seconds) <= 3
    assert statistics.mean(seconds) == pytest.approx(2, abs=0.1)


def test_exponential_has_its_mean():
    assert statistics.mean(drawn("exponential:4")) == pytest.approx(4, rel=0.1)
    assert set(drawn("exponential:0")) == {0}


def test_lognormal_has_its_median_and_spread():
    seconds = drawn("lognormal:30,0.25")
    assert statistics.median(seconds) == pytest.approx(30, rel=0.05)
    below, _, above = statistics.quantiles(seconds, n=4)
    assert above / below == pytest.approx(2.718 ** (2 * 0.6745 * 0.25), rel=0.05)


def test_bimodal_is_long_as_often_as_it_says():
    seconds = drawn("bimodal:1,20,0.3")
    assert set(seconds) == {1, 20}
    assert seconds.count(20) / len(seconds) == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "fixed",
        "fixed:",
        "fixed:soon",
        "fixed:-1",
        "fixed:nan",
        "fixed:inf",
        "fixed:1,2",
        "Fixed:1",
        "uniform:1",
        "exponential:-0.1",
        "lognormal:30",
        "lognormal:30,0.25,1",
        "bimodal:1,20",
        "bimodal:1,20,1.5",
        "gamma:1,2",
    ],
)
def test_what_names_no_distribution_is_refused_with_those_that_there_are(text):
    with pytest.raises(LocalQueueError, match="is not a distribution") as caught:
        durations(text)
    assert usage() in str(caught.value)


def test_usage_names_every_kind():
    assert all(f"{kind}:{','.join(numbers)}" in usage() for kind, numbers in KINDS.items())
