"""connect, generate, submit and attach, over a local queue that is reached as Decart would be."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import decart_nb as dnb
from decart_nb import media
from decart_nb.local.queue import LocalQueue
from decart_nb.session.resuming import resume_jobs
from decart_nb.session.session import Session
from tests import sweeping
from tests.held_queue import HeldQueue
from tests.sweeping import SHORT


@pytest.fixture
def live(canned_queue: LocalQueue, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session that takes the canned queue for Decart."""
    monkeypatch.delenv("DECART_BACKEND")
    at_once = dnb.Patience(download=0, lag=0)
    with _connected(canned_queue, patience=at_once) as opened:
        yield opened


def _connected(queue: LocalQueue, **options: Any) -> Session:
    """A session that takes a queue for Decart."""
    return dnb.connect("live", **({"api_key": queue.api_key, "base_url": queue.base_url, "polling": SHORT} | options))


def test_generate_on_the_embedded_queue_needs_no_key() -> None:
    clip = dnb.connect("local").generate("lucy-pro-t2v", prompt="A cat, at night!", seed=7, resolution="480p")
    assert clip.path.parent == Path("decart_runs").absolute()
    assert clip.path.name.startswith("lucy-pro-t2v-a-cat-at-night-")
    assert (clip.width, clip.height, clip.fps, clip.duration) == (872, 480, 25.0, 5.0)
    assert (clip.model, clip.backend, clip.cost, clip.reused) == ("lucy-pro-t2v", "local", 0.0, False)
    assert clip.inputs == {"prompt": "A cat, at night!", "seed": 7, "resolution": "480p"}
    assert clip.size_bytes == clip.path.stat().st_size
    assert len(clip.sha256) == 64
    assert clip.waited is not None
    assert clip.waited >= 0
    assert clip.made is not None
    assert clip.made > 0
    assert not list(clip.path.parent.glob("*.part"))


def test_a_clip_is_a_path_and_the_next_jobs_input(live: Session, tmp_path: Path) -> None:
    clip = live.generate("lucy-2.5", prompt="", data=_clip(live))
    assert clip.inputs["data"].endswith(".mp4")
    assert Path(clip).read_bytes() == clip.path.read_bytes()
    assert clip.poster().size == (64, 48)
    for at, number in ((0, 0), (np.float32(0.5), 5), (1, 9)):
        assert np.array_equal(np.asarray(clip.poster(at=at)), list(clip.frames())[number]), "pixel for pixel"
    for bad in (-0.1, 1.1, np.nan, "0.5", True, None):
        with pytest.raises(dnb.InvalidInputError, match="at must be a finite number"):
            clip.poster(at=bad)
    for bad in (0, -5, np.inf, np.nan, "10", True, 1001, np.float32(0)):
        with pytest.raises(dnb.InvalidInputError, match="fps must be a finite number"):
            clip.frames(fps=bad)  # at the call, before a frame is asked for
    frames = list(clip.frames())
    assert len(frames) == 10
    assert frames[0].shape == (48, 64, 3)
    assert frames[0].dtype == np.uint8
    assert clip.save(tmp_path) == tmp_path / clip.path.name
    assert list(media.frames(clip.save(tmp_path / "copy.mp4")))[9].tolist() == frames[9].tolist()
    with pytest.raises(dnb.MediaError, match="cannot be saved"):
        clip.save(tmp_path / "nowhere" / "copy.mp4")
    assert 'type="video/mp4"' in clip.video()._repr_html_()
    assert "64×48 at 10 fps" in repr(clip)


def _clip(live: Session) -> dnb.Clip:
    with pytest.warns(dnb.ModelWarning, match="lucy-pro-t2v is retired"):
        return live.generate("lucy-pro-t2v", prompt="x")


def test_submit_returns_at_once_and_the_job_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, small_video: Path
) -> None:
    monkeypatch.delenv("DECART_BACKEND")
    with HeldQueue(tmp_path / "held", small_video) as queue:
        job = _connected(queue).submit("lucy-2.5", "x", data=small_video)  # whose job does not end by itself
        assert job.status in ("planned", "pending")
        sweeping.wait_until(lambda: job.id is not None)
        queue.begin()
        queue.finish()
        assert job.result(timeout=10).job_id == job.id
        assert job.status == "completed"


def test_a_job_can_be_awaited_in_a_running_loop(live: Session, small_video: Path) -> None:
    async def main() -> dnb.Clip:
        return await live.submit("lucy-2.5", "x", data=small_video)

    assert asyncio.run(main()).width == 64


def test_attach_fetches_a_job_by_its_id(live: Session, canned_queue: LocalQueue, small_video: Path) -> None:
    made = live.generate("lucy-2.5", prompt="x", data=small_video)
    known = live.attach(f" {made.job_id} ").result(timeout=10)  # from the store
    assert (known.path, known.sha256) == (made.path, made.sha256)

    elsewhere = _connected(canned_queue, store="elsewhere")
    jobs = [elsewhere.attach(made.job_id, "lucy-2.5") for _ in range(4)]
    again = jobs[0].result(timeout=10)
    assert (again.sha256, again.model, again.waited, again.made) == (made.sha256, "lucy-2.5", None, None)
    assert {job.result(timeout=10).path for job in jobs} == {again.path}
    with pytest.raises(dnb.InvalidInputError, match="a job's id"):
        live.attach("")


def test_a_job_that_fails_says_why(
    monkeypatch: pytest.MonkeyPatch, failing_queue: LocalQueue, small_video: Path
) -> None:
    monkeypatch.delenv("DECART_BACKEND")
    failing = _connected(failing_queue)
    with pytest.raises(dnb.JobFailedError, match="was told to fail it") as caught:
        failing.generate("lucy-2.5", prompt="x", data=small_video)
    assert caught.value.job_id in str(caught.value)


def test_bad_input_is_refused_before_anything_is_sent(live: Session, canned_queue: LocalQueue) -> None:
    with pytest.raises(dnb.InvalidInputError, match="prompt"):
        live.submit("lucy-2.5", prompt="x" * 1001, data=b"")
    with pytest.raises(dnb.ModelNotFoundError, match=r"lucy-2\.5"):
        live.generate("lucy-25", prompt="x")
    assert canned_queue.jobs.stats.as_dict()["submissions"] == 0


@pytest.mark.parametrize(
    ("address", "key", "status", "error"),
    [
        ("http://127.0.0.1:9", "dct_x", "rejected", "no answer"),
        (None, "dct_wrong", "rejected", "401"),
    ],
)
def test_a_submission_that_is_not_taken_ends_the_job(
    canned_queue: LocalQueue,
    monkeypatch: pytest.MonkeyPatch,
    small_video: Path,
    address: str | None,
    key: str,
    status: str,
    error: str,
) -> None:
    monkeypatch.delenv("DECART_BACKEND")
    live = dnb.connect(api_key=key, base_url=address or canned_queue.base_url, patience=dnb.Patience(submission=0))
    job = live.submit("lucy-2.5", "x", data=small_video)
    with pytest.raises(dnb.QueueSubmitError, match=error) as caught:
        job.result(timeout=20)
    assert job.status == status
    assert key not in str(caught.value)


def test_an_unknown_id_is_said_to_be_unknown(live: Session) -> None:
    job = live.attach("0" * 32)
    with pytest.raises(dnb.QueueStatusError, match="knows no such job"):
        job.result(timeout=10)
    assert job.status == "unreachable"
    assert resume_jobs(live) == ("", [])  # nobody asks for it again by himself


def test_a_job_is_withdrawn_before_its_submission_or_it_is_kept(
    live: Session, canned_queue: LocalQueue, small_video: Path
) -> None:
    live.generate("lucy-2.5", "x", data=small_video)  # the connections are warm
    jobs = [live.submit("lucy-2.5", "x", data=small_video, fresh=True) for _ in range(40)]
    for job in jobs:
        job.cancel()
    ends = []
    for job in jobs:
        try:
            ends.append(job.result(timeout=20).job_id)
        except dnb.JobCancelledError:
            assert job.id is None
    taken = canned_queue.jobs.stats.as_dict()["submissions"]
    assert len(ends) == taken - 1  # nothing that was taken, and is paid for, has been let go of


def test_a_file_may_change_once_submit_has_returned(live: Session, canned_queue: LocalQueue, tmp_path: Path) -> None:
    frame = tmp_path / "frame.png"
    local = dnb.connect("local")
    jobs = []
    for red in (0, 120, 240):
        media.read_image(_picture(frame, red))
        jobs.append(local.submit("lucy-pro-i2v", "x", data=frame, seed=1, resolution="480p"))
    reds = [int(next(job.result(60).frames())[140:340, 270:540, 0].mean()) for job in jobs]
    assert reds == pytest.approx([0, 120, 240], abs=12)


def _picture(path: Path, red: int) -> Path:
    Image.fromarray(np.full((88, 160, 3), (red, 0, 0), np.uint8)).save(path)
    return path


def test_junk_in_place_of_the_video_is_no_clip(canned_queue: LocalQueue, live: Session, small_video: Path) -> None:
    job = live.submit("lucy-2.5", "x", data=small_video)
    canned_queue.jobs.canned = tmp = small_video.with_name("junk.mp4")
    tmp.write_bytes(b"anything but a video " * 100)
    with pytest.raises(dnb.QueueResultError, match="is not a video"):
        job.result(timeout=20)
    assert not list(live.store.glob("*.mp4"))


def test_the_local_queue_outlives_the_removal_of_its_folder(small_video: Path) -> None:
    local = dnb.connect("local")
    local.generate("lucy-vton-2", "x", data=small_video, resolution="480p")
    shutil.rmtree(local.store)
    assert dnb.connect("local").generate("lucy-vton-2", "x", data=small_video, resolution="480p").path.exists()


def test_connecting_leaves_the_users_own_logging_alone(tmp_path: Path) -> None:
    handler = logging.FileHandler(tmp_path / "mine.log")
    logger = logging.getLogger("mine")
    logger.addHandler(handler)
    try:
        logger.warning("before")
        dnb.connect("local", store="another")
        logger.warning("after")
    finally:
        logger.removeHandler(handler)
        handler.close()
    assert (tmp_path / "mine.log").read_text().split() == ["before", "after"]


def test_a_retired_model_is_warned_of_only_where_it_is_retired(live: Session, small_image: Path) -> None:
    with pytest.warns(dnb.ModelWarning, match="retired") as caught:
        live.submit("lucy-pro-i2v", "x", data=small_image)
    assert caught[0].filename == __file__
    with pytest.warns(dnb.ModelWarning, match="use lucy-clip"):
        live.submit("lucy-pro-v2v", "x", data=_video(small_image))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dnb.connect("local").submit("lucy-pro-t2v", "x").cancel()


def _video(image: Path) -> np.ndarray:
    return np.stack([np.asarray(media.read_image(image))] * 3)


def test_the_callers_own_model_is_sent_as_it_is(canned_queue: LocalQueue, live: Session) -> None:
    own = dnb.ModelDefinition(name="lucy-9", width=640, height=360, fps=24)
    job = live.submit(own, "x", mood="blue")
    with pytest.raises(dnb.QueueSubmitError, match="404"):  # this queue has no such model; but it was asked
        job.result(timeout=10)


def test_costs_are_estimated_by_the_generated_second(live: Session, small_video: Path) -> None:
    assert live.generate("lucy-2.5", "x", data=small_video).cost == pytest.approx(0.04)
    assert live.generate("lucy-2.6", "x", data=small_video).cost is None
    rehearsed = dnb.connect("local", prices={"lucy-pro-t2v": 0.10})
    assert rehearsed.generate("lucy-pro-t2v", "x", resolution="480p").cost == pytest.approx(0.50)
    with pytest.raises(dnb.InvalidInputError, match="USD per generated second"):
        dnb.connect("local", prices={"lucy-2.5": -1})


def test_the_clips_stay_in_one_folder_when_the_working_directory_changes(
    live: Session, small_video: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    os.chdir(tmp_path / "elsewhere")
    assert live.generate("lucy-2.5", "x", data=small_video).path.parent == tmp_path / "decart_runs"


def test_two_sessions_live_side_by_side(live: Session, small_video: Path) -> None:
    local = dnb.connect("local", store="other")
    assert live.generate("lucy-2.5", "x", data=small_video).backend == "live"
    job = dnb.submit("lucy-vton-2", "x", data=small_video, resolution="480p")
    assert job.result(30).path.parent == local.store


@pytest.mark.parametrize("flag", ["fresh", "resubmit_uncertain"])
def test_a_flag_is_true_or_false(live: Session, canned_queue: LocalQueue, small_video: Path, flag: str) -> None:
    for value in ("yes", 1, None, [True]):
        for door in (dnb.submit, dnb.generate):
            with pytest.raises(dnb.InvalidInputError, match=f"{flag} must be True or False"):
                door("lucy-2.5", "x", data=small_video, **{flag: value})
    assert canned_queue.jobs.stats.as_dict()["submissions"] == 0
    assert live.generate("lucy-2.5", "x", data=small_video, **{flag: np.True_}).path.exists()


@pytest.mark.parametrize(
    "options",
    [
        *({"store": store} for store in ("a\0b", 5, b"folder")),
        *({"timeout": timeout} for timeout in ("x", float("nan"), 0, -1)),
        *({"patience": patience} for patience in (5, 0, "x")),
        *({"prices": prices} for prices in (5, [], {"lucy-2.5": float("nan")}, {"lucy-2.5": "x"}, {"lucy-2.5": True})),
    ],
    ids=str,
)
def test_what_connect_cannot_use_is_said(options: dict[str, object], canned_queue: LocalQueue) -> None:
    for target in ("local", None):
        with pytest.raises(dnb.InvalidInputError) as caught:
            dnb.connect(target, **options)
        assert "\0" not in caught.value.message
        assert next(iter(options)).rstrip("s") in caught.value.message


def test_several_spellings_of_an_address_are_one_queue(
    live: Session, canned_queue: LocalQueue, small_video: Path
) -> None:
    first = live.generate("lucy-2.5", "x", data=small_video)
    address = canned_queue.base_url.replace("http://", "HTTP://") + "/"
    other = _connected(canned_queue, base_url=address)
    assert other.generate("lucy-2.5", "x", data=small_video).job_id == first.job_id


class TestWhichQueue:
    """The rules of connect()."""

    def test_the_environment_decides_for_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DECART_API_KEY", "dct_x")
        assert dnb.connect().backend == "local"
        assert dnb.connect("live").backend == "local"

    def test_live_where_there_is_a_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DECART_BACKEND")
        monkeypatch.setenv("DECART_API_KEY", "dct_x")
        opened = dnb.connect()
        assert (opened.backend, opened.base_url) == ("live", "https://api.decart.ai")
        assert "dct_x" not in repr(opened)

    def test_a_script_without_a_key_is_told_both_ways(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DECART_BACKEND")
        with pytest.raises(dnb.BackendError, match=r"connect\(\"live\", api_key=…\).*connect\(\"local\"\)"):
            dnb.generate("lucy-pro-t2v", "x")

    def test_live_without_a_key_and_without_a_person_is_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DECART_BACKEND")
        with pytest.raises(dnb.InvalidAPIKeyError):
            dnb.connect("live")

    @pytest.mark.parametrize("asked", ["Live!", "remote"])
    def test_an_unknown_target_is_refused(self, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(dnb.BackendError, match="'live' or 'local'"):
            dnb.connect(asked)
        monkeypatch.setenv("DECART_BACKEND", asked)
        with pytest.raises(dnb.BackendError, match="DECART_BACKEND says"):
            dnb.connect()

    def test_a_store_that_cannot_be_written_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        for target in ("local", "live"):
            with pytest.raises(dnb.InvalidInputError, match="not a folder that can be written"):
                dnb.connect(target, store=tmp_path / "file")
