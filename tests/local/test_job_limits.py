"""Jobs that do not end by themselves: each fails in a sentence, and the others go on."""

from __future__ import annotations

import fractions
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from decart_nb.errors import MediaError
from decart_nb.local.queue import LocalQueue
from decart_nb.local.render.render import render
from decart_nb.local.storage import LocalJob
from decart_nb.local.worker import JobQueue
from decart_nb.request.catalogue import models
from tests.local.wire import followed, submitted, talk


def with_gaps(path: Path, *seconds: float) -> Path:
    """A video of a frame at each of these times, a few kilobytes however far apart they are."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=1, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = fractions.Fraction(1, 1000)
        for number, second in enumerate(seconds):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90 + number % 100, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(second * 1000), fractions.Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def ended(jobs: JobQueue, record: LocalJob, seconds: float = 30.0) -> LocalJob:
    """The job once it has ended; it is asked for as clients do."""
    end = time.monotonic() + seconds
    while jobs.get(record.id).ready is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    return jobs.get(record.id)


def asked(jobs: JobQueue) -> LocalJob:
    return jobs.add(models.video("lucy-pro-t2v"), {"prompt": "x", "resolution": "480p"}, {})


@pytest.fixture
def made(tmp_path):
    """A maker of :class:`JobQueue` in one folder, which closes them in the end."""
    open_ones = []

    def make(render: Callable[..., None] | None = None, **more) -> JobQueue:
        open_ones.append(JobQueue(tmp_path / "q", render=render, **more))
        return open_ones[-1]

    yield make
    for jobs in open_ones:
        jobs.close()


@pytest.mark.parametrize("model", ["lucy-2.5", "lucy-restyle-2"])
@pytest.mark.parametrize(
    ("times", "reason"),
    [((0, 1e5), "data is not a video"), (range(0, 10_000, 500), "data is too long: the local queue")],
    ids=["one frame", "many"],
)
def test_a_video_that_lasts_for_days_is_refused_and_holds_nobody_up(tmp_path, small_video, model, times, reason):
    endless = with_gaps(tmp_path / "gap.mp4", *times).read_bytes()
    with LocalQueue(tmp_path / "q") as queue, talk(queue) as http:
        bad = [submitted(http, model, data={"prompt": "x"}, files={"data": endless}) for _ in range(4)]
        files = {"data": small_video.read_bytes()}
        good = submitted(http, "lucy-vton-2", data={"prompt": "x", "resolution": "480p"}, files=files)
        assert followed(http, good)[-1] == "completed"
        for job_id in bad:
            assert followed(http, job_id)[-1] == "failed"
            assert reason in http.get(f"/v1/jobs/{job_id}").json()["error"]


def test_a_model_that_makes_five_seconds_of_whatever_it_gets_makes_them(tmp_path):
    target = tmp_path / "made.mp4"
    model = models.video("lucy-clip")
    files = {"data": with_gaps(tmp_path / "gap.mp4", *range(0, 100_000, 500))}
    render(model, {"prompt": "x", "resolution": "480p"}, files, 1, target)
    with av.open(str(target)) as container:
        assert container.streams.video[0].frames == model.fps * 5


def test_a_video_that_is_longer_than_its_header_says_is_cut_off(tmp_path):
    data = bytearray(with_gaps(tmp_path / "gap.mp4", *range(0, 90, 10)).read_bytes())
    duration = data.index(b"mdhd") + 20
    data[duration : duration + 4] = bytes([0, 0, 0, 1])
    lies = tmp_path / "lies.mp4"
    lies.write_bytes(data)
    with pytest.raises(MediaError, match="data is too long: the local queue makes at most 20 seconds"):
        render(models.video("lucy-2.5"), {"prompt": "x"}, {"data": lies}, 1, tmp_path / "made.mp4", max_seconds=20)


def test_a_render_that_takes_too_long_fails_and_the_next_one_is_made(made):
    def slow(model, values, files, seed, target, proceed) -> None:
        for _ in range(1000):
            proceed()
            time.sleep(0.01)

    jobs = made(slow, workers=1, render_timeout=0.3)
    first, second = asked(jobs), asked(jobs)
    for record in (first, second):
        assert ended(jobs, record).error == "it took longer than the 0.3 seconds that a render may take here."
    assert not list(jobs.storage.root.rglob("*.mp4"))


def test_a_render_that_never_comes_back_loses_its_place_to_another(made, tmp_path):
    stuck, release = threading.Event(), threading.Event()

    def stubborn(model, values, files, seed, target, proceed) -> None:
        if not stuck.is_set():
            stuck.set()
            release.wait(30)
        target.write_bytes(b"made")

    jobs = made(stubborn, workers=1, render_timeout=0.2, grace=0.2)
    lost = asked(jobs)
    assert stuck.wait(10)
    good = asked(jobs)
    assert "took longer" in ended(jobs, lost).error
    assert ended(jobs, good).error is None
    release.set()
    time.sleep(0.3)
    assert "took longer" in jobs.get(lost.id).error
    assert jobs.storage.load(lost.id).error == jobs.get(lost.id).error
    assert jobs.storage.file(lost.id, "video.mp4") is None


def test_a_render_that_does_not_come_back_does_not_hold_up_the_end_for_long(made):
    stuck, release = threading.Semaphore(0), threading.Event()

    def stubborn(*request) -> None:
        stuck.release()
        release.wait(60)

    jobs = made(stubborn, workers=20)
    for _ in range(20):
        asked(jobs)
    assert all(stuck.acquire(timeout=10) for _ in range(20))
    began = time.monotonic()
    jobs.close(timeout=1)
    assert time.monotonic() - began < 15  # a second for all of them together
    release.set()


def test_a_render_that_was_stopped_counts_for_nothing(made):
    def slow(model, values, files, seed, target, proceed) -> None:
        while True:
            proceed()
            time.sleep(0.01)

    for _ in range(5):
        jobs = made(slow, workers=1)
        record = asked(jobs)
        while record.started is None:
            time.sleep(0.01)
        jobs.close()
        assert jobs.storage.load(record.id).attempts == 0
        assert jobs.storage.load(record.id).ready is None


_DEADLY = """
import os, sys, time
from pathlib import Path
from decart_nb.request.catalogue import models
from decart_nb.local.worker import JobQueue
jobs = JobQueue(Path(sys.argv[1]), workers=1, render=lambda *request: (time.sleep(0.5), os._exit(9)))
job_id = sys.argv[2] or jobs.add(models.video("lucy-pro-t2v"), {"prompt": "x"}, {}).id
print(job_id, flush=True)
while jobs.get(job_id).ready is None:
    time.sleep(0.01)
print(jobs.get(job_id).error)
"""


def test_a_job_that_its_process_does_not_survive_is_tried_three_times(tmp_path):
    job_id, ends = "", []
    for _ in range(4):
        command = [sys.executable, "-c", _DEADLY, str(tmp_path / "q"), job_id]
        one = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        job_id, *said = one.stdout.splitlines()
        ends.append((one.returncode, said))
    assert ends[:3] == [(9, [])] * 3
    assert ends[3] == (0, ["the renderer did not survive it: 3 renders of it did not come to an end."])


def test_what_a_render_says_has_no_path_and_nothing_that_a_terminal_obeys(made, tmp_path):
    def broken(model, values, files, seed, target, proceed) -> None:
        raise ValueError(f"no such thing in {target}\x1b[2J\n{Path.home()}/x {'long ' * 200}")

    jobs = made(broken)
    error = ended(jobs, asked(jobs)).error
    assert error.startswith("the local renderer broke on it: ValueError: no such thing in …/")
    assert error.isprintable()
    assert len(error) <= 300
    assert str(tmp_path) not in error
    assert str(Path.home()) not in error
