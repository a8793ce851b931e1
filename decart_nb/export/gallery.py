"""A static gallery: a folder, or a single page, with a grid of clips that plays in a browser without a server."""

from __future__ import annotations

import dataclasses
import html
import json
import os
import re
import tempfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import media
from .._util.files import atomic_write, os_reason
from .._util.paths import without_folders
from .._util.text import printable
from .._util.work_units import check_client
from ..display.clip_html import data_url
from ..display.code import call
from ..display.grid import ClipGrid
from ..display.grid_channel import BOARD_PARTS
from ..display.grid_data import Tile
from ..display.live_view import assets
from ..errors import InvalidInputError, MediaError
from ..job.clip import Clip
from ..job.destinations import write_file, write_folder
from ..job.file_names import without_folder
from ..job.provenance import as_path

if TYPE_CHECKING:
    from distributed import Client

#: The largest single page, in bytes: browsers and mail programs take no larger one gladly.
SINGLE_FILE_LIMIT = 50 * 2**20
_EXPORT = re.compile(r"^export (default )?", re.MULTILINE)
_INDEX = "index.html"
#: Tells a gallery from another page, which is not written over.
_MARK = 'name="generator" content="decart_nb gallery"'
#: The page until the rest is there, so that a gallery whose writing breaks off can be written again.
_PLACEHOLDER = f"<!doctype html><meta {_MARK}><p>This gallery is being written.</p>"
#: The names that a gallery gives to clips, their records and posters.
_OWN_FILES = re.compile(r"\d{4,}-.*|(\d+|input)\.webp")
#: Facts of a tile that mean something only on the machine that made the clip.
_OWN_FACTS = ("file",)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta {mark}>
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
body {{ margin: 0; background: light-dark(#fff, #111); color-scheme: light dark; }}
.decart {{ padding: 12px 16px; }}
{style}
noscript ul {{ display: flex; flex-wrap: wrap; gap: 12px; padding: 0; list-style: none; }}
noscript li {{ width: 200px; overflow-wrap: anywhere; }}
noscript img {{ display: block; width: 200px; }}
</style>
</head>
<body>
<main class="decart">
<h1 style="margin:0 0 4px;font-size:1.3em">{title}</h1>
<div id="grid">{static}</div>
</main>
{scripts}
</body>
</html>
"""


def save_gallery(
    grid: ClipGrid,
    target: str | os.PathLike[str],
    *,
    title: str = "",
    single_file: bool = False,
    client: Client | None = None,
) -> Path | str:
    """Write a gallery of a grid's clips: choosers, lightbox, comparison and synchronized play, without a server.

    The clips are copies with their provenance in their tags. Nothing in the gallery names a folder of this machine.
    A clip whose file is gone or damaged is a tile that says so. A gallery that is in the folder is replaced.

    Args:
        grid: the grid.
        target: the folder, which is made if it is not there; with ``single_file``, the page. A path, or an fsspec
            address, at which clips of an earlier gallery stay.
        title: the heading; the grid's own unless given.
        single_file: whether clips and posters are embedded in one page, of at most 50 MiB.
        client: of a Dask cluster, whose workers make the posters; without one, the cores of this machine do.

    Returns:
        The page: its path, or its address without secrets.

    Raises:
        InvalidInputError: the target is not empty and no gallery, or the single page would be too large.
        ClusterError: the cluster cannot make the posters.
        MediaError: a clip cannot be read, or the gallery cannot be written.
    """
    check_client(client)

    def write(path: Any) -> Path:
        try:
            return (_single if single_file else _folder)(grid, as_path(path), title, client)
        except (OSError, ValueError) as error:
            raise MediaError(f"The gallery cannot be written: {os_reason(error)}.") from None

    if single_file:
        return write_file(target, write)
    return write_folder(target, write, page=_INDEX, placeholder=_PLACEHOLDER)


def _folder(grid: ClipGrid, folder: Path, title: str, client: Client | None) -> Path:
    page = folder / _INDEX
    if folder.exists() and not folder.is_dir():
        raise InvalidInputError(f"{folder.name} is a file: name a folder, or pass single_file=True.")
    if folder.is_dir() and any(folder.iterdir()) and not _is_gallery(page):
        raise InvalidInputError(f"{folder.name}/ has other files in it: name a new folder for the gallery.")
    folder.mkdir(parents=True, exist_ok=True)
    if not page.exists():
        _write(page, _PLACEHOLDER)
    (folder / "clips").mkdir(exist_ok=True)
    (folder / "posters").mkdir(exist_ok=True)
    written: set[str] = set()

    def video(number: int, clip: Clip) -> str:
        name = f"{number:04}-{re.sub(r'[^A-Za-z0-9-]+', '-', clip.path.stem)[:48]}{clip.path.suffix.lower()}"
        clip.save(folder / "clips" / name)
        written.update((name, f"{name}.json"))
        return f"clips/{name}"

    def poster(key: str, image: bytes) -> str:
        name = f"{key}.webp"
        with atomic_write(folder / "posters" / name) as file:
            file.write(image)
        written.add(name)
        return f"posters/{name}"

    data, heading = _contents(grid, video, poster, title, client)
    _write(folder / "data.js", _script(data))
    _write(folder / "gallery.js", _program())
    scripts = '<script src="data.js"></script>\n<script src="gallery.js"></script>'
    own = "default-src 'none'; img-src 'self' file: data: blob:; media-src 'self' file: blob:; "
    policy = f"{own}style-src 'unsafe-inline'; script-src 'self' file:"
    _write(page, _page(data, heading, scripts, policy))
    for path in (*(folder / "clips").iterdir(), *(folder / "posters").iterdir()):
        if path.name not in written and _OWN_FILES.fullmatch(path.name):
            path.unlink()  # of the gallery that was here before
    return page


def _single(grid: ClipGrid, page: Path, title: str, client: Client | None) -> Path:
    if page.suffix.lower() not in (".html", ".htm"):
        raise InvalidInputError(f"A gallery in a single file must have a name that ends in .html, not {page.name!r}.")
    left = SINGLE_FILE_LIMIT * 3 // 4  # base64 makes four bytes of three

    def check(size: int) -> None:
        if size > left:
            raise InvalidInputError(
                f"The clips are more than a single page of {SINGLE_FILE_LIMIT >> 20} MiB can hold: "
                "save the gallery as a folder, or choose fewer rows."
            )

    def embedded(media_type: str, content: bytes) -> str:
        nonlocal left
        check(len(content))
        left -= len(content)
        return data_url(media_type, content)

    def video(_: int, clip: Clip) -> str:
        check(clip.path.stat().st_size)
        with tempfile.TemporaryDirectory() as folder:
            return embedded("video/mp4", Path(clip.save(folder)).read_bytes())

    def poster(_: str, image: bytes) -> str:
        return embedded("image/webp", image)

    data, heading = _contents(grid, video, poster, title, client)
    program = _program().replace("</", "<\\/")
    scripts = f"<script>{_script(data)}</script>\n<script>{program}</script>"
    own = "default-src 'none'; img-src data: blob:; media-src data: blob:; "
    _write(page, _page(data, heading, scripts, f"{own}style-src 'unsafe-inline'; script-src 'unsafe-inline'"))
    return page


def _contents(
    grid: ClipGrid,
    video: Callable[[int, Clip], str],
    poster: Callable[[str, bytes], str],
    title: str,
    client: Client | None,
) -> tuple[dict[str, Any], str]:
    """The grid as JSON, with addresses in place of keys and without what is this machine's; and its heading."""
    data = grid.data()
    shown = [str(number) for number, tile in enumerate(grid.tiles) if tile.clip is not None]
    posters = grid.files.posters([*shown, data["thumbnail"] or ""], client=client)

    def address(key: str) -> str | None:
        return poster(key, posters[key]) if key in posters else None

    for number, (state, tile) in enumerate(zip(data["tiles"], grid.tiles, strict=True)):
        if tile.clip is not None:
            _add_clip(state, number, tile.clip, video)
            state["poster"] = address(str(number)) if state["video"] else None
        state["facts"] = [(name, text) for name, text in state["facts"] if name not in _OWN_FACTS]
        state["error"] = state["error"] and without_folders(state["error"])
        state["note"] = without_folders(state["note"])
        state["code"] = _code(tile)
        state.update(take="", retry=False, served=None, servedPoster=None, input=None)
    data["thumbnail"] = address(data["thumbnail"] or "")
    heading = printable(title or data["title"] or "Clips")
    data["title"] = ""  # the page has it as its heading
    return data, heading


def _add_clip(state: dict[str, Any], number: int, clip: Clip, video: Callable[[int, Clip], str]) -> None:
    """Set a tile's video, or say why there is none."""
    try:
        media.probe(clip.path)
    except MediaError as error:
        state.update(status="unreadable", label="the file cannot be read", error=error.message, video=None, file=None)
        return
    state["video"] = video(number, dataclasses.replace(clip, inputs=_inputs(clip)))


def _inputs(clip: Clip) -> dict[str, Any]:
    return {name: without_folder(name, value) for name, value in clip.inputs.items()}


def _code(tile: Tile) -> str:
    """Code that makes a tile's clip; its input files are named, and lie where the reader has them."""
    if tile.clip is None or not tile.clip.inputs:
        return ""
    return f"import decart_nb as dnb\n\n{call(tile.clip.model, _inputs(tile.clip))}"


def _page(data: dict[str, Any], heading: str, scripts: str, policy: str) -> str:
    _, style = assets(*BOARD_PARTS)
    return _PAGE.format(
        mark=_MARK, policy=policy, title=html.escape(heading), style=style, static=_static(data), scripts=scripts
    )


def _static(data: dict[str, Any]) -> str:
    """The clips as a list of posters, captions and links, for readers without scripts."""
    items = []
    for tile in data["tiles"]:
        text = html.escape(": ".join(filter(None, (tile["name"], tile["label"], tile["error"]))))
        if tile["poster"] and not tile["poster"].startswith("data:"):
            text = f'<img src="{html.escape(tile["poster"])}" alt="" loading="lazy">{text}'
        if tile["video"] and not tile["video"].startswith("data:"):
            text = f'<a href="{html.escape(tile["video"])}">{text}</a>'
        items.append(f"<li>{text}</li>")
    return f"<noscript><ul>{''.join(items)}</ul></noscript>"


def _script(data: dict[str, Any]) -> str:
    text = json.dumps(data, ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")
    return f"window.decartGallery = {text};"


def _program() -> str:
    """The grid's parts as one classic script: a page that is opened from the disk may load no modules."""
    script, _ = assets(*BOARD_PARTS)
    start = files("decart_nb.display").joinpath("gallery.js").read_text(encoding="utf-8")
    start = re.sub(r"^import .*\n", "", start, flags=re.MULTILINE)
    return f'"use strict";\n(() => {{\n{_EXPORT.sub("", script + start)}\n}})();\n'


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as file:
        file.write(text.encode("utf-8", "replace"))


def _is_gallery(page: Path) -> bool:
    try:
        with page.open("rb") as file:
            return _MARK.encode() in file.read(2000)
    except OSError:
        return False
