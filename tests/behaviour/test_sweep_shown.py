"""What a sweep says of itself, to whatever shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import decart_nb as dnb
from decart_nb.local.queue import LocalQueue
from tests import sweeping
from tests.sweeping import T2V, connected, failing, submitted, wait_until

pytestmark = pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")


@pytest.fixture(autouse=True)
def slow_queue(tmp_path: Path, small_video: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalQueue]:
    """A queue that takes a while for each job; a session is connected to it."""
    sweeping.alone(monkeypatch)
    with LocalQueue(tmp_path / "queue", canned=small_video, draw_duration=lambda: 0.6) as queue:
        connected(queue)
        yield queue


def test_a_plan_shows_its_totals_why_to_its_end_and_no_formula() -> None:
    plan = dnb.sweep(model=[T2V, "lucy-pro-i2v"], prompt="<b> for $5 and $6", seed=1).plan
    shown = plan._repr_html_()
    assert shown.startswith('<div class="decart-table mathjax_ignore tex2jax_ignore">')
    assert ">2 rows · 1 new · 1 invalid · 5 s of video" in shown
    assert plan["why"][1].endswith(": data is missing: lucy-pro-i2v needs an image.")
    assert ">data is missing: lucy-pro-i2v needs an image.</td>" in shown
    assert plan["why"].isna()[0]
    assert "&lt;NA&gt;" not in shown
    assert "</span> &lt;b&gt; for $5 and $6</span>" in shown  # all rows have it, so it is said once


def test_a_sweep_that_has_not_run_here_stands_as_the_store_has_it(slow_queue) -> None:
    sweep = dnb.sweep(model=T2V, prompt="a cat", seed=[1, 1, 2, -1], name="cats")
    before = sweep.progress
    assert (before.total, before.waiting, before.invalid, before.cost) == (4, 3, 1, 0)
    assert before.note == ".run() makes what is not there yet. .plan says why rows are invalid."
    with failing(slow_queue):
        dnb.sweep(model=T2V, prompt="a cat", seed=2, name="cats").run()
    dnb.sweep(model=T2V, prompt="a cat", seed=1, name="cats").run()
    stands = sweep.progress
    assert (stands.done, stands.failed, stands.waiting, stands.invalid) == (2, 1, 0, 1)
    assert stands.cost == pytest.approx(0.4)
    assert sweep.over

    running = dnb.sweep(model=T2V, prompt="a dog", seed=1, name="dogs").start()
    wait_until(lambda: submitted(slow_queue) == 3)
    wait_until(lambda: dnb.sweep.load("dogs").progress.running == 1)
    assert dnb.sweep.load("dogs").progress.note.startswith("Status when this was shown.")
    wait_until(lambda: running.over)
    assert dnb.sweep.load("dogs").progress.done == 1


def test_one_that_was_stopped_says_so_and_may_be_run_again_at_once(slow_queue) -> None:
    sweep = dnb.sweep(model=T2V, prompt="a cat", seed=range(6)).start(concurrency=2)
    with pytest.raises(dnb.InvalidInputError, match="is running already"):
        sweep.run()
    wait_until(lambda: submitted(slow_queue) == 2)
    assert not sweep.progress.stopped
    sweep.cancel()
    assert sweep.progress.stopped
    assert not sweep.over
    results = sweep.run()
    assert not sweep.progress.stopped
    assert list(results["status"]) == ["completed"] * 6
    assert submitted(slow_queue) == 6
    assert sweep.over
