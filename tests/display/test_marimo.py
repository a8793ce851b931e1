"""In marimo, things are asked for their HTML."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from decart_nb.client.polling import LOCAL
from decart_nb.display import marimo
from decart_nb.job.clip import Clip
from decart_nb.job.job import Job
from decart_nb.sweeps import sweep as sweeps
from tests.clips import read_clip
from tests.fake_sweep import FakeSweep


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """What is told to marimo, told for one test."""
    told = (Clip, Job, sweeps.Sweep)
    marimo.register()
    yield
    for kind in told:
        del kind._mime_


def test_a_sweep_shows_how_it_stands() -> None:
    kind, shown = sweeps.Sweep._mime_(FakeSweep())
    assert kind == "text/html"
    assert "sweep cats: 17 of 24 done (3 reused)" in shown
    assert "dnb.sweep.load(&#x27;cats&#x27;) shows its current status" in shown


def test_a_job_shows_how_it_stands_and_a_clip_itself(small_video) -> None:
    assert "lucy-2.5: " in Job("lucy-2.5", {}, estimate=LOCAL.prior)._mime_()[1]
    assert "<video " in read_clip(small_video, "j1", "lucy-2.5", {}, "local")._mime_()[1]
