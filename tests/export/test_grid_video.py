"""Grid videos, looked at frame by frame."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from decart_nb import media
from decart_nb.errors import InvalidInputError, MediaError
from decart_nb.export.grid_video import grid_video
from decart_nb.export.plan import Box, Plan
from tests.export.grids import BLUE, GREEN, HOSTILE, RED, make_clip, make_layout, share_of


def _cut(frame: np.ndarray, box: Box) -> np.ndarray:
    return frame[box.y + 4 : box.y + box.height - 4, box.x + 4 : box.x + box.width - 4]


def test_clips_are_in_step_and_a_shorter_one_holds_its_last_frame(tmp_path: Path) -> None:
    turning = make_clip(tmp_path, (RED, 7), (BLUE, 13))
    late = make_clip(tmp_path, (RED, 14), (BLUE, 6))
    short = make_clip(tmp_path, (GREEN, 3), (RED, 2))
    layout = make_layout([[turning], [late], [short]])
    video = grid_video(layout, tmp_path / "grid.mp4", cell_width=120)
    info = media.probe(video)
    page = Plan(layout, 120).page()
    assert (info.width, info.height, info.fps) == (page.width, page.height, 10)
    assert info.duration == pytest.approx(2.0, abs=0.01)
    frames = list(media.frames(video))
    assert len(frames) == 20
    for number, frame in enumerate(frames):
        wanted = (RED if number < 7 else BLUE, RED if number < 14 else BLUE, GREEN if number < 3 else RED)
        for tile, colour in zip(page.tiles, wanted, strict=True):
            assert share_of(_cut(frame, tile.picture), colour) > 0.98


def test_clips_of_other_rates_are_in_step(tmp_path: Path) -> None:
    slow = make_clip(tmp_path, (RED, 5), (BLUE, 5), fps=10)
    fast = make_clip(tmp_path, (RED, 15), (BLUE, 15), fps=30)
    layout = make_layout([[slow], [fast]])
    tiles = Plan(layout, 120).page().tiles
    for fps, count in ((None, 30), (20, 20)):
        frames = list(media.frames(grid_video(layout, tmp_path / "grid.mp4", cell_width=120, fps=fps)))
        assert len(frames) == count
        for number, frame in enumerate(frames):
            colour = RED if number < count // 2 else BLUE
            assert all(share_of(_cut(frame, tile.picture), colour) > 0.98 for tile in tiles)


def test_many_large_clips_are_in_step_as_well(tmp_path: Path) -> None:
    large = make_clip(tmp_path, (RED, 4), (BLUE, 4), size=(1920, 1080))
    layout = make_layout(*[[[large], [large]]] * 4, [[large], [dataclasses.replace(large, path=tmp_path / "gone")]])
    video = grid_video(layout, tmp_path / "grid.mp4", cell_width=120)
    *tiles, gone = Plan(layout, 120).page().tiles
    frames = list(media.frames(video))
    assert len(frames) == 8
    for number, frame in enumerate(frames):
        assert all(share_of(_cut(frame, tile.picture), RED if number < 4 else BLUE) > 0.98 for tile in tiles)
        assert share_of(_cut(frame, gone.picture), RED) < 0.5


def test_labels_are_written_and_failures_are_cards(tmp_path: Path) -> None:
    clip = make_clip(tmp_path, (RED, 2))
    gone = dataclasses.replace(clip, path=tmp_path / "gone.mp4")
    layout = make_layout([[clip], ["failed: no memory"], [gone], []])
    page = Plan(layout, 320).page()
    frame = next(iter(media.frames(grid_video(layout, tmp_path / "grid.mp4"))))
    for box in (page.rows[0][1], *page.cols):
        assert _cut(frame, box).min() < 140
    for tile in page.tiles[1:3]:
        card = _cut(frame, tile.picture).astype(int)
        assert (card[..., 0] - card[..., 1] > 25).mean() > 0.05


def test_a_small_clip_fills_its_cell_and_an_upright_one_keeps_its_shape(tmp_path: Path) -> None:
    small, upright = make_clip(tmp_path, (RED, 2), size=(32, 18)), make_clip(tmp_path, (GREEN, 2), size=(48, 96))
    layout = make_layout([[small]], [[upright]])
    frame = next(iter(media.frames(grid_video(layout, tmp_path / "grid.mp4", cell_width=160))))
    first, second = (tile.picture for tile in Plan(layout, 160).page().tiles)
    assert share_of(_cut(frame, first), RED) > 0.98
    left = _cut(frame, second)
    assert share_of(left, GREEN) > 0.9  # a row of upright clips alone is as tall as they are


def test_the_tags_say_what_made_the_clips_and_name_no_folder(tmp_path: Path) -> None:
    inputs = {"prompt": "a lake", "seed": 3, "data": str(tmp_path / "in.mp4")}
    clip = make_clip(tmp_path, (RED, 2), inputs=inputs)
    video = grid_video(make_layout([[clip]]), tmp_path / "grid.mp4")
    tags = media.probe(video).tags
    (entry,) = json.loads(tags["comment"])["clips"]
    assert tags["title"] == "A title"
    assert entry["inputs"] == {"prompt": "a lake", "seed": 3, "data": "in.mp4"}
    assert (entry["model"], entry["job_id"], entry["sha256"]) == ("lucy-pro-t2v", clip.job_id, clip.sha256)
    assert str(tmp_path).encode() not in video.read_bytes()


def test_hostile_text_is_drawn_or_replaced(tmp_path: Path) -> None:
    clips = [make_clip(tmp_path, (RED, 1), inputs={"prompt": text}) for text in HOSTILE]
    layout = make_layout(*[[[clip]] for clip in clips], rows=list(HOSTILE), title=HOSTILE[0])
    video = grid_video(layout, tmp_path / "grid.mp4", cell_width=120)
    assert media.probe(video).width < 400


def test_the_same_grid_has_the_same_size(tmp_path: Path) -> None:
    layout = make_layout([[make_clip(tmp_path, (RED, 3))]])
    first, second = (media.probe(grid_video(layout, tmp_path / name)) for name in ("a.mp4", "b.mp4"))
    assert (first.width, first.height, first.duration) == (second.width, second.height, second.duration)


def test_limits_say_what_to_do(tmp_path: Path) -> None:
    clip = make_clip(tmp_path, (RED, 2))
    target = tmp_path / "grid.mp4"
    with pytest.raises(InvalidInputError, match=r"at most 64 clips.*65.*contact_sheet"):
        grid_video(make_layout([[clip] * 65]), target)
    with pytest.raises(InvalidInputError, match="smaller cell_width"):
        grid_video(make_layout([[clip]] * 20), target)
    with pytest.raises(InvalidInputError, match="600 s long"):
        grid_video(make_layout([[dataclasses.replace(clip, duration=700.0)]]), target)
    with pytest.raises(InvalidInputError, match="no finished clip"):
        grid_video(make_layout([["planned"]]), target)
    with pytest.raises(InvalidInputError, match=r"must end in \.mp4 or \.m4v"):
        grid_video(make_layout([[clip]]), tmp_path / "grid.gif")
    with pytest.raises(InvalidInputError, match="fps"):
        grid_video(make_layout([[clip]]), target, fps=0)
    assert not target.exists()


def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    clip = make_clip(tmp_path, (RED, 2))
    out = tmp_path / "out"
    out.mkdir()
    (out / "grid.mp4").write_bytes(b"old")
    gone = dataclasses.replace(clip, path=tmp_path / "gone.mp4")
    with pytest.raises(MediaError, match=r"None of the videos can be read.*gone\.mp4"):
        grid_video(make_layout([[gone]]), out / "grid.mp4")
    assert [path.read_bytes() for path in out.iterdir()] == [b"old"]
    with pytest.raises(MediaError, match=r"grid\.mp4 cannot be saved in nowhere"):
        grid_video(make_layout([[clip]]), tmp_path / "nowhere" / "grid.mp4")
