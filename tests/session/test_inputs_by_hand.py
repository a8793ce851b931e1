"""Inputs that are made by hand, given to jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

import decart_nb as dnb
from tests.sweeping import SHORT

pytestmark = pytest.mark.filterwarnings("ignore::decart_nb.ModelWarning")


def test_a_path_goes_into_a_job_as_it_is_when_the_job_is_submitted(
    canned_queue, small_image: Path, monkeypatch
) -> None:
    monkeypatch.delenv("DECART_BACKEND")
    with dnb.connect("live", api_key=canned_queue.api_key, base_url=canned_queue.base_url, polling=SHORT) as session:
        path = dnb.trajectory(small_image, [(0, 0.5, 0.5), (9, 1, 1)])
        job = session.submit("lucy-motion", data=small_image, trajectory=path, seed=1)
        path.value = []
        sent = [{"frame": 0, "x": 0.5, "y": 0.5}, {"frame": 9, "x": 1.0, "y": 1.0}]
        assert job.inputs["trajectory"] == sent
        assert job.result(60).inputs["trajectory"] == sent


def test_frames_of_a_clip_go_into_the_next_job(canned_queue, small_video: Path, monkeypatch) -> None:
    monkeypatch.delenv("DECART_BACKEND")
    with dnb.connect("live", api_key=canned_queue.api_key, base_url=canned_queue.base_url, polling=SHORT) as session:
        frames = dnb.keyframes(small_video, first=2)
        files = {"start": frames.first, "end": frames.last}
        clip = session.submit("lucy-pro-flf2v", "a tide", **files, seed=1).result(60)
        assert (clip.inputs["start"], clip.inputs["end"]) == ("start.png", "end.png")
        again = session.submit("lucy-pro-flf2v", "a tide", **files, seed=1).result(60)
        assert again.reused
