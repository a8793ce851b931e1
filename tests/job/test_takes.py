"""Further takes of a job: how they are counted, and had in code."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import decart_nb as dnb
from decart_nb.session.session import Session
from tests import sweeping
from tests.held_queue import HeldQueue

pytestmark = pytest.mark.filterwarnings("ignore:lucy-.* is retired:decart_nb.ModelWarning")


@pytest.fixture
def held(tmp_path: Path, small_video: Path) -> Iterator[HeldQueue]:
    with HeldQueue(tmp_path / "queue", small_video) as queue:
        yield queue


@pytest.fixture
def live(held: HeldQueue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    sweeping.alone(monkeypatch)
    with sweeping.connected(held) as opened:
        yield opened


def _ended(job: dnb.Job, queue: HeldQueue, *, error: str | None = None) -> dnb.Job:
    deadline = time.monotonic() + 30
    while job.id is None and time.monotonic() < deadline:
        time.sleep(0.01)
    queue.finish(error=error)
    while not job.done and time.monotonic() < deadline:
        time.sleep(0.01)
    return job


def test_a_further_take_that_failed_gives_its_number_and_its_place_to_the_next_attempt(live, held) -> None:
    first = _ended(live.submit("lucy-pro-t2v", "a"), held)
    failed = _ended(first.again(), held, error="out of memory")
    assert first.takes == (first, failed)
    second = _ended(failed.again(), held)
    third = _ended(second.again(), held)
    assert first.takes == third.takes == (first, second, third)
    assert [job.clip.take for job in first.takes] == [0, 1, 2]
    assert len({job.clip.path for job in first.takes}) == 3
    table = dnb.jobs()
    assert dict(zip(table["job_id"], table["take"], strict=True)) == {
        first.id: 0,
        failed.id: 1,
        second.id: 1,
        third.id: 2,
    }


def test_a_job_that_is_attached_to_can_be_made_again(live, held) -> None:
    first = _ended(live.submit("lucy-pro-t2v", "a"), held)
    attached = live.attach(first.id)
    assert attached.result(20).take == 0
    assert _ended(attached.again(), held).clip.take == 1


def test_another_take_of_a_seed_that_was_given_is_a_request_of_its_own(live, held) -> None:
    first = _ended(live.submit("lucy-pro-t2v", "a", seed=7), held)
    again = _ended(first.again(), held)
    assert (again.clip.take, again.clip.inputs["seed"] != 7) == (0, True)
    assert first.takes == (first, again)
