"""A table of clips as posters."""

from __future__ import annotations

import base64
import dataclasses
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from decart_nb import media
from decart_nb.job.clip import Clip
from decart_nb.notebook.pandas_accessor import ClipTable
from tests.clips import read_clip


@pytest.fixture
def clip(small_video) -> Clip:
    return read_clip(small_video, "j1", "lucy-2.5", {"prompt": 'a "<b>"', "seed": 7}, "local")


def _html(*cells: Any) -> str:
    table = ClipTable(None, index=pd.Index(["<i>x"], name="prompt"), columns=range(len(cells)), dtype=object)
    for number, cell in enumerate(cells):
        table.iat[0, number] = cell
    made = table._repr_html_()
    assert made is not None
    return made


def test_a_clip_is_a_poster_that_says_what_it_is(clip) -> None:
    made = _html(clip)
    (content,) = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', made)
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (64, 48)
    assert 'alt="lucy-2.5 · a &quot;&lt;b&gt;&quot; · seed 7' in made
    assert "local preview" in made


@pytest.mark.parametrize(("shape", "width"), [((360, 640), 320), ((640, 360), 180)])
def test_a_large_video_has_a_small_poster(shape: tuple[int, int], width: int, tmp_path: Path) -> None:
    media.encode(np.zeros((2, *shape, 3), np.uint8), tmp_path / "large.mp4", fps=10)
    made = _html(read_clip(tmp_path / "large.mp4", "j1", "lucy-2.5", {}, "live"))
    (content,) = re.findall(r"base64,([^\"]+)", made)
    assert Image.open(io.BytesIO(base64.b64decode(content))).width == width


def test_what_is_no_clip_is_told_in_words_and_escaped(clip) -> None:
    made = _html("failed: no <memory>", None, pd.NA, 3, [1, 2], (clip, "planned"))
    assert "failed: no &lt;memory&gt;" in made
    assert "&lt;i&gt;x" in made
    assert "<i>" not in made
    assert ">planned<" in made
    assert ">seed 7<" in made
    assert not {"None", "NA", "nan"} & set(re.findall(r">(\w+)<", made))


def test_a_video_that_is_gone_or_broken_says_so(clip, tmp_path) -> None:
    (tmp_path / "broken<.mp4").write_bytes(b"no video")
    gone, broken = (dataclasses.replace(clip, path=tmp_path / name) for name in ("gone.mp4", "broken<.mp4"))
    made = _html(gone, broken)
    assert "gone.mp4 cannot be shown" in made
    assert "broken&lt;.mp4 cannot be shown" in made
    assert "<img" not in made


def test_half_a_character_is_no_harm() -> None:
    _html("x\ud800y").encode()


def test_what_cannot_be_shown_is_left_to_the_text_form() -> None:
    class Bad:
        def __str__(self) -> str:
            raise RuntimeError

    assert ClipTable([[Bad()]], dtype=object)._repr_html_() is None


def test_a_large_table_has_posters_to_a_limit_and_words_beyond(clip) -> None:
    made = _html(tuple([clip] * 130))
    assert made.count("<img") == 120
    assert made.count("no poster: the table has more than 120 clips") == 10
