"""Measures the grid of clips, beside the same clips with ``IPython.display.Video(embed=True)``.

The clips are stored previews of the local queue, each with a digest and a poster of its own. The browser's part, in
headless Chromium without a graphics card, opens JupyterLab itself, to see how long a grid takes from the arrival of its
output until it is usable, and then a gallery from the disk, which has the notebook's grid, and is scrolled. Run
``python -m benchmarks.grid``, with a number of clips if not 200.

Aims: 200 clips add under 1 MB to a notebook, and ``.grid()`` returns within 0.5 s; 500 cells are usable within 2 s;
scrolling while nothing plays holds 30 frames a second; never more than 12 videos are open.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.sweep import NOBODY, fill

if TYPE_CHECKING:
    import pandas as pd
    from playwright.sync_api import Browser, BrowserContext, Page

PROMPTS = ("A forest in the morning", "A city at night", "A quiet lake", "A storm at sea")
WIDTH, FPS = 640, 24
MIB = 2**20

#: Counts the videos that have a source, whether or not they are in the page.
_COUNT_VIDEOS = """
const made = [], create = document.createElement.bind(document);
document.createElement = (name, ...rest) => {
    const part = create(name, ...rest);
    if (name === 'video') made.push(part);
    return part;
};
window.openVideos = () => made.filter((video) => video.hasAttribute('src')).length;
"""
#: Whether all tiles are there, and those in view have their posters.
_USABLE = """(count) => {
    const tiles = [...document.querySelectorAll('.decart-tile')];
    if (tiles.length !== count) return null;
    const box = document.querySelector('.decart-scroll').getBoundingClientRect();
    const shown = tiles.filter((tile) => tile.getBoundingClientRect().top < Math.min(box.bottom, innerHeight));
    const ready = shown.every((tile) => tile.querySelector('img').complete && tile.querySelector('img').naturalWidth);
    return ready ? performance.now() : null;
}"""
#: Notes when the next output of a notebook arrives, and when its grid is usable.
_WATCH = f"""(count) => {{
    const usable = {_USABLE};
    let arrived = null;
    const observer = new MutationObserver(() => {{
        if (!document.querySelector('.decart-output')) return;
        arrived = performance.now();
        observer.disconnect();
    }});
    observer.observe(document.querySelector('.jp-Notebook'), {{ childList: true, subtree: true }});
    window.usableAfter = null;
    const timer = setInterval(() => {{
        const now = arrived !== null && document.querySelector('.decart-scroll') && usable(count);
        if (!now) return;
        clearInterval(timer);
        window.usableAfter = now - arrived;
    }}, 25);
}}"""
#: Scrolls for some seconds; the frames a second, and the most videos that were open.
_SCROLL = """async ([name, seconds]) => {
    const part = document.querySelector(name) ?? document.scrollingElement;
    const began = performance.now();
    let frames = 0, most = 0, step = 24;
    while (performance.now() - began < seconds * 1000) {
        const before = part.scrollTop;
        part.scrollTop += step;
        if (part.scrollTop === before) step = -step;
        await new Promise(requestAnimationFrame);
        frames += 1;
        most = Math.max(most, window.openVideos());
    }
    return [frames / ((performance.now() - began) / 1000), most];
}"""


def main(count: str = "200") -> None:
    os.environ.pop("DECART_BACKEND", None)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        pages: dict[str, tuple[int, Path]] = {}
        for number in (int(count), int(count) * 5 // 2):
            table, posters = _stored(Path(f"{number} clips"), number)
            if not pages:
                _in_python(table, posters)
                pages["Video(embed=True)"] = (number, _page_of_videos(table, Path("videos.html")))
            pages[f"the grid, {number} clips"] = (
                number,
                table.decart.to_html(f"gallery of {number}", "seed", "prompt"),
            )
        _in_the_browser(pages, [(number, Path(f"{number} clips").absolute()) for number, _ in [*pages.values()][1:]])
        os.chdir("/")


def _stored(folder: Path, count: int) -> tuple[pd.DataFrame, float]:
    """The jobs of a store with that many clips, and the seconds that their posters took."""
    import decart_nb as dnb
    from decart_nb.job.posters import poster_of
    from decart_nb.store.store import Store

    folder.mkdir()
    bases = _previews(folder)
    root = Path.cwd()
    os.chdir(folder)
    dnb.connect("live", api_key=NOBODY[1], base_url=NOBODY[0], store="decart_runs")
    fill(str(bases[0]), count)
    with sqlite3.connect("decart_runs/store.sqlite3") as database:
        for number in range(count):
            # A box that players skip makes each copy another file.
            content = bases[number % len(bases)].read_bytes() + b"\0\0\0\x10free" + number.to_bytes(8)
            Path(f"decart_runs/video-{number}.mp4").write_bytes(content)
            values = (sha256(content).hexdigest(), len(content), f"video-{number}.mp4")
            database.execute("UPDATE jobs SET sha256 = ?, size_bytes = ? WHERE path = ?", values)
    database.close()
    table = dnb.jobs().sort_values("path")
    store, began = Store(Path("decart_runs").absolute()), time.perf_counter()
    for path, digest in zip(table.path, table.sha256, strict=True):
        poster_of(store, digest, Path(path).absolute())
    posters = time.perf_counter() - began
    os.chdir(root)
    return table, posters


def _previews(folder: Path) -> list[Path]:
    """Videos of the local queue, made smaller."""
    import numpy as np
    from PIL import Image

    import decart_nb as dnb
    from decart_nb import media

    made = []
    for number, prompt in enumerate(PROMPTS):
        target = Path(f"preview-{number}.mp4").absolute()
        if not target.exists():
            with contextlib.redirect_stdout(None):  # outside of a notebook, it prints where the video is
                session = dnb.connect("local", store="previews")
                clip = session.generate("lucy-pro-t2v", prompt=prompt, resolution="480p")
            size = (WIDTH, round(WIDTH * clip.height / clip.width / 2) * 2)
            frames = (np.asarray(Image.fromarray(frame).resize(size)) for frame in clip.frames(fps=FPS))
            media.encode(frames, target, fps=FPS)
        made.append(target)
    return made


def _in_python(table: pd.DataFrame, posters: float) -> None:
    count = len(table)
    size = sum(table.size_bytes) / count / MIB
    table.decart.grid("seed", "prompt")  # brings in what loads late
    began = time.perf_counter()
    grid = table.decart.grid("seed", "prompt")
    returned = time.perf_counter()
    html = grid.html(None)
    shown = time.perf_counter()
    added = len(json.dumps({"text/html": html, "text/plain": grid.text()}))
    sent = len(json.dumps(grid.data()))
    videos = [
        json.dumps({"text/html": clip.video()._repr_html_(), "text/plain": repr(clip)}) for clip in table.decart.clips
    ]
    embedded = time.perf_counter() - shown
    print(f"{count} stored clips of {size:.2f} MiB\n\n| | the grid | Video(embed=True) |\n| --- | --- | --- |")
    print(f"| MB that the notebook grows by | {added / 1e6:.2f} | {sum(map(len, videos)) / 1e6:.0f} |")
    print(f"| s until the cell has returned | {returned - began:.3f} | |")
    print(f"| s of its HTML | {shown - returned:.3f} | {embedded:.2f} |")
    print(f"| MB that a live view is sent, without posters | {sent / 1e6:.2f} | |")
    print(f"| s of all posters, once, when the clips are stored | {posters:.1f} | |\n", flush=True)


def _page_of_videos(table: pd.DataFrame, page: Path) -> Path:
    videos = (clip.video(width=320)._repr_html_() for clip in table.decart.clips)
    page.write_text("<!doctype html>" + "".join(f"<div>{video}</div>" for video in videos))
    return page


def _in_the_browser(pages: dict[str, tuple[int, Path]], stores: list[tuple[int, Path]]) -> None:
    """Print what a browser shows.

    Args:
        pages: on the disk, each with its number of clips.
        stores: the folders of stores, each with its number of clips.
    """
    from playwright.sync_api import sync_playwright

    from tests.browser.server import CHROMIUM

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        print("| in JupyterLab, from its output on | s until usable |\n| --- | --- |", flush=True)
        for count, folder in stores:
            seconds = ", ".join(f"{each:.1f}" for each in _in_jupyterlab(browser, count, folder))
            print(f"| the grid, {count} clips, three times | {seconds} |", flush=True)
        columns = (
            "s until usable",
            "frames a second, scrolling",
            "the same, playing",
            "videos open, playing and scrolling",
        )
        print(f"\n| as a page | {' | '.join(columns)} |\n|{' --- |' * (len(columns) + 1)}", flush=True)
        for name, (count, page) in pages.items():
            print(f"| {name} | {' | '.join(_figures(browser, count, page.absolute()))} |", flush=True)
        browser.close()


def _in_jupyterlab(browser: Browser, count: int, folder: Path) -> list[float]:
    """The seconds from the arrival of a grid's output until it is usable, three times."""
    from tests.browser.server import jupyter

    found = []
    with tempfile.TemporaryDirectory() as root, jupyter(Path(root), folder) as lab:
        context: BrowserContext = browser.new_context(viewport={"width": 1280, "height": 900})
        notebook = lab.open(context.new_page(), "grid")
        notebook.run(
            "import decart_nb as dnb\n"
            f"dnb.connect('live', api_key={NOBODY[1]!r}, base_url={NOBODY[0]!r})\n"
            "table = dnb.jobs().sort_values('path')"
        )
        for _ in range(3):
            notebook.clear()
            notebook.page.evaluate(_WATCH, count)
            notebook.begin("table.decart.grid('seed', 'prompt')")
            found.append(notebook.page.wait_for_function("window.usableAfter", timeout=60_000).json_value() / 1000)
        notebook.script("await session.shutdown()")
        context.close()
    return found


def _figures(browser: Browser, count: int, path: Path) -> list[str]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    page.add_init_script(_COUNT_VIDEOS)
    page.goto(path.as_uri(), wait_until="commit")
    if path.name == "index.html":
        usable = page.wait_for_function(_USABLE, arg=count, polling=20).json_value()
        still = page.evaluate(_SCROLL, [".decart-scroll", 4])
        page.evaluate("document.querySelector('.decart-scroll').scrollTop = 0")
        page.get_by_role("button", name="Play all").click()
        page.get_by_role("button", name="Pause").wait_for()
        playing = page.evaluate(_SCROLL, [".decart-scroll", 6])
        opened = str(int(playing[1]))
    else:
        usable, still, playing, opened = _of_videos(page)
    page.close()
    return [f"{usable / 1000:.1f}", f"{still[0]:.0f}", f"{playing[0]:.0f}", opened]


def _of_videos(page: Page) -> tuple[float, Any, Any, str]:
    """The same of a page with a ``<video>`` for each clip."""
    ready = "() => [...document.querySelectorAll('video')].every((video) => video.readyState >= 1)"
    page.wait_for_load_state()
    usable = page.wait_for_function(f"() => ({ready})() && performance.now()", polling=50).json_value()
    still = page.evaluate(_SCROLL, ["none", 4])
    page.evaluate("document.querySelectorAll('video').forEach((video) => { video.muted = true; video.play(); })")
    playing = page.evaluate(_SCROLL, ["none", 6])
    return usable, still, playing, str(page.evaluate("document.querySelectorAll('video').length"))


if __name__ == "__main__":
    main(*sys.argv[1:])
