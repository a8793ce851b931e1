"""The comparison of a clip with the video that it was made from."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import decart_nb as dnb
from decart_nb.local.queue import LocalQueue

_MODEL = "lucy-2.5"


@pytest.fixture
def live(canned_queue: LocalQueue, tmp_path: Path) -> Iterator[dnb.Session]:
    session = dnb.connect(
        "live", api_key=canned_queue.api_key, base_url=canned_queue.base_url, store=tmp_path / "decart_runs"
    )
    yield session
    session.close()


@pytest.fixture(autouse=True)
def _reach_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DECART_BACKEND")


def test_a_clip_alone_is_compared_with_its_input_from_the_store(live, small_video, tmp_path) -> None:
    source = tmp_path / "street.mp4"
    shutil.copy(small_video, source)
    clip = dnb.generate(_MODEL, prompt="a woodcut", data=source)
    source.unlink()
    before, after = dnb.compare(clip).videos
    assert (before.label, after.label) == ("input street.mp4", _MODEL)
    assert before.path.read_bytes() == small_video.read_bytes()
    assert after.path == clip.path

    for kept in (live.store / "inputs").iterdir():
        kept.unlink()
    with pytest.raises(dnb.InvalidInputError, match=r"street\.mp4, is not in this store: give its path as well"):
        dnb.compare(clip)
    assert len(dnb.compare(clip, small_video).videos) == 2


@pytest.mark.filterwarnings("ignore::decart_nb.ModelWarning")
def test_a_clip_that_was_made_from_no_video_needs_another(live, small_image) -> None:
    clip = dnb.generate("lucy-pro-t2v", prompt="a delta")
    with pytest.raises(dnb.InvalidInputError, match="was not made from a video: give a second one"):
        dnb.compare(clip)
    clip = dnb.generate("lucy-pro-i2v", prompt="a delta", data=small_image)
    with pytest.raises(dnb.InvalidInputError, match=r"made from small\.png, which is not a video"):
        dnb.compare(clip)


def test_jobs_and_paths_may_be_mixed(live, small_video) -> None:
    job = dnb.submit(_MODEL, prompt="a woodcut", data=small_video)
    clip = job.result()
    videos = dnb.compare(job, str(small_video), clip, labels=["job", "path", "clip"]).videos
    assert [video.label for video in videos] == ["job", "path", "clip"]
    assert videos[0].path == videos[2].path == clip.path
