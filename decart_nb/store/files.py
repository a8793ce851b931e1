"""The files of a store: videos, and inputs and posters of videos, which are kept once each under SHA-256 digests.

What a database names may come from somebody else. A name is believed only where it is that of a regular file in the
store's own folder; nothing outside is read, shown or removed.
"""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
import itertools
import os
import re
import stat
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from .._util.files import atomic_write
from .._util.text import printable
from ..errors import StoreError
from .job_row import Record

#: Seconds that an input is kept of which no job is known yet.
_GRACE = 3600.0
#: The largest poster that is believed, in bytes.
_POSTER_LIMIT = 2**18
#: Keeps the files out of a repository; each folder has it in which a store has worked.
IGNORED = ".gitignore"
_DIGEST = re.compile("[0-9a-f]{64}")
_INPUT = re.compile(rf"({_DIGEST.pattern})(\.[^/]{{0,15}})?(\.[0-9a-f]{{32}}\.part)?", re.IGNORECASE)


class StoreFiles:
    """The videos, inputs and posters in a store's folder.

    Args:
        folder: the store's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._inputs = folder / "inputs"
        self._posters = folder / "posters"
        self._whole: dict[str, tuple[int, int]] = {}  # of digests that were looked at, the file's size and time

    def prepare(self) -> None:
        """Make the folders where they are not there."""
        self._inputs.mkdir(parents=True, exist_ok=True)
        ignored = self._folder / IGNORED
        if not ignored.exists():
            ignored.write_text("# Videos and inputs do not belong into a repository.\n*\n", encoding="utf-8")

    def video(self, name: str | None, size: int | None) -> Path | None:
        """The video of that name, if there is one of that size in bytes."""
        if not name or name != os.path.basename(name):  # noqa: PTH119 - a Path would take "x/" for "x"
            return None
        path = self._folder / name
        return path if _regular_size(path) == size and size is not None else None

    def place(self, arrived: Path) -> Path:
        """Put a whole video into the folder, under a name that nothing has yet.

        Returns:
            Where it lies now. What somebody has changed by hand under its own name stays.
        """
        for number in itertools.count(1):
            more = "" if number == 1 else f"-{number}"
            target = self._folder / f"{arrived.stem}{more}{arrived.suffix}"
            try:
                os.link(arrived, target)  # which fails where there is such a name, also one that comes just now
            except FileExistsError:
                if target.is_symlink() or not filecmp.cmp(arrived, target, shallow=False):
                    continue
                # The process that had put it there ended right after it.
            except OSError:  # a drive without hard links
                if target.exists():
                    continue
                arrived.replace(target)
            break
        arrived.unlink(missing_ok=True)
        return target

    def remove_video(self, name: str | None, size: int | None) -> None:
        """Remove a video and the record beside it; others may be doing the same."""
        if path := self.video(name, size):
            path.unlink(missing_ok=True)
            path.with_name(f"{path.name}.json").unlink(missing_ok=True)

    def poster(self, sha256: str | None) -> Path | None:
        """The poster of the video with a digest, if there is one."""
        if not isinstance(sha256, str) or not _DIGEST.fullmatch(sha256) or self._posters.is_symlink():
            return None
        path = self._posters / f"{sha256}.webp"
        return path if 0 < (_regular_size(path) or 0) <= _POSTER_LIMIT else None

    def keep_poster(self, sha256: str, content: bytes, *, staging: Path | None = None) -> Path:
        """Keep the poster of a video, in the place of one that is there.

        Args:
            sha256: the digest of the video.
            content: a WebP picture.
            staging: a folder of the store for the incomplete file; the folder of posters by default.

        Raises:
            StoreError: the digest is none, or the folder of posters is a link.
            OSError: it cannot be written.
        """
        if not _DIGEST.fullmatch(sha256):
            raise StoreError(f"A poster in {self._folder.name}/ is kept by the SHA-256 digest of its video.")
        if self._posters.is_symlink():
            raise StoreError(f"{self._folder.name}/{self._posters.name} is a link; remove it, since it may lead away.")
        self._posters.mkdir(exist_ok=True)
        target = self._posters / f"{sha256}.webp"
        with atomic_write(target, staging=staging, fsync=False) as stream:  # it can be made again
            stream.write(content)
        return target

    def remove_posters(self, digests: Collection[str]) -> None:
        """Remove the posters of the videos with these digests; others may be doing the same."""
        for digest in digests:
            if path := self.poster(digest):
                path.unlink(missing_ok=True)

    def input(self, file: Mapping[str, Any]) -> Path:
        """Where an input lies, or would, by its ``sha256`` and ``filename``.

        Raises:
            StoreError: the digest is none.
        """
        if not _DIGEST.fullmatch(str(file.get("sha256"))):
            raise StoreError(f"The store {self._folder.name}/ is damaged: an input file has no digest.")
        return self._inputs / f"{file['sha256']}{Path(str(file['filename'])).suffix[:16].lower()}"

    def has_input(self, file: Mapping[str, Any]) -> bool:
        """Whether an input lies there: a regular file of that digest, and not another one of its name."""
        path, digest = self.input(file), str(file["sha256"])
        if _regular_size(path) is None:
            return False
        found = path.stat()
        if self._whole.get(digest) != (found.st_size, found.st_mtime_ns):
            with path.open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != digest:
                    return False
            self._whole[digest] = found.st_size, found.st_mtime_ns
        return True

    def keep_input(self, file: Mapping[str, Any], content: BinaryIO) -> Path:
        """Keep an input, once.

        Args:
            file: its ``sha256`` and ``filename``.
            content: a binary stream of it.

        Raises:
            StoreError: the stream has other bytes than those of the digest.
        """
        target = self.input(file)
        if self.has_input(file):
            with contextlib.suppress(OSError):
                # It is needed, so it is not to be cleared away. Its content has not changed: another input may be read
                # from this very file, as the code copied from a job does.
                os.utime(target, ns=(time.time_ns(), target.stat().st_mtime_ns))
            return target
        self.prepare()
        digest = hashlib.sha256()
        with atomic_write(target) as stream:
            while chunk := content.read(2**20):
                digest.update(chunk)
                stream.write(chunk)
            if digest.hexdigest() != file["sha256"]:  # nothing else would notice what steps of the clock hide
                name = printable(str(file["filename"]))
                raise StoreError(f"{name} was changed while it was copied; submit it again when it is finished.")
        return target

    def whole_files(self, records: Iterable[Record]) -> dict[str, int]:
        """The videos of jobs with the records beside them, and all inputs.

        Args:
            records: the jobs.

        Returns:
            The size of each file in bytes, by its path relative to the folder.
        """
        found: dict[str, int | None] = {}
        for record in records:
            if path := self.video(record.path, record.size_bytes):
                found[path.name] = record.size_bytes
                beside = path.with_name(f"{path.name}.json")
                found[beside.name] = _regular_size(beside)
        if self._inputs.is_dir() and not self._inputs.is_symlink():
            for path in sorted(self._inputs.iterdir()):
                name = _INPUT.fullmatch(path.name)
                if name and not name[3]:
                    found[f"{self._inputs.name}/{path.name}"] = _regular_size(path)
        return {name: size for name, size in found.items() if size is not None}

    def remove_inputs(self, kept: Collection[str]) -> set[str]:
        """Remove the inputs that nothing was made from, except those that came just now, for a job that comes next.

        Args:
            kept: the digests of those that stay.

        Returns:
            The digests of those that were removed.
        """
        removed: set[str] = set()
        if self._inputs.is_symlink():
            return removed
        with contextlib.suppress(FileNotFoundError):
            for path in self._inputs.iterdir():
                found = _INPUT.fullmatch(path.name)
                with contextlib.suppress(FileNotFoundError):
                    if found and found[1] not in kept and _last_needed(path) < time.time() - _GRACE:
                        path.unlink()
                        removed.add(found[1])
        return removed


def _last_needed(path: Path) -> float:
    found = path.lstat()
    return max(found.st_atime, found.st_mtime)


def _regular_size(path: Path) -> int | None:
    """The size of a regular file, in bytes; ``None`` for a link, and for whatever else there is or is not."""
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
