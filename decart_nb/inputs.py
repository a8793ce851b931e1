"""What a file input may be, and how it becomes what is sent.

A file input is a path, an http(s) URL, bytes, an open file, a PIL image, a NumPy array, or a
:class:`~decart_nb.clip.Clip`. Nothing that lies on disk is read into memory: it is looked at, and streamed when sent.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import sys
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from .catalogue import Field
from .errors import MediaError

UNKNOWN_TYPE = "application/octet-stream"
_COPY_CHUNK = 2**20
_LONGEST_SHOWN = 200
# An image or a video, whichever is asked for.
_MOVING_IMAGES = ("image/gif", "image/webp")


class NotUsable(Exception):
    """Why a value cannot be sent as a file: the end of a sentence that begins with the input's name."""


class Upload:
    """A file on its way out.

    Attributes:
        filename: what the part is called.
        media_type: by its first bytes, not by its name.
        size: in bytes.
    """

    def __init__(self, filename: str, content: bytes | Path) -> None:
        self.filename = filename
        self._content = content
        self._own = False  # whether the file is our own copy
        self.size = len(content) if isinstance(content, bytes) else content.stat().st_size
        with self.open() as stream:
            self.media_type = sniff(stream.read(64)) or UNKNOWN_TYPE

    def open(self) -> BinaryIO:
        """A fresh stream over the content; the caller closes it."""
        return io.BytesIO(self._content) if isinstance(self._content, bytes) else self._content.open("rb")

    def sha256(self) -> str:
        """The digest of the content, in hex."""
        digest = hashlib.sha256()
        with self.open() as stream:
            while chunk := stream.read(_COPY_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()

    def kept(self) -> Upload:
        """The same upload, safe from whatever happens to the file: a loop may write its next frame under one name."""
        if isinstance(self._content, bytes) or self._own:
            return self
        try:
            with self.open() as stream:
                return Upload.spooled(self.filename, stream)
        except OSError as error:
            raise NotUsable(f"cannot be read: {self.filename} ({error.strerror or error}).") from None

    @classmethod
    def spooled(cls, filename: str, stream: BinaryIO) -> Upload:
        """The rest of a stream, copied to a temporary file that goes when the upload does."""
        handle, name = tempfile.mkstemp(prefix="decart_nb-")
        path = Path(name)
        try:
            with os.fdopen(handle, "wb") as target:
                shutil.copyfileobj(stream, target, _COPY_CHUNK)
            upload = cls(filename, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        upload._own = True
        weakref.finalize(upload, path.unlink, missing_ok=True)
        return upload


@dataclass(frozen=True)
class Remote:
    """A file that is to be fetched from a URL when the request is sent."""

    url: str


def check_file(spec: Field, upload: Upload | Remote) -> None:
    """Whether a file is what its field takes, by its bytes."""
    if isinstance(upload, Remote):
        return
    if not upload.size:
        raise NotUsable(f"is empty: {upload.filename} has no bytes.")
    kind = upload.media_type.partition("/")[0]
    if upload.media_type == UNKNOWN_TYPE:
        _decode(spec, upload)
    elif kind != spec.type and upload.media_type not in _MOVING_IMAGES:
        hint = " A frame of it would do: clip.poster()." if spec.type == "image" else ""
        raise NotUsable(f"must be {_a(spec.type)}, and {upload.filename} is {_a(kind)}.{hint}")
    if spec.media_types and upload.media_type not in spec.media_types:
        raise NotUsable(f"is {upload.media_type}; the model takes {', '.join(spec.media_types)}.")
    if spec.max_bytes and upload.size > spec.max_bytes:
        raise NotUsable(f"has {upload.size / 2**20:.0f} MiB; at most {spec.max_bytes / 2**20:.0f} are taken.")
    if spec.max_seconds:
        from . import media

        try:
            with upload.open() as stream:
                seconds = media.probe(stream).duration
        except MediaError:
            raise _unreadable(spec, upload) from None
        if seconds > spec.max_seconds:
            raise NotUsable(f"is {seconds:.0f} s long; at most {spec.max_seconds:.0f} s are taken.")


def _decode(spec: Field, upload: Upload) -> None:
    """Asks the decoders about a file that no signature tells."""
    from . import media

    with upload.open() as stream:
        try:
            if spec.type == "image":
                media.read_image(stream)
            else:
                media.probe(stream)
        except MediaError:
            raise _unreadable(spec, upload) from None


def _unreadable(spec: Field, upload: Upload) -> NotUsable:
    return NotUsable(f"must be {_a(spec.type)}, and {upload.filename} cannot be read as one.")


def _a(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def read(name: str, value: Any, fps: int) -> Upload | Remote:
    """Reads a file input, whatever it is given as.

    Args:
        name: the input's.
        value: what was given.
        fps: frames a second of a video that is given as an array.

    Raises:
        NotUsable: it is no file, or cannot be read.
    """
    if isinstance(value, Upload):  # read already
        return value
    if isinstance(value, str) and value.lower().startswith(("http://", "https://")):
        return Remote(_checked_url(value))
    if isinstance(value, (str, os.PathLike)):
        return _from_path(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Upload(name, bytes(value))
    image = sys.modules.get("PIL.Image")  # who has a PIL image has imported it
    if image is not None and isinstance(value, image.Image):
        return _from_image(name, value)
    if hasattr(value, "__array__"):
        return _from_array(name, value, fps)
    if hasattr(value, "read"):
        return _from_stream(name, value)
    frames = " Frames become one array with numpy.stack(list(frames))." if hasattr(value, "__iter__") else ""
    raise NotUsable(
        f"is {_a(type(value).__name__)}; give a path, a URL, bytes, an open file, a PIL image, a NumPy array or a Clip."
        f"{frames}"
    )


def _checked_url(url: str) -> str:
    try:
        if urlsplit(url).hostname:
            return url
    except ValueError:
        pass
    raise NotUsable(f"is no address that a file can be fetched from: {url:.100}.")


def _from_path(value: str | os.PathLike[str]) -> Upload:
    path = Path(value)
    shown = f"{path}" if len(str(path)) <= _LONGEST_SHOWN else f"{str(path)[:_LONGEST_SHOWN]}…"
    try:
        path = path.expanduser()
        if path.is_dir():
            raise NotUsable(f"is a folder: {shown}. Give one file.")
        return Upload(path.name, path)
    except FileNotFoundError:
        looked = "" if path.is_absolute() else " The path is relative to the notebook's working directory."
        raise NotUsable(f"is not there: no file {shown}.{looked}") from None
    except (OSError, ValueError, RuntimeError) as error:  # the last for a ~name of nobody
        reason = getattr(error, "strerror", None) or error
        raise NotUsable(f"cannot be read: {shown} ({reason}).") from None


def _from_image(name: str, image: Any) -> Upload:
    buffer = io.BytesIO()
    try:
        from .stills import upright

        # As the local renderer would see the image's own file: phones save pictures lying on their side.
        upright(image).save(buffer, "png")
    except (OSError, ValueError, SystemError) as error:
        raise NotUsable(f"is a PIL image that cannot be read: {error}.") from None
    return Upload(f"{name}.png", buffer.getvalue())


def _from_array(name: str, value: Any, fps: int) -> Upload:
    import numpy as np
    from PIL import Image

    try:
        array = np.asarray(value)
    except Exception as error:  # noqa: BLE001 - whatever a foreign array refuses with, such as a tensor with gradients
        raise NotUsable(f"is {_a(type(value).__name__)} that NumPy cannot read: {error}") from None
    if array.dtype.kind == "f":
        if array.size and not (array.min() >= 0 and array.max() <= 1):  # not a number fails this too
            raise NotUsable("is an array of floats outside 0 to 1; scale it, or make it uint8.")
        array = np.rint(array * 255).astype(np.uint8)
    if array.dtype != np.uint8 or array.ndim not in (3, 4) or array.shape[-1] != 3 or not array.size:
        shape = "×".join(map(str, array.shape))
        raise NotUsable(
            f"is an array of {array.dtype}, {shape or 'a single value'}; "
            "an image is H×W×3 and a video T×H×W×3, of uint8 or of floats from 0 to 1."
        )
    if array.ndim == 3:
        return _from_image(name, Image.fromarray(array))

    from . import media

    with tempfile.TemporaryDirectory(prefix="decart_nb-") as folder:
        path = Path(folder, "video.mp4")
        try:
            media.encode(array, path, fps=fps, crf=12)
        except MediaError:
            raise NotUsable(f"is a video of {array.shape[2]}×{array.shape[1]} that cannot be encoded.") from None
        with path.open("rb") as stream:
            return Upload.spooled(f"{name}.mp4", stream)


def _from_stream(name: str, stream: Any) -> Upload:
    label = getattr(stream, "name", None)
    filename = Path(label).name if isinstance(label, str) else name
    try:
        place = stream.tell() if hasattr(stream, "seekable") and stream.seekable() else None
        upload = Upload.spooled(filename, stream)
    except TypeError:
        raise NotUsable("is a file that gives text, not bytes; open it with mode 'rb'.") from None
    except Exception as error:  # noqa: BLE001 - whatever somebody's own .read() raises
        raise NotUsable(f"cannot be read: {error}.") from None
    if place is not None:
        stream.seek(place)  # so that running the cell again sends the same bytes
    if not upload.size:
        raise NotUsable("is an open file with nothing left to read; open it again.")
    return upload


def sniff(head: bytes) -> str | None:
    """The media type that a file's first bytes tell, or ``None`` where they do not.

    Args:
        head: at least the first 64 bytes, if there are that many.
    """
    for signature, media_type in _SIGNATURES:
        if head.startswith(signature):
            return media_type
    if head[:4] == b"\x1aE\xdf\xa3":
        return "video/webm" if b"webm" in head else "video/x-matroska"
    if head[:2] == b"BM" and head[6:10] == bytes(4):  # two letters begin many a text too
        return "image/bmp"
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    return None


_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"OggS", "video/ogg"),
    (b"FLV\x01", "video/x-flv"),
    (b"\0\0\x01\xba", "video/mpeg"),
)
_BRANDS = {
    b"qt  ": "video/quicktime",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heic",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
}
