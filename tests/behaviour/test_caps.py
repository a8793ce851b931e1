"""A cap holds whatever way a job takes to its submission."""

from __future__ import annotations

import time

import pytest

import decart_nb as dnb
from decart_nb.local.faults import Faults, FaultSchedule
from decart_nb.local.queue import LocalQueue
from tests.sweeping import T2V, connected, submitted

pytestmark = [pytest.mark.usefixtures("alone"), pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")]


def test_a_sample_of_a_named_sweep_spends_its_budget(canned_queue) -> None:
    sweep = connected(canned_queue).sweep(model=T2V, prompt="x", seed=range(20), name="budget")
    sample = sweep.sample(10, seed=1)
    assert sample.name != sweep.name
    assert sample.run(max_cost=0.5)["status"].eq("completed").sum() == 2
    assert sweep.run(max_cost=0.5)["status"].eq("completed").sum() == 2
    assert submitted(canned_queue) == 2
    assert dnb.sweep.load(sample.name).results["status"].eq("completed").sum() == 2


@pytest.mark.parametrize("asked", ["lucy-latest", "lucy-2.5"])
@pytest.mark.parametrize("priced", ["lucy-latest", "lucy-2.5"])
def test_a_price_holds_for_all_names_of_a_model(canned_queue, small_video, asked, priced) -> None:
    session = connected(canned_queue, prices={priced: 0.5})
    plan = session.sweep(model=asked, prompt="x", data=small_video).plan
    assert plan["cost"][0] == pytest.approx(0.5)
    assert session.generate(asked, "x", data=small_video).cost == pytest.approx(0.5)


def test_the_price_of_an_old_name_holds_for_its_successor_and_the_name_itself_comes_first(canned_queue) -> None:
    session = connected(canned_queue, prices={"lucy-pro-v2v": 0.5, "lucy-clip": 0.7})
    assert session.runner.price(dnb.models.video("lucy-pro-v2v")) == 0.5
    assert session.runner.price(dnb.models.video("lucy-clip")) == 0.7
    assert session.runner.price(dnb.models.video("lucy-clip-latest")) == 0.7
    assert session.runner.price(dnb.models.video("lucy-restyle-2")) == 0.01


def test_a_price_of_an_unknown_name_is_warned_of(canned_queue) -> None:
    with pytest.warns(dnb.ModelWarning, match="lucy-25, which no table of models lists. Did you mean lucy-2.5"):
        connected(canned_queue, prices={"lucy-25": 1.0})


def test_an_input_that_makes_more_than_expected_counts_for_that_in_the_rows_that_follow(
    canned_queue, small_video
) -> None:
    # The model says that it makes a hundredth of a second, and makes one.
    own = dnb.ModelDefinition(
        name="lucy-9", width=64, height=48, fps=10, seconds=0.01, prices={"720p": 1.0}, url_path="/v1/jobs/lucy-2.5"
    )
    sweep = connected(canned_queue, prices={}).sweep(model=own, prompt=[str(n) for n in range(9)], data=small_video)
    table = sweep.run(max_cost=2.0, concurrency=1)
    assert table["status"].eq("completed").sum() == 2
    assert sweep.progress.cost == pytest.approx(2.0)


def test_nothing_is_submitted_after_cancel_has_returned(canned_queue) -> None:
    session = connected(canned_queue)
    for number in range(10):
        before = submitted(canned_queue)
        sweep = session.sweep(model=T2V, prompt=f"x{number}", seed=range(200)).start()
        while submitted(canned_queue) == before:
            time.sleep(0.001)
        sweep.cancel()
        under_way = {job for job in sweep.progress.jobs if job.is_being_submitted or job.id}
        after = submitted(canned_queue)
        while not sweep.over:
            time.sleep(0.001)
        assert submitted(canned_queue) - after <= len(under_way)


@pytest.mark.parametrize("fault", ["429", "503"])
def test_what_is_refused_for_the_moment_keeps_its_part_of_the_budget(tmp_path, small_video, fault) -> None:
    with LocalQueue(tmp_path / "busy", canned=small_video, faults=Faults({fault: 1.0})) as queue:
        session = connected(queue, patience=dnb.Patience(submission=2.0, first=0.05, longest=0.1))
        sweep = session.sweep(model=T2V, prompt="x", seed=range(20), name="s")
        table = sweep.run(max_cost=0.5)
        assert table["status"].value_counts().to_dict() == {"planned": 18, "rejected": 2}
        assert queue.jobs.fault_schedule.call_counts["submission"] <= 2 * 4
        queue.jobs.fault_schedule = FaultSchedule(Faults())
        assert sweep.run(max_cost=0.5)["status"].eq("completed").sum() == 2
        assert submitted(queue) == 2
