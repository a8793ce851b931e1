"""Playback of clips: embedded and by URL, with sound, and of unusual sizes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from decart_nb import media
from decart_nb.display.clip_html import EMBED_LIMIT
from decart_nb.store.store import Store

from .lab import Lab, Notebook, Queue, plays, screenshot

_SUBMIT = "job = dnb.submit('lucy-pro-t2v', {!r}, fresh=True)"
# The size of a video, and its size before it has loaded.
_BOXES = """video => {
    const empty = video.cloneNode();
    empty.removeAttribute("src");
    const size = (element) => [element.getBoundingClientRect().width, element.getBoundingClientRect().height];
    const shown = size(video);
    video.replaceWith(empty);
    const reserved = size(empty);
    empty.replaceWith(video);
    return [shown, reserved];
}"""


@contextmanager
def _answering(queue: Queue, video: Path) -> Iterator[None]:
    """Answers each job with that video."""
    usual, queue.jobs.canned = queue.jobs.canned, video
    yield
    queue.jobs.canned = usual


def _made(notebook: Notebook, queue: Queue, video: Path, prompt: str) -> Locator:
    with _answering(queue, video):
        cell = notebook.run(_SUBMIT.format(prompt))
        expect(cell.get_by_role("button", name="Stop waiting")).to_be_visible()
        queue.finish()
        expect(cell.get_by_role("button", name="Another take")).to_be_visible()
    return cell


def test_what_the_local_queue_renders_plays(notebook: Notebook) -> None:
    notebook.connect_locally()
    cell = notebook.run(
        "dnb.generate('lucy-pro-t2v', 'a river', resolution='480p', orientation='portrait', fresh=True)"
    )
    plays(cell.locator("video"))
    facts = cell.locator("video").evaluate("v => [v.videoWidth, v.videoHeight, v.muted, v.loop]")
    assert facts == [480, 872, True, True]
    screenshot(cell, "rendered")


@pytest.fixture(scope="module")
def large_video(tmp_path_factory: pytest.TempPathFactory, small_video: Path) -> Path:
    """A video that is too large to be embedded, because of a box at its end that no player reads."""
    path = tmp_path_factory.mktemp("large") / "large.mp4"
    path.write_bytes(small_video.read_bytes() + EMBED_LIMIT.to_bytes(4, "big") + b"free" + bytes(EMBED_LIMIT - 8))
    assert path.stat().st_size > EMBED_LIMIT
    return path


def test_a_large_clip_plays_from_the_store_above_the_notebooks_folder(
    lab: Lab, page: Page, queue: Queue, large_video: Path
) -> None:
    Store(lab.folder / "decart_runs").close()
    (lab.folder / "below").mkdir()
    notebook = lab.open(page, "below/large", queue)
    cell = _made(notebook, queue, large_video, "snow below")
    plays(cell.locator("video"))
    expect(cell.get_by_text("plays from ../decart_runs/lucy-pro-t2v-snow-below-")).to_be_visible()
    assert not (lab.folder / "below" / "decart_runs").exists()


def test_a_large_clip_is_referred_to_and_plays(notebook: Notebook, queue: Queue, large_video: Path) -> None:
    cell = _made(notebook, queue, large_video, "snow")
    plays(cell.locator("video"))
    assert "data:" not in (cell.locator("video").get_attribute("src") or "data:")
    notebook.save()
    assert notebook.path.stat().st_size < EMBED_LIMIT

    inline = notebook.run("job.clip.video(width=320)")
    inline.locator("video").evaluate("video => { video.muted = true }")
    plays(inline.locator("video"), pressed=True)

    notebook.load()
    plays(cell.locator("video"), pressed=True)


def test_sound_can_be_turned_on(notebook: Notebook, queue: Queue, tmp_path: Path) -> None:
    _sing(tmp_path / "song.mp4")
    cell = _made(notebook, queue, tmp_path / "song.mp4", "a song")
    video = cell.locator("video")
    plays(video)
    assert video.evaluate("v => [v.controls, v.muted]") == [True, True]
    video.click()  # a click that a person makes: without one, browsers let no sound begin
    video.evaluate("video => { video.muted = false }")
    plays(video, pressed=True)
    assert video.evaluate("v => v.webkitAudioDecodedByteCount > 0 && !v.muted")


@pytest.mark.parametrize("size", [(500, 700, 360), (1002, 350, 640), (854, 480, 640), (64, 48, 64)])
def test_its_place_is_kept_before_it_loads(
    notebook: Notebook, queue: Queue, tmp_path: Path, size: tuple[int, int, int]
) -> None:
    width, height, shown = size
    frames = np.zeros((5, height, width, 3), np.uint8)
    frames[:, :, ::2] = 200
    media.encode(frames, tmp_path / "odd.mp4", fps=5)
    cell = _made(notebook, queue, tmp_path / "odd.mp4", f"{width} by {height}")
    plays(cell.locator("video"))
    screenshot(cell, f"{width} by {height}")
    now, before = cell.locator("video").evaluate(_BOXES)
    assert now == before
    assert now[0] == shown
    assert now[0] / now[1] == pytest.approx(width / height, rel=0.01)


def _sing(path: Path) -> None:
    """Writes a second of grey with a tone."""
    with av.open(path, "w") as container:
        picture = container.add_stream("libx264", rate=10, width=64, height=48, pix_fmt="yuv420p")
        sound = container.add_stream("aac", rate=44100, layout="mono")
        for _ in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, np.uint8), format="rgb24")
            container.mux(picture.encode(frame))
        wave = (8000 * np.sin(np.arange(44100) * 2 * np.pi * 440 / 44100)).astype(np.int16)
        tone = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
        tone.sample_rate = 44100
        container.mux(sound.encode(tone))
        for stream in (picture, sound):
            container.mux(stream.encode(None))
