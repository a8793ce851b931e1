"""Seeds that are drawn for requests without one: sent, kept, and found again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import decart_nb as dnb
from decart_nb.display.code import code_of
from decart_nb.local.queue import LocalQueue
from decart_nb.request.models import MAX_SEED
from decart_nb.session.session import Session
from tests import sweeping

pytestmark = pytest.mark.filterwarnings("ignore:lucy-.* is retired:decart_nb.ModelWarning")


@pytest.fixture
def live(canned_queue: LocalQueue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    sweeping.alone(monkeypatch)
    with sweeping.connected(canned_queue) as opened:
        yield opened


def _sent(queue: LocalQueue) -> dict[str, Any]:
    """The seed of each job that the queue was sent, by the job's id."""
    jobs = [queue.jobs.get(job_id) for job_id in queue.jobs.storage.ids()]
    return {job.id: job.seed for job in jobs if job}


def test_a_request_without_a_seed_is_sent_with_one_which_is_kept_and_shown(live, canned_queue) -> None:
    clip = live.generate("lucy-pro-t2v", "a")
    assert 0 <= clip.inputs["seed"] <= MAX_SEED
    assert _sent(canned_queue) == {clip.job_id: clip.inputs["seed"]}
    record = dnb.provenance(clip)
    assert record["seed"] == record["inputs"]["seed"] == clip.inputs["seed"]
    (row,) = dnb.jobs().to_dict("records")
    assert (row["drawn_seed"], "seed" in row) == (clip.inputs["seed"], False)


def test_the_same_request_again_is_the_stored_clip_with_its_seed(live, canned_queue) -> None:
    first, again = live.submit("lucy-pro-t2v", "a"), live.submit("lucy-pro-t2v", "a")
    assert first.result(20).job_id == again.result(20).job_id
    assert first.inputs["seed"] == again.inputs["seed"] == first.clip.inputs["seed"]
    assert sweeping.submitted(canned_queue) == 1


def test_each_take_draws_its_own_and_its_code_finds_it(live, canned_queue) -> None:
    job = live.submit("lucy-pro-t2v", "a")
    job.result(20)
    takes = [job, job.again(), live.submit("lucy-pro-t2v", "a", fresh=True)]
    assert [take.result(20).take for take in takes] == [0, 1, 2]
    seeds = [take.clip.inputs["seed"] for take in takes]
    assert len({*seeds}) == 3
    for take, seed in zip(takes, seeds, strict=True):
        assert code_of(take, Path.cwd()).endswith(f"\ndnb.generate('lucy-pro-t2v', prompt='a', seed={seed})")
        found = live.generate("lucy-pro-t2v", "a", seed=seed)
        assert (found.job_id, found.reused) == (take.id, True)
    assert live.generate("lucy-pro-t2v", "a", seed=seeds[1], fresh=True).take == 1  # beside the one that it made
    assert sweeping.submitted(canned_queue) == 4


def test_a_sweep_draws_one_for_each_row_and_its_table_makes_nothing_anew(live, canned_queue) -> None:
    sweep = dnb.sweep(model="lucy-pro-t2v", prompt=["a", "b"], repeat=2)
    table = sweep.run()
    assert "seed" not in table
    assert table["drawn_seed"].nunique() == 4
    assert sorted(_sent(canned_queue).values()) == sorted(table["drawn_seed"])
    assert [clip.inputs["seed"] for clip in table.decart.clips] == list(table["drawn_seed"])
    for same in (table, dnb.jobs()):
        assert set(same.decart.run()["job_id"]) == set(table["job_id"])
    spelled = dnb.sweep(model="lucy-pro-t2v", prompt="a", seed=[*table["drawn_seed"][:2]])
    assert list(spelled.plan["plan"]) == ["reused", "reused"]
    assert list(spelled.run()["job_id"]) == list(table["job_id"][:2])
    assert sweeping.submitted(canned_queue) == 4


def test_another_take_from_the_store_is_counted_as_one_from_its_job(live) -> None:
    first = live.generate("lucy-pro-t2v", "a")
    again = dnb.jobs().decart.grid().repeat(0).result(20)
    assert (again.take, again.inputs["seed"] != first.inputs["seed"]) == (1, True)


def test_one_that_is_given_stays_and_a_model_of_unknown_inputs_gets_none(live, small_video) -> None:
    assert live.generate("lucy-pro-t2v", "a", seed=7).inputs["seed"] == 7
    own = dnb.ModelDefinition(name="lucy-2.5", width=64, height=48, fps=10)
    assert "seed" not in live.generate(own, "a", data=small_video).inputs
    assert dnb.jobs()["drawn_seed"].isna().all()


def test_what_an_earlier_version_made_without_a_seed_is_found(live, canned_queue) -> None:
    clip = live.generate("lucy-pro-t2v", "a")
    store = live.runner.store
    (record,) = store.find(job_id=clip.job_id)
    store.update(record, drawn_seed=None, seeded_request=None)
    found = live.submit("lucy-pro-t2v", "a")
    assert found.result(20).job_id == clip.job_id
    assert "seed" not in found.inputs
    assert sweeping.submitted(canned_queue) == 1
