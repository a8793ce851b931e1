"""Contact sheets: a grid of clips as one picture, or as a PDF of several pages."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, PngImagePlugin

from .. import media
from .._util.work_units import check_client
from ..errors import InvalidInputError, MediaError
from ..media.files import atomic_write
from ..media.numbers import finite_number
from .clip_work import run_on_clips
from .drawing import draw_failure, draw_page
from .layout import Layout
from .plan import Page, Plan, Tile
from .record import grid_record
from .saving import target_of, writes_to_addresses

if TYPE_CHECKING:
    from distributed import Client

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".pdf")
_NARROWEST, _WIDEST = 120, 1920
_MAX_CLIPS = 1000
_MAX_PIXELS = 2**26
#: The longest side that each format, or what reads it, can have.
_MAX_SIDE = {".webp": 16_383}
_MAX_SIDE_ELSEWHERE = 32_000
_A4_WIDTH, _A4_RATIO = 8.27, 2**0.5  # inches, and height to width
_JPEG_ROOM = 65_000
_TITLE, _COMMENT, _EXIF = 0x010E, 0x9286, 0x8769  # EXIF's numbers: ImageDescription, UserComment, its own directory


@writes_to_addresses
def contact_sheet(
    layout: Layout,
    path: str | os.PathLike[str],
    *,
    cell_width: int = 320,
    at: float = 0.5,
    client: Client | None = None,
) -> Path:
    """Write a grid of clips as a picture, with a frame of each clip. What made the clips is in the file, as JSON.

    The JSON is that of :func:`~decart_nb.export.record.grid_record`: PNG's ``Comment``, PDF's ``Subject``, elsewhere
    EXIF's ``UserComment``. A JPEG has 64 KB for it: of many clips, the inputs are left out, or all but the count.

    Args:
        layout: the grid.
        path: the file to write, also at an fsspec address, as PNG, JPEG, WebP or PDF by its ending. A file that is
            there is replaced. A long PDF has pages.
        cell_width: the width of a clip's picture, in pixels from 120 to 1920.
        at: which frame of each clip, as a fraction of its length.
        client: of a Dask cluster, whose workers decode the frames; without one, the cores of this machine do.

    Returns:
        The path, or the address without secrets.

    Raises:
        InvalidInputError: an argument is invalid, or the sheet would be too large.
        ClusterError: the cluster cannot decode the frames.
        MediaError: the file cannot be written.
    """
    target = target_of(path, ENDINGS, "A contact sheet")
    cell_width = int(finite_number("cell_width", cell_width, at_least=_NARROWEST, at_most=_WIDEST))
    at = finite_number("at", at, at_least=0, at_most=1)
    check_client(client)
    count = sum(1 for _ in layout.clips())
    if count > _MAX_CLIPS:
        raise InvalidInputError(
            f"A contact sheet shows at most {_MAX_CLIPS:,} clips, and this table has {count:,}. "
            "Filter the table, and write several sheets."
        )
    ending = target.suffix.lower()
    plan = Plan(layout, cell_width)
    pages = _pages(plan) if ending == ".pdf" else [plan.page()]
    _check_size(pages, ending)
    with atomic_write(target) as file:
        images = [_drawn(plan, page, at, client) for page in pages]
        file.write(_encoded(images, ending, layout))
    return target


def _pages(plan: Plan) -> list[Page]:
    """The rows on pages of A4's shape; a row that is taller has a taller page."""
    room = round(plan.width * _A4_RATIO) - plan.head - plan.band - plan.foot
    parts: list[list[int]] = [[]]
    used = 0
    for row in range(len(plan.layout.rows)):
        if parts[-1] and used + plan.row_height(row) > room:
            parts.append([])
            used = 0
        parts[-1].append(row)
        used += plan.row_height(row)
    if len(parts) == 1:
        return [plan.page()]
    return [plan.page(part, note=f"page {number} of {len(parts)}") for number, part in enumerate(parts, 1)]


def _check_size(pages: list[Page], ending: str) -> None:
    side = _MAX_SIDE.get(ending, _MAX_SIDE_ELSEWHERE)
    pixels = sum(page.width * page.height for page in pages)
    if pixels > _MAX_PIXELS or any(max(page.width, page.height) > side for page in pages):
        width, height = pages[0].width, sum(page.height for page in pages)
        raise InvalidInputError(
            f"The contact sheet would have {width:,} × {height:,} pixels; at most {_MAX_PIXELS / 1e6:.0f} million "
            f"and {side:,} on a side are written. Choose a smaller cell_width, filter the table, or put "
            f"fewer values across{'' if ending == '.pdf' else '; a PDF has pages for many rows'}."
        )


def _drawn(plan: Plan, page: Page, at: float, client: Client | None) -> Image.Image:
    image = draw_page(plan, page)

    def arguments(tile: Tile) -> tuple[float, int, int]:
        return at, 2 * tile.picture.width, 2 * tile.picture.height

    for numbers, frame in run_on_clips(_frame, page.tiles, arguments, client):
        for tile in map(page.tiles.__getitem__, numbers):
            if isinstance(frame, MediaError):
                draw_failure(image, tile.picture, f"not readable: {frame.message}", plan.size)
            else:
                box = tile.picture.fitted(*frame.size)
                image.paste(frame.resize((box.width, box.height), Image.Resampling.LANCZOS), (box.x, box.y))
    return image


def _frame(video: Path, at: float, width: int, height: int) -> Image.Image:
    """A frame of a video, scaled down into a width and a height, in pixels."""
    frame = media.frame_at(video, at=at)
    frame.thumbnail((width, height), Image.Resampling.BOX)
    return frame


def _encoded(images: list[Image.Image], ending: str, layout: Layout) -> bytes:
    out = io.BytesIO()  # a file's name would go into the PDF
    first, *others = images
    record = grid_record(layout)
    if ending == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("Title", layout.title)
        info.add_text("Software", "decart_nb")
        info.add_itxt("Comment", record)
        first.save(out, "PNG", pnginfo=info)
    elif ending == ".pdf":
        about = {"title": layout.title, "subject": record, "creator": "decart_nb"}
        resolution = first.width / _A4_WIDTH
        first.save(out, "PDF", save_all=True, append_images=others, resolution=resolution, quality=90, **about)
    elif ending == ".webp":
        first.save(out, "WEBP", quality=90, method=4, exif=_exif(layout.title, record))
    else:
        first.save(out, "JPEG", quality=90, subsampling=0, exif=_exif(layout.title, _short_record(layout)))
    return out.getvalue()


def _short_record(layout: Layout) -> str:
    """As much of the provenance as a JPEG has room for."""
    every: list[dict[str, Any]] = [{}, {"inputs": False}, {"clips": False}]
    records = (grid_record(layout, **options) for options in every)
    return next((record for record in records if len(record) < _JPEG_ROOM - 6 * len(layout.title)), "{}")


def _exif(title: str, record: str) -> Image.Exif:
    exif = Image.Exif()
    exif[_TITLE] = title.encode("ascii", "replace").decode()
    exif.get_ifd(_EXIF)[_COMMENT] = b"ASCII\0\0\0" + record.encode("ascii")
    return exif
