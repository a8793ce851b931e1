"""Two hundred jobs at a queue where one call in eight goes wrong: each is paid for once, and accounted for."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import decart_nb as dnb
from decart_nb.client.polling import Polling
from decart_nb.client.retry import Patience
from decart_nb.client.transport import Timeout
from decart_nb.local.faults import HITS, TAKEN, Faults
from decart_nb.local.queue import LocalQueue
from decart_nb.session.session import Session
from decart_nb.store.job_row import Record
from decart_nb.store.store import Store

pytestmark = [pytest.mark.usefixtures("alone"), pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")]

_JOBS = int(os.environ.get("DECART_NB_JOBS", "200"))
#: Of each kind of call, about 25 meet the fault.
_RATE = 25 / _JOBS
#: Jobs are over when they are polled for the first time: further polls would show nothing more.
_POLLING = Polling(expected=0.4, spread=0.2, shortest=0.1)
#: A budget of polls belongs to a session, and a 429 halves it: ten sessions are quicker than one.
_SESSIONS = 10
#: A submission that meets one of these was taken, and nobody heard of it;
_UNHEARD = tuple(TAKEN)
#: one that meets these was not, but whoever sent it cannot know.
_IN_DOUBT = ("500", "502", "reset-before", "503-bare", "408", "409", "425", "499")
#: After these it is made again.
_REFUSED = ("429", "429-retry-after", "503")
#: These differ from ``408`` and ``taken-503`` in the number alone.
_ALIKE = ("409", "425", "499", "taken-408", "taken-502")
_CHECKED = [name for name in HITS if name not in _ALIKE]


def _connected(queue: LocalQueue, folder: Path, timeout: Timeout) -> list[Session]:
    patience = Patience(submission=60.0, download=60.0, first=0.05, longest=0.2)
    options = {"api_key": queue.api_key, "base_url": queue.base_url, "patience": patience, "timeout": timeout}
    return [dnb.connect("live", store=folder / "decart_runs", polling=_POLLING, **options) for _ in range(_SESSIONS)]


def _run(sessions: list[Session], seeds: Iterable[int], name: str, **options: Any) -> int:
    """Makes these, a hundred at a time, waits for the end of each, and tells how many had to be asked for again."""

    def one(seed: int) -> int:
        job = sessions[seed % _SESSIONS].submit("lucy-pro-t2v", "x", seed=seed, **options)
        try:
            job.result(240)
        except dnb.JobFailedError:
            assert job.status == "failed"
        except dnb.QueueSubmitError:
            if job.status == "rejected" and name in _REFUSED:  # four times in a row, and certainly not taken
                return 1 + one(seed)
            assert job.status == "uncertain"
        return 0

    with ThreadPoolExecutor(100) as pool:
        return sum(pool.map(one, seeds))


@pytest.mark.parametrize("name", _CHECKED)
def test_every_job_is_paid_for_once_and_accounted_for(name: str, tmp_path: Path, small_video: Path) -> None:
    faults = Faults({name: _RATE}, seed=4)
    with LocalQueue(tmp_path / "queue", canned=small_video, draw_duration=lambda: 0.1, faults=faults) as queue:
        # The others have time for their answers, on whatever machine.
        sessions = _connected(queue, tmp_path, Timeout(read=3.0 if name == "stall" else 60.0))
        storage, schedule, store = queue.jobs.storage, queue.jobs.fault_schedule, Store(sessions[0].store)

        def ended(status: str) -> dict[int, Record]:
            return {record.inputs["seed"]: record for record in store.find(status=status)}

        rejected = _run(sessions, range(_JOBS), name)
        completed, failed, uncertain = ended("completed"), ended("failed"), ended("uncertain")
        assert sorted([*completed, *failed, *uncertain]) == list(range(_JOBS))
        assert len(store.find()) == _JOBS + rejected

        # None was submitted twice.
        jobs = [storage.load(job_id) for job_id in storage.ids()]
        taken = {job.seed: job for job in jobs}
        assert len(jobs) == len(taken)

        # Uncertain are those whose answer was lost, and no others.
        met = [faults.fault_for("submission", number) for number in range(schedule.call_counts["submission"])]
        lost = sum(fault in (*_UNHEARD, *_IN_DOUBT) for fault in met)
        if name == "reset-before":  # what was reset before all of it had gone out was certainly not taken
            assert 0 < len(uncertain) <= lost
        else:
            said = Counter(record.error for record in uncertain.values())
            assert len(uncertain) == lost, f"{len(uncertain)} uncertain, {lost} lost: {said.most_common(5)}"
        again = sum(fault in _REFUSED for fault in met) + lost - len(uncertain)
        assert len(met) == _JOBS + again
        assert uncertain.keys() - taken.keys() == (uncertain.keys() if name in _IN_DOUBT else set())

        # The others are what the queue made of them.
        for seed, record in (completed | failed).items():
            assert (record.job_id, record.error) == (taken[seed].id, taken[seed].error)
        assert len(failed) == (schedule.fault_counts[name] if name == "failed" else 0)
        assert all(store.video(record).read_bytes() == small_video.read_bytes() for record in completed.values())
        assert schedule.fault_counts[name] > 0

        while missing := set(range(_JOBS)) - ended("completed").keys():
            _run(sessions, missing, name, resubmit_uncertain=True)
        unheard = len(store.find(status="uncertain")) if name in _UNHEARD else 0
        assert len(store.find(status="completed")) == _JOBS
        assert len(storage.ids()) == _JOBS + len(store.find(status="failed")) + unheard
    assert len(list(store.folder.glob("*.mp4"))) == _JOBS
