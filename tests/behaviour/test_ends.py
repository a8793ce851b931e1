"""How jobs end: expired, failed, unknown, undecodable, forgotten by the queue, or retried."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

import decart_nb as dnb
from decart_nb.local.queue import LocalQueue
from decart_nb.store.job_row import Record
from tests import sweeping
from tests.scripted import answer, serving
from tests.sweeping import SHORT, T2V, connected, submitted, wait_until

pytestmark = [pytest.mark.usefixtures("alone"), pytest.mark.filterwarnings("ignore:lucy-pro:decart_nb.ModelWarning")]


def _of_another_codec(video: bytes) -> bytes:
    """The same MP4, whose picture says that it is of a codec that nobody has."""
    return video.replace(b"avc1", b"zzz9").replace(b"avcC", b"zzzC")


def _cut_short(video: bytes) -> bytes:
    return video[:-100]


def test_a_video_that_the_service_no_longer_has_is_an_end_of_its_own(slow_queue) -> None:
    session = connected(slow_queue, patience=dnb.Patience(lag=0.0, first=0.05))
    slow_queue.jobs.canned, kept = Path("gone.mp4"), slow_queue.jobs.canned
    job = session.submit(T2V, "x")
    with pytest.raises(dnb.QueueResultError, match="fresh=True makes another take"):
        job.result(30)
    assert job.status == "expired"
    assert list(session.jobs()["status"]) == ["expired"]
    with pytest.raises(dnb.QueueResultError, match="fresh=True"):
        session.generate(T2V, "x")
    assert submitted(slow_queue) == 1
    polls = slow_queue.jobs.stats.as_dict()["polls"]
    connected(slow_queue)
    assert slow_queue.jobs.stats.as_dict()["polls"] == polls  # nobody asks for it by himself
    sweep = session.sweep(model=T2V, prompt="x")
    assert sweep.plan["plan"].tolist() == ["failed"]
    assert sweep.run()["status"].tolist() == ["expired"]
    slow_queue.jobs.canned = kept
    assert session.attach(job.id).result(30).job_id == job.id  # whoever asks is answered
    assert submitted(slow_queue) == 1


def test_an_expired_row_is_made_again_by_retry(slow_queue) -> None:
    session = connected(slow_queue, patience=dnb.Patience(lag=0.0, first=0.05))
    slow_queue.jobs.canned, kept = Path("gone.mp4"), slow_queue.jobs.canned
    sweep = session.sweep(model=T2V, prompt="x")
    assert sweep.run()["status"].tolist() == ["expired"]
    slow_queue.jobs.canned = kept
    assert sweep.run()["status"].tolist() == ["expired"]
    assert sweep.retry()["status"].tolist() == ["completed"]
    assert submitted(slow_queue) == 2


def test_attaching_to_a_failed_job_tells_that_it_failed(canned_queue) -> None:
    session = connected(canned_queue)
    with sweeping.failing(canned_queue), pytest.raises(dnb.JobFailedError) as failed:
        session.generate(T2V, "x")
    for _ in range(2):
        with pytest.raises(dnb.JobFailedError, match=failed.value.job_id):
            session.attach(failed.value.job_id).result(10)
    assert list(session.jobs()["status"]) == ["failed"]


@pytest.mark.parametrize("job_id", ["0" * 32, "typed", "..", "a/b", "x y"])
def test_a_bad_id_leaves_nothing_behind(canned_queue, job_id) -> None:
    session = connected(canned_queue)
    with pytest.raises(dnb.DecartSDKError, match="knows no such job"):
        session.attach(job_id).result(10)
    assert session.jobs().empty


def test_jobs_that_nobody_answers_for_do_not_hold_up_new_ones(canned_queue) -> None:
    session = connected(canned_queue)
    store = session.runner.store
    for number in range(300):
        record = Record(f"r{number}", session.runner.endpoint, "live", T2V, T2V, job_id=f"j{number}")
        record.status, record.submitted_at, record.ended_at = "unreachable", 1.0, float(number)
        store.adopt(record)
    polls = canned_queue.jobs.stats.as_dict()["polls"]
    job = connected(canned_queue).submit(T2V, "x")
    job.result(20)
    assert canned_queue.jobs.stats.as_dict()["polls"] - polls < 10  # the forgotten ones were not polled before it
    wait_until(lambda: len(store.find(status="unreachable")) == 300 and not session.runner.at_work, 30)


@pytest.mark.parametrize("damage", [_of_another_codec, _cut_short], ids=lambda damage: damage.__name__.strip("_"))
def test_a_paid_video_that_cannot_be_decoded_here_is_kept(slow_queue, small_video, tmp_path, damage) -> None:
    odd = damage(small_video.read_bytes())
    slow_queue.jobs.canned = tmp_path / "odd.mp4"
    slow_queue.jobs.canned.write_bytes(odd)
    session = connected(slow_queue, patience=dnb.Patience(first=0.05, longest=0.1, download=5.0))
    clip = session.generate(T2V, "x")
    assert clip.path.read_bytes() == odd
    assert (clip.width, clip.duration) == (0, 0.0)
    (row,) = session.jobs().to_dict("records")
    assert row["status"] == "completed"
    assert "cannot be decoded here" in row["error"]
    with contextlib.suppress(dnb.MediaError):  # of one that is cut short, the beginning may be there
        clip.poster()
    assert "<Clip" in repr(clip)
    assert session.generate(T2V, "x").reused
    assert submitted(slow_queue) == 1


def test_what_is_no_video_is_not_kept(slow_queue, tmp_path) -> None:
    slow_queue.jobs.canned = tmp_path / "page.mp4"
    slow_queue.jobs.canned.write_bytes(b"\x00\x01 nothing that anybody plays" * 100)
    session = connected(slow_queue, patience=dnb.Patience(first=0.05, longest=0.1, download=1.0))
    job = session.submit(T2V, "x")
    with pytest.raises(dnb.QueueResultError, match="not a video"):
        job.result(30)
    assert job.status == "unreachable"


def test_what_is_retried_is_said_while_it_lasts(canned_queue) -> None:
    session = connected(canned_queue)
    address, key = (canned_queue.host, canned_queue.port), canned_queue.api_key
    canned_queue.stop()
    job = session.submit(T2V, "x")
    wait_until(lambda: job.retrying is not None)
    assert f"no connection to 127.0.0.1:{address[1]}" in job.retrying
    assert session.jobs()["error"][0] == job.retrying
    assert job.retrying in repr(job)
    with LocalQueue(Path("back"), host=address[0], port=address[1], api_key=key, canned=canned_queue.jobs.canned):
        job.result(30)
    assert job.retrying is None


def test_an_id_that_is_another_jobs_is_not_believed(small_video, tmp_path) -> None:
    taken, done = (
        answer(body={"job_id": "j1", "status": "pending"}),
        answer(body={"job_id": "j1", "status": "completed"}),
    )
    video = answer(body=small_video.read_bytes(), Content_Type="video/mp4")
    with serving(taken, done, video, taken) as server:
        session = dnb.connect(
            "live", api_key="key_of_a_test", base_url=server.url, polling=SHORT, store=tmp_path / "runs"
        )
        first = session.generate(T2V, "first")
        with pytest.raises(dnb.QueueSubmitError, match="the id of another job, j1"):
            session.generate(T2V, "second")
        assert [record.status for record in session.runner.store.find()] == ["completed", "uncertain"]
        assert session.generate(T2V, "first").path == first.path
        assert len(server.asked) == 4
