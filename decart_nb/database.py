"""The store's database: SQLite, spoken to by one thread at a time, with what may go wrong turned into a sentence."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .errors import StoreError

#: Each brings a database to the next version of its schema.
_MIGRATIONS = (
    """
    CREATE TABLE jobs (
        row INTEGER PRIMARY KEY AUTOINCREMENT,
        request TEXT NOT NULL, take INTEGER NOT NULL,
        endpoint TEXT NOT NULL, backend TEXT NOT NULL,
        model TEXT NOT NULL, asked_model TEXT NOT NULL,
        inputs TEXT NOT NULL, files TEXT NOT NULL, input_seconds REAL,
        status TEXT NOT NULL, holder TEXT, job_id TEXT, error TEXT,
        created_at REAL NOT NULL, sent_at REAL, submitted_at REAL, ended_at REAL, took REAL, seconds REAL,
        path TEXT, sha256 TEXT, size_bytes INTEGER,
        width INTEGER, height INTEGER, fps REAL, duration REAL, cost REAL
    );
    CREATE INDEX jobs_by_request ON jobs (request, take);
    CREATE INDEX jobs_by_id ON jobs (job_id);
    CREATE INDEX jobs_by_video ON jobs (sha256);
    CREATE INDEX jobs_by_model ON jobs (model, endpoint, row);
    """,
    """
    ALTER TABLE jobs ADD COLUMN sweep TEXT;
    ALTER TABLE jobs ADD COLUMN expected_cost REAL;
    CREATE INDEX jobs_by_sweep ON jobs (sweep, status, expected_cost) WHERE sweep IS NOT NULL;
    CREATE TABLE sweeps (name TEXT PRIMARY KEY, definition TEXT NOT NULL, begun_at REAL NOT NULL);
    """,
    "ALTER TABLE sweeps ADD COLUMN pruned_cost REAL NOT NULL DEFAULT 0",
)
_PATIENCE = 30.0


_all: weakref.WeakSet[Database] = weakref.WeakSet()


def _begin_anew() -> None:
    """In a fork: whoever held a lock, or was in the middle of a transaction, is not there."""
    for database in tuple(_all):
        database._lock, database._depth = threading.RLock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


class Database:
    """One file, and the folder that it lies in. Its calls may come from any thread, and from a fork.

    Args:
        path: of the file.
        vfs: SQLite's way to the disk, such as ``unix-dotfile`` for a drive on which files cannot be locked.
        opened: called whenever the file has been opened: the first time, in a fork, and in the place of one that was
            removed or moved away.
        committing: called before every commit, to put on the disk what the commit will speak of.
    """

    def __init__(
        self, path: Path, vfs: str | None, *, opened: Callable[[], object], committing: Callable[[], object]
    ) -> None:
        self.path = path
        self._vfs, self._opened, self._committing = vfs, opened, committing
        self._lock = threading.RLock()
        _all.add(self)
        self._connection: sqlite3.Connection | None = None
        self._inherited: list[sqlite3.Connection] = []
        self._process = 0
        self._depth = 0
        self._undoing: list[Callable[[], object]] = []

    def if_undone(self, undo: Callable[[], object]) -> None:
        """What is called if the transaction that is under way does not come to a commit."""
        self._undoing.append(undo)

    def _undo(self, since: int = 0) -> None:
        while len(self._undoing) > since:
            self._undoing.pop()()

    @contextlib.contextmanager
    def speaking(self) -> Iterator[sqlite3.Connection]:
        """The database, to one thread at a time.

        Raises:
            StoreError: it, or a file beside it, cannot be read or written.
        """
        with self._lock:
            try:
                # A fork must not share it; and of a folder that was removed or moved, the database is no longer there.
                if self._connection is None or self._process != os.getpid() or self._is_elsewhere():
                    self._open()
                assert self._connection is not None
                yield self._connection
            except (OSError, sqlite3.Error) as cause:
                reason = getattr(cause, "strerror", None) or cause
                raise StoreError(
                    f"The store {self.path.parent.name}/ cannot be used: {reason}. Free some space, or check its "
                    "permissions; connect(store=…) takes another folder.",
                    cause=cause,
                ) from None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing; on the disk when it has ended. One inside another is a part of that."""
        with self.speaking() as connection:
            if self._depth:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield connection
                self._committing()
                connection.execute("COMMIT")
                self._undoing.clear()
            except BaseException:
                self._undo()
                with contextlib.suppress(sqlite3.OperationalError):  # of some errors SQLite makes an end by itself
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    def together(self, works: Sequence[Callable[[], Any]]) -> list[tuple[Any, Exception | None]]:
        """Does several things in one transaction: a disk syncs once for all of them.

        Returns:
            What each has returned or raised; one that raises undoes what it has done itself, and nothing else.
        """
        ends: list[tuple[Any, Exception | None]] = []
        try:
            with self.transaction() as connection:
                for work in works:
                    connection.execute("SAVEPOINT work")
                    done = len(self._undoing)
                    try:
                        ends.append((work(), None))
                    except Exception as error:  # noqa: BLE001 - whatever it is, it is for the one who wanted that work
                        self._undo(done)
                        connection.execute("ROLLBACK TO work")
                        ends.append((None, error))
                    connection.execute("RELEASE work")
        except StoreError as error:
            return [(None, error)] * len(works)
        return ends

    def _is_elsewhere(self) -> bool:
        if self._depth:
            return False
        try:
            now = self.path.stat()
        except OSError:
            return True
        return (now.st_dev, now.st_ino) != self._identity

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        address = f"{self.path.as_uri()}{f'?vfs={self._vfs}' if self._vfs else ''}"
        connection = sqlite3.connect(
            address, timeout=_PATIENCE, isolation_level=None, check_same_thread=False, uri=True
        )
        # Where there can be no write-ahead log, as on network drives, SQLite stays with its journal.
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = EXTRA")
        try:
            self._migrate(connection)
        except BaseException:
            connection.close()
            raise
        now = self.path.stat()
        self._identity = (now.st_dev, now.st_ino)
        if self._connection is not None:  # a fork's: kept open, since closing it would let go of the parent's locks
            self._inherited.append(self._connection)
        self._connection, self._process = connection, os.getpid()
        self._opened()

    def _migrate(self, connection: sqlite3.Connection) -> None:
        while (version := connection.execute("PRAGMA user_version").fetchone()[0]) < len(_MIGRATIONS):
            connection.execute("BEGIN IMMEDIATE")  # which closing the connection takes back, if anything goes wrong
            # Another kernel may have come first.
            if connection.execute("PRAGMA user_version").fetchone()[0] == version:
                for statement in _MIGRATIONS[version].split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        if version > len(_MIGRATIONS):
            raise StoreError(
                f"The store {self.path.parent.name}/ was written by a newer decart_nb. Update this one, or give "
                "connect(store=…) another folder; nothing was changed."
            )
