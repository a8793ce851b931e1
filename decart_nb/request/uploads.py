"""File inputs as uploads: opening, checking and snapshots.

A file input is a path, an http(s) URL, an fsspec address, bytes, an open file, a PIL image, a
NumPy array, or a :class:`~decart_nb.job.clip.Clip`. Files on disk are not read into memory, but
streamed when they are sent; those at fsspec addresses are downloaded to temporary files first.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import sys
import tempfile
import threading
import weakref
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from .._util.disk_space import DiskSpace
from .._util.remote_storage import RemoteStorage, StorageError
from .._util.text import one_line, printable, safe_str, with_article
from ..errors import MediaError
from ..media.sniff import HEAD, sniff
from .local_files import LocalFile, UnusableFileError, copy_to_temporary, own_pipe
from .locations import RemoteFile, locate
from .models import Field

_T = TypeVar("_T")

_UNKNOWN_TYPE = "application/octet-stream"
_MAX_NAME_LENGTH = 180
#: The size limit of a file at an fsspec address whose field has none, in bytes.
_MAX_REMOTE_BYTES = 2**30
#: What is known of files that have not changed since: a loop over seeds takes the same file many times. The lengths of
#: those that were decoded, by field type and identity, and the digests by identity.
_lengths: dict[tuple[object, ...], float | None] = {}
_digests: dict[tuple[object, ...], str] = {}
_MAX_KNOWN = 1000


class Upload:
    """A file to be sent.

    Attributes:
        filename: of its multipart part.
        media_type: detected from its first bytes, not from its name.
        size: in bytes.
        is_snapshot: whether the content is a private copy, which no other program changes.
        seconds: the length of a video that has been decoded; ``None`` of anything else.
    """

    def __init__(self, filename: str, content: bytes | Path | LocalFile, *, seconds: float | None = None) -> None:
        self.filename = _sendable(filename)
        self._content = content
        self.seconds = seconds
        self.is_snapshot = isinstance(content, bytes)
        if isinstance(content, bytes):
            self.size = len(content)
        else:
            self.size = content.size if isinstance(content, LocalFile) else content.stat().st_size
        with self.open() as stream:
            self.media_type = sniff(stream.read(HEAD)) or _UNKNOWN_TYPE

    def open(self) -> BinaryIO:
        """Open the content for reading; the caller closes it. Reading fails if the file changes meanwhile."""
        if isinstance(self._content, bytes):
            return io.BytesIO(self._content)
        return self._content.open() if isinstance(self._content, LocalFile) else self._content.open("rb")

    def sha256(self) -> str:
        """The SHA-256 digest of the content, in hex. A file on the disk is read once, as long as it does not change."""
        if self.identity is not None and (known := _digests.get(self.identity)):
            return known
        with self.open() as stream:
            digest = hashlib.file_digest(cast("io.BufferedReader", stream), "sha256").hexdigest()
        if self.identity is not None:
            _remember(_digests, self.identity, digest)
        return digest

    def snapshot(self) -> Upload:
        """A private copy of the upload, unaffected by later changes to the file."""
        if self.is_snapshot:
            return self
        if self.size > shutil.disk_usage(tempfile.gettempdir()).free:
            raise UnusableFileError(f"does not fit on the disk of temporary files: {self.filename}.")
        with self.open() as stream:
            copy = Upload.from_stream(self.filename, stream)
        copy.seconds = self.seconds
        return copy

    @property
    def path(self) -> Path | None:
        """The file on the disk that was given; ``None`` of other content."""
        return self._content.path if isinstance(self._content, LocalFile) else None

    @property
    def identity(self) -> tuple[object, ...] | None:
        """Tells an unchanged file on the disk from all others; ``None`` of other content."""
        return self._content.identity if isinstance(self._content, LocalFile) else None

    @classmethod
    def from_stream(cls, filename: str, stream: Any) -> Upload:
        """Copy the rest of a stream to a temporary file, which is removed with the upload.

        Raises:
            UnusableFileError: the stream is too long, or does not fit on the disk.
        """
        return cls._of_temporary(filename, copy_to_temporary(stream))

    @classmethod
    def from_storage(
        cls, storage: RemoteStorage, most: int = _MAX_REMOTE_BYTES, *, stop: threading.Event | None = None
    ) -> Upload:
        """Download a file to a temporary file, which is removed with the upload.

        Args:
            storage: its address.
            most: the size limit, in bytes.
            stop: when it is set, the download is given up.

        Raises:
            UnusableFileError: it cannot be read, is too large, does not fit on the disk, or was given up.
        """
        handle, name = tempfile.mkstemp(prefix="decart_nb-")
        path = Path(name)
        try:
            with os.fdopen(handle, "wb") as target:
                storage.download(target, most, space=DiskSpace(path.parent, copies=1), stop=stop)
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, StorageError):
                raise UnusableFileError(f"cannot be fetched from {storage.shown} ({error}).") from None
            raise
        return cls._of_temporary(storage.name, path)

    @classmethod
    def _of_temporary(cls, filename: str, path: Path) -> Upload:
        try:
            upload = cls(filename, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        upload.is_snapshot = True
        weakref.finalize(upload, path.unlink, missing_ok=True)
        return upload


def _sendable(filename: str) -> str:
    """A file's name that fits into a header: in one line, of characters that UTF-8 has, and not too long."""
    name = one_line(filename) or "file"
    return name if len(name) <= _MAX_NAME_LENGTH else f"{name[: _MAX_NAME_LENGTH - 17]}…{Path(name).suffix[:16]}"


def check_file(spec: Field, upload: Upload | RemoteFile) -> None:
    """Check that a file can be decoded and meets the limits of its field.

    An image is decoded completely. Of a video the first and last frames are decoded, and all frames must be present.

    Raises:
        UnusableFileError: it cannot be decoded, is incomplete, or exceeds a limit.
    """
    if isinstance(upload, RemoteFile):
        return
    name = printable(upload.filename)
    if not upload.size:
        raise UnusableFileError(f"is empty: {name} has no bytes.")
    if spec.max_bytes and upload.size > spec.max_bytes:
        raise UnusableFileError(f"has {upload.size / 2**20:.0f} MiB; at most {spec.max_bytes / 2**20:.0f} are taken.")
    seconds = upload.seconds = _length(spec, upload, name)
    if spec.media_types and upload.media_type not in spec.media_types:
        raise UnusableFileError(f"is {upload.media_type}; the model takes {', '.join(spec.media_types)}.")
    if spec.max_seconds and seconds is not None and seconds > spec.max_seconds:
        raise UnusableFileError(f"is {seconds:.0f} s long; at most {spec.max_seconds:.0f} s are taken.")


def _length(spec: Field, upload: Upload, name: str) -> float | None:
    """As :func:`_decoded`, once for each file that does not change."""
    if upload.identity is None:
        return _decoded(spec, upload, name)
    key = (spec.type, *upload.identity)
    try:
        return _lengths[key]
    except KeyError:
        length = _decoded(spec, upload, name)
        _remember(_lengths, key, length)
        return length


def _remember(known: dict[tuple[object, ...], _T], key: tuple[object, ...], value: _T) -> None:
    if len(known) >= _MAX_KNOWN:
        known.clear()
    known[key] = value


def _decoded(spec: Field, upload: Upload, name: str) -> float | None:
    """Decode a file; return the length of a video in seconds, ``None`` for an image."""
    from .. import media

    try:
        with upload.open() as stream:
            if spec.type == "video":
                return media.check_video(stream, name=name).duration
            if upload.media_type.startswith("video/"):
                raise MediaError(f"{name} is a video, not an image.", {"is": "video"})
            media.check_image(stream, name=name)
            return None
    except MediaError as error:
        found = error.data.get("is") or upload.media_type.partition("/")[0]
        if found in ("image", "video") and found != spec.type:
            hint = " A frame of it would do: clip.poster()." if spec.type == "image" else ""
            raise UnusableFileError(
                f"must be {with_article(spec.type)}, and {name} is {with_article(found)}.{hint}"
            ) from None
        reason = f": {error.data['reason']}" if "reason" in error.data else ""
        raise UnusableFileError(
            f"must be {with_article(spec.type)}, and {name} cannot be read as one{reason}."
        ) from None


def read(name: str, value: Any, fps: int, most: int | None = None) -> Upload | RemoteFile:
    """Convert a file input of any supported type to an upload.

    Args:
        name: of the input.
        value: a path, URL, fsspec address, bytes, open file, image or array.
        fps: frames per second for a video passed as an array.
        most: the size limit of a file at an fsspec address, in bytes; 1 GiB unless given.

    Raises:
        UnusableFileError: the type is not supported, or the file cannot be read.
    """
    if isinstance(value, Upload):  # read already
        return value
    if isinstance(value, (str, os.PathLike)):
        found = locate(value)
        if isinstance(found, RemoteStorage):
            return Upload.from_storage(found, most or _MAX_REMOTE_BYTES)
        return found if isinstance(found, RemoteFile) else _from_path(found)
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
    raise UnusableFileError(
        f"is {with_article(type(value).__name__)}; give a path, an address, bytes, an open file, a PIL image, a NumPy "
        f"array or a Clip.{frames}"
    )


def _from_path(path: Path) -> Upload:
    if pipe := own_pipe(path):
        with pipe:
            return _from_stream(path.name, pipe)
    return Upload(path.name, LocalFile(path))


def _from_image(name: str, image: Any) -> Upload:
    from .arrays import png_of

    return Upload(f"{name}.png", png_of(image))


def _from_array(name: str, value: Any, fps: int) -> Upload:
    from .arrays import array_of, image_of, write_video

    array = array_of(value)
    if array.ndim < 4:
        return _from_image(name, image_of(array))
    with tempfile.TemporaryDirectory(prefix="decart_nb-") as folder:
        path = Path(folder, "video.mp4")
        write_video(array, path, fps)
        with path.open("rb") as stream:
            return Upload.from_stream(f"{name}.mp4", stream)


def _from_stream(name: str, stream: Any) -> Upload:
    label = getattr(stream, "name", None)
    filename = Path(label).name if isinstance(label, str) else name
    try:
        place = stream.tell() if hasattr(stream, "seekable") and stream.seekable() else None
        upload = Upload.from_stream(filename, stream)
    except TypeError:
        raise UnusableFileError("is a file that gives text, not bytes; open it with mode 'rb'.") from None
    except UnusableFileError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever somebody's own .read() raises
        raise UnusableFileError(f"cannot be read: {printable(safe_str(error), limit=200)}.") from None
    if place is not None:
        stream.seek(place)  # so that running the cell again sends the same bytes
    if not upload.size:
        raise UnusableFileError("is an open file with nothing left to read; open it again.")
    return upload
