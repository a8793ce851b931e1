"""Storage of the local queue's ``/v1/files``: uploads with an id and an expiry."""

from __future__ import annotations

import json
import re
import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .storage import oldest_first

DEFAULT_TTL = 24 * 3600
MIN_TTL, MAX_TTL = 60, 2_592_000
_ID = re.compile(r"file_[0-9a-f]{32}")


class UploadStore:
    """A folder of uploads.

    Args:
        folder: created with the first upload.
        stage: context manager for a new folder that is renamed to that path once it is complete.
        max_files: how many uploads are kept; the oldest are deleted first.
    """

    def __init__(
        self, folder: Path, stage: Callable[[Path], AbstractContextManager[Path]], *, max_files: int = 1000
    ) -> None:
        self._folder = folder
        self._stage = stage
        self._max_files = max_files

    def add(
        self, filename: str, media_type: str, size: int, ttl: int | None, write: Callable[[Path], None]
    ) -> dict[str, Any]:
        """Stores an upload.

        Args:
            filename, media_type, size: of the upload; the size is in bytes.
            ttl: seconds until it expires, or ``None`` for never.
            write: writes its content to a path.

        Returns:
            The file's metadata, as the API returns it.

        Raises:
            OSError: it cannot be stored.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = oldest_first(self._folder, _ID)
        for name in kept[: max(0, len(kept) - self._max_files + 1)]:
            shutil.rmtree(self._folder / name, ignore_errors=True)
        file_id, now = f"file_{uuid.uuid4().hex}", time.time()
        answer = {
            "id": file_id,
            "filename": filename,
            "mime_type": media_type,
            "size_bytes": size,
            "created_at": _stamp(now),
            "expires_at": None if ttl is None else _stamp(now + ttl),
        }
        with self._stage(self._folder / file_id) as staged:
            write(staged / "content")
            (staged / "file.json").write_text(json.dumps(answer), encoding="utf-8")
        return answer

    def get(self, file_id: str) -> dict[str, Any] | None:
        """A file's metadata, as the API returns it, or ``None`` if it expired or does not exist."""
        if not _ID.fullmatch(file_id):
            return None
        try:
            answer: dict[str, Any] = json.loads((self._folder / file_id / "file.json").read_text(encoding="utf-8"))
            expires = answer["expires_at"]
            is_expired = expires is not None and datetime.fromisoformat(expires).timestamp() <= time.time()
        except (OSError, ValueError, TypeError, KeyError, RecursionError):  # missing or damaged
            return None
        if is_expired:
            shutil.rmtree(self._folder / file_id, ignore_errors=True)
            return None
        return answer

    def delete(self, file_id: str) -> bool:
        """Deletes a file. Returns whether there was one."""
        found = self.get(file_id) is not None
        if found:
            shutil.rmtree(self._folder / file_id, ignore_errors=True)
        return found


def ttl_of(text: str | None) -> int | None:
    """Parses the form's ``ttl_seconds``; ``None`` for a file that does not expire.

    Raises:
        ValueError: it is neither ``persistent`` nor an allowed number.
    """
    if text is None or text == "":
        return DEFAULT_TTL
    if text == "persistent":
        return None
    seconds = int(text)
    if not MIN_TTL <= seconds <= MAX_TTL:
        raise ValueError(text)
    return seconds


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
