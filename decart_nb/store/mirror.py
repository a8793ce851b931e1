"""Mirrors of a store: its videos with their records, its inputs and a snapshot of its database, at another place.

A mirror is only added to. Files go first, and the snapshot last, so that whatever it names is there. A file that is
there in its size is not copied again; one that is not yet whole has another name, or none. So a mirror that was
interrupted goes on where it stopped. An earlier snapshot is replaced where the new one has all of its jobs and votes,
and else is kept under a name of its own: jobs that were pruned here, or another store's, are not lost there.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .._util.files import os_reason
from .._util.remote_storage import RemoteStorage, StorageError, upload_all
from .._util.text import counted, printable
from ..errors import InvalidInputError, StoreError
from .database import fork_lock
from .files import IGNORED
from .store import DATABASE, Store

#: The largest snapshot at the mirror that is looked into, in bytes.
_MAX_SNAPSHOT_BYTES = 2**32
#: Steps of SQLite's machine, in thousands, that the rows of a snapshot at the mirror may take to be listed.
_MAX_STEPS = 100_000
#: What a snapshot may have that another one does not have, in a form that is the same in all databases.
_NEVER_LOST = ("SELECT key FROM jobs", "SELECT rater, pair_key, left_sha256, right_sha256, voted_at FROM votes")
#: What lies beside the database of a store in which somebody works or has worked, and is not in a mirror.
_OF_WORKING_STORES = (IGNORED, "holders/", f"{DATABASE}-wal", f"{DATABASE}-journal")


@dataclass(frozen=True, repr=False)
class Mirrored:
    """What one call of ``mirror`` has copied.

    Attributes:
        address: of the mirror, without secrets.
        copied: the files that were copied, by their paths in the store's folder. The snapshot is not among them.
        skipped: how many files were there already.
        size_bytes: of what was copied, with the snapshot.
        kept: the name under which an earlier snapshot was kept, since it has jobs or votes that this one does not have.
    """

    address: str
    copied: tuple[str, ...]
    skipped: int
    size_bytes: int
    kept: str | None = None

    def __str__(self) -> str:
        kept = f"; the snapshot before it is kept as {self.kept}, since not all of it is here" if self.kept else ""
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
        InvalidInputError: the target is a store in which somebody works or has worked.
        StoreError: the mirror is not complete; the same call goes on.
    """
    with tempfile.TemporaryDirectory(prefix="decart_nb-") as name:
        snapshot = Path(name) / DATABASE
        store.database.snapshot(snapshot)
        # Read after the snapshot: all that it names is among them, unless it was pruned meanwhile.
        sizes = store.files.whole_files(store.find(status="completed"))
        copied: list[str] = []
        skipped = 0
        try:
            there = target.files()
            if DATABASE in there and any(file.startswith(_OF_WORKING_STORES) for file in there):
                raise InvalidInputError(
                    f"{target.shown} is a store that somebody works with, and not a mirror: name another folder."
                )
            new = [name for name, size in sizes.items() if there.get(name) != size]
            skipped = len(sizes) - len(new)
            pairs = [(store.folder / name, target.child(name)) for name in new]
            upload_all(pairs, lambda path, _: copied.append(path.relative_to(store.folder).as_posix()))
            kept = _keep_earlier(target, snapshot) if DATABASE in there else None
            target.child(DATABASE).upload(snapshot)
        except (StorageError, OSError) as error:
            reason = os_reason(error) if isinstance(error, OSError) else error
            raise StoreError(
                f"The mirror {target.shown} is not complete: of {counted(len(sizes), 'file')}, "
                f"{skipped + len(copied):,} are there, and then: {reason}. The same call goes on where it stopped."
            ) from None
        size = sum(sizes[name] for name in copied) + snapshot.stat().st_size
    return Mirrored(target.shown, tuple(sorted(copied)), skipped, size, kept)


def _keep_earlier(target: RemoteStorage, snapshot: Path) -> str | None:
    """Keep the snapshot that is at the mirror, if it has jobs or votes that the new one does not have.

    Returns:
        The name under which it is kept now, if it is.
    """
    earlier = snapshot.with_name("earlier.sqlite3")
    with earlier.open("wb") as file:
        target.child(DATABASE).download(file, _MAX_SNAPSHOT_BYTES)
    if _has_all(snapshot, earlier):
        return None
    with earlier.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    kept = f"{Path(DATABASE).stem}-{digest[:16]}{Path(DATABASE).suffix}"
    target.child(kept).upload(earlier)
    return kept


def _has_all(snapshot: Path, earlier: Path) -> bool:
    """Whether a snapshot has all jobs and votes of an earlier one, which somebody may have changed at the mirror."""
    steps = iter(range(_MAX_STEPS))
    try:
        with (
            fork_lock(),
            contextlib.closing(_opened(snapshot)) as new,
            contextlib.closing(_opened(earlier)) as old,
        ):
            old.set_progress_handler(lambda: next(steps, None) is None, 1000)
            for query in _NEVER_LOST:
                had = set(new.execute(query))
                if any(row not in had for row in old.execute(query)):
                    return False
    except sqlite3.Error:
        return False
    return True


def _opened(snapshot: Path) -> sqlite3.Connection:
    database = sqlite3.connect(f"{snapshot.as_uri()}?mode=ro&immutable=1", uri=True)
    database.execute("PRAGMA trusted_schema = OFF")
    return database
