"""Text of sweeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from decart_nb.display import text
from decart_nb.sweeps.progress import Progress
from tests.fake_sweep import FakeSweep


@pytest.fixture
def sweep() -> FakeSweep:
    return FakeSweep()


def test_a_sweep_in_words(sweep) -> None:
    assert text.sweep_line(sweep) == (
        "sweep cats: 17 of 24 done (3 reused), 4 running, 1 failed, about $0.84 of at most $5.00, about 40 s left"
    )


def test_a_sweep_without_a_name_of_its_own_is_called_once_what_it_is() -> None:
    assert text.sweep_title(FakeSweep(name="sweep-0a1b2c3d4e")) == "sweep-0a1b2c3d4e"


def test_what_is_nothing_is_not_said() -> None:
    assert text.sweep_line(FakeSweep(Progress(24, waiting=24), name="")) == "sweep: 0 of 24 done"
    assert text.sweep_line(FakeSweep(Progress(2000, done=1000, waiting=1000))) == "sweep cats: 1,000 of 2,000 done"


def test_at_the_end_all_that_did_not_become_a_clip_is_named() -> None:
    progress = Progress(24, done=12, reused=3, failed=1, invalid=2, held_back=4, waiting=2, seconds_left=9.0)
    assert text.sweep_line(FakeSweep(progress, over=True)) == (
        "sweep cats: 15 of 24 done (3 reused), 1 failed, 2 invalid, 2 not begun, 4 held back by the cap"
    )


@pytest.mark.parametrize(("took", "said"), [(0.2, "under 1 s"), (65.4, "65 s"), (600, "10 min"), (2e4, "5.6 h")])
def test_at_the_end_it_says_how_long_it_took(took: float, said: str) -> None:
    done = Progress(24, done=21, reused=3)
    assert text.sweep_totals(done, over=True, seconds=took)[0] == ("done", f"24 of 24 done in {said}")
    assert text.sweep_totals(done, seconds=took)[0] == ("done", "24 of 24 done")


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        ({}, ""),
        ({"cap": 5.0}, "nothing spent of at most $5.00"),
        ({"cost": 0.84}, "about $0.84"),
        ({"cost": 0.001}, "under $0.01"),
        ({"cost": 1234.5}, "about $1,234.50"),
        ({"cost_unknown": True}, "cost unknown"),
        ({"cost_unknown": True, "cap": 5.0}, "cost unknown, at most $5.00"),
        ({"cost": 0.84, "cost_unknown": True}, "about $0.84, cost unknown for some"),
        ({"cost": 0.84, "cost_unknown": True, "cap": 5.0}, "about $0.84 of at most $5.00, cost unknown for some"),
    ],
)
def test_an_unknown_price_is_said_and_never_zero(cost: dict[str, Any], said: str) -> None:
    assert text.sweep_cost(Progress(24, **cost)) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (float("inf"), ""),
        (0.0, "about 1 s left"),
        (13.2, "about 13 s left"),
        (42.0, "about 40 s left"),
        (400.0, "about 7 min left"),
        (7200.0, "about 2.0 h left"),
    ],
)
def test_the_time_left_is_rounded(seconds: float | None, said: str) -> None:
    assert text.time_left(Progress(24, seconds_left=seconds)) == said


def test_in_little_room_less_is_said(sweep) -> None:
    assert text.sweep_line(sweep, limit=104) == text.sweep_line(sweep)
    assert text.sweep_line(sweep, limit=91).startswith("17 of 24 done (3 reused), 4 running, ")
    assert text.sweep_line(sweep, limit=66) == "17 of 24 done (3 reused), 4 running, 1 failed, about 40 s left"
    assert text.sweep_line(sweep, limit=1) == "17 of 24 done (3 reused)"


def test_somebodys_text_becomes_one_plain_line() -> None:
    assert text.sweep_title(FakeSweep(name="x" * 1000)) == f"sweep {'x' * 59}…"


_counts = st.integers(0, 10**6)
_numbers = st.floats() | st.none()


@given(st.builds(Progress, _counts, _counts, _counts, _counts, cost=st.floats(), cap=_numbers, seconds_left=_numbers))
def test_words_never_fail(progress: Progress) -> None:
    for over in (False, True):
        assert text.sweep_line(FakeSweep(progress, over=over), began=0.0).startswith("sweep cats: ")


def test_rows_that_ask_for_the_same_are_not_said_to_be_reused() -> None:
    progress = Progress(24, done=12, reused=12, shared=12)
    assert text.sweep_line(FakeSweep(progress, over=True)) == "sweep cats: 24 of 24 done (12 the same as another row)"
    assert "(2 reused, 10 the same as another row)" in text.sweep_line(FakeSweep(replace(progress, shared=10)))


@pytest.mark.parametrize(
    ("payment", "cost", "said"),
    [
        ("free", {}, ""),
        ("free", {"cap": 5.0}, "no cost"),
        ("rehearsed", {"cap": 5.0}, "nothing spent of at most $5.00, rehearsed"),
        ("rehearsed", {"cost": 0.84, "cap": 5.0}, "about $0.84 of at most $5.00, rehearsed"),
        ("paid", {"cost": 0.84, "cap": 0.005}, "about $0.84 of at most $0.005"),
    ],
)
def test_what_the_local_queue_rehearses_is_not_said_to_be_paid(payment: str, cost: dict[str, Any], said: str) -> None:
    assert text.sweep_cost(Progress(24, payment=payment, **cost)) == said
