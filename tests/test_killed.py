"""A kernel is killed again and again in the middle of its work, and the same cell is run again: nothing is lost."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from decart_nb.local.embedded import LocalQueue
from decart_nb.store import Store

_JOBS, _KILLS = 200, 50
_CELL = """
import sys
import decart_nb as dnb
queue = dnb.connect("live", api_key=sys.argv[1], base_url=sys.argv[2])
again = "again" in sys.argv
for first in range(0, 200, 20):
    seeds = range(first, first + 20)
    jobs = [queue.submit("lucy-pro-t2v", "x", seed=seed, resubmit_uncertain=again) for seed in seeds]
    for job in jobs:
        try:
            job.result()
        except dnb.QueueSubmitError:
            assert job.status == "uncertain", job
"""


def _run(queue: LocalQueue, *more: str) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name != "DECART_BACKEND"}
    command = [sys.executable, "-W", "ignore", "-c", _CELL, queue.api_key, queue.base_url, *more]
    return subprocess.Popen(command, env=environment)


def test_killed_at_fifty_points_of_its_life_it_loses_nothing_and_pays_nothing_twice(
    tmp_path: Path, small_video: Path
) -> None:
    draw = random.Random(5)
    with LocalQueue(tmp_path / "queue", canned=small_video, draw=lambda: draw.uniform(0.1, 1.0)) as queue:

        def steps() -> int:
            stats = queue.jobs.stats.as_dict()
            return stats["submissions"] + stats["downloads"]

        killed = 0
        while True:
            process = _run(queue)
            # Each step of the 400 is as likely a point as any other, and so is what lies between two.
            until = 2 * _JOBS * (killed + draw.random()) / _KILLS if killed < _KILLS else float("inf")
            while process.poll() is None and steps() < until:
                time.sleep(0.005)
            if process.poll() is not None:
                assert process.returncode == 0
                break
            time.sleep(draw.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
        assert killed == _KILLS

        store = Store(tmp_path / "decart_runs")
        records = store.find()
        uncertain = [record for record in records if record.status == "uncertain"]
        taken = Counter(queue.jobs.shelf.load(job_id).seed for job_id in queue.jobs.shelf.ids())
        assert set(taken.values()) == {1}
        assert _JOBS - len(uncertain) <= len(taken) <= _JOBS
        assert {record.status for record in records} <= {"completed", "uncertain"}
        assert {record.inputs["seed"] for record in records} == set(range(_JOBS))
        assert all("nobody knows" in record.error for record in uncertain)
        digest = hashlib.sha256(small_video.read_bytes()).hexdigest()
        for record in records:
            if record.status == "completed":
                assert hashlib.sha256(store.video(record).read_bytes()).hexdigest() == digest

        assert _run(queue, "again").wait(120) == 0
        done = [record for record in store.find() if record.status == "completed"]
        assert sorted(record.inputs["seed"] for record in done) == list(range(_JOBS))
        assert len(list(queue.jobs.shelf.ids())) == len(taken) + len(uncertain)
    assert not list((tmp_path / "decart_runs").glob("*.part"))
