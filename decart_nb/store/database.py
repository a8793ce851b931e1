"""The SQLite connection of a store: one thread at a time, safe across forks, with errors as sentences."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .._util.files import os_reason
from .._util.interface_names import step
from ..errors import StoreError
from .schema import MIGRATIONS

#: Seconds to wait for another process's transaction.
_BUSY_TIMEOUT = 30.0
#: Seconds that a fork waits for the transactions of other threads.
_FORK_TIMEOUT = 5.0

_all: weakref.WeakSet[Database] = weakref.WeakSet()
#: Held by a thread that forks; by whoever adds a database; and where SQLite is used without a database's own lock.
_fork_lock = threading.RLock()
#: What releases the locks that each forking thread holds.
_held_for_fork: dict[int, contextlib.ExitStack] = {}


def _before_fork() -> None:
    """Close every database, since SQLite's own state must not be copied into another process.

    A lock inside SQLite that another thread holds would never be released in the child. Therefore no database is added
    between these calls and the fork.
    """
    held = _held_for_fork.setdefault(threading.get_ident(), contextlib.ExitStack())
    if _fork_lock.acquire(timeout=_FORK_TIMEOUT):
        held.callback(_fork_lock.release)
    for database in sorted(_all, key=id):  # in one order, so that two that fork do not wait for each other
        if database._lock.acquire(timeout=_FORK_TIMEOUT):
            held.callback(database._lock.release)
            database._close()


def _after_fork_in_parent() -> None:
    _held_for_fork.pop(threading.get_ident()).close()


def _after_fork_in_child() -> None:
    global _fork_lock
    _fork_lock = threading.RLock()
    _held_for_fork.clear()
    for database in tuple(_all):
        database._reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)


def fork_lock() -> contextlib.AbstractContextManager[bool]:
    """A lock under which no thread forks, for SQLite that is used without a :class:`Database`."""
    return _fork_lock


class Database:
    """One SQLite file and the folder that it lies in. Its calls may come from any thread, and from a fork.

    Args:
        path: of the file.
        vfs: the name of an SQLite VFS, such as ``unix-dotfile`` for a drive on which files cannot be locked.
        opened: called when a file has been opened that this process has not had open before: the first one, the one in
            a fork, and one that took the place of a file that was removed or moved away.
        beginning: called at the beginning of every transaction.
        committing: called before every commit, to put on the disk what the commit will speak of.
    """

    def __init__(
        self,
        path: Path,
        vfs: str | None,
        *,
        opened: Callable[[], object],
        beginning: Callable[[], object],
        committing: Callable[[], object],
    ) -> None:
        self.path = path
        self._vfs, self._opened, self._beginning, self._committing = vfs, opened, beginning, committing
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inherited: list[sqlite3.Connection] = []
        self._file: tuple[int, int] | None = None  # what is open, by its device and number
        self._announced: tuple[int, int, int] | None = None  # the process and the file of the last call of ``opened``
        self._undoing: list[Callable[[], object]] = []
        with _fork_lock:
            _all.add(self)

    def on_rollback(self, undo: Callable[[], object]) -> None:
        """Call something if the transaction that is under way does not come to a commit."""
        self._undoing.append(undo)

    def _undo(self, since: int = 0) -> None:
        while len(self._undoing) > since:
            self._undoing.pop()()

    @contextlib.contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """The database, for one thread at a time.

        Raises:
            StoreError: it, or a file beside it, cannot be read or written.
        """
        with self._lock:
            try:
                if self._connection is None or self._file_replaced(self._connection):
                    self._open()
                assert self._connection is not None
                yield self._connection
            except (OSError, sqlite3.Error, UnicodeError) as cause:  # the last for a schema that is damaged
                raise self.error(cause) from None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction, synced to the disk when the block ends. A nested one joins the outer one."""
        with self.connection() as connection:
            if connection.in_transaction:
                yield connection
                return
            try:
                connection.execute("BEGIN IMMEDIATE")
                self._beginning()
                yield connection
                self._committing()
                connection.execute("COMMIT")
            except BaseException as error:
                self._roll_back(connection, error)
                raise
            finally:
                self._undoing.clear()

    def _roll_back(self, connection: sqlite3.Connection, error: BaseException) -> None:
        is_open = connection.in_transaction  # of some errors SQLite makes an end by itself
        if is_open or isinstance(error, Exception):  # an interrupt may come right after the commit
            self._undo()
        if is_open:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")

    def batch(self, functions: Sequence[Callable[[], Any]]) -> list[tuple[Any, Exception | None]]:
        """Run several functions in one transaction: a disk syncs once for all of them.

        Returns:
            What each has returned or raised; one that raises undoes what it has done itself, and nothing else.
        """
        ends: list[tuple[Any, Exception | None]] = []
        try:
            with self.transaction() as connection:
                for work in functions:
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
            return [(None, error)] * len(functions)
        return ends

    def snapshot(self, target: Path) -> None:
        """Write a consistent copy into a new file, while this process and others go on with the database.

        Raises:
            StoreError: it cannot be read, or the copy cannot be written.
        """
        with self.connection():  # which opens it, and brings it to this version
            pass
        try:
            with (
                fork_lock(),
                contextlib.closing(self._connected("mode=ro")) as source,
                contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy,
            ):
                source.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # so that it is one file
        except sqlite3.Error as cause:
            raise self.error(cause) from None

    def _connected(self, *options: str) -> sqlite3.Connection:
        query = "&".join([*options, *([f"vfs={self._vfs}"] if self._vfs else [])])
        return sqlite3.connect(
            f"{self.path.as_uri()}{'?' * bool(query)}{query}",
            timeout=_BUSY_TIMEOUT,
            isolation_level=None,
            check_same_thread=False,
            uri=True,
        )

    def error(self, cause: OSError | sqlite3.Error | UnicodeError) -> StoreError:
        """What a fault of the disk or of SQLite means for the store."""
        reason = os_reason(cause)
        advice = f"Free some space, or check its permissions; {step('store')} takes another folder."
        code, is_undecodable = getattr(cause, "sqlite_errorcode", 0), str(cause).startswith(_UNDECODABLE)
        if code in _DAMAGED or is_undecodable or isinstance(cause, UnicodeError):
            advice = f"Its database is damaged: move the folder away; {step('store')} takes a copy or another one."
        return StoreError(f"The store {self.path.parent.name}/ cannot be used: {reason}. {advice}", cause=cause)

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            self._close()

    def _file_replaced(self, connection: sqlite3.Connection) -> bool:
        """Whether the file that is open is no longer the one of that name."""
        if connection.in_transaction:
            return False
        try:
            now = self.path.stat()
        except OSError:
            return True
        return (now.st_dev, now.st_ino) != self._file

    def _open(self) -> None:
        if self._connection is not None:  # its file was replaced, perhaps by one that gets the same number
            self._announced = None
        self._close()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = self._connected()
        try:
            # Where there can be no write-ahead log, as on network drives, SQLite stays with its journal.
            with contextlib.suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = EXTRA")
            self._migrate(connection)
            file = self.path.stat()
            self._connection, self._file = connection, (file.st_dev, file.st_ino)
            now = (os.getpid(), *self._file)
            if now != self._announced:
                self._opened()
                self._announced = now
        except BaseException:
            connection.close()
            self._connection = None
            raise

    def _close(self) -> None:
        if self._connection is None:
            return
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                return
            self._connection.close()
        self._connection = None

    def _reset_after_fork(self) -> None:
        """Drop the lock, the transaction and the connection that were copied from the parent process."""
        self._lock, self._undoing = threading.RLock(), []
        if self._connection is not None:  # closing it would let go of the parent's locks
            self._inherited.append(self._connection)
            self._connection = None

    def _migrate(self, connection: sqlite3.Connection) -> None:
        while (version := connection.execute("PRAGMA user_version").fetchone()[0]) < len(MIGRATIONS):
            connection.execute("BEGIN IMMEDIATE")  # which closing the connection takes back, if anything goes wrong
            # Another process may have come first.
            if connection.execute("PRAGMA user_version").fetchone()[0] == version:
                for statement in MIGRATIONS[version]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        if version > len(MIGRATIONS):
            raise StoreError(
                f"The store {self.path.parent.name}/ was written by a newer decart_nb. Update this one, or give "
                f"another folder, {step('store')}; nothing was changed."
            )


_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
#: How Python's sqlite3 begins its error for damaged text in a row, which has no code.
_UNDECODABLE = "Could not decode to UTF-8"
