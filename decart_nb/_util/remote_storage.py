"""Files at fsspec addresses, read and written as wholes.

fsspec's calls block: they come from the caller's thread or from one of its own, never from an event loop. Credentials
are fsspec's own matter (the environment, its configuration), and are neither kept nor shown.
"""

from __future__ import annotations

import contextlib
import io
import posixpath
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from . import addresses
from .disk_space import DiskSpace, DiskSpaceError
from .interface_names import step
from .paths import without_folders
from .text import printable, safe_str

#: Seconds without data after which reading fails, and seconds that reading one file may take.
SILENCE, MAX_SECONDS = 120.0, 1800.0
#: Bytes that a file system fetches at once: a slow line brings them within the silence that is allowed.
_BLOCK = 2**23
#: How many files are uploaded at once.
_UPLOADS = 8
_CHUNK = 2**20
_TICK = 0.2
_MAX_REASON_LENGTH = 300


class StorageError(Exception):
    """Why an address cannot be read or written. The message is a phrase, without secrets."""


class RemoteStorage:
    """A file or a folder at an fsspec address.

    Args:
        address: sound, by :func:`decart_nb._util.addresses.fault_of`.

    Attributes:
        address: as it was given; it may contain secrets.
        shown: without secrets.
        name: the last part of its path.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.shown = addresses.shown_address(address)
        self.name = addresses.file_name(address)
        self._scheme = addresses.scheme_of(address) or ""
        self._local: Path | None = None
        self._found: tuple[Any, str] | None = None

    @classmethod
    def local(cls, folder: Path, shown: str) -> RemoteStorage:
        """A folder of this machine, for what takes a folder anywhere.

        Args:
            folder: its path.
            shown: the path for people.
        """
        storage = cls(shown)
        storage.shown, storage.name, storage._local = shown, folder.name, folder.absolute()
        return storage

    def child(self, name: str) -> RemoteStorage:
        """A file below the folder.

        Args:
            name: its path relative to the folder, with ``/`` between its parts.

        Raises:
            StorageError: a package is missing.
        """
        file_system, path = self._file_system()
        child = RemoteStorage(self.address)
        child.shown = f"{self.shown.removesuffix(addresses.CUT).rstrip('/')}/{name}"
        child.name = posixpath.basename(name)
        child._found = file_system, f"{path.rstrip('/')}/{name}"
        return child

    def sibling(self, name: str) -> RemoteStorage:
        """A file in the same folder; the file itself under its own name.

        Args:
            name: of the file.

        Raises:
            StorageError: a package is missing.
        """
        if name == self.name:
            return self
        file_system, path = self._file_system()
        sibling = RemoteStorage(self.address)
        sibling.shown = f"{self.shown.removesuffix(addresses.CUT).rpartition('/')[0]}/{name}"
        sibling.name = name
        sibling._found = file_system, posixpath.join(posixpath.dirname(path), name)
        return sibling

    def require_package(self) -> None:
        """Check that the packages of the scheme are there.

        Raises:
            StorageError: one is missing.
        """
        self._file_system()

    @property
    def writes_whole_objects(self) -> bool:
        """Whether it is an object store, in which a file appears when all of it is there."""
        return self._scheme in addresses.OBJECT_STORES

    def read(self, most: int, *, silence: float = SILENCE, longest: float = MAX_SECONDS) -> bytes:
        """The content of the file. Arguments and errors as for :meth:`download`."""
        content = io.BytesIO()
        self.download(content, most, silence=silence, longest=longest)
        return content.getvalue()

    def download(
        self,
        target: BinaryIO,
        most: int,
        *,
        space: DiskSpace | None = None,
        silence: float = SILENCE,
        longest: float = MAX_SECONDS,
        stop: threading.Event | None = None,
    ) -> None:
        """Copy the content of the file into a stream, within limits of size and time.

        Args:
            target: an open binary stream.
            most: the size limit, in bytes.
            space: checks that it fits on the disk of the stream.
            silence: how many seconds it may bring nothing.
            longest: how many seconds it may take.
            stop: when it is set, the download is given up.

        Raises:
            StorageError: there is no such file, it cannot be read, it exceeds a limit, or it was given up.
        """
        reading = _Reading(self._open_and_check, target, most, space)
        began = time.monotonic()
        try:
            while not reading.done.wait(_TICK):
                if stop is not None and stop.is_set():
                    raise StorageError("it was given up")
                now = time.monotonic()
                if now - reading.heard_at > silence:
                    raise StorageError(f"nothing has come for {silence:.0f} s")
                if now - began > longest:
                    raise StorageError(f"it takes more than {longest:.0f} s")
        finally:
            reading.stop()
        if isinstance(reading.error, StorageError):
            raise reading.error
        if reading.error is not None:
            raise self._error(reading.error) from None

    def upload(self, source: Path) -> None:
        """Write a local file to the address, over what is there. A half-written file never has its name.

        Raises:
            StorageError: it cannot be written.
        """
        file_system, path = self._file_system()
        try:
            size = source.stat().st_size
            if self.writes_whole_objects:
                file_system.put_file(str(source), path)
            elif self._scheme == "memory":  # which takes some characters of a name that it moves for a pattern
                file_system.pipe_file(path, source.read_bytes())
            else:
                self._upload_and_rename(source)
            written = self._size()
        except Exception as cause:  # noqa: BLE001 - whatever a file system of others raises
            raise self._error(cause) from None
        if written != size:
            raise StorageError("another file has come there meanwhile")

    def files(self) -> dict[str, int | None]:
        """The files below the folder by their relative paths, with their sizes; none of a folder that is not there.

        Raises:
            StorageError: it cannot be listed, or it is a file.
        """
        file_system, path = self._file_system()
        base = path.rstrip("/") + "/"
        try:
            file_system.invalidate_cache()  # another process may have written since
            found = file_system.find(path, detail=True)
        except FileNotFoundError:
            return {}
        except Exception as cause:  # noqa: BLE001
            raise self._error(cause) from None
        if path.rstrip("/") in found:
            raise StorageError("it is a file, not a folder")
        return {name.removeprefix(base): info.get("size") for name, info in found.items() if name.startswith(base)}

    def _file_system(self) -> tuple[Any, str]:
        if self._found is None:
            package = addresses.PACKAGES.get(self._scheme, "")
            try:
                if self._local is not None:
                    from fsspec.implementations.local import LocalFileSystem

                    return LocalFileSystem(), self._local.as_posix()
                from fsspec.core import url_to_fs

                file_system, path = url_to_fs(f"{self._scheme}://{self.address.partition('://')[2]}")
            except ImportError:
                line = step("install", package=f'"decart_nb[remote]" {package}'.strip())
                what = f"{self._scheme}://" if self._scheme else "this"
                raise StorageError(f"{what} needs the package {package or 'fsspec'}: {line}") from None
            except Exception as cause:  # noqa: BLE001 - whatever its address or its configuration comes to
                raise self._error(cause) from None
            self._found = file_system, path
        return self._found

    def _open_and_check(self, most: int) -> Any:
        """The file, open for reading, as soon as its size is known to be within the limit."""
        file_system, path = self._file_system()
        file_system.invalidate_cache(posixpath.dirname(path))
        info = file_system.info(path)
        if info.get("type") == "directory":
            raise StorageError("it is a folder; give the address of one file")
        _check_size(info.get("size") or 0, most)
        return file_system.open(path, "rb", block_size=_BLOCK)

    def _upload_and_rename(self, source: Path) -> None:
        file_system, path = self._file_system()
        partial = f"{path}.{secrets.token_hex(8)}.part"
        file_system.makedirs(posixpath.dirname(path), exist_ok=True)
        try:
            file_system.put_file(str(source), partial)
            file_system.mv(partial, path)
        except BaseException:
            with contextlib.suppress(Exception):
                file_system.rm_file(partial)  # of this very call
            raise

    def _size(self) -> int | None:
        file_system, path = self._file_system()
        file_system.invalidate_cache(posixpath.dirname(path))
        size: int | None = file_system.info(path).get("size")
        return size

    def _error(self, cause: BaseException) -> StorageError:
        if isinstance(cause, FileNotFoundError):
            return StorageError("there is no such file, folder or bucket")
        if isinstance(cause, PermissionError) and self._scheme:
            return StorageError("access is denied; fsspec takes its credentials from the environment")
        if isinstance(cause, DiskSpaceError):
            return StorageError(str(cause))
        name = type(cause).__name__
        if addresses.has_secrets(self.address):  # of which a library may show any part, in any encoding
            return StorageError(f"{name}, whose text is not shown, since the address has a password or a query")
        said = (isinstance(cause, OSError) and cause.strerror) or safe_str(cause)  # a file's path is not in strerror
        text = without_folders(addresses.without_secrets(said)).strip() or name
        return StorageError(printable(text, limit=_MAX_REASON_LENGTH).rstrip("."))


def upload_all(
    files: Iterable[tuple[Path, RemoteStorage]], on_uploaded: Callable[[Path, RemoteStorage], object] | None = None
) -> None:
    """Write local files to addresses, several at once where the file system allows it.

    After an error or an interrupt, uploads that have begun are not waited for, also not at the end of the process.

    Args:
        files: the files, each with its address. One that somebody removes meanwhile is left out.
        on_uploaded: called with each, when it is there.

    Raises:
        StorageError: one cannot be written; others, which had begun, may be there.
    """
    waiting = deque(files)
    count = len(waiting)
    ended: SimpleQueue[tuple[Path, RemoteStorage, BaseException | None]] = SimpleQueue()

    def upload() -> None:
        while True:
            try:
                file, target = waiting.popleft()
            except IndexError:
                return
            try:
                target.upload(file)
            except BaseException as error:  # noqa: BLE001 - it is raised where the files are waited for
                ended.put((file, target, error))
            else:
                ended.put((file, target, None))

    # Connections to other servers are not made for several threads.
    at_once = _UPLOADS if all(target.writes_whole_objects for _, target in waiting) else 1
    try:
        for _ in range(min(at_once, count)):
            threading.Thread(target=upload, name="decart_nb uploads", daemon=True).start()
        for _ in range(count):
            file, target, error = ended.get()
            if error is None:
                if on_uploaded is not None:
                    on_uploaded(file, target)
            elif file.exists():
                raise error
    finally:
        waiting.clear()


class _Reading:
    """A copy of a remote file into a stream, on a thread of its own, which can be given up.

    Attributes:
        done: set when it has ended.
        error: what it has ended with.
        heard_at: when the last data came, by the monotonic clock.
    """

    def __init__(self, open_file: Callable[[int], Any], target: BinaryIO, most: int, space: DiskSpace | None) -> None:
        self._open_file, self._target, self._most, self._space = open_file, target, most, space
        self._lock = threading.Lock()
        self._stopped = False
        self.done = threading.Event()
        self.error: BaseException | None = None
        self.heard_at = time.monotonic()
        # A thread that hangs must not keep the process from ending.
        threading.Thread(target=self._run, name="decart_nb reads a remote file", daemon=True).start()

    def stop(self) -> None:
        """Write nothing into the stream any more."""
        with self._lock:
            self._stopped = True

    def _run(self) -> None:
        try:
            self._copy()
        except BaseException as error:  # noqa: BLE001 - it is raised where the file is waited for
            self.error = error
        finally:
            self.done.set()

    def _copy(self) -> None:
        count = 0
        with self._open_file(self._most) as source:
            self.heard_at = time.monotonic()
            while chunk := source.read(_CHUNK):
                self.heard_at = time.monotonic()
                count += len(chunk)
                _check_size(count, self._most)
                if self._space is not None:
                    self._space.add(len(chunk))
                with self._lock:
                    if self._stopped:
                        return
                    self._target.write(chunk)


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise StorageError(f"it has more than {most / 2**20:,.0f} MiB")
