"""The videos and posters that the views of a grid of clips may ask for."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ClusterError, DecartSDKError, MediaError
from ..job.clip import Clip
from ..job.posters import poster_of, posters_of
from ..store.job_row import Record
from ..store.store import Store
from .media_channel import Media, content_of

if TYPE_CHECKING:
    from distributed import Client


class GridFiles(Mapping[tuple[str, str], Media]):
    """The files of a grid, by their kind and key.

    Args:
        store: has the posters and the inputs; without one, posters are made when they are asked for.
        lose: called with the number of a tile whose video turns out not to be there any more.
    """

    def __init__(self, store: Store | None, lose: Callable[[int], object]) -> None:
        self._store, self._lose = store, lose
        self._media: dict[tuple[str, str], Media] = {}
        #: Of each poster the digest of its video, and the video.
        self._videos: dict[str, tuple[str, Path]] = {}

    def __getitem__(self, key: tuple[str, str]) -> Media:
        return self._media[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._media)

    def __len__(self) -> int:
        return len(self._media)

    def offer(self, number: int, clip: Clip, record: Record | None) -> None:
        """Offer a tile's video and poster, and the video that its clip was made from, to be compared with it."""

        def read() -> bytes:
            if not clip.path.is_file():
                self._lose(number)
                raise MediaError(f"The file of this clip is missing: {clip.path.name} was moved or removed.")
            return content_of(clip.path)

        self._media["video", str(number)] = Media(read, "video/mp4")
        self._offer_poster(str(number), clip.sha256, clip.path)
        file = record.files.get("data") if record else None
        if file is not None and str(file.get("media_type")).startswith("video/"):
            self._offer_input(f"input {number}", file, video=True)

    def offer_thumbnail(self, records: Sequence[Record | None]) -> str | None:
        """Offer a still of the input, if all rows have the same one, and return its key.

        Args:
            records: of each row the job in the store.
        """
        inputs = {
            (name, str(file.get("sha256"))): file
            for record in records
            if record is not None
            for name, file in record.files.items()
        }
        if len(inputs) != 1 or None in records:
            return None
        return "input" if self._offer_input("input", next(iter(inputs.values())), video=False) else None

    def input_of(self, number: int) -> str | None:
        """The key of the video that a tile's clip was made from, if it is offered."""
        key = f"input {number}"
        return key if ("video", key) in self._media else None

    def poster(self, key: str) -> bytes | None:
        """A poster as WebP: of the tile with a number, or of the common ``input``; ``None`` if there is none."""
        media = self._media.get(("poster", key))
        try:
            return media and content_of(media.source)
        except DecartSDKError:
            return None

    def posters(self, keys: Iterable[str], *, client: Client | None = None) -> dict[str, bytes]:
        """The posters of those keys that have one, as WebP. What is not stored is made, and stored.

        Args:
            keys: as for :meth:`poster`.
            client: of a Dask cluster, whose workers make them; without one, the cores of this machine do.

        Raises:
            ClusterError: the cluster cannot make them.
        """
        wanted = {key: self._videos[key] for key in keys if key in self._videos}
        videos = {sha256 or str(video): video for sha256, video in wanted.values()}
        made: dict[str, bytes] = {}
        for sha256, poster in posters_of(self._store, videos, client=client):
            if isinstance(poster, ClusterError):
                raise poster
            if isinstance(poster, bytes):
                made[sha256] = poster
        found = {key: made.get(sha256 or str(video)) for key, (sha256, video) in wanted.items()}
        return {key: poster for key, poster in found.items() if poster is not None}

    def served(self, clip: Clip | None) -> dict[str, str | None]:
        """The paths in the store's folder, under which a notebook's server may have a clip and its poster."""
        folder = self._store.folder if self._store else None
        if clip is None or os.path.normpath(clip.path.absolute().parent) != str(folder):
            return {"served": None, "servedPoster": None}
        return {"served": clip.path.name, "servedPoster": f"posters/{clip.sha256}.webp" if clip.sha256 else None}

    def _offer_input(self, key: str, file: Mapping[str, object], *, video: bool) -> bool:
        store, digest = self._store, str(file.get("sha256"))
        if store is None:
            return False
        with contextlib.suppress(DecartSDKError):
            path: Path = store.files.input(file)
            if video:
                self._media["video", key] = Media(path, str(file["media_type"]))
            self._offer_poster(key, digest, path)
            return True
        return False

    def _offer_poster(self, key: str, sha256: str, video: Path) -> None:
        self._media["poster", key] = Media(lambda: poster_of(self._store, sha256, video), "image/webp")
        self._videos[key] = (sha256, video)
