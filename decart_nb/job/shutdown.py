"""Interpreter shutdown: jobs that are being submitted get a bounded time, and a message names unfinished ones."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import threading
import time
from concurrent.futures import thread as _before  # noqa: F401 - what is registered after its own hook runs before it

from .._util.console import say, stderr
from .._util.interface_names import step
from .._util.text import counted
from ..errors import DecartSDKError
from .job import Job
from .runner import open_runners

#: Seconds that jobs have to get to the queue.
_TIMEOUT = 4.0
_MAX_NAMED = 3
_says = True


def say_nothing() -> None:
    """Turn off the message at exit, for a program that reports unfinished jobs itself."""
    global _says
    _says = False


def _finish_submissions() -> None:
    """Wait for the jobs that are on their way to a queue, and say what becomes of all that have not ended."""
    until = time.monotonic() + _TIMEOUT
    while any(job.id is None for job in _unfinished()) and time.monotonic() < until:
        time.sleep(0.02)
    jobs = _unfinished()
    submitted = [job.id for job in jobs if job.id is not None]
    said = []
    if submitted:
        named = " and ".join(step("attach", id=job_id) for job_id in submitted[:_MAX_NAMED])
        more = f" (and {len(submitted) - _MAX_NAMED} more)" if len(submitted) > _MAX_NAMED else ""
        said.append(f"{counted(len(submitted), 'job')} under way: the same call fetches the video, or {named}{more}.")
    if perhaps := sum(job.is_being_submitted for job in jobs):
        said.append(f"{counted(perhaps, 'job')} perhaps submitted, since no answer has come: see {step('jobs')}.")
    if waiting := sum(job.id is None and job.recorded and not job.is_being_submitted for job in jobs):
        said.append(f"{counted(waiting, 'job')} not submitted yet: see {step('jobs')}; the same call goes on.")
    for store in {runner.store for runner in tuple(open_runners)}:
        with contextlib.suppress(DecartSDKError):
            store.flush()
        if lost := [str(record.job_id) for record in store.unsaved if record.job_id]:
            said.append(
                f"{store.folder.name}/ cannot be written: keep the ids of what was submitted, {', '.join(lost)}."
            )
    if said and _says:
        say(f"decart_nb: {' '.join(said)}", stderr)


def _unfinished() -> list[Job]:
    return [job for runner in tuple(open_runners) for job in tuple(runner.at_work) if not job.done]


def _close() -> None:
    until = time.monotonic() + _TIMEOUT
    for runner in tuple(open_runners):
        runner.close(max(0.1, until - time.monotonic()))


@functools.cache
def register() -> None:
    """Have all this done, once a process."""
    # Before concurrent.futures refuses new work, without which the loop in the background can do nothing.
    threading._register_atexit(_finish_submissions)  # type: ignore[attr-defined]  # as concurrent.futures does
    atexit.register(_close)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=open_runners.clear)
