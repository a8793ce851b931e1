"""`sweep.determinism`: further takes of the same requests, and how alike they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import decart_nb as dnb
from decart_nb import InvalidInputError
from decart_nb.local.queue import LocalQueue
from tests import sweeping
from tests.metric_clips import blurred, moving, write

pytestmark = pytest.mark.filterwarnings("ignore::decart_nb.ModelWarning")
T2V = sweeping.T2V


@pytest.fixture
def queue(tmp_path, monkeypatch, no_session):
    """A queue that answers with ``answer.mp4``, whatever lies there."""
    answer = write(tmp_path / "answer.mp4", moving(10))
    with LocalQueue(tmp_path / "queue", canned=answer, draw_duration=lambda: 0.05) as queue:
        sweeping.connected(queue)
        yield queue


def test_takes_with_the_same_bytes_are_told_from_others_by_frames_and_by_ssim(queue, tmp_path) -> None:
    answer = tmp_path / "answer.mp4"
    sweep = dnb.sweep(model=T2V, prompt="A cat", seed=[1, 2])
    sweep.run()
    same = sweep.determinism()
    assert sweeping.submitted(queue) == 4
    assert same["seed"].tolist() == [1, 2]
    assert same["takes"].tolist() == [2, 2]
    assert same["identical_bytes"].all()
    assert same["identical_frames"].all()
    assert same["least_ssim"].tolist() == [1.0, 1.0]
    answer.write_bytes(answer.read_bytes() + (16).to_bytes(4, "big") + b"free" + bytes(8))
    other_bytes = sweep.determinism(3)
    assert sweeping.submitted(queue) == 6
    assert not other_bytes["identical_bytes"].any()
    assert other_bytes["identical_frames"].all()
    assert other_bytes["least_ssim"].tolist() == [1.0, 1.0]
    shutil.copy(write(tmp_path / "blurred.mp4", blurred(moving(10), 1)), answer)
    other_frames = sweep.determinism(n=4)
    assert not other_frames["identical_frames"].any()
    assert other_frames["least_ssim"].between(0.3, 0.99).all()
    assert sweep.determinism(n=4).equals(other_frames)
    assert sweeping.submitted(queue) == 8


def test_a_row_without_a_seed_is_repeated_with_the_one_that_was_drawn(queue) -> None:
    sweep = dnb.sweep(model=T2V, prompt="A {animal}", animal=["cat", "dog"])
    drawn = sweep.run()["drawn_seed"].tolist()
    table = sweep.determinism()
    assert table["seed"].tolist() == drawn
    assert table["takes"].tolist() == [2, 2]
    assert sweeping.submitted(queue) == 4
    takes = dnb.sweep.load(table.attrs["sweep"]).results
    assert takes["prompt"].tolist() == ["A cat", "A cat", "A dog", "A dog"]
    assert takes["seed"].tolist() == [drawn[0], drawn[0], drawn[1], drawn[1]]


def test_it_keeps_to_its_cap_and_goes_on_with_a_larger_one(queue) -> None:
    sweep = dnb.sweep(model=T2V, prompt="A cat", seed=[1, 2, 3], name="capped")
    sweep.run()  # 0.60
    table = sweep.determinism(max_cost=0.85)
    assert sorted(table["takes"].tolist()) == [1, 1, 2]
    assert table["identical_bytes"].isna().sum() == 2
    assert table["least_ssim"].isna().sum() == 2
    assert sweep.determinism(max_cost=1.25)["takes"].tolist() == [2, 2, 2]
    assert sweeping.submitted(queue) == 6


def test_a_take_that_fails_is_told_and_not_repeated(queue) -> None:
    sweep = dnb.sweep(model=T2V, prompt="A cat", seed=1)
    sweep.run()
    with sweeping.failing(queue):
        table = sweep.determinism()
    assert table["takes"].tolist() == [1]
    assert table["error"].notna().all()
    assert table["identical_bytes"].isna().all()
    assert sweep.determinism()["takes"].tolist() == [1]
    assert sweeping.submitted(queue) == 2


def test_what_cannot_be_repeated_is_refused(queue) -> None:
    sweep = dnb.sweep(model=T2V, prompt="A cat", seed=1)
    with pytest.raises(InvalidInputError, match="No row of this sweep, with its inputs as they are now, has a video"):
        sweep.determinism()
    sweep.run()
    for n in (0, "2", 1.5):
        with pytest.raises(InvalidInputError, match="n must be a whole number of takes from 1"):
            sweep.determinism(n)
    assert sweeping.submitted(queue) == 1


def test_on_the_local_queue_a_seed_makes_the_same_video(tmp_path, small_video: Path) -> None:
    dnb.connect("local", store=tmp_path / "runs")
    sweep = dnb.sweep(model="lucy-vton-2", prompt="A woodcut", data=small_video, resolution="480p")
    sweep.run()
    table = sweep.determinism()
    assert table["identical_bytes"].tolist() == [True]
    assert table["data"].tolist() == sweep.results["data"].tolist()
