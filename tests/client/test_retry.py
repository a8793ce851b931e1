"""Retry limits and back-off."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from decart_nb.client.retry import Patience, RetryState
from decart_nb.errors import InvalidInputError, QueueResultError


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
