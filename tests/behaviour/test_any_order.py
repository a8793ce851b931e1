"""Jobs are submitted while stores go, directories change, processes fork and end, in any order.

No request is ever answered with another's clip, none is submitted twice as long as the store remembers it, and none is
lost that the queue has taken.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

import decart_nb as dnb
from decart_nb import media
from decart_nb.local.queue import LocalQueue
from tests.forked import forkserver
from tests.sweeping import SHORT, T2V, connected

pytestmark = pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")

_REQUESTS = st.sampled_from("abcdef")


def _submit_and_end(store: Path, api_key: str, base_url: str, request: str, wait: bool) -> None:
    """What another process does."""
    os.environ.pop("DECART_BACKEND", None)
    warnings.simplefilter("ignore")
    session = dnb.connect("live", api_key=api_key, base_url=base_url, store=store, polling=SHORT)
    job = session.submit(T2V, f"request {request}")
    if wait:
        job.result(30)


class AnyOrder(RuleBasedStateMachine):
    """One process that lives on, and others that come and go."""

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        video = self.home / "video.mp4"
        media.encode([np.full((48, 64, 3), number * 20, np.uint8) for number in range(10)], video, fps=10)
        self.queue = LocalQueue(self.home / "queue", canned=video, draw_duration=lambda: 0.15).start()
        self.store = self.home / "decart_runs"
        self.session = connected(self.queue, store=self.store)
        self.jobs: list[tuple[str, dnb.Job]] = []
        #: How often each request may have been submitted: once more whenever a store went that knew it alone.
        self.allowed = Counter(dict.fromkeys("abcdef", 1))
        self.asked: set[str] = set()

    @rule(request=_REQUESTS)
    def submits(self, request: str) -> None:
        self.asked.add(request)
        self.jobs.append((request, self.session.submit(T2V, f"request {request}")))

    @rule(data=st.data())
    def waits(self, data: st.DataObject) -> None:
        if self.jobs:
            request, job = data.draw(st.sampled_from(self.jobs))
            assert f"request-{request}" in job.result(30).path.name

    @rule(move=st.booleans())
    def loses_its_store(self, move: bool) -> None:
        under_way = {request for request, job in self.jobs if not job.done}
        for request in "abcdef":
            self.allowed[request] += request not in under_way
        # What has just ended is in neither; where the folder is written to meanwhile, it is tried again.
        while self.store.exists():
            with contextlib.suppress(OSError):
                if move:
                    self.store.rename(Path(tempfile.mkdtemp(dir=self.home)) / "moved")
                    break
                shutil.rmtree(self.store)

    @rule()
    def changes_directory(self) -> None:
        os.chdir(tempfile.mkdtemp(dir=self.home))

    @rule(request=_REQUESTS)
    def forks(self, request: str) -> None:
        self.asked.add(request)
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                clip = self.session.submit(T2V, f"request {request}").result(30)
                os._exit(0 if f"request-{request}" in clip.path.name else 2)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    @rule(request=_REQUESTS, wait=st.booleans())
    def another_comes_and_ends(self, request: str, wait: bool) -> None:
        self.asked.add(request)
        what = (self.store, self.queue.api_key, self.queue.base_url, request, wait)
        other = forkserver.Process(target=_submit_and_end, args=what)
        other.start()
        other.join(60)
        assert other.exitcode == 0
        other.close()

    @rule()
    def connects_again(self) -> None:
        self.session = connected(self.queue, store=self.store)

    def teardown(self) -> None:
        if not hasattr(self, "session"):
            return
        for request, job in self.jobs:
            assert f"request-{request}" in job.result(30).path.name
        for request in self.asked:
            assert f"request-{request}" in self.session.generate(T2V, f"request {request}").path.name
        storage = self.queue.jobs.storage
        taken = Counter(storage.load(job_id).values["prompt"][-1] for job_id in storage.ids())
        assert all(taken[request] <= self.allowed[request] for request in taken), (taken, self.allowed)
        kept = {record.inputs["prompt"][-1] for record in self.session.runner.store.find(status="completed")}
        assert kept >= self.asked
        os.chdir("/")
        self.session.close()
        self.queue.stop()
        shutil.rmtree(self.home, ignore_errors=True)


def test_nothing_is_mixed_up_lost_or_paid_twice_in_any_order(monkeypatch) -> None:
    monkeypatch.delenv("DECART_BACKEND")
    run_state_machine_as_test(
        AnyOrder,
        settings=settings(
            max_examples=int(os.environ.get("DECART_NB_EXAMPLES", "12")),
            stateful_step_count=12,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
