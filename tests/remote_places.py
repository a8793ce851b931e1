"""Files at fsspec addresses, and sessions for the tests of them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import fsspec

from decart_nb.client.polling import Polling
from decart_nb.local.queue import LocalQueue
from decart_nb.session.session import Session
from tests import sweeping

MODEL = "lucy-2.5"
_AT_ONCE = Polling(expected=0.05, spread=0.5, shortest=0.05)


def connected(queue: LocalQueue, **options: Any) -> Session:
    """A session that takes a queue for Decart, and asks it without a pause."""
    return sweeping.connected(queue, prices={MODEL: 0.04}, polling=_AT_ONCE, **options)


def put(address: str, content: bytes) -> str:
    """Write a file at an address, and return the address."""
    with fsspec.open(address, "wb") as file:
        file.write(content)
    return address


def files_at(place: str) -> dict[str, str]:
    """What is at a place: by the path below it, the digest of each file."""
    file_system, path = fsspec.url_to_fs(place)
    file_system.invalidate_cache()
    contents = file_system.cat(file_system.find(path))
    return {
        name.removeprefix(path).lstrip("/"): hashlib.sha256(content).hexdigest() for name, content in contents.items()
    }


def downloaded(place: str, target: Path) -> Path:
    """A copy of what is at a place, in a folder of this machine."""
    file_system, _ = fsspec.url_to_fs(place)
    file_system.get(f"{place}/", f"{target}/", recursive=True)
    return target
