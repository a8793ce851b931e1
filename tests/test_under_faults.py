"""Five hundred jobs on a queue of which one call in twenty goes wrong: every one is paid for once, and accounted for."""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import decart_nb as dnb
from decart_nb import polling, queue_calls, session
from decart_nb.client import Timeout
from decart_nb.local.embedded import LocalQueue
from decart_nb.local.faults import HITS, Faults
from decart_nb.patience import Patience
from decart_nb.scheduler import Scheduler
from decart_nb.session import Session
from decart_nb.store import Record, Store

_JOBS, _RATE = 500, 0.05
#: A submission that meets one of these was taken, and nobody has heard of it;
_TAKEN_UNHEARD = ("reset-after", "stall", "malformed")
#: and one of these was not, which whoever sent it cannot know.
_PERHAPS_TAKEN = (*_TAKEN_UNHEARD, "500", "502", "reset-before")
_QUICK = Patience(submission=60.0, download=60.0, first=0.05, longest=0.2)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are expected to be as short as the local queue's, and all may be polled at once."""
    monkeypatch.setattr(session, "_current", None)
    monkeypatch.delenv("DECART_BACKEND")
    monkeypatch.setattr(polling, "LIVE", polling.LOCAL)
    monkeypatch.setattr(queue_calls, "Scheduler", functools.partial(Scheduler, budget=1000.0))


def _ended(live: Session, seeds: Iterable[int], **options: Any) -> None:
    """Submits these, and waits for the end of each."""
    jobs = [live.submit("lucy-pro-t2v", "x", seed=seed, **options) for seed in seeds]
    for job in jobs:
        try:
            job.result(60)
        except (dnb.QueueSubmitError, dnb.JobFailedError) as error:
            assert job.status == ("failed" if isinstance(error, dnb.JobFailedError) else "uncertain"), job


def _by_status(store: Store) -> dict[str, dict[int, Record]]:
    """What the store knows, by status and seed; the last of each seed counts."""
    found = {record.inputs["seed"]: record for record in store.find()}
    statuses: dict[str, dict[int, Record]] = {"completed": {}, "failed": {}, "uncertain": {}}
    for seed, record in found.items():
        statuses[record.status][seed] = record
    return statuses


@pytest.mark.filterwarnings("ignore:lucy-pro-t2v is retired")
@pytest.mark.parametrize("name", HITS)
def test_every_job_is_paid_for_once_and_accounted_for(name: str, tmp_path: Path, small_video: Path) -> None:
    faults = Faults({name: _RATE}, seed=4)
    with LocalQueue(tmp_path / "queue", canned=small_video, draw=lambda: 0.1, faults=faults) as queue:
        live = dnb.connect(
            "live", api_key=queue.api_key, base_url=queue.base_url, patience=_QUICK, timeout=Timeout(read=1.0)
        )
        with live:
            _ended(live, range(_JOBS))
            shelf, lots, store = queue.jobs.shelf, queue.jobs.lots, Store(live.store)
            met = Counter(faults.of("submission", number) for number in range(lots.calls["submission"]))
            taken = [shelf.load(job_id) for job_id in shelf.ids()]
            ends = _by_status(store)
            print(name, lots.calls, lots.drawn, met, {k: len(v) for k, v in ends.items()})
            # None was submitted twice, and none was lost.
            assert len(store.find()) == _JOBS == sum(map(len, ends.values()))
            seeds = [job.seed for job in taken]
            assert len(set(seeds)) == len(seeds)

            while _by_status(store)["completed"].keys() != set(range(_JOBS)):
                _ended(live, range(_JOBS), resubmit_uncertain=True)
