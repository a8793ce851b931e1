"""The local queue's ``/v1/files``: uploads that are kept for a while under an id of their own."""

from __future__ import annotations

import json
import re
import shutil
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .storage import oldest_first

DEFAULT_TTL = 24 * 3600
SHORTEST_TTL, LONGEST_TTL = 60, 2_592_000
_ID = re.compile(r"file_[0-9a-f]{32}")


class Files:
    """The folder of uploads.

    Args:
        folder: made when the first one comes.
        stage: makes an empty folder of that name, in which an upload lies until it is whole; on the same disk.
        most: how many are kept; the oldest go first.
    """

    def __init__(self, folder: Path, stage: Callable[[str], Path], *, most: int = 1000) -> None:
        self._folder = folder
        self._stage = stage
        self._most = most

    def add(
        self, filename: str, media_type: str, size: int, ttl: int | None, write: Callable[[Path], None]
    ) -> dict[str, Any]:
        """Keeps an upload.

        Args:
            filename, media_type, size: as it came; bytes.
            ttl: seconds until it goes, or ``None`` for never.
            write: writes its content to a path.

        Returns:
            What the API answers.

        Raises:
            OSError: it cannot be kept.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = oldest_first(self._folder, _ID)
        for name in kept[: max(0, len(kept) - self._most + 1)]:
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
        place = self._stage(file_id)
        try:
            write(place / "content")
            (place / "file.json").write_text(json.dumps(answer), encoding="utf-8")
            place.replace(self._folder / file_id)
        except OSError:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return answer

    def get(self, file_id: str) -> dict[str, Any] | None:
        """What the API answers about a file, or ``None`` once it is gone."""
        if not _ID.fullmatch(file_id):
            return None
        try:
            answer: dict[str, Any] = json.loads((self._folder / file_id / "file.json").read_text(encoding="utf-8"))
            expires = answer["expires_at"]
            is_over = expires is not None and datetime.fromisoformat(expires).timestamp() <= time.time()
        except (OSError, ValueError, TypeError, KeyError, RecursionError):  # gone, or damaged
            return None
        if is_over:
            shutil.rmtree(self._folder / file_id, ignore_errors=True)
            return None
        return answer

    def delete(self, file_id: str) -> bool:
        """Forgets a file; whether there was one."""
        found = self.get(file_id) is not None
        if found:
            shutil.rmtree(self._folder / file_id, ignore_errors=True)
        return found


def ttl_of(text: str | None) -> int | None:
    """Seconds to live as the form says them; ``None`` for a file that stays.

    Raises:
        ValueError: it is neither ``persistent`` nor a number that is allowed.
    """
    if text is None or text == "":
        return DEFAULT_TTL
    if text == "persistent":
        return None
    seconds = int(text)
    if not SHORTEST_TTL <= seconds <= LONGEST_TTL:
        raise ValueError(text)
    return seconds


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
