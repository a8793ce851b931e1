"""Grid videos: all clips of a grid in one MP4, labelled and in step."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from PIL import Image

from .. import media
from .._util.files import partial_file
from .._util.work_units import check_client
from ..errors import InvalidInputError, MediaError
from ..job.clip import Clip
from ..media.files import write_errors
from ..media.numbers import finite_number
from ..media.tags import write_tags
from .clip_work import run_on_clips
from .drawing import draw_failure, draw_page
from .layout import Layout
from .plan import Box, Page, Plan, Tile
from .record import grid_record
from .saving import target_of, writes_to_addresses

if TYPE_CHECKING:
    from distributed import Client

ENDINGS = (".mp4", ".m4v")
_NARROWEST, _WIDEST = 120, 1920
_MAX_CLIPS = 64
_MAX_SIDE = 4096
_MAX_SECONDS = 600.0
_USUAL_FPS, _FASTEST = 25.0, 60.0
#: An open video keeps about twenty frames in memory; with more pixels open at once, small copies are played.
_MAX_PIXELS_OPEN = 12 * 1280 * 720
_UNKNOWN_SIZE = 1920 * 1080
_COPY_QUALITY = 8  # x264's: the loss cannot be seen


@writes_to_addresses
def grid_video(
    layout: Layout,
    path: str | os.PathLike[str],
    *,
    cell_width: int = 320,
    fps: float | None = None,
    client: Client | None = None,
) -> Path:
    """Write a grid of clips as one MP4. They begin together, and a shorter one holds its last frame.

    It has no sound. A text, or a video that cannot be read, is a still card. What made the clips is in the tags, as
    the JSON of :func:`~decart_nb.export.record.grid_record`.

    Args:
        layout: the grid.
        path: the file to write, also at an fsspec address. A file that is there is replaced.
        cell_width: the width of a clip's picture, in pixels from 120 to 1920.
        fps: frames per second, at most 120; by default that of the fastest clip, at most 60.
        client: of a Dask cluster, whose workers make small copies of the clips, which this process puts together.

    Returns:
        The path, or the address without secrets.

    Raises:
        InvalidInputError: an argument is invalid, there is no clip, or the video would be too large.
        ClusterError: the cluster cannot make the copies.
        MediaError: no clip can be read, or the file cannot be written.
    """
    target = target_of(path, ENDINGS, "A grid video")
    cell_width = int(finite_number("cell_width", cell_width, at_least=_NARROWEST, at_most=_WIDEST))
    check_client(client)
    clips = [clip for _, _, clip in layout.clips()]
    if fps is None:
        rates = [clip.fps for clip in clips if clip.fps >= 1]
        fps = min(_FASTEST, max(rates, default=_USUAL_FPS))
    fps = finite_number("fps", fps, above=0, at_most=2 * _FASTEST)
    _check_clips(clips)
    plan = Plan(layout, cell_width)
    page = plan.page()
    _check_size(page)
    with write_errors(target), partial_file(target) as partial:
        with closing(_frames(plan, page, fps, client)) as frames:
            media.encode(frames, partial.path, fps=fps)
        tags = {"title": layout.title, "artist": "decart_nb", "comment": grid_record(layout)}
        write_tags(partial.path, target, tags)
    return target


def _check_clips(clips: list[Clip]) -> None:
    if not clips:
        raise InvalidInputError("The table has no finished clip, so there is nothing to play. Run the sweep first.")
    if len(clips) > _MAX_CLIPS:
        raise InvalidInputError(
            f"A grid video shows at most {_MAX_CLIPS} clips, and this table has {len(clips):,}. Filter the table, or "
            "write several videos; contact_sheet() shows more."
        )
    longest = max(clip.duration for clip in clips)
    if longest > _MAX_SECONDS:
        raise InvalidInputError(
            f"A grid video is at most {_MAX_SECONDS:.0f} s long, and one of the clips has {longest:.0f} s. "
            "Leave it out of the table."
        )


def _check_size(page: Page) -> None:
    if max(page.width, page.height) > _MAX_SIDE:
        raise InvalidInputError(
            f"The grid video would have {page.width:,} × {page.height:,} pixels; at most {_MAX_SIDE} on a side "
            "are written, which most players show. Choose a smaller cell_width, filter the table, or arrange it by "
            "other rows and cols."
        )


def _frames(plan: Plan, page: Page, fps: float, client: Client | None) -> Generator[np.ndarray[Any, Any]]:
    """The frames of the whole video: one array, in which each clip changes its own picture."""
    image = draw_page(plan, page)
    tiles = [tile for tile in page.tiles if isinstance(tile.item, Clip)]
    pixels = sum(clip.width * clip.height or _UNKNOWN_SIZE for _, _, clip in plan.layout.clips())
    with ExitStack() as stack:
        sources: dict[int, Path | MediaError] = {}
        if client is not None or pixels > _MAX_PIXELS_OPEN:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            sources = _copies(tiles, fps, folder, client)
        playing: list[_Player] = []
        reasons: list[str] = []
        for number, tile in enumerate(tiles):
            assert isinstance(tile.item, Clip)
            player = _Player(sources.get(number, tile.item.path), tile, fps)
            stack.callback(player.close)
            playing.append(player)
            if player.failure:
                reasons.append(player.failure)
                draw_failure(image, tile.picture, player.failure, plan.size)
        if len(reasons) == len(playing):
            raise MediaError(f"None of the videos can be read. The first of them: {reasons[0]}")
        canvas = np.array(image)
        playing = [player for player in playing if not player.failure]
        for _ in range(round(_MAX_SECONDS * fps)):
            playing = [player for player in playing if player.draw(canvas, plan.size)]
            if not playing:
                return
            yield canvas


def _copies(tiles: list[Tile], fps: float, folder: Path, client: Client | None) -> dict[int, Path | MediaError]:
    """Copies of the tiles' clips in the size of their pictures, or why there is none, by the number of the tile.

    Raises:
        ClusterError: the cluster cannot make them.
    """

    def arguments(tile: Tile) -> tuple[float, int, int]:
        return fps, tile.picture.width, tile.picture.height

    copies: dict[int, Path | MediaError] = {}
    for numbers, made in run_on_clips(_small_copy, tiles, arguments, client):
        if isinstance(made, MediaError):
            copies.update(dict.fromkeys(numbers, made))
        else:
            copy = folder / f"{numbers[0]}.mp4"
            copy.write_bytes(made)
            copies.update(dict.fromkeys(numbers, copy))
    return copies


def _small_copy(video: Path, fps: float, width: int, height: int) -> bytes:
    """A copy of a video, scaled down into a width and a height in pixels, at a constant rate."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / video.name
        media.encode(media.frames(video, fps=fps, within=(width, height)), copy, fps=fps, crf=_COPY_QUALITY)
        return copy.read_bytes()


class _Player:
    """One clip, whose frames are drawn one after another into its picture.

    Args:
        source: the clip's video or a copy of it, or why there is none.
        tile: of the clip.
        fps: at which it is played.

    Attributes:
        failure: why it cannot be played; empty where it can.
    """

    def __init__(self, source: Path | MediaError, tile: Tile, fps: float) -> None:
        self._picture = tile.picture
        self._frames: Iterator[np.ndarray[Any, Any]] = iter(())
        self._convert = VideoReformatter()
        self._place: Box | None = None
        self._shown: np.ndarray[Any, Any] | None = None
        self.failure = ""
        try:
            if isinstance(source, MediaError):
                raise source
            self._frames = media.frames(source, fps=fps, within=(tile.picture.width, tile.picture.height))
            self._next = next(self._frames, None)
        except MediaError as error:
            self.failure = f"not readable: {error.message}"

    def draw(self, canvas: np.ndarray[Any, Any], size: int) -> bool:
        """Draw the next frame, and return whether there was one."""
        rgb = self._next
        if rgb is None:
            return False
        if rgb is not self._shown:  # a slow clip shows one frame several times
            place = self._place = self._place or self._picture.fitted(rgb.shape[1], rgb.shape[0])
            canvas[place.y : place.y + place.height, place.x : place.x + place.width] = self._scaled(rgb, place)
            self._shown = rgb
        try:
            self._next = next(self._frames, None)
        except MediaError as error:
            self._next = None
            self._draw_failure(canvas, f"not readable: {error.message}", size)
        return True

    def close(self) -> None:
        """Close the video."""
        if isinstance(self._frames, Generator):
            self._frames.close()

    def _scaled(self, rgb: np.ndarray[Any, Any], place: Box) -> np.ndarray[Any, Any]:
        if rgb.shape[:2] == (place.height, place.width):
            return rgb
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
        size = {"width": place.width, "height": place.height}
        return self._convert.reformat(frame, **size, format="rgb24", interpolation=Interpolation.BICUBIC).to_ndarray()

    def _draw_failure(self, canvas: np.ndarray[Any, Any], text: str, size: int) -> None:
        image = Image.new("RGB", (self._picture.width, self._picture.height))
        draw_failure(image, Box(0, 0, *image.size), text, size)
        box = self._picture
        canvas[box.y : box.y + box.height, box.x : box.x + box.width] = np.asarray(image)
