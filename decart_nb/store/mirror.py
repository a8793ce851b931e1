"""Mirrors of a store: its videos with their records, its inputs and a snapshot of its database, at another place.

A mirror is only added to. Files go first, and the snapshot last, so that whatever it names is there. A file that is
there in its size is not copied again; one that is not yet whole has another name, or none. So a mirror that was
interrupted goes on where it stopped. An earlier snapshot is replaced where the new one has all of its jobs, and else is
kept under a name of its own: jobs that were pruned here, or another store's, are not lost there.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from .._util.files import os_reason
from .._util.remote_storage import RemoteStorage, StorageError, upload_all
from .._util.text import counted, printable
from ..errors import InvalidInputError, StoreError
from .store import DATABASE, Store

#: The largest snapshot at the mirror that is looked into, in bytes.
_MOST_SNAPSHOT_BYTES = 2**32
#: Steps of SQLite's machine, in thousands, that the jobs of a snapshot at the mirror may take to be listed.
_MOST_STEPS = 1_000_000
#: What only a store has in which somebody works.
_IN_USE = ("holders/", f"{DATABASE}-wal", f"{DATABASE}-journal")


@dataclass(frozen=True, repr=False)
class Mirrored:
    """What one call of ``mirror`` has copied.

    Attributes:
        address: of the mirror, without secrets.
        copied: the files that were copied, by their paths in the store's folder. The snapshot is not among them.
        skipped: how many files were there already.
        size_bytes: of what was copied, with the snapshot.
        kept: the name under which an earlier snapshot was kept, since it has jobs that this one does not have.
    """

    address: str
    copied: tuple[str, ...]
    skipped: int
    size_bytes: int
    kept: str | None = None

    def __str__(self) -> str:
        kept = f"; the snapshot before it is kept as {self.kept}, for its jobs are not all here" if self.kept else ""
        return printable(
            f"{self.address}: {counted(len(self.copied), 'file')} copied, {self.skipped:,} there already, "
            f"{self.size_bytes / 1e6:,.1f} MB with the snapshot{kept}"
        )

    def __repr__(self) -> str:
        return f"<Mirror {self}>"


def mirror(store: Store, target: RemoteStorage) -> Mirrored:
    """Copy what is new in a store to a mirror. Nothing is deleted there.

    Args:
        store: the store, which may be in use meanwhile.
        target: the folder of the mirror.

    Raises:
        InvalidInputError: the target is a store in which somebody works.
        StoreError: the mirror is not complete; the same call goes on.
    """
    with tempfile.TemporaryDirectory(prefix="decart_nb-") as name:
        snapshot = Path(name) / DATABASE
        store._database.snapshot(snapshot)
        # Read after the snapshot: all that it names is among them, unless it was pruned meanwhile.
        files = store.files.whole_files(store.find(status="completed"))
        progress = _Progress()
        try:
            there = target.files()
            if any(file.startswith(_IN_USE) for file in there):
                raise InvalidInputError(
                    f"{target.shown} is a store that somebody works with, and not a mirror: name another folder."
                )
            new = {name: path for name, path in files.items() if there.get(name, -1) != path.stat().st_size}
            progress.skipped = len(files) - len(new)
            names = {path: name for name, path in new.items()}
            pairs = [(path, target.child(name)) for path, name in names.items()]
            upload_all(pairs, lambda path, _: progress.add(names[path], path))
            kept = _keep_earlier(target, snapshot) if DATABASE in there else None
            target.child(DATABASE).upload(snapshot)
        except (StorageError, OSError) as error:
            reason = os_reason(error) if isinstance(error, OSError) else error
            raise StoreError(
                f"The mirror {target.shown} is not complete: of {counted(len(files), 'file')}, "
                f"{progress.there:,} are there, and then: {reason}. The same call goes on where it stopped."
            ) from None
        size = progress.size_bytes + snapshot.stat().st_size
    return Mirrored(target.shown, tuple(sorted(progress.copied)), progress.skipped, size, kept)


class _Progress:
    """Counts what has been copied, from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.copied: list[str] = []
        self.skipped = self.size_bytes = 0

    def add(self, name: str, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError), self._lock:
            self.copied.append(name)
            self.size_bytes += path.stat().st_size

    @property
    def there(self) -> int:
        return self.skipped + len(self.copied)


def _keep_earlier(target: RemoteStorage, snapshot: Path) -> str | None:
    """Keep the snapshot that is at the mirror, if it has jobs that the new one does not have.

    Returns:
        The name under which it is kept now, if it is.
    """
    earlier = snapshot.with_name("earlier.sqlite3")
    with earlier.open("wb") as file:
        target.child(DATABASE).download(file, _MOST_SNAPSHOT_BYTES)
    found = _jobs_in(earlier)
    if found is not None and found <= (_jobs_in(snapshot) or set()):
        return None
    with earlier.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    kept = f"{Path(DATABASE).stem}-{digest[:16]}{Path(DATABASE).suffix}"
    target.child(kept).upload(earlier)
    return kept


def _jobs_in(snapshot: Path) -> set[str] | None:
    """The keys of the jobs in a snapshot; ``None`` if it cannot be read, also because somebody has changed it there."""
    steps = iter(range(_MOST_STEPS))
    try:
        with contextlib.closing(sqlite3.connect(f"{snapshot.as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            database.set_progress_handler(lambda: next(steps, None) is None, 1000)
            return {str(key) for (key,) in database.execute("SELECT key FROM jobs")}
    except sqlite3.Error:
        return None
