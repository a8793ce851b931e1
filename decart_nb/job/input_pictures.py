"""Pictures of input files in tables: small WebP images as data URLs, of a few kB, made once a process."""

from __future__ import annotations

import base64
import io
import stat
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..media.sniff import HEAD, sniff

#: The most pixels across and down, at twice the size at which it is shown.
_SIZE = (160, 96)
_QUALITY = 60
#: Of more files than these, no table shows a picture.
MAX_PICTURES = 100
_MAX_KEPT = 256
_kept: OrderedDict[str, str] = OrderedDict()


@dataclass(frozen=True)
class Picture:
    """How the picture of a file is had: its digest, and what opens it."""

    sha256: str
    open: Callable[[], BinaryIO]


def stored_picture(path: Path, sha256: str) -> Picture:
    """The picture of a file in a store; a link there is not followed."""

    def open_regular() -> BinaryIO:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OSError(f"{path.name} is not a regular file.")
        return path.open("rb")

    return Picture(sha256, open_regular)


def picture_url(picture: Picture) -> str:
    """The picture as a data URL; empty if the file is gone or cannot be decoded. It never raises."""
    if picture.sha256 not in _kept:
        try:
            content = _encode(picture)
            url = f"data:image/webp;base64,{base64.b64encode(content).decode()}"
        except Exception:  # noqa: BLE001 - a table is shown without it
            url = ""
        _kept[picture.sha256] = url
        if len(_kept) > _MAX_KEPT:
            _kept.popitem(last=False)
    return _kept[picture.sha256]


def _encode(picture: Picture) -> bytes:
    from PIL import Image

    from .. import media

    with picture.open() as stream:
        kind = sniff(stream.read(HEAD)) or ""
        stream.seek(0)
        if kind.startswith("image/"):
            image = media.read_image(stream)
        else:
            image = Image.open(io.BytesIO(media.thumbnail(stream)))
            image.load()
    image.thumbnail(_SIZE, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.convert("RGB").save(out, "WEBP", quality=_QUALITY)
    return out.getvalue()
