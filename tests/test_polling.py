"""When to look again, and how far along a job may be."""

from __future__ import annotations

import itertools
import math

import pytest

from decart_nb import polling


def test_a_queue_that_answers_is_asked_at_the_interval() -> None:
    assert polling.pause(1.5) == 1.5
    assert polling.pause(0.01) == 0.01


def test_failures_in_a_row_make_the_pauses_longer_up_to_a_bound() -> None:
    pauses = [polling.pause(0.5, failures) for failures in range(20)]
    assert all(before <= after for before, after in itertools.pairwise(pauses))
    assert pauses[1] < pauses[3] < pauses[5]
    assert pauses[-1] == pauses[-2] <= 30


@pytest.mark.parametrize("interval", [0.01, 1.5, 20.0])
@pytest.mark.parametrize("failures", [0, 1, 2, 50])
@pytest.mark.parametrize("retry_after", [None, 0.0, 0.1])
def test_no_pause_is_shorter_than_the_interval(interval: float, failures: int, retry_after: float | None) -> None:
    assert polling.pause(interval, failures, retry_after) >= interval


@pytest.mark.parametrize("failures", [0, 1, 9])
def test_what_the_server_asks_for_is_what_it_gets(failures: int) -> None:
    assert polling.pause(1.5, failures, 7.0) == 7.0
    assert polling.pause(1.5, failures, 42.0) == 42.0


@pytest.mark.parametrize("retry_after", [86400.0, 1e9, math.inf])
def test_no_server_can_put_a_look_off_beyond_the_deadline(retry_after: float) -> None:
    assert polling.pause(1.5, 1, retry_after) <= polling.DEADLINE


def test_any_number_of_failures_has_a_pause() -> None:
    assert math.isfinite(polling.pause(1.5, 5000))


def test_the_bounds_are_those_of_the_service() -> None:
    assert polling.DEADLINE >= 600, "Decart fails a job after ten minutes"
    assert polling.INTERVAL >= 1.5
    assert 0 < polling.PROPAGATION < polling.DEADLINE


@pytest.mark.parametrize("usual", [0.5, 3.0, 30.0, 600.0])
def test_progress_grows_for_ever_and_is_never_done(usual: float) -> None:
    at = [polling.progress(usual * part / 10, usual) for part in range(100)]
    assert at[0] == 0
    assert all(before < after for before, after in itertools.pairwise(at))
    assert at[-1] < 1
    assert polling.progress(1e9, usual) < 1


def test_a_job_that_takes_as_long_as_usual_was_mostly_done() -> None:
    assert 0.5 < polling.progress(30, 30) < 0.95
    assert polling.progress(60, 60) == pytest.approx(polling.progress(3, 3))
