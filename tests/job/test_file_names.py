"""Names of files as tables and exports show them."""

from __future__ import annotations

from pathlib import Path

import pytest

from decart_nb.job.file_names import distinct_names, shown_name, without_folder


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("data", "/home/somebody/in.mp4", "in.mp4"),
        ("data", "../in.mp4", "in.mp4"),
        ("style", "C:\\Users\\somebody\\style.png", "style.png"),
        ("data", "https://example.com/in.mp4?token=secret", "in.mp4"),
        ("data", Path("folder/in.mp4"), "in.mp4"),
        ("style", "and/or", "and/or"),
        ("prompt", "/imagine a cat", "/imagine a cat"),
        ("seed", 3, 3),
    ],
    ids=range(8),
)
def test_only_what_names_a_file_loses_its_folder(name: str, value: object, shown: object) -> None:
    assert without_folder(name, value) == shown


def test_values_of_one_name_stay_apart() -> None:
    given = ["/a/in.mp4", "/b/in.mp4", "/a/in.mp4", "in.mp4"]
    assert distinct_names(given, lambda value: without_folder("data", value)) == {
        "/a/in.mp4": "in.mp4",
        "/b/in.mp4": "in.mp4 (2)",
        "in.mp4": "in.mp4 (3)",
    }
    assert distinct_names([1, 2], lambda _: "x", taken=["x", "x (2)"]) == {1: "x (3)", 2: "x (4)"}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("data", f"decart_runs/inputs/{'0f' * 32}.mp4", "a video given in memory"),
        ("mask", f"C:\\runs\\inputs\\{'0f' * 32}.PNG", "an image given in memory"),
        ("data", f"decart_runs/inputs/{'0f' * 32}", "a file given in memory"),
        ("data", f"videos/{'0f' * 32}.mp4", f"{'0f' * 32}.mp4"),
        ("prompt", f"/inputs/{'0f' * 32}", f"/inputs/{'0f' * 32}"),
        ("data", "/home/somebody/in.mp4", "in.mp4"),
        ("seed", 3, 3),
    ],
    ids=range(7),
)
def test_a_file_that_was_given_without_a_name_is_not_shown_as_a_digest(name: str, value: object, shown: object) -> None:
    assert shown_name(name, value) == shown


def test_a_grid_names_no_folder(tmp_path: Path, small_video: Path) -> None:
    import pandas as pd

    row = {"model": "lucy-2.5", "prompt": "a", "status": "completed", "path": str(small_video)}
    table = pd.DataFrame([row | {"data": str(tmp_path / folder / "in.mp4")} for folder in ("one", "two")])
    grid = table.decart.grid(rows="data")
    for shown in (grid.text(), grid.html(None)):
        assert "data in.mp4 (2)" in shown
        assert str(tmp_path) not in shown
