"""The grid of a sweep, which fills while the sweep runs."""

from __future__ import annotations

import gc
import time
from dataclasses import replace
from typing import Any

import pytest

from decart_nb.client.duration_estimate import Estimate
from decart_nb.display.sweep_grid import SweepGrid
from decart_nb.job.job import JobUpdates
from tests.fake_sweep import Clock, FakeSweep, fake_job

_HTML = "<img src=x onerror=alert(1)>"


@pytest.fixture
def sweep() -> FakeSweep:
    return FakeSweep()


@pytest.fixture
def grid(sweep: FakeSweep) -> SweepGrid:
    return SweepGrid(sweep)


def _told(grid: SweepGrid, sweep: FakeSweep, **changes: Any) -> dict[int, dict[str, Any]]:
    """What the grid tells its observers of a change of the sweep; it tells at most twice a second."""
    heard: dict[int, dict[str, Any]] = {}
    forget = grid.observe(heard.update)
    time.sleep(0.55)
    sweep.tell(**changes)
    forget()
    return heard


def test_a_job_that_runs_is_told_in_the_tile_of_its_row(grid, sweep) -> None:
    told = _told(grid, sweep, jobs=(fake_job(1), fake_job(4, _HTML)), rows=(1, 4))
    assert told.keys() == {1, 4}
    assert told[4] == {
        "status": "pending",
        "label": "queued, 1 s of usually 22–41 s",
        "error": None,
        "progress": 0.0,
        "retrying": False,
        "retry": False,
    }


def test_only_tiles_that_have_changed_are_told(grid, sweep) -> None:
    one, two = fake_job(1), fake_job(2)
    for job in (one, two):
        job.estimate = Estimate.around(1e6, 0.25)
    _told(grid, sweep, jobs=(one, two), rows=(1, 2))
    JobUpdates(two).set_status("processing")
    assert 2 in _told(grid, sweep)


def test_a_jobs_bar_never_goes_back(grid, sweep) -> None:
    clock = Clock()
    job = fake_job(clock=clock)
    job.estimate = Estimate.around(0.1, 0.25)
    JobUpdates(job).set_status("processing")
    clock.seconds += 1
    before = _told(grid, sweep, jobs=(job,), rows=(0,))[0]["progress"]
    job.estimate = replace(Estimate.around(1e6, 0.25), history=9)
    assert _told(grid, sweep)[0]["progress"] == before > 0.9


def test_a_retry_is_told_with_its_reason(grid, sweep) -> None:
    job = fake_job()
    job.retrying = f"no connection to {_HTML} (refused), trying again in 2 s"
    told = _told(grid, sweep, jobs=(job,), rows=(0,))[0]
    assert told["retrying"]
    assert told["label"].startswith(job.retrying)


def test_what_the_cap_holds_back_says_so(grid, sweep) -> None:
    told = _told(grid, sweep, held_back=2, over_cap=frozenset({22, 23}))
    assert {number: tile["status"] for number, tile in told.items()} == {22: "over the cap", 23: "over the cap"}
    _told(grid, sweep, over=True)
    assert [tile.status for tile in grid.tiles[21:]] == ["planned", "over the cap", "over the cap"]


def test_a_grid_that_nobody_holds_follows_the_sweep_no_longer(sweep) -> None:
    grid = SweepGrid(sweep)
    _told(grid, sweep, over=True)
    del grid
    gc.collect()
    sweep.tell(over=True)
    assert sweep.observers == []


@pytest.mark.parametrize("over", [True, False], ids=["before the start", "during the first run"])
def test_a_grid_fills_in_a_run_that_begins_later(over: bool, sweep) -> None:
    sweep.over = over
    grid = SweepGrid(sweep)
    _told(grid, sweep, over=True)
    assert _told(grid, sweep, jobs=(fake_job(3),), rows=(3,))[3]["status"] == "pending"
    sweep.results.loc[3, "status"] = "failed"
    assert _told(grid, sweep, jobs=(), rows=(), over=True)[3]["status"] == "failed"
