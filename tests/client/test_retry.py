"""Retry limits and back-off."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

import numpy as np
import pytest

from decart_nb.client.retry import MIN_PAUSE, Patience, RetryState
from decart_nb.errors import DecartSDKError, InvalidInputError, QueueResultError


def drawn(patience: Patience, failures: int, retry_after: float | None = None) -> list[float]:
    return [patience.pause(failures, retry_after) for _ in range(200)]


@pytest.mark.parametrize(("failures", "most"), [(1, 1.0), (2, 2.0), (3, 4.0), (5, 16.0), (6, 30.0), (10**6, 30.0)])
def test_a_pause_doubles_with_every_failure_up_to_the_longest_and_is_drawn(failures: int, most: float) -> None:
    pauses = drawn(Patience(), failures)
    assert min(pauses) >= most / 2
    assert max(pauses) <= most
    assert max(pauses) - min(pauses) > most / 4


def test_a_server_that_says_when_is_obeyed_and_not_by_all_in_the_same_moment() -> None:
    pauses = drawn(Patience(), 1, retry_after=50.0)
    assert min(pauses) >= 50
    assert max(pauses) <= 51
    assert len(set(pauses)) > 100


def test_a_server_that_says_at_once_does_not_make_the_pauses_shorter() -> None:
    assert min(drawn(Patience(), 4, retry_after=0.0)) >= 4


def test_patience_ends_where_the_next_attempt_would_come_too_late() -> None:
    state, error = RetryState(Patience()), QueueResultError("no", {"retry_after": 9.0})
    assert 9 <= state.next_delay(error, limit=20) <= 10
    with pytest.raises(QueueResultError) as caught:
        state.next_delay(error, limit=8)
    assert caught.value is error


def test_patience_begins_anew_when_something_was_achieved() -> None:
    state, error = RetryState(Patience()), QueueResultError("no")
    for _ in range(4):
        state.next_delay(error, limit=100)
    assert state.next_delay(error, limit=100) > 2
    state.reset()
    assert state.next_delay(error, limit=100) <= 1


@pytest.mark.parametrize("name", ["submission", "download", "lag", "first", "longest"])
@pytest.mark.parametrize("value", ["x", None, -1, math.nan, math.inf, True, [1], 10**400])
def test_what_is_no_number_of_seconds_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"{name} of Patience must be seconds"):
        Patience(**{name: value})


def test_numpys_numbers_are_numbers() -> None:
    assert Patience(submission=np.int64(3), first=np.float32(0.5)).pause(1) <= 0.5


def test_the_limits_are_those_that_are_documented_and_stay_as_they_were_given() -> None:
    patience = Patience()
    assert patience == Patience(submission=60.0, download=600.0, lag=30.0, first=1.0, longest=30.0)
    assert MIN_PAUSE == 0.05
    with pytest.raises(AttributeError):
        patience.first = 2.0  # type: ignore[misc]


@pytest.mark.parametrize("name", ["submission", "download", "lag", "first", "longest"])
def test_a_value_that_is_refused_is_shown(name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Patience(**{name: "soon"})
    assert str(caught.value) == f"{name} of Patience must be seconds, from 0 on, not 'soon'."
    Patience(**{name: 0})


def test_pauses_of_a_call_double() -> None:
    state = RetryState(Patience())
    pauses = [state.next_delay(QueueResultError("no"), limit=100) for _ in range(4)]
    assert all(2**number / 2 <= pause <= 2**number for number, pause in enumerate(pauses))


def test_pauses_of_a_submission_grow_six_times() -> None:
    state = RetryState(Patience(), growth=6.0)
    pauses = [state.next_delay(QueueResultError("no"), limit=100) for _ in range(2)]
    assert 0.5 <= pauses[0] <= 1.0
    assert 3.0 <= pauses[1] <= 6.0
    assert 18 <= min(Patience(longest=60.0).pause(3, growth=6.0) for _ in range(20)) <= 36


def test_no_number_of_failures_is_too_large_for_a_pause() -> None:
    pauses = [Patience(first=1e-6, longest=1e12).pause(failures) for failures in [31, 32, 500, 10**6] * 5]
    assert 2**29 * 1e-6 <= min(pauses) <= max(pauses) <= 2**30 * 1e-6


def test_a_server_may_ask_for_more_than_the_longest_pause() -> None:
    pauses = [Patience(first=0.0, longest=1.0).pause(1, retry_after=7.0) for _ in range(20)]
    assert pauses == [7.0] * 20


def test_the_limit_counts_from_the_first_failure_and_not_what_was_excluded() -> None:
    patience = Patience(first=0.0, longest=0.0)
    error = QueueResultError("no")
    state = RetryState(patience)
    assert state.next_delay(error, limit=0.06) == MIN_PAUSE
    time.sleep(0.05)
    with pytest.raises(QueueResultError):
        state.next_delay(error, limit=0.06)
    state = RetryState(patience)
    state.exclude(30.0)  # nothing has failed yet
    state.next_delay(error, limit=0.06)
    time.sleep(0.05)
    state.exclude(30.0)
    assert state.next_delay(error, limit=0.06) == MIN_PAUSE
    assert state.failures == 2
    state.reset()
    assert state.failures == 0
    assert state.next_delay(error, limit=0.06) == MIN_PAUSE  # from now on


def test_the_next_attempt_may_begin_just_at_the_limit() -> None:
    state = RetryState(Patience(first=0.0, longest=0.0))
    state.next_delay(QueueResultError("no"), limit=MIN_PAUSE)
    with pytest.raises(QueueResultError):
        RetryState(Patience(first=0.0, longest=0.0)).next_delay(QueueResultError("no"), limit=0.0)


class Attempts:
    """Attempts that fail with these errors, and then succeed."""

    def __init__(self, *errors: DecartSDKError) -> None:
        self.errors, self.made = list(errors), 0

    async def __call__(self) -> str:
        self.made += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_an_attempt_is_repeated_until_it_succeeds_and_that_is_reported() -> None:
    heard: list[str | None] = []
    waited: list[tuple[str, float]] = []

    async def pause(error: DecartSDKError, seconds: float) -> None:
        waited.append((error.message, seconds))

    attempts = Attempts(QueueResultError("one", {"problem": "busy", "retry_after": 2.0}), QueueResultError("two"))
    state = RetryState(Patience(first=0.0), heard.append)
    assert asyncio.run(state.run(attempts, lambda error: 10.0, pause)) == "done"
    assert attempts.made == 3
    assert waited == [("one", 2.0), ("two", MIN_PAUSE)]
    assert heard == ["busy, trying again in 2 s", "it did not work, trying again in 1 s", None]


def test_without_a_pause_of_its_own_a_call_sleeps() -> None:
    attempts = Attempts(QueueResultError("one"))
    began = time.monotonic()
    assert asyncio.run(RetryState(Patience(first=0.0)).run(attempts, lambda error: 10.0)) == "done"
    assert time.monotonic() - began >= MIN_PAUSE * 0.9


def test_what_must_not_be_retried_is_raised_at_once_and_reports_end() -> None:
    heard: list[str | None] = []
    first, last = QueueResultError("one"), QueueResultError("two")
    attempts = Attempts(first, last)
    state = RetryState(Patience(first=0.0), heard.append)
    with pytest.raises(QueueResultError) as caught:
        asyncio.run(state.run(attempts, lambda error: None if error is last else 10.0))
    assert caught.value is last
    assert attempts.made == 2
    assert heard == ["it did not work, trying again in 1 s", None]


def test_what_a_pause_raises_has_nothing_to_do_with_the_failure() -> None:
    async def pause(error: DecartSDKError, seconds: float) -> None:
        raise ValueError("withdrawn")

    with pytest.raises(ValueError, match="withdrawn") as caught:
        asyncio.run(RetryState(Patience()).run(Attempts(QueueResultError("no")), lambda error: 10.0, pause))
    assert caught.value.__context__ is None


def test_progress_reports_the_end_of_the_retries_once() -> None:
    heard: list[str | None] = []
    state = RetryState(Patience(first=3.0), heard.append)
    state.reset()
    assert heard == []
    state.next_delay(QueueResultError("no", {"retry_after": 20.0}), limit=100)
    state.reset()
    assert heard[1:] == [None]
    state.retry_line.clear()
    assert heard[1:] == [None]
    assert heard[0] in {f"it did not work, trying again in {seconds} s" for seconds in (20, 21, 22, 23)}


def test_nobody_has_to_listen() -> None:
    state = RetryState(Patience())
    state.next_delay(QueueResultError("no"), limit=100)
    state.reset()
