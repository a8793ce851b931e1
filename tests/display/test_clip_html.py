"""The clip inline: in the notebook up to a size, by reference above; with a caption; never raising."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from decart_nb.display import text
from decart_nb.display.clip_html import EmbedBudget, clip_html, relative_url
from decart_nb.job.clip import Clip
from tests.clips import read_clip

MB = 2**20


@pytest.fixture
def clip(small_video: Path) -> Clip:
    return read_clip(small_video, "j1", "lucy-2.5", {"prompt": "a", "seed": 0}, "live", price=0.04, made=12.34)


def test_the_caption_has_model_prompt_seed_size_and_seconds(clip: Clip) -> None:
    assert text.clip_caption(clip) == ["lucy-2.5", "a", "seed 0", "64×48", "1.0 s", "made in 12.3 s", "about $0.04"]


def test_an_embedded_clip_lies_in_the_notebook(clip: Clip) -> None:
    shown = clip_html(clip, clip.path.parent, embed=True)
    assert 'src="data:video/mp4;base64,' in shown
    assert "poster" not in shown
    assert all(f" {word}" in shown for word in ("controls", "loop", "muted"))


def test_its_size_is_reserved_before_it_loads(clip: Clip) -> None:
    tall = dataclasses.replace(clip, width=481, height=853)
    for one, most in (
        (clip, "64px"),
        (tall, "min(360px,calc(max(60vh,320px)*481/853))"),  # not more than 60 % of the window's height
        (dataclasses.replace(clip, width=1280, height=704), "640px"),
    ):
        shown = clip_html(one, None, embed=True)
        assert f"max-width:{most};aspect-ratio:{one.width}/{one.height}" in shown


def test_its_caption_is_two_lines_that_are_cut_with_the_whole_as_their_titles(clip: Clip) -> None:
    long = dataclasses.replace(clip, inputs={"prompt": 'a "long" prompt, ' * 30, "seed": 0})
    lines = re.findall(r'<div style="[^"]*nowrap" title="([^"]*)">([^<]*)</div>', clip_html(long, None, embed=True))
    assert [line for title, line in lines if title == line] == [
        ("a &quot;long&quot; prompt, " * 30).strip(),
        "lucy-2.5 · seed 0 · 64×48 · 1.0 s · made in 12.3 s · about $0.04",
    ]
    reused = dataclasses.replace(clip, reused=True, made_at=0.0, inputs={})
    assert text.clip_caption(dataclasses.replace(clip, take=1))[-1] == "take 1"
    assert clip_html(reused, None, embed=True).count(">lucy-2.5<") == 1  # in place of the prompt that it has not


def test_another_clip_is_referred_to_with_a_poster(clip: Clip) -> None:
    shown = clip_html(clip, clip.path.parent.parent, embed=False)
    assert f'src="{clip.path.parent.name}/{clip.path.name}"' in shown
    assert 'poster="data:image/jpeg;base64,' in shown
    assert "over the notebook&#x27;s limit of 20 MB of video: plays from" in shown


@pytest.mark.parametrize(
    ("folder", "why"), [(None, "this editor plays no files"), (Path("/nowhere"), "its file is not in the notebook")]
)
def test_one_that_no_reference_reaches_is_a_still_and_says_so(clip: Clip, folder: Path | None, why: str) -> None:
    shown = clip_html(dataclasses.replace(clip, size_bytes=5 * MB), folder, embed=False)
    assert "<video" not in shown
    assert '<img src="data:image/jpeg;base64,' in shown
    assert f"over the notebook&#x27;s limit of 4 MB a clip, and {why}" in shown


def test_a_clip_of_a_table_has_a_relative_path_and_is_reached(clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clip.path.parent.parent)
    relative = dataclasses.replace(clip, path=clip.path.relative_to(Path.cwd()))
    for path in (relative.path, Path("..") / Path.cwd().name / relative.path):
        shown = clip_html(dataclasses.replace(clip, path=path), Path.cwd(), embed=False)
        assert f'<video src="{relative.path.as_posix()}" poster="data:image/jpeg' in shown


def test_a_folder_that_is_known_by_two_names_is_one(clip: Clip, tmp_path: Path) -> None:
    (tmp_path / "notebook").mkdir()
    (tmp_path / "notebook" / "runs").symlink_to(clip.path.parent)
    linked = dataclasses.replace(clip, path=tmp_path / "notebook" / "runs" / clip.path.name)
    assert '<video src="runs/small.mp4"' in clip_html(linked, tmp_path / "notebook", embed=False)
    (tmp_path / "other").symlink_to(clip.path.parent)
    assert '<video src="small.mp4"' in clip_html(clip, tmp_path / "other", embed=False)


def test_what_jupyter_serves_not_is_not_referred_to(clip: Clip, tmp_path: Path) -> None:
    hidden = tmp_path / ".runs" / "a.mp4"
    hidden.parent.mkdir()
    hidden.write_bytes(clip.path.read_bytes())
    assert "<video" not in clip_html(dataclasses.replace(clip, path=hidden), tmp_path, embed=False)
    assert '<video src="a.mp4"' in clip_html(dataclasses.replace(clip, path=hidden), hidden.parent, embed=False)


def test_a_name_that_needs_quoting_is_quoted(clip: Clip, tmp_path: Path) -> None:
    odd = tmp_path / 'a "b" <c>.mp4'
    odd.write_bytes(clip.path.read_bytes())
    shown = clip_html(dataclasses.replace(clip, path=odd), tmp_path, embed=False)
    assert 'src="a%20%22b%22%20%3Cc%3E.mp4"' in shown


@pytest.mark.parametrize("embed", [True, False])
def test_a_clip_whose_file_is_gone_says_so_and_raises_nothing(clip: Clip, tmp_path: Path, embed: bool) -> None:
    lost = dataclasses.replace(clip, path=tmp_path / "lost <i>.mp4")
    shown = clip_html(lost, tmp_path, embed=embed)
    assert "lost &lt;i&gt;.mp4 cannot be shown" in shown
    assert shown.startswith("<div")
    assert "lucy-2.5 · a" in shown


def test_a_clip_is_embedded_up_to_4_mb() -> None:
    assert EmbedBudget().take(4 * MB, "cell", 1)
    assert not EmbedBudget().take(4 * MB + 1, "cell", 1)


def test_a_notebook_embeds_up_to_20_mb_in_all() -> None:
    embedding = EmbedBudget()
    assert [embedding.take(4 * MB, f"cell {number}", number) for number in range(6)] == [True] * 5 + [False]
    assert not embedding.take(1, "cell 7", 7)


def test_many_clips_in_one_cell_count_together() -> None:
    embedding = EmbedBudget()
    assert [embedding.take(4 * MB, "cell", 1) for _ in range(6)] == [True] * 5 + [False]


def test_what_a_cell_that_runs_again_had_embedded_counts_no_more() -> None:
    embedding = EmbedBudget()
    for run in range(20):
        assert embedding.take(4 * MB, "cell", run)
        assert embedding.take(4 * MB, "cell", run)


def test_a_renderer_that_strips_videos_finds_a_still(clip) -> None:
    for embed in (True, False):
        inner = re.search(r"<video [^>]*>(.*)</video>", clip_html(clip, clip.path.parent, embed=embed))
        assert inner
        assert inner[1].startswith('<img src="data:image/webp;base64,')


@pytest.mark.parametrize(
    ("file", "url"),
    [
        ("/p/a/decart_runs/x y.mp4", "decart_runs/x%20y.mp4"),
        ("/p/decart_runs/x.mp4", "../decart_runs/x.mp4"),
        ("/decart_runs/x.mp4", None),  # which would tell of the whole machine
        ("/p/a/../decart_runs/x.mp4", "../decart_runs/x.mp4"),
        ("/p/a/x.mp4", "x.mp4"),
        ("/p/b/c/x.mp4", None),  # in no store beside or above it
        ("/q/decart_runs/x.mp4", None),
        ("/p/.runs/x.mp4", None),
        ("/p/a/decart_runs/.x.mp4", None),
    ],
)
def test_a_file_has_a_url_below_the_notebook_and_in_a_store_above_it(file: str, url: str | None) -> None:
    assert relative_url(Path(file), Path("/p/a")) == url
    assert relative_url(Path(file), None) is None
