"""Contact sheets, looked at pixel by pixel."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from decart_nb.errors import InvalidInputError, MediaError
from decart_nb.export.contact_sheet import contact_sheet
from decart_nb.export.plan import Box, Plan
from tests.export.grids import BLUE, GREEN, HOSTILE, RED, WHITE, make_clip, make_layout, share_of

_ALL_ENDINGS = ("png", "jpg", "jpeg", "webp", "pdf")


def _read(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        return image


def _cut(path: Path, box: Box) -> np.ndarray:
    return np.asarray(_read(path).convert("RGB"))[box.y : box.y + box.height, box.x : box.x + box.width]


def test_each_clip_is_in_its_cell(tmp_path: Path) -> None:
    red, green, blue = (make_clip(tmp_path, (colour, 4)) for colour in (RED, GREEN, BLUE))
    layout = make_layout([[red], [green]], [[blue], []])
    sheet = contact_sheet(layout, tmp_path / "sheet.png", cell_width=120)
    page = Plan(layout, 120).page()
    assert _read(sheet).size == (page.width, page.height)
    colours = (RED, GREEN, BLUE)
    assert [share_of(_cut(sheet, tile.picture), colour) for tile, colour in zip(page.tiles, colours, strict=False)] == [
        1.0,
        1.0,
        1.0,
    ]
    empty = _cut(sheet, page.tiles[3].picture)
    assert 0.9 < share_of(empty, WHITE) < 1  # a dash


def test_labels_and_captions_are_written(tmp_path: Path) -> None:
    layout = make_layout([[make_clip(tmp_path, (RED, 10))]])
    sheet = contact_sheet(layout, tmp_path / "sheet.png")
    plan = Plan(layout, 320)
    page = plan.page()
    (tile,) = page.tiles
    below = Box(tile.picture.x, tile.picture.y + tile.picture.height, tile.picture.width, 20)
    title = Box(plan.margin, plan.margin, plan.title.width, plan.title.height)
    for box in (page.rows[0][1], page.cols[0], below, title):
        assert _cut(sheet, box).min() < 130


def test_several_clips_of_a_cell_are_beside_each_other_then_below(tmp_path: Path) -> None:
    colours = [RED, GREEN, BLUE, RED]
    clips = [make_clip(tmp_path, (colour, 2)) for colour in colours]
    layout = make_layout([[*clips]])
    sheet = contact_sheet(layout, tmp_path / "sheet.png", cell_width=120)
    tiles = Plan(layout, 120).page().tiles
    assert [share_of(_cut(sheet, tile.picture), colour) for tile, colour in zip(tiles, colours, strict=True)] == [1] * 4
    assert len({tile.picture.y for tile in tiles}) == 2


def test_the_frame_is_the_one_asked_for(tmp_path: Path) -> None:
    layout = make_layout([[make_clip(tmp_path, (RED, 10), (BLUE, 10))]])
    (tile,) = Plan(layout, 320).page().tiles
    for at, colour in ((0, RED), (1, BLUE)):
        sheet = contact_sheet(layout, tmp_path / "sheet.png", at=at)
        assert share_of(_cut(sheet, tile.picture), colour) == 1


def test_an_upright_clip_keeps_its_shape(tmp_path: Path) -> None:
    wide, upright = make_clip(tmp_path, (RED, 2)), make_clip(tmp_path, (GREEN, 2), size=(48, 96))
    layout = make_layout([[wide], [upright]])
    sheet = contact_sheet(layout, tmp_path / "sheet.png", cell_width=200)
    box = Plan(layout, 200).page().tiles[1].picture
    assert share_of(_cut(sheet, box), GREEN) == pytest.approx(0.5 * box.height / box.width, abs=0.02)


def test_a_failure_looks_unlike_what_is_waited_for(tmp_path: Path) -> None:
    layout = make_layout([["failed: no memory"], ["processing"], ["a text: of another sort"]])
    sheet = contact_sheet(layout, tmp_path / "sheet.png")
    failed, waiting, other = (_cut(sheet, tile.picture) for tile in Plan(layout, 320).page().tiles)
    red = [(cut[..., 0].astype(int) - cut[..., 1] > 30).mean() for cut in (failed, waiting, other)]
    assert red[0] > 0.05
    assert red[1] == 0
    assert red[2] > 0.05


@pytest.mark.parametrize("ending", _ALL_ENDINGS)
def test_what_made_the_clips_goes_along_and_no_folder_does(ending: str, tmp_path: Path) -> None:
    inputs = {"prompt": "a “lake”", "seed": 3, "data": str(tmp_path / "secret" / "in.mp4"), "mask": tmp_path / "m.png"}
    clip = make_clip(tmp_path, (RED, 2), inputs=inputs)
    sheet = contact_sheet(make_layout([[clip]]), tmp_path / f"sheet.{ending}")
    content = sheet.read_bytes()
    assert str(tmp_path).encode() not in content
    if ending == "pdf":
        (text,) = re.findall(rb"/Subject \(\xfe\xff(.*?)\)\s*/", content, re.DOTALL)
        record = json.loads(re.sub(rb"\\([\\()])", rb"\1", text).decode("utf-16-be"))
    else:
        image = _read(sheet)
        comment = image.getexif().get_ifd(0x8769).get(0x9286, b"")
        record = json.loads(image.text["Comment"] if ending == "png" else comment.removeprefix(b"ASCII\0\0\0"))
    (entry,) = record["clips"]
    assert entry["inputs"] == {"prompt": "a “lake”", "seed": 3, "data": "in.mp4", "mask": "m.png"}
    assert (entry["model"], entry["seed"], entry["job_id"]) == ("lucy-pro-t2v", 3, clip.job_id)
    assert entry["sha256"] == clip.sha256
    assert record["title"] == "A title"


def test_a_jpeg_has_as_much_provenance_as_it_has_room_for(tmp_path: Path) -> None:
    clip = make_clip(tmp_path, (RED, 2), inputs={"prompt": "long " * 400})
    layout = make_layout([[*[clip] * 60]])
    image = _read(contact_sheet(layout, tmp_path / "sheet.jpg", cell_width=120))
    record = json.loads(image.getexif().get_ifd(0x8769)[0x9286].removeprefix(b"ASCII\0\0\0"))
    assert len(record["clips"]) == 60
    assert "inputs" not in record["clips"][0]


def test_a_long_pdf_has_pages_with_the_labels_on_each(tmp_path: Path) -> None:
    clip = make_clip(tmp_path, (RED, 2))
    sheet = contact_sheet(make_layout(*[[[clip]]] * 20), tmp_path / "sheet.pdf", cell_width=160)
    pages = len(re.findall(rb"/Type /Page\b(?!s)", sheet.read_bytes()))
    assert pages > 2


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_drawn_or_replaced(text: str, tmp_path: Path) -> None:
    clip = make_clip(tmp_path, (RED, 2), inputs={"prompt": text, "seed": 1}, model=text)
    other = dataclasses.replace(clip, inputs={"prompt": f"{text}2"})
    layout = dataclasses.replace(make_layout([[clip, other], [f"failed: {text}"]], rows=[text]), cols=[text, text])
    layout = dataclasses.replace(layout, title=text, row_name=text)
    for ending in ("png", "jpg", "pdf"):
        contact_sheet(layout, tmp_path / f"sheet.{ending}", cell_width=120)
    assert _read(tmp_path / "sheet.png").size == _read(tmp_path / "sheet.jpg").size
    assert _read(tmp_path / "sheet.png").width < 700


def test_a_missing_file_is_a_failure_in_its_cell(tmp_path: Path) -> None:
    clip = make_clip(tmp_path, (RED, 2))
    gone = dataclasses.replace(clip, path=tmp_path / "gone" / "gone.mp4")
    layout = make_layout([[clip], [gone]])
    sheet = contact_sheet(layout, tmp_path / "sheet.png")
    first, second = (_cut(sheet, tile.picture) for tile in Plan(layout, 320).page().tiles)
    assert share_of(first, RED) == 1
    assert (second[..., 0].astype(int) - second[..., 1] > 30).mean() > 0.05


def test_the_same_grid_makes_the_same_file(tmp_path: Path) -> None:
    layout = make_layout([[make_clip(tmp_path, (RED, 2))]], ["failed: x"])
    first, second = (contact_sheet(layout, tmp_path / name).read_bytes() for name in ("a.png", "b.png"))
    assert first == second


@pytest.mark.parametrize("name", ["sheet.gif", "sheet", "sheet.png.mp4"])
def test_another_ending_is_refused_with_those_there_are(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"must end in \.png, \.jpg, \.jpeg, \.webp or \.pdf"):
        contact_sheet(make_layout([[]]), tmp_path / name)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("options", [{"cell_width": 10}, {"cell_width": "wide"}, {"at": 2}, {"at": float("nan")}])
def test_arguments_out_of_range_are_refused(options: dict[str, float], tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(options))):
        contact_sheet(make_layout([[]]), tmp_path / "sheet.png", **options)


def test_a_sheet_that_would_be_too_large_is_refused_with_what_to_choose(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"smaller cell_width.*a PDF has pages"):
        contact_sheet(make_layout(*[[[]]] * 300), tmp_path / "sheet.png", cell_width=1200)
    clip = make_clip(tmp_path, (RED, 2))
    with pytest.raises(InvalidInputError, match="at most 1,000 clips"):
        contact_sheet(make_layout([[clip] * 1001]), tmp_path / "sheet.pdf")


def test_a_folder_that_is_not_there_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"sheet\.png cannot be saved in nowhere"):
        contact_sheet(make_layout([[]]), tmp_path / "nowhere" / "sheet.png")
    assert not list(tmp_path.iterdir())
