"""File systems of fsspec that are slow, endless or broken, in place of those whose packages are not there."""

from __future__ import annotations

import io
import threading
import time
from typing import Any, ClassVar

import fsspec
from fsspec.implementations.memory import MemoryFileSystem


class OddFileSystem(MemoryFileSystem):
    """Files that are slow, long or broken, by their names.

    Attributes:
        released: ends the reading of files called ``held``, and the writing of those.
    """

    protocol = "oci"
    cachable = False
    released: ClassVar[threading.Event]

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        return {"name": path, "size": None, "type": "file"}

    def _open(self, path: str, *args: Any, **options: Any) -> Any:
        return _Odd(path.rpartition("/")[2], self.released)

    def put_file(self, lpath: str, rpath: str, **options: Any) -> None:
        if rpath.endswith("held"):
            self.released.wait(30)
        raise OSError("cannot read /home/me/.oci/config: no room at https://ann:hunter2@host/x?sig=5ec3e7")

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix("oci://")


class _Odd(io.RawIOBase):
    def __init__(self, kind: str, released: threading.Event) -> None:
        self.kind, self.released = kind, released

    def read(self, size: int = -1) -> bytes:
        if self.kind == "silent":
            time.sleep(1.5)
        elif self.kind == "held":
            self.released.wait(30)
        elif self.kind == "late":
            time.sleep(0.5)
            raise ConnectionError("too late")
        elif self.kind == "slow":
            time.sleep(0.05)
        elif self.kind == "broken":
            raise ConnectionError("the line is\x1b[2J down")
        return b"1" * 1000


def odd_address() -> str:
    """The address of the odd file system's folder, which this process knows from now on."""
    OddFileSystem.released = threading.Event()
    fsspec.register_implementation("oci", OddFileSystem, clobber=True)
    return "oci://bucket"


class FailingFileSystem(MemoryFileSystem):
    """Files in memory, of which some cannot be written.

    Attributes:
        failing: their names.
    """

    protocol = "oss"
    cachable = False
    store: ClassVar[dict[str, Any]] = {}
    failing: ClassVar[set[str]] = set()

    def put_file(self, lpath: str, rpath: str, **options: Any) -> None:
        if rpath.rpartition("/")[2] in self.failing:
            raise ConnectionError("the line is down")
        super().put_file(lpath, rpath, **options)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("oss://").strip("/")


def failing_address() -> str:
    """The address of the failing file system's empty folder, which this process knows from now on."""
    FailingFileSystem.store.clear()
    FailingFileSystem.failing.clear()
    fsspec.register_implementation("oss", FailingFileSystem, clobber=True)
    return "oss://bucket"
