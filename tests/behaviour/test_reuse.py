"""The same request again gives the same clip, and costs nothing; what differs is made anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import decart_nb as dnb
from decart_nb import media
from decart_nb.local.queue import LocalQueue
from decart_nb.session.session import Session
from tests.sweeping import SHORT

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture
def live(canned_queue: LocalQueue) -> Iterator[Session]:
    """A session that takes the canned queue for Decart."""
    with _connected(canned_queue) as opened:
        yield opened


@pytest.fixture
def submitted(canned_queue: LocalQueue) -> Callable[[], int]:
    """How many submissions the queue has taken so far."""
    return lambda: canned_queue.jobs.stats.as_dict()["submissions"]


def _connected(queue: LocalQueue, **options: Any) -> Session:
    return dnb.connect("live", api_key=queue.api_key, base_url=queue.base_url, polling=SHORT, **options)


def test_the_same_again_is_the_stored_clip_from_any_session(live, canned_queue, submitted, small_video) -> None:
    first = live.generate("lucy-2.5", "a", data=small_video, seed=1)
    again = _connected(canned_queue).generate("lucy-2.5", seed=1, data=small_video, prompt="a")
    assert submitted() == 1
    assert (first.reused, again.reused) == (False, True)
    assert (again.path, again.sha256, again.job_id) == (first.path, first.sha256, first.job_id)
    assert again.inputs == first.inputs
    assert again.made_at == pytest.approx(time.time(), abs=60)


def test_another_name_of_the_file_or_the_model_and_a_spelled_out_default_are_the_same(
    live, submitted, small_video, tmp_path
) -> None:
    renamed = tmp_path / "renamed.mp4"
    renamed.write_bytes(small_video.read_bytes())
    live.generate("lucy-restyle-2", "a", data=small_video)
    live.generate("lucy-restyle-2", "a", data=renamed)
    live.generate("lucy-restyle-2", "a", data=small_video.read_bytes())
    live.generate("lucy-restyle-2", "a", data=small_video, enhance_prompt=True, resolution="720p")
    live.generate("lucy-restyle-latest", "a", data=small_video)
    with pytest.warns(dnb.ModelWarning, match="old name"):
        live.generate("lucy-restyle-v2v", "a", data=small_video)
    assert submitted() == 1


def test_whatever_differs_is_another_request(live, canned_queue, submitted, small_video, tmp_path) -> None:
    other = tmp_path / "other.mp4"
    media.encode(list(media.frames(small_video))[:5], other, fps=10)
    for inputs in ({}, {"prompt": "b"}, {"seed": 1}, {"seed": 2}, {"enhance_prompt": False}, {"data": other}):
        live.generate("lucy-2.5", **{"prompt": "a", "data": small_video, **inputs})
    live.generate("lucy-2.6", "a", data=small_video)
    _connected(canned_queue, store="another").generate("lucy-2.5", "a", data=small_video)
    assert submitted() == 8


def test_fresh_asks_for_the_next_take(live, submitted, small_video) -> None:
    takes = [live.generate("lucy-2.5", "a", data=small_video, fresh=fresh) for fresh in (False, True, True, False)]
    assert [clip.take for clip in takes] == [0, 1, 2, 0]
    assert len({clip.path for clip in takes}) == 3
    assert submitted() == 3


def test_another_take_of_a_job_is_fresh_and_of_a_seeded_one_has_another_seed(live, submitted, small_video) -> None:
    job = live.submit("lucy-2.5", "a", data=small_video)
    job.result(10)
    again = job.again()
    assert again.result(10).take == 1
    seeded = live.submit("lucy-2.5", "a", data=small_video, seed=1)
    seeded.result(10)
    other = seeded.again()
    assert other.result(10).inputs["seed"] != 1
    assert submitted() == 4


def test_two_that_ask_at_once_submit_once(live, canned_queue, submitted, small_video) -> None:
    jobs = [_connected(canned_queue).submit("lucy-2.5", "a", data=small_video) for _ in range(5)]
    assert len({job.result(20).path for job in jobs}) == 1
    assert {job.id for job in jobs} == {jobs[0].id}
    assert submitted() == 1


def test_a_failed_job_is_tried_again(canned_queue, small_video) -> None:
    jobs, live = canned_queue.jobs, _connected(canned_queue, patience=dnb.Patience(lag=0.5))
    canned, jobs.canned = jobs.canned, Path("gone.mp4")
    with pytest.raises(dnb.DecartSDKError):
        live.generate("lucy-2.5", "a", data=small_video)
    jobs.canned = canned
    assert live.generate("lucy-2.5", "a", data=small_video).reused is False


def test_a_video_removed_by_hand_is_fetched_again_and_a_changed_one_is_not_overwritten(
    live, submitted, small_video
) -> None:
    first = live.generate("lucy-2.5", "a", data=small_video)
    first.path.unlink()
    again = live.generate("lucy-2.5", "a", data=small_video)
    assert again.path == first.path
    assert again.path.read_bytes() == small_video.read_bytes()
    again.path.write_bytes(b"cut by hand")
    third = live.generate("lucy-2.5", "a", data=small_video)
    assert third.path != first.path
    assert third.path.read_bytes() == small_video.read_bytes()
    assert first.path.read_bytes() == b"cut by hand"
    assert submitted() == 1


def test_a_change_of_directory_changes_nothing(live, submitted, small_video, tmp_path, monkeypatch) -> None:
    first = live.generate("lucy-2.5", "a", data=small_video)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert live.generate("lucy-2.5", "a", data=small_video).path == first.path
    assert not list(Path.cwd().iterdir())
    assert submitted() == 1


def test_jobs_is_a_table_of_all_that_the_store_knows(live, small_video) -> None:
    assert dnb.jobs().empty
    clip = live.generate("lucy-2.5", "a", data=small_video, seed=3)
    table = dnb.jobs()
    (row,) = table.to_dict("records")
    assert (row["model"], row["prompt"], row["seed"], row["data"]) == ("lucy-2.5", "a", 3, small_video.name)
    assert (row["status"], row["job_id"], row["take"]) == ("completed", clip.job_id, 0)
    assert row["path"] == str(clip.path.relative_to(Path.cwd()))
    assert row["submitted_at"].timestamp() == pytest.approx(time.time(), abs=60)
    assert row["waited"] >= 0
    assert 0 < row["made"] < 60
    assert row["cost"] == pytest.approx(0.04 * clip.duration)
    newer = live.generate("lucy-2.5", "b", data=small_video, seed=3)
    assert list(dnb.jobs()["job_id"]) == [newer.job_id, clip.job_id]


def test_prune_lists_before_it_deletes(live, small_video) -> None:
    kept = live.generate("lucy-2.5", "a", data=small_video)
    gone = live.generate("lucy-2.6", "a", data=small_video)
    with pytest.raises(dnb.InvalidInputError, match="needs to know what"):
        live.prune()
    with pytest.raises(dnb.InvalidInputError, match="must be days"):
        live.prune(older_than="x")
    assert live.prune(older_than=1).empty
    assert list(live.prune(model="lucy-2.6")["job_id"]) == [gone.job_id]
    assert gone.path.exists()
    live.prune(model="lucy-2.6", delete=True)
    assert not gone.path.exists()
    assert kept.path.exists()
    assert list(dnb.jobs()["job_id"]) == [kept.job_id]


def test_a_waiting_thread_is_not_needed_for_the_video_to_be_kept(live, small_video) -> None:
    job = live.submit("lucy-2.5", "a", data=small_video)
    threading.Thread(target=job.cancel).start()
    while not job.done:
        time.sleep(0.05)
    assert job.clip is None or job.clip.path.exists()


def test_asking_again_for_what_may_have_been_taken_does_not_pay_twice(
    live, canned_queue, submitted, small_video
) -> None:
    job = live.submit("lucy-2.5", "a", data=small_video, seed=1)
    job.result(10)
    job.clip.path.unlink()
    job.clip = None  # as of a job that came out of reach
    assert job.again().result(10).job_id == job.id
    assert submitted() == 1
