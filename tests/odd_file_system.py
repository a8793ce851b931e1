"""A file system of fsspec that is slow, endless or broken, in place of one whose package is not there."""

from __future__ import annotations

import io
import time
from typing import Any

import fsspec
from fsspec.implementations.memory import MemoryFileSystem


class OddFileSystem(MemoryFileSystem):
    """Files that are slow, long or broken, by their names."""

    protocol = "oci"
    cachable = False

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        return {"name": path, "size": None, "type": "file"}

    def _open(self, path: str, *args: Any, **options: Any) -> Any:
        return _Odd(path.rpartition("/")[2])

    def put_file(self, lpath: str, rpath: str, **options: Any) -> None:
        raise OSError("no room at https://ann:hunter2@host/x?sig=5ec3e7")

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix("oci://")


class _Odd(io.RawIOBase):
    def __init__(self, kind: str) -> None:
        self.kind = kind

    def read(self, size: int = -1) -> bytes:
        if self.kind == "silent":
            time.sleep(1.5)
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
    fsspec.register_implementation("oci", OddFileSystem, clobber=True)
    return "oci://bucket"
