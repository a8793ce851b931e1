"""A job as its holder sees it: waiting, interrupting, stopping, watching."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import threading
import time
import weakref
from pathlib import Path

import pytest

from decart_nb import InvalidInputError, JobCancelledError, JobFailedError, JobTimeoutError
from decart_nb._util.observed import is_observed
from decart_nb.client.polling import LOCAL
from decart_nb.job.clip import Clip
from decart_nb.job.job import Job, JobUpdates
from tests.clips import read_clip


@pytest.fixture
def clip(small_video: Path) -> Clip:
    return read_clip(small_video, "j1", "lucy-pro-t2v", {"prompt": "x"}, "local")


def _job(job_id: str | None = "j1") -> Job:
    job = Job("lucy-pro-t2v", {"prompt": "x"}, estimate=LOCAL.prior)
    JobUpdates(job).set_status("processing", job_id)
    return job


def _later(action: object, *arguments: object, **named: object) -> threading.Timer:
    timer = threading.Timer(0.2, action, arguments, named)
    timer.start()
    return timer


def test_result_waits_for_the_clip(clip: Clip) -> None:
    job = _job()
    _later(JobUpdates(job).end, "completed", clip=clip)
    assert job.result(timeout=5) is clip
    assert (job.status, job.done, job.progress) == ("completed", True, 1.0)


def test_await_gives_the_clip_on_any_loop(clip: Clip) -> None:
    job = _job()

    async def wait() -> Clip:
        return await job

    _later(JobUpdates(job).end, "completed", clip=clip)
    assert asyncio.run(wait()) is clip
    assert asyncio.run(wait()) is clip


def test_a_failure_is_raised_each_time_it_is_asked_for() -> None:
    job = _job()
    JobUpdates(job).end("failed", error=JobFailedError("j1", "no good"))
    for _ in range(2):
        with pytest.raises(JobFailedError, match="Job j1 failed: no good"):
            job.result()
    assert isinstance(job.error, JobFailedError)


def test_a_timeout_says_how_to_go_on(clip: Clip) -> None:
    job = _job()
    with pytest.raises(JobTimeoutError, match=r"Job j1 goes on: decart_nb.attach\('j1'\)"):
        job.result(timeout=0.05)
    JobUpdates(job).end("completed", clip=clip)
    assert job.result() is clip


def test_an_interrupt_stops_the_waiting_at_once_and_tells_the_id(clip: Clip) -> None:
    job = _job()
    _later(os.kill, os.getpid(), signal.SIGINT)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt, match="attach"):
        job.result(timeout=10)
    assert time.monotonic() - began < 1.2
    assert not job.done


def test_stopping_wakes_who_waits_and_keeps_the_clip(clip: Clip) -> None:
    job = _job()
    _later(job.cancel)
    with pytest.raises(JobCancelledError, match="j1"):
        job.result(timeout=5)

    async def wait() -> None:
        await job

    _later(job.cancel)
    with pytest.raises(JobCancelledError, match="j1"):
        asyncio.run(wait())
    JobUpdates(job).end("completed", clip=clip)
    assert job.result() is clip


def test_observers_see_every_change_until_they_leave(clip: Clip) -> None:
    job, seen = _job(), []
    forget = job.observe(lambda job: seen.append((job.status, job.done)))
    JobUpdates(job).set_status("processing")
    JobUpdates(job).end("completed", clip=clip)
    forget()
    forget()
    JobUpdates(job).set_status("processing")
    assert seen == [("processing", False), ("completed", False), ("completed", True)]


def test_an_observer_that_breaks_stops_nothing(clip: Clip, caplog: pytest.LogCaptureFixture) -> None:
    job, seen = _job(), []

    def broken(job: Job) -> None:
        raise RuntimeError("oh")

    job.observe(broken)
    job.observe(lambda job: seen.append(job.status))
    with caplog.at_level(logging.ERROR, "decart_nb"):
        JobUpdates(job).end("completed", clip=clip)
    assert job.result() is clip
    assert seen == ["completed", "completed"]
    assert "An observer of job j1 broke." in caplog.text


def test_elapsed_stands_still_after_the_end(clip: Clip) -> None:
    job = _job()
    JobUpdates(job).end("completed", clip=clip)
    first = job.elapsed
    time.sleep(0.02)
    assert job.elapsed == first


def test_an_await_that_is_cancelled_leaves_no_observer() -> None:
    job = _job()

    async def wait() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await job

    asyncio.run(wait())
    assert not is_observed(job)


def test_an_await_is_cancelled_also_when_a_change_comes_at_the_same_time() -> None:
    job, said = _job(), []

    async def wait() -> None:
        try:
            await job
        except asyncio.CancelledError as cancelled:
            said.append(str(cancelled))
            raise

    async def main() -> None:
        waiting = asyncio.ensure_future(wait())
        await asyncio.sleep(0.05)
        JobUpdates(job).notify()
        await asyncio.sleep(0)  # the change is on its way to who waits
        waiting.cancel()
        await asyncio.wait([waiting], timeout=2)
        assert waiting.cancelled()

    asyncio.run(main())
    assert "attach" in said[0]


def test_its_repr_tells_how_it_stands() -> None:
    job = _job()
    assert repr(job).startswith("<Job j1, lucy-pro-t2v: processing, ")
    JobUpdates(job).end("failed", error=JobFailedError("j1", "no good"))
    assert repr(job).endswith(": Job j1 failed: no good>")


@pytest.mark.parametrize("timeout", ["x", -1, float("nan"), float("inf"), True, [1]])
def test_what_is_no_time_to_wait_is_refused(timeout: object) -> None:
    with pytest.raises(InvalidInputError, match="timeout must be seconds, from 0 on"):
        _job().result(timeout=timeout)


def test_a_look_costs_no_time_and_ages_may_be_waited(clip: Clip) -> None:
    job = _job()
    with pytest.raises(JobTimeoutError, match="No video after 0 s"):
        job.result(timeout=0)
    _later(JobUpdates(job).end, "completed", clip=clip)
    assert job.result(timeout=1e30) is clip


class _Copy:
    """Something that goes when nobody holds it."""


def test_a_job_that_has_failed_holds_nothing_of_the_work_on_it() -> None:
    def work() -> weakref.ref[_Copy]:
        copy = _Copy()
        held = weakref.ref(copy)
        try:
            try:
                raise OSError("no room")
            except OSError as cause:
                raise InvalidInputError("It cannot be kept.", cause=cause) from None
        except InvalidInputError as error:
            JobUpdates(job).end("rejected", error=error)
        return held

    job = _job()
    held = work()
    gc.collect()
    assert held() is None
    with pytest.raises(InvalidInputError, match="cannot be kept"):
        job.result()


def test_what_a_runner_reports_is_not_offered_to_whoever_holds_a_job() -> None:
    reports = {name for name in dir(JobUpdates) if not name.startswith("_")}
    assert "end" in reports
    assert reports & {*dir(_job())} == set()


def test_a_job_that_was_cancelled_is_not_submitted_until_an_attempt_has_come_to_nothing() -> None:
    job = Job("lucy-pro-t2v", {"prompt": "x"}, estimate=LOCAL.prior)
    updates = JobUpdates(job)
    assert updates.begin_submission()
    assert job.is_being_submitted
    job.cancel()
    updates.end_submission()
    assert not job.is_being_submitted
    assert updates.cancel_requested
    assert not updates.begin_submission()
