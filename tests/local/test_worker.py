"""What becomes of jobs: in time, in number, and over the life of the process that took them."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time

import pytest

from decart_nb import DecartClient, media
from decart_nb._util.cores import usable_cores
from decart_nb.local.durations import durations
from decart_nb.local.queue import LocalQueue
from decart_nb.local.worker import JobQueue
from decart_nb.request.catalogue import models
from tests.local.wire import ORDER, PROMPT, calling, followed, serving, status, submitted, talk

_QUICK = {"prompt": "Mono", "resolution": "480p"}


def added(jobs: JobQueue, **values):
    """A new job that needs no file."""
    return jobs.add(models.video("lucy-pro-t2v"), PROMPT | values, {})


def drawn(model, values, files, seed, target, check_stop):
    """Renders what is no video, in a twentieth of a second."""
    time.sleep(0.05)
    target.write_bytes(b"drawn")


@pytest.fixture
def made():
    """A maker of :class:`JobQueue` that closes what it has made."""
    open_ones = []

    def make(*arguments, **more):
        open_ones.append(JobQueue(*arguments, **more))
        return open_ones[-1]

    yield make
    for jobs in open_ones:
        jobs.close()


@pytest.mark.parametrize(
    "kind", ["fixed:0.1", "uniform:0.05,0.2", "exponential:0.05", "lognormal:0.1,0.25", "bimodal:0.05,0.2,0.5"]
)
def test_a_canned_job_takes_what_was_drawn(made, tmp_path, small_video, kind):
    jobs = made(tmp_path / "a", canned=small_video, draw_duration=durations(kind, random.Random(3)))
    expected = durations(kind, random.Random(3))
    for _ in range(5):
        record = added(jobs)
        assert record.ready - record.created == pytest.approx(expected(), abs=1e-5)
        assert jobs.content(record) == small_video


def test_a_canned_job_goes_through_every_status(tmp_path, small_video):
    with LocalQueue(tmp_path / "q", canned=small_video, draw_duration=lambda: 1.0) as queue, talk(queue) as http:
        began = time.monotonic()
        assert followed(http, submitted(http)) == ORDER
        assert time.monotonic() - began >= 1.0


@pytest.mark.parametrize("canned", [True, False])
def test_a_job_takes_the_delay_at_least(tmp_path, small_video, canned):
    began = time.time()
    with (
        LocalQueue(tmp_path / "q", delay=0.7, canned=small_video if canned else None) as queue,
        talk(queue) as http,
    ):
        files = {"data": small_video.read_bytes()}
        good = submitted(http, "lucy-vton-2", data=_QUICK, files=files)
        bad = submitted(http, "lucy-vton-2", data=_QUICK, files={"data": b"no video"})
        assert followed(http, good)[-1] == "completed"
        assert time.time() - began >= 0.7
        assert followed(http, bad)[-1] == ("completed" if canned else "failed")
        assert all(queue.jobs.get(job).ready - queue.jobs.get(job).created >= 0.7 for job in (good, bad))


def test_no_more_are_rendered_at_a_time_than_there_are_cores(tmp_path):
    cores, seen = usable_cores(), threading.Event()

    def waiting(*request):
        seen.wait(30)
        drawn(*request)

    with LocalQueue(tmp_path / "q", render=waiting) as queue, talk(queue) as http:
        jobs = [submitted(http) for _ in range(cores + 3)]
        most, statuses, deadline = 0, [""], time.monotonic() + 30
        while not set(statuses) <= {"completed"}:
            assert time.monotonic() < deadline
            # Asked from the newest: a job that goes on in the meantime is not counted twice with its follower.
            statuses = [status(http, job) for job in reversed(jobs)]
            most = max(most, statuses.count("processing"))
            if most >= cores:
                seen.set()
            time.sleep(0.01)
    assert most == cores


def test_one_worker_takes_them_in_order(made, tmp_path):
    jobs = made(tmp_path / "a", workers=1, render=drawn)
    records = [added(jobs) for _ in range(3)]
    deadline = time.monotonic() + 30
    while not all(record.ready for record in records):
        assert sum(record.status() == "processing" for record in records) <= 1
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert [record.ready for record in records] == sorted(record.ready for record in records)


@pytest.mark.parametrize("given", [0, 7, 2**32 - 1])
def test_a_seed_is_kept(made, tmp_path, small_video, given):
    jobs = made(tmp_path / "a", canned=small_video)
    assert added(jobs, seed=given).seed == given


def test_without_a_seed_each_job_draws_its_own(made, tmp_path, small_video):
    jobs = made(tmp_path / "a", canned=small_video)
    assert len({added(jobs).seed for _ in range(5)}) == 5


def test_finished_jobs_can_be_fetched_after_a_restart(tmp_path, small_video):
    files = {"data": small_video.read_bytes()}
    with LocalQueue(tmp_path / "q") as queue, talk(queue) as http:
        good = submitted(http, "lucy-vton-2", data=_QUICK, files=files)
        bad = submitted(http, "lucy-vton-2", data=_QUICK, files={"data": b"no video"})
        assert followed(http, good)[-1] == "completed"
        assert followed(http, bad)[-1] == "failed"
        video = http.get(f"/v1/jobs/{good}/content").content
        reason = http.get(f"/v1/jobs/{bad}").json()["error"]
    with LocalQueue(tmp_path / "q") as queue, talk(queue) as http:
        assert status(http, good) == "completed"
        assert http.get(f"/v1/jobs/{good}/content").content == video
        assert http.get(f"/v1/jobs/{bad}").json()["error"] == reason


def test_a_video_that_leads_out_of_the_folder_is_not_served(tmp_path):
    (tmp_path / "secret").write_text("secret")
    with LocalQueue(tmp_path / "q", render=drawn) as queue, talk(queue) as http:
        job_id = submitted(http)
        assert followed(http, job_id)[-1] == "completed"
        video = queue.jobs.storage.video(job_id)
        video.unlink()
        video.symlink_to(tmp_path / "secret")
        answer = http.get(f"/v1/jobs/{job_id}/content")
        assert (answer.status_code, answer.json()) == (404, {"detail": "The video is no longer there."})


def test_unfinished_jobs_go_on_after_a_restart_once_somebody_asks(tmp_path):
    with LocalQueue(tmp_path / "q") as queue, talk(queue) as http:
        asked, forgotten = (submitted(http, data=_QUICK) for _ in range(2))
    with LocalQueue(tmp_path / "q") as queue, talk(queue) as http:
        assert followed(http, asked)[-1] == "completed"
        assert media.probe(queue.jobs.storage.video(asked)).height == 480
        assert queue.jobs.storage.load(forgotten).ready is None


def test_unfinished_jobs_go_on_after_the_process_was_killed(tmp_path, small_image):
    with serving("--folder", str(tmp_path / "q"), "--api-key", "dct_k") as served:
        with calling(served.base_url, "dct_k") as http:
            files = {"data": small_image.read_bytes()}
            request = {"data": {"prompt": "Zoom", "seed": "5", "resolution": "480p"}, "files": files}
            running, waiting = [submitted(http, "lucy-pro-i2v", **request) for _ in range(usable_cores() + 1)][
                :: usable_cores()
            ]
            assert followed(http, running, until="processing")[-1] == "processing"
        os.kill(served.process.pid, signal.SIGKILL)
        served.process.wait(10)
    with LocalQueue(tmp_path / "q") as queue, talk(queue) as http:
        # A render that had begun has begun anew.
        for job_id in (running, waiting):
            assert followed(http, job_id)[-1] == "completed"
        videos = {http.get(f"/v1/jobs/{job_id}/content").content for job_id in (running, waiting)}
    assert len(videos) == 1


def test_a_job_of_another_queue_is_seen_and_left_to_it(tmp_path, small_video):
    with (
        LocalQueue(tmp_path / "q", delay=1.0) as first,
        LocalQueue(tmp_path / "q") as second,
        talk(first) as here,
        talk(second) as there,
    ):
        files = {"data": small_video.read_bytes()}
        job_id = submitted(here, "lucy-vton-2", data=_QUICK, files=files)
        assert status(there, job_id) in ("pending", "processing")
        seen = followed(there, job_id)
        assert seen[-1] == "completed"
        assert first.jobs.storage.load(job_id).owner == first.jobs.storage.owner_id
        assert there.get(f"/v1/jobs/{job_id}/content").content == here.get(f"/v1/jobs/{job_id}/content").content


def known(jobs: JobQueue, records) -> list[bool]:
    return [jobs.get(record.id) is not None for record in records]


def test_the_oldest_finished_jobs_go_first(made, tmp_path, small_video):
    jobs = made(tmp_path / "a", canned=small_video, max_kept=3)
    records = [added(jobs) for _ in range(5)]
    assert known(jobs, records) == [False, False, True, True, True]
    assert len(list((tmp_path / "a" / "jobs").iterdir())) == 3


def test_an_unfinished_job_never_goes(made, tmp_path, small_video):
    seconds = iter([60.0, 0.0, 0.0, 0.0])
    jobs = made(tmp_path / "a", canned=small_video, draw_duration=lambda: next(seconds), max_kept=2)
    records = [added(jobs) for _ in range(4)]
    assert known(jobs, records)[0]
    assert known(jobs, records)[-1]
    assert not all(known(jobs, records))


def test_jobs_of_before_count_among_those_that_are_kept(made, tmp_path, small_video):
    before = made(tmp_path / "a", canned=small_video)
    records = [added(before) for _ in range(3)]
    before.close()
    jobs = made(tmp_path / "a", canned=small_video, max_kept=2)
    records.append(added(jobs))
    assert known(jobs, records) == [False, False, True, True]


def test_another_queues_unfinished_job_never_goes(made, tmp_path, small_video):
    other = made(tmp_path / "a", canned=small_video, draw_duration=lambda: 60.0)
    working = added(other)
    jobs = made(tmp_path / "a", canned=small_video, max_kept=1)
    for _ in range(3):
        added(jobs)
    assert other.storage.load(working.id) is not None


def test_many_jobs_at_once(tmp_path, small_video):
    count, draw = 2000, durations("uniform:0.05,0.5", random.Random(1))

    async def run(queue: LocalQueue) -> tuple[set[str], set[str], set[int]]:
        async with DecartClient(api_key=queue.api_key, base_url=queue.base_url) as client:
            doors = asyncio.Semaphore(16)

            async def call(doing, *arguments):
                async with doors:
                    return await doing(*arguments)

            request = {"model": "lucy-pro-t2v", **PROMPT}
            jobs = await asyncio.gather(*(call(client.queue.submit, request) for _ in range(count)))
            await asyncio.sleep(0.5)
            ids = [job.job_id for job in jobs]
            ends = await asyncio.gather(*(call(client.queue.status, job_id) for job_id in ids))
            videos = await asyncio.gather(*(call(client.queue.result, job_id) for job_id in ids[::20]))
            return set(ids), {end.status for end in ends}, {len(video) for video in videos}

    began = time.monotonic()
    with LocalQueue(tmp_path / "q", canned=small_video, draw_duration=draw, max_unfinished=count) as queue:
        ids, ends, sizes = asyncio.run(run(queue))
        assert queue.jobs.stats.as_dict()["submissions"] == queue.jobs.stats.as_dict()["detected"] == count
    assert (len(ids), ends, sizes) == (count, {"completed"}, {small_video.stat().st_size})
    assert time.monotonic() - began < 60
