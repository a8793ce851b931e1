"""How often jobs are polled, as a caller says it."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
from hypothesis import given, strategies as st

import decart_nb as dnb
from decart_nb.client.polling import LIVE, LOCAL

POSITIVE = st.floats(0.05, allow_infinity=False)


@pytest.mark.parametrize("name", [field.name for field in fields(dnb.Polling)])
@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf, "2", None, True, 1e-9])
def test_what_is_no_such_number_is_refused(name, value) -> None:
    with pytest.raises(dnb.InvalidInputError, match=f"^{name} of Polling must be a number, at least [01]"):
        dnb.Polling(**{name: value})


def test_a_dearer_poll_is_made_later_and_the_shortest_interval_holds() -> None:
    age = 25.0
    usual = LIVE.prior
    assert replace(LIVE, poll_cost=10.0).prior.gap(age) > usual.gap(age)
    assert replace(LIVE, shortest=9.0).prior.gap(age) >= 9.0
    assert replace(LIVE, poll_cost=1e-4, shortest=0.05).prior.gap(age) < usual.gap(age)


def test_the_cost_of_a_poll_stays_when_jobs_have_been_seen() -> None:
    history = [(30.0, None)] * 20
    cheap, dear = (replace(LIVE, poll_cost=cost).prior.updated_with(history) for cost in (0.01, 5.0))
    assert cheap.gap(30) < dear.gap(30)


def test_jobs_of_the_local_queue_are_expected_to_be_short() -> None:
    assert LOCAL.prior.first < LIVE.prior.first


@given(POSITIVE, POSITIVE, POSITIVE, POSITIVE, st.floats(0, 700))
def test_every_polling_gives_a_pause(expected, spread, shortest, poll_cost, age) -> None:
    estimate = dnb.Polling(expected, spread, shortest, poll_cost).prior
    assert estimate.gap(age) >= shortest
    assert math.isfinite(estimate.gap(age))


def test_what_is_no_polling_is_refused_before_anything_is_opened(tmp_path) -> None:
    with pytest.raises(dnb.InvalidInputError, match=r"polling must be a decart_nb\.Polling, not 5\."):
        dnb.connect("local", store=tmp_path / "runs", polling=5)
    assert not (tmp_path / "runs").exists()
