"""What the tests of sweeps share: sessions at a canned queue, and kernels of their own that run sweeps."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import decart_nb as dnb
from decart_nb.client.polling import Polling
from decart_nb.client.retry import Patience
from decart_nb.job.ingest import ingest
from decart_nb.local.faults import Faults, FaultSchedule
from decart_nb.local.queue import LocalQueue
from decart_nb.request.catalogue import models
from decart_nb.request.request import prepare
from decart_nb.session.current import current_session
from decart_nb.session.session import Session
from decart_nb.store.store import Store
from tests.forked import forkserver

#: What jobs take at the canned queue.
SHORT = Polling(expected=0.2, spread=0.5, shortest=0.1)
#: Its cells cost 0.20 each: it makes five seconds of video.
T2V = "lucy-pro-t2v"
PRICES = {T2V: 0.04}
#: What goes on soon where something did not work.
QUICK = Patience(submission=60.0, download=60.0, first=0.05, longest=0.2)


def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local queue is not all that there may be."""
    monkeypatch.delenv("DECART_BACKEND")


def connected(queue: LocalQueue, **options: Any) -> Session:
    """A session that takes a queue for Decart."""
    address = {"api_key": queue.api_key, "base_url": queue.base_url}
    usual = {"prices": PRICES, "patience": QUICK, "polling": SHORT}
    return dnb.connect("live", **(address | usual | options))


def submitted(queue: LocalQueue) -> int:
    """How many submissions a queue has taken so far."""
    taken: int = queue.jobs.stats.as_dict()["submissions"]
    return taken


def steps(queue: LocalQueue) -> int:
    """How many submissions and downloads a queue has had so far."""
    stats = queue.jobs.stats.as_dict()
    count: int = stats["submissions"] + stats["downloads"]
    return count


def statuses(table: pd.DataFrame) -> dict[str, int]:
    """How many rows of a table have each status."""
    counts: dict[str, int] = table["status"].value_counts().to_dict()
    return counts


@contextlib.contextmanager
def failing(queue: LocalQueue) -> Iterator[None]:
    """Every job that is submitted meanwhile fails."""
    queue.jobs.fault_schedule, schedule = FaultSchedule(Faults({"failed": 1.0})), queue.jobs.fault_schedule
    try:
        yield
    finally:
        queue.jobs.fault_schedule = schedule


def kernel(queue: LocalQueue, work: Callable[..., object], *args: Any, **options: Any) -> BaseProcess:
    """Another kernel, which does some work with the store of this folder."""
    address = {"api_key": queue.api_key, "base_url": queue.base_url}
    started = forkserver.Process(target=_work, args=(Path.cwd(), address, work, args, options))
    started.start()
    return started


def kill_at(until: float, kernel: BaseProcess, queue: LocalQueue, draw: random.Random) -> None:
    """Kills a kernel in the middle of its work, a moment after a queue has had so many steps."""
    while kernel.is_alive() and steps(queue) < until:
        time.sleep(0.002)
    time.sleep(draw.uniform(0, 0.02))
    kernel.kill()
    kernel.join()
    assert kernel.exitcode == -signal.SIGKILL
    kernel.close()


def ended(*kernels: BaseProcess) -> None:
    """Waits until they have done their work."""
    for one in kernels:
        one.join(60)
        assert one.exitcode == 0
        one.close()


def same(found: pd.DataFrame, wanted: pd.DataFrame, but: Sequence[str] = ()) -> None:
    """Two tables hold the same in the same types, but for some columns."""
    pd.testing.assert_frame_equal(
        found.drop(columns=[*but]), pd.DataFrame(wanted.drop(columns=[*but])), check_frame_type=False
    )


def wait_until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits for something that is about to be."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


# What kernels do.


def cut_off(prompt: str) -> None:
    """Ends in the middle of a submission."""
    here = current_session()
    store = Store(here.store)
    _, wanted = ingest(store, prepare(models.video(T2V), {"prompt": prompt}), here.base_url, here.backend, T2V)
    record, _ = store.claim(wanted)
    store.update(record, sent_at=time.time())


def make(prompt: str, seeds: int, **options: Any) -> None:
    """Runs a sweep over so many seeds."""
    dnb.sweep(model=T2V, prompt=prompt, seed=range(seeds), name=prompt).run(**options)


def load_and_keep(name: str, path: str) -> None:
    dnb.sweep.load(name).results.to_pickle(path)


def _work(
    folder: Path, address: dict[str, str], work: Callable[..., object], args: tuple[Any, ...], options: dict[str, Any]
) -> None:
    os.environ.pop("DECART_BACKEND", None)
    os.chdir(folder)
    warnings.simplefilter("ignore")
    dnb.connect("live", **address, prices=PRICES, patience=QUICK, polling=SHORT)
    work(*args, **options)
