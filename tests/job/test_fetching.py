"""How long a job waited in the queue, and how long it was made, as its polls tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import decart_nb as dnb
from tests.held_queue import HeldQueue
from tests.sweeping import SHORT

_HELD = 0.5

pytestmark = pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")


@pytest.fixture
def queue(tmp_path: Path, small_video: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldQueue]:
    monkeypatch.delenv("DECART_BACKEND")
    with HeldQueue(tmp_path / "queue", small_video) as queue:
        polling = dnb.Polling(expected=2.0, spread=2.0, shortest=0.05, poll_cost=1e-4)
        with dnb.connect("live", api_key=queue.api_key, base_url=queue.base_url, polling=polling):
            yield queue


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "It does not come about."
        time.sleep(0.01)


def _polled(queue: HeldQueue) -> None:
    """Waits for two more polls: the answer to the first of them has arrived."""
    before = queue.jobs.stats.counts["polls"]
    _until(lambda: queue.jobs.stats.counts["polls"] >= before + 2)


def _hold(job: dnb.Job, queue: HeldQueue) -> None:
    """Leaves a job in the queue for a while after its submission, until a poll has found it there."""
    _until(lambda: job.id)
    time.sleep(_HELD)
    _polled(queue)


def test_the_time_in_the_queue_is_told_apart_from_the_making(queue: HeldQueue) -> None:
    began = time.monotonic()
    job = dnb.submit("lucy-pro-t2v", "a river")
    _hold(job, queue)
    queue.begin()
    _until(lambda: job.status == "processing")
    seen = time.monotonic() - began
    _polled(queue)
    queue.finish()
    clip = job.result(30)
    assert clip.waited is not None
    assert clip.made is not None
    assert _HELD <= clip.waited <= seen
    assert clip.made > 0
    assert clip.waited + clip.made <= time.monotonic() - began
    (row,) = dnb.jobs().to_dict("records")
    assert (row["waited"], row["made"]) == (clip.waited, pytest.approx(clip.made))


def test_a_job_that_ends_before_it_was_seen_to_begin_was_made_since_the_last_poll(queue: HeldQueue) -> None:
    job = dnb.submit("lucy-pro-t2v", "a river")
    _hold(job, queue)
    queue.begin()
    queue.finish()
    clip = job.result(30)
    assert clip.waited is not None
    assert clip.waited >= _HELD
    assert clip.made is not None
    assert clip.made >= 0


def test_of_a_job_that_somebody_else_has_submitted_neither_is_known(queue: HeldQueue) -> None:
    job = dnb.submit("lucy-pro-t2v", "a river")
    _until(lambda: job.id)
    other = dnb.connect("live", api_key=queue.api_key, base_url=queue.base_url, polling=SHORT, store="elsewhere")
    there = other.attach(str(job.id))
    _polled(queue)
    queue.begin()
    queue.finish()
    clip = there.result(30)
    assert (clip.waited, clip.made) == (None, None)
    job.result(30)
