"""The clip inline: in the notebook up to a size, by reference above; with a caption; never raising."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from decart_nb.clip import Clip, read_clip
from decart_nb.display import notebook, words
from decart_nb.display.video import EMBEDDED, clip_html


@pytest.fixture
def clip(small_video: Path) -> Clip:
    return read_clip(small_video, "j1", "lucy-2.5", {"prompt": "a", "seed": 0}, "live", price=0.04, seconds=12.34)


def test_the_caption_has_model_prompt_seed_size_and_seconds(clip: Clip) -> None:
    assert words.caption(clip) == ["lucy-2.5", "a", "seed 0", "64×48", "1.0 s", "made in 12.3 s", "about $0.04"]


def test_a_small_clip_lies_in_the_notebook(clip: Clip) -> None:
    shown = clip_html(clip, clip.path.parent)
    assert 'src="data:video/mp4;base64,' in shown
    assert "poster" not in shown
    assert all(f" {word}" in shown for word in ("controls", "loop", "muted"))


def test_a_large_clip_is_referred_to_with_a_poster(clip: Clip) -> None:
    large = dataclasses.replace(clip, size_bytes=EMBEDDED + 1)
    shown = clip_html(large, clip.path.parent.parent)
    assert f'src="{clip.path.parent.name}/{clip.path.name}"' in shown
    assert 'poster="data:image/jpeg;base64,' in shown
    assert len(shown) < 100_000


def test_a_name_that_needs_quoting_is_quoted(clip: Clip, tmp_path: Path) -> None:
    odd = tmp_path / 'a "b" <c>.mp4'
    odd.write_bytes(clip.path.read_bytes())
    shown = clip_html(dataclasses.replace(clip, path=odd, size_bytes=EMBEDDED + 1), tmp_path)
    assert 'src="a%20%22b%22%20%3Cc%3E.mp4"' in shown


def test_a_clip_whose_file_is_gone_says_so_and_raises_nothing(clip: Clip, tmp_path: Path) -> None:
    lost = dataclasses.replace(clip, path=tmp_path / "lost <i>.mp4")
    bundle = notebook.clip_bundle(lost)
    assert "lost &lt;i&gt;.mp4 cannot be shown" in bundle["text/html"]
    assert bundle["text/plain"].startswith("lucy-2.5 · a")
