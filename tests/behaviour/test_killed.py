"""A kernel is killed again and again in the middle of its work, and the same cell is run again: nothing is lost."""

from __future__ import annotations

import hashlib
import os
import random
import time
import warnings
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path

import decart_nb as dnb
from decart_nb.local.queue import LocalQueue
from decart_nb.store.job_row import Record
from decart_nb.store.store import Store
from tests.forked import forkserver
from tests.sweeping import SHORT, kill_at, steps

_JOBS, _KILLS = 200, 50


def _cell(store: Path, api_key: str, base_url: str, again: bool) -> None:
    """What a kernel runs."""
    os.environ.pop("DECART_BACKEND", None)
    warnings.simplefilter("ignore")
    queue = dnb.connect("live", api_key=api_key, base_url=base_url, store=store, polling=SHORT)
    for first in range(0, _JOBS, 40):
        jobs: list[dnb.Job] = []
        for seed in range(first, first + 40):
            jobs.append(queue.submit("lucy-pro-t2v", "x", seed=seed, resubmit_uncertain=again))
            while sum(job.id is None and not job.done for job in jobs) > 3:  # no kill makes more than four uncertain
                time.sleep(0.001)
        for job in jobs:
            try:
                job.result()
            except dnb.QueueSubmitError:
                assert job.status == "uncertain", job


def _to_go(record: Record) -> int:
    """How many steps a job still has before it: its submission and its download."""
    if record.status in ("completed", "uncertain") or (record.sent_at and not record.job_id):
        return 0
    return 1 if record.job_id else 2


def test_killed_at_fifty_points_of_its_life_it_loses_nothing_and_pays_nothing_twice(
    tmp_path: Path, small_video: Path
) -> None:
    draw = random.Random(5)
    store = Store(tmp_path / "decart_runs")
    with LocalQueue(tmp_path / "queue", canned=small_video, draw_duration=lambda: draw.uniform(0.05, 0.3)) as queue:

        def started(*, again: bool = False) -> BaseProcess:
            kernel = forkserver.Process(target=_cell, args=(store.folder, queue.api_key, queue.base_url, again))
            kernel.start()
            return kernel

        for killed in range(_KILLS):
            # As far as this one gets, every further step is as likely a point as any other, and so is what lies between
            # two; the later ones find something to do too.
            records = store.find()
            left = 2 * (_JOBS - len(records)) + sum(map(_to_go, records))
            until = steps(queue) + draw.uniform(0, 2 * max(0, left - 10) / (_KILLS - killed + 1))
            kill_at(until, started(), queue, draw)
        kernel = started()
        kernel.join(120)
        assert kernel.exitcode == 0

        records = store.find()
        uncertain = [record for record in records if record.status == "uncertain"]
        taken = Counter(queue.jobs.storage.load(job_id).seed for job_id in queue.jobs.storage.ids())
        assert set(taken.values()) == {1}
        assert _JOBS - len(uncertain) <= len(taken) <= _JOBS
        assert {record.status for record in records} <= {"completed", "uncertain"}
        assert {record.inputs["seed"] for record in records} == set(range(_JOBS))
        assert all("nobody knows" in record.error for record in uncertain)
        digest = hashlib.sha256(small_video.read_bytes()).hexdigest()
        for record in records:
            if record.status == "completed":
                assert hashlib.sha256(store.video(record).read_bytes()).hexdigest() == digest

        kernel = started(again=True)
        kernel.join(120)
        assert kernel.exitcode == 0
        done = [record for record in store.find() if record.status == "completed"]
        assert sorted(record.inputs["seed"] for record in done) == list(range(_JOBS))
        assert len(queue.jobs.storage.ids()) == len(taken) + len(uncertain)
    assert len(list(store.folder.glob("*.mp4.json"))) == _JOBS
    assert not list(store.folder.rglob("*.part"))
