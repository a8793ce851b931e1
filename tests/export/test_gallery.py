"""Static galleries: what is written, and what is not. tests/browser/test_gallery.py opens them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import decart_nb as dnb
from decart_nb import InvalidInputError, MediaError
from decart_nb.export.gallery import SINGLE_FILE_LIMIT

from .galleries import make_table

_HTML = "<img src=x onerror=window.hacked=1>"
_SCRIPT = "</script><script>window.hacked=1</script>"


def _data(gallery: Path) -> dict[str, Any]:
    """The grid that a gallery shows."""
    text = (gallery / "data.js").read_text()
    data: dict[str, Any] = json.loads(re.fullmatch(r"window\.decartGallery = (.*);", text, re.DOTALL)[1])  # type: ignore[index]  # it matches
    return data


def _files(gallery: Path) -> set[str]:
    return {path.relative_to(gallery).as_posix() for path in gallery.rglob("*") if path.is_file()}


def test_a_gallery_is_a_page_with_clips_and_posters_beside_it(tmp_path: Path) -> None:
    page = make_table(tmp_path / "made").decart.to_html(tmp_path / "gallery", title="Cliffs")
    assert page == tmp_path / "gallery" / "index.html"
    tiles = _data(page.parent)["tiles"]
    clips = {tile["video"] for tile in tiles}
    posters = {tile["poster"] for tile in tiles}
    assert len(clips) == len(posters) == len(tiles) == 4
    assert _files(page.parent) == {"index.html", "data.js", "gallery.js"} | clips | posters
    assert "<title>Cliffs</title>" in page.read_text()
    assert [(tile["values"][0], tile["values"][1]) for tile in tiles] == [
        (model, prompt) for model in ("lucy-2.5", "lucy-2.6") for prompt in ("a cliff", "a gorge")
    ]


def test_what_made_a_clip_goes_along_in_its_tags(tmp_path: Path) -> None:
    page = make_table(tmp_path / "made").decart.to_html("gallery")
    for tile in _data(page.parent)["tiles"]:
        record = dnb.provenance(page.parent / tile["video"])
        assert record["model"] == tile["values"][0]
        assert record["inputs"] == {"prompt": tile["values"][1], "seed": 0}


def test_no_folder_of_the_machine_is_in_any_file_and_equal_names_stay_apart(tmp_path: Path) -> None:
    inputs = [str(tmp_path / folder / name) for folder in ("one", "two") for name in ("in.mp4", "other.mp4")]
    first = str(tmp_path / "../first.png")
    table = make_table(tmp_path / "made", data=inputs, reference_image=first)
    for name in ("gallery", "page.html"):
        page = table.decart.to_html(tmp_path / name, rows="data", cols="model", single_file=name.endswith("html"))
        written = [path for path in (page.parent.rglob("*") if name == "gallery" else [page]) if path.is_file()]
        for path in written:
            content = path.read_bytes()
            for part in (str(tmp_path), tmp_path.parent.name, str(Path.cwd()), "../", "/.."):
                assert part.encode() not in content, path.name
    data = _data(tmp_path / "gallery")
    column = [column["name"] for column in data["columns"]].index("data")
    shown = [tile["values"][column] for tile in data["tiles"]]
    assert shown == ["in.mp4", "other.mp4", "in.mp4 (2)", "other.mp4 (2)"]
    assert data["tiles"][2]["name"].endswith("data in.mp4 (2)")
    assert "reference_image first.png" in data["facts"]


@pytest.mark.parametrize("text", [_HTML, _SCRIPT, "]]><!--", "\u2028{style}%s\x00", "'\"&amp;"], ids=range(5))
def test_foreign_text_is_text_in_every_file(text: str, tmp_path: Path) -> None:
    table = make_table(tmp_path / "made", prompts=[f"a {text}", "b"], note=text)
    table.loc[3, ["status", "path", "error"]] = ["failed", None, f"no {text}"]
    page = table.decart.to_html("gallery", title=text)
    single = table.decart.to_html("page.html", title=text, single_file=True)
    assert [len(re.findall("<script", each.read_text())) for each in (page, single)] == [2, 2]
    for each in (page, single, page.parent / "data.js"):
        content = each.read_text().partition("<script>(() =>")[0]
        assert "<img src=x" not in content
        assert "window.hacked=1</" not in content
    tiles = _data(page.parent)["tiles"]
    assert tiles[3]["error"].startswith("no ")
    assert tiles[3]["video"] is None


def test_readers_without_scripts_have_posters_captions_and_links(tmp_path: Path) -> None:
    table = make_table(tmp_path / "made")
    table.loc[3, ["status", "path", "error"]] = ["failed", None, "no memory"]
    page = table.decart.to_html("gallery")
    items = re.findall(r"<li>.*?</li>", page.read_text())
    assert len(items) == 4
    for item, tile in zip(items[:3], _data(page.parent)["tiles"], strict=False):
        assert f'href="{tile["video"]}"' in item
        assert f'src="{tile["poster"]}"' in item
        assert f"{tile['name']}: done" in item
    assert items[3] == "<li>lucy-2.6, a gorge: failed: no memory</li>"


def test_a_gallery_replaces_the_one_before_and_leaves_nothing_of_it(tmp_path: Path) -> None:
    table = make_table(tmp_path / "made", seeds=2)
    page = table.decart.to_html("gallery")
    (page.parent / "clips" / "notes.txt").write_text("mine")
    before = _files(page.parent)
    table.iloc[::-1].head(3).decart.to_html("gallery")
    after = _files(page.parent)
    assert len(before) == 3 + 8 + 8 + 1
    assert len(after) == 3 + 3 + 3 + 1
    assert (page.parent / "clips" / "notes.txt").read_text() == "mine"
    assert {tile["video"] for tile in _data(page.parent)["tiles"]} < after


def test_a_folder_with_other_files_is_refused_and_unchanged(tmp_path: Path) -> None:
    table = make_table(tmp_path / "made")
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "index.html").write_text("<title>my own</title>")
    with pytest.raises(InvalidInputError, match=r"mine/ has other files in it: name a new folder"):
        table.decart.to_html(folder)
    assert _files(folder) == {"index.html"}
    with pytest.raises(InvalidInputError, match=r"index\.html is a file: name a folder, or pass single_file=True"):
        table.decart.to_html(folder / "index.html")


def test_an_empty_folder_and_one_that_is_not_there_are_written_to(tmp_path: Path) -> None:
    table = make_table(tmp_path / "made").head(1)
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "new/inner"):
        assert table.decart.to_html(tmp_path / folder).is_file()


def test_a_clip_without_its_file_is_a_tile_that_says_so(tmp_path: Path) -> None:
    table = make_table(tmp_path / "made")
    Path(table.path[1]).unlink()
    Path(table.path[2]).write_bytes(b"no video")
    page = table.decart.to_html("gallery")
    tiles = _data(page.parent)["tiles"]
    assert [bool(tile["video"]) for tile in tiles] == [True, False, False, True]
    for tile, name, status, label in (
        (tiles[1], "clip 1.mp4", "missing", "the file is missing"),
        (tiles[2], "clip 2.mp4", "unreadable", "the file cannot be read"),
    ):
        assert (tile["status"], tile["label"], tile["poster"]) == (status, label, None)
        assert name in tile["error"]
        assert str(tmp_path) not in tile["error"]
    single = table.decart.to_html("page.html", single_file=True)
    assert single.read_text().count("data:video/mp4") == 2


def test_a_single_page_has_all_in_it_with_what_made_each_clip(tmp_path: Path) -> None:
    page = make_table(tmp_path / "made").decart.to_html(tmp_path / "page.html", single_file=True)
    assert _files(tmp_path) == {"page.html", *(f"made/clip {number}.mp4" for number in range(4))}
    content = page.read_text()
    assert content.count("data:video/mp4;base64,") == 4
    assert content.count("data:image/webp;base64,") == 4
    assert "src=" not in re.sub(r"<script>.*?</script>", "", content, flags=re.DOTALL)


def test_a_single_page_over_its_limit_is_refused(tmp_path: Path) -> None:
    table = make_table(tmp_path / "made")
    with Path(table.path[3]).open("ab") as file:
        file.truncate(SINGLE_FILE_LIMIT * 3 // 4)
    with pytest.raises(InvalidInputError, match="more than a single page of 50 MiB can hold: save the gallery as a"):
        table.decart.to_html("page.html", single_file=True)
    assert not Path("page.html").exists()


def test_a_single_page_has_a_name_of_a_page(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"must have a name that ends in \.html, not 'gallery'"):
        make_table(tmp_path / "made").head(1).decart.to_html("gallery", single_file=True)


def test_a_gallery_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    table = make_table(tmp_path / "made").head(1)
    with pytest.raises(MediaError, match="The gallery cannot be written: embedded null byte"):
        table.decart.to_html("a\0b")
    with pytest.raises(MediaError, match="The gallery cannot be written: Not a directory"):
        table.decart.to_html(tmp_path / "file" / "gallery")


def test_the_page_of_200_clips_is_small(tmp_path: Path) -> None:
    table = make_table(tmp_path / "made", models=["lucy-2.5"], prompts=["a long prompt " * 20, "another " * 30])
    many = pd.concat([table.assign(seed=seed) for seed in range(100)], ignore_index=True)
    page = many.decart.to_html("gallery")
    assert len(_data(page.parent)["tiles"]) == 200
    assert page.stat().st_size < 100_000
