"""`df.decart.measure`: a column for each metric, whose values are measured once and kept by the clips' digests."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

import decart_nb as dnb
from decart_nb import InvalidInputError
from tests.metric_clips import blurred, moving, table, texture, write


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One that moves, and one that stands still and is blurred."""
    folder = tmp_path_factory.mktemp("videos")
    return write(folder / "moving.mp4", moving(8)), write(folder / "still.mp4", blurred([texture()] * 8, 2))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_each_metric_is_a_column_and_a_row_without_a_video_has_none(videos) -> None:
    asked = table(videos[0], None, videos[1])
    made = asked.decart.measure(["motion", "sharpness"])
    assert [*made.columns] == [*asked.columns, "motion", "sharpness"]
    assert made["motion"].isna().tolist() == [False, True, False]
    assert made["motion"][0] > made["motion"][2]
    assert made.attrs["metrics"] == ["motion", "sharpness"]
    assert "motion" not in asked
    again = made[made["motion"] > 0].decart.measure("flicker")
    assert again.attrs["metrics"] == ["motion", "sharpness", "flicker"]
    assert made.attrs["metrics"] == ["motion", "sharpness"]


def test_a_table_that_was_read_back_is_measured_again(videos, tmp_path) -> None:
    made = table(*videos).decart.measure("motion")
    made.to_csv(tmp_path / "made.csv", index=False)
    back = pd.read_csv(tmp_path / "made.csv").decart.measure("motion")
    assert back["motion"].tolist() == made["motion"].tolist()
    assert back.attrs["metrics"] == ["motion"]
    made.to_parquet(tmp_path / "made.parquet")
    assert pd.read_parquet(tmp_path / "made.parquet").attrs["metrics"] == ["motion"]


def test_a_column_with_other_numbers_is_the_caller_s_own(videos) -> None:
    asked = table(*videos, brightness=[1, 2])  # an axis of a sweep may be called so
    with pytest.raises(InvalidInputError, match="has a column brightness with other numbers than those"):
        asked.decart.measure(["brightness"])
    measured = table(*videos).decart.measure("brightness")["brightness"]
    partly = asked.assign(brightness=measured.where([True, False]).astype("Float64"))
    assert partly.decart.measure("brightness")["brightness"].equals(measured)


def test_a_table_keeps_its_index_and_an_empty_one_gets_its_columns(videos) -> None:
    asked = table(*videos)
    asked.index = pd.Index(["a", "a"], name="run")
    made = asked.decart.measure("motion")
    assert made.index.equals(asked.index)
    assert made["motion"].iloc[0] > made["motion"].iloc[1]
    assert made["motion"].dtype == asked.iloc[:0].decart.measure(["motion", "kept_ssim"])["motion"].dtype == "float64"
    assert asked.iloc[:0].decart.duplicates()["duplicate_group"].dtype == "Int64"


def test_a_value_is_kept_for_the_file_that_was_measured_whatever_digest_its_table_names(tmp_path, videos) -> None:
    dnb.connect("local", store=tmp_path / "runs")
    lying = table(videos[1], sha256=[_digest(videos[0])]).decart.measure("motion")
    right = table(*videos, sha256=[*map(_digest, videos)]).decart.measure("motion")
    assert lying["motion"][0] == right["motion"][1] != right["motion"][0]


def test_what_is_no_file_is_the_error_of_its_row_and_is_named_in_it(tmp_path, videos) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    names = [tmp_path / name for name in ("one.mp4", "two.mp4", "folder", "pipe", "x" * 300)]
    made = table(videos[0], *names, Path("\0")).decart.measure("motion")
    assert made["motion"].notna().tolist() == [True] + [False] * 6
    for number, path in enumerate(names[:4], 1):
        assert f"motion: {path.name} is not a video" in made["measure_error"][number]
    assert "it is a device or a pipe" in made["measure_error"][4]
    beside = table(videos[0], videos[0], other=["x" * 300, str(videos[0])]).decart.measure("kept_ssim", against="other")
    assert beside["kept_ssim"].notna().tolist() == [False, True]


def test_all_clips_are_compared_with_one_video_by_its_path(videos) -> None:
    made = table(*videos).decart.measure("kept_ssim", against=str(videos[0]))
    assert made["kept_ssim"][0] == 1.0 > made["kept_ssim"][1]


def test_without_names_all_that_need_no_other_video_are_measured(videos) -> None:
    made = table(videos[0]).decart.measure()
    assert made.attrs["metrics"] == [
        *("motion", "flicker", "sharpness", "blockiness", "freezes", "black", "cuts"),
        *("brightness", "colourfulness", "flashes"),
    ]


def test_the_same_numbers_come_from_a_table_and_from_one_clip(videos) -> None:
    made = table(*videos).decart.measure(["motion", "flicker"])
    for number, path in enumerate(videos):
        assert dnb.measure(path, ["motion", "flicker"]) == made.loc[number, ["motion", "flicker"]].to_dict()


def test_a_second_measure_opens_no_file(tmp_path, videos) -> None:
    session = dnb.connect("local", store=tmp_path / "runs")
    copies = [Path(shutil.copy(path, tmp_path)) for path in videos]
    asked = table(*copies, sha256=[_digest(path) for path in copies])
    first = asked.decart.measure(["motion", "kept_ssim"], against=videos[0])
    for path in copies:
        path.unlink()
    pd.testing.assert_frame_equal(asked.decart.measure(["motion", "kept_ssim"], against=videos[0]), first)
    gone = asked.decart.measure(["flicker"])
    assert gone["flicker"].isna().all()
    assert (
        gone["measure_error"]
        .str.contains(r"flicker: moving\.mp4 is not a video that can be decoded: no such file")
        .any()
    )
    shutil.copy(videos[0], copies[0])  # what the disk refused is asked again
    assert asked.decart.measure(["flicker"])["flicker"].notna().tolist() == [True, False]
    assert session.jobs().empty


def test_what_cannot_be_decoded_is_the_row_s_error_alone(tmp_path, videos, capsys) -> None:
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(videos[0].read_bytes()[:300])
    made = table(videos[0], damaged, None).decart.measure(["motion", "kept_ssim"], against=videos[0])
    assert made["motion"].notna().tolist() == [True, False, False]
    assert made["measure_error"].notna().tolist() == [False, True, False]
    assert "2 of 3" not in (said := capsys.readouterr().out)
    assert "1 of 3 rows could not be measured by all metrics: the column measure_error has why." in said
    better = made.assign(path=[str(videos[0]), str(videos[0]), None]).decart.measure(
        ["motion", "kept_ssim"], against=videos[0]
    )
    assert "measure_error" not in better


def test_a_reference_that_cannot_be_decoded_stops_no_other_metric(tmp_path, videos) -> None:
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"nothing")
    made = table(videos[0], beside=[str(damaged)]).decart.measure(["motion", "kept_psnr"], against="beside")
    assert made["motion"].notna().all()
    assert made["kept_psnr"].isna().all()
    assert "kept_psnr: damaged.mp4 is not a video" in made["measure_error"][0]


def test_a_clip_is_compared_with_the_video_that_it_was_made_from(tmp_path, videos) -> None:
    session = dnb.connect("local", store=tmp_path / "runs")
    clip = dnb.generate("lucy-restyle-2", prompt="A woodcut", data=videos[0], seed=1)
    made = session.jobs().decart.measure(["kept_ssim"])
    assert 0 < made["kept_ssim"][0] < 1
    assert session.measure(clip, "kept_ssim")["kept_ssim"] == made["kept_ssim"][0]
    against_itself = made.decart.measure(["kept_ssim"], against="path")
    assert against_itself["kept_ssim"][0] == 1.0


def test_a_row_without_a_reference_says_so(videos) -> None:
    made = table(videos[0]).decart.measure(["motion", "kept_ssim"])
    assert made["motion"].notna().all()
    assert "kept_ssim: there is no video to compare it with: name a column of videos" in made["measure_error"][0]
    with pytest.raises(InvalidInputError, match="no video to compare this one with"):
        dnb.measure(videos[0], "kept_ssim")


def test_what_cannot_be_meant_is_refused(videos) -> None:
    asked = table(videos[0])
    for names, message in (
        (["sharpnes"], r"no metric sharpnes\. Did you mean sharpness"),
        ([], "Name the metrics"),
        ([3], "given by its name"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            asked.decart.measure(names)
    with pytest.raises(InvalidInputError, match="there is none called inputs"):
        asked.decart.measure("kept_ssim", against="inputs")
    with pytest.raises(InvalidInputError, match="The table has a column motion of its own"):
        asked.assign(motion="fast").decart.measure("motion")
    with pytest.raises(InvalidInputError, match="client must be"):
        asked.decart.measure("motion", client="cluster")
    with pytest.raises(InvalidInputError, match=r"no video gone\.mp4"):
        dnb.measure("gone.mp4")


def test_flashes_are_warned_of(tmp_path, capsys) -> None:
    path = write(tmp_path / "flashing.mp4", [texture() // 8, 255 - texture() // 8] * 8)
    table(path, path).decart.measure("flashes")
    assert "Warning: 2 clips with more than 3 flashes in a second" in capsys.readouterr().out


def test_near_duplicates_share_a_group(tmp_path) -> None:
    clips = {
        "one": moving(8),
        "other": moving(8, seed=4),
        "blurred": blurred(moving(8), 0.7),
        "tinted": [frame // 2 + (0, 0, 120) for frame in moving(8)],
    }
    paths = [write(tmp_path / f"{name}.mp4", [frame.astype("uint8") for frame in clip]) for name, clip in clips.items()]
    made = table(*paths, None).decart.duplicates()
    group = made["duplicate_group"]
    assert group[0] == group[2]
    assert group.isna().tolist() == [False, True, False, True, True]
    assert made.decart.duplicates(threshold=1)["duplicate_group"].notna().sum() == 4
    with pytest.raises(InvalidInputError, match="threshold"):
        made.decart.duplicates(threshold=2)
