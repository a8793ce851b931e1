"""The jobs table of the store's database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from .database import Database
from .job_row import COLUMNS, JUDGED, STANDING, UNDER_WAY, Record, decoded, encoded

#: How many of a model's jobs tell how long the next one takes.
_LATEST = 50


class JobTable:
    """Queries and updates of the jobs table. It opens no transaction of its own.

    Args:
        database: where it is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, condition: str, values: Sequence[Any]) -> list[Record]:
        """The jobs that meet a condition in SQL, the oldest first."""
        with self._database.connection() as database:
            rows = database.execute(
                f"SELECT {', '.join(COLUMNS)}, row FROM jobs WHERE {condition} ORDER BY row", list(values)
            ).fetchall()
        return [decoded(row) for row in rows]

    def get(self, record: Record) -> Record | None:
        """The job as it is now; ``None`` where it is not there, as in another database."""
        found = self.read("row = ? AND key IS ?", [record.row, record.key]) or self.read("key = ?", [record.key])
        return found[0] if found else None

    def find(self, record: Record) -> list[Record]:
        """The rows of a job; where this database does not know it, those of the same id, or else of the same video."""
        if found := self.get(record):
            return [found]
        by_id = self.read("job_id = ? AND endpoint = ?", [record.job_id, record.endpoint]) if record.job_id else []
        return by_id or (self.read("sha256 = ?", [record.sha256]) if record.sha256 else [])

    def insert(self, record: Record) -> Record:
        """Add a job, and give it its number."""
        values = encoded({name: getattr(record, name) for name in COLUMNS})
        with self._database.connection() as database:
            places = ", ".join("?" * len(values))
            cursor = database.execute(f"INSERT INTO jobs ({', '.join(values)}) VALUES ({places})", [*values.values()])
        record.row = int(cursor.lastrowid or 0)
        return record

    def write(self, record: Record, changes: Mapping[str, Any], claim: str | None) -> None:
        """Store changes of a job.

        An id and a finished video are written whoever has claimed the job; the rest only where the claim stands. A job
        that is not there, since the store was removed in between, is added.

        Args:
            record: the job, with the changes in it.
            changes: the changed columns.
            claim: the token of who makes the changes.
        """
        values = encoded(changes)
        is_certain = changes.get("job_id") is not None or changes.get("status") == "completed"
        assignments = ", ".join(f"{name} = ?" for name in values)
        with self._database.connection() as database:
            if not database.execute(
                "SELECT 1 FROM jobs WHERE row = ? AND key IS ?", [record.row, record.key]
            ).fetchone():
                if (there := self.get(record)) is None:
                    self.insert(record)
                    return
                record.row = there.row  # which it has in a database that came back
            database.execute(
                f"UPDATE jobs SET {assignments} WHERE row = ? AND key IS ?{'' if is_certain else ' AND claim IS ?'}",
                [*values.values(), record.row, record.key, *([] if is_certain else [claim])],
            )

    def write_whole(self, record: Record, claim: str | None) -> None:
        """Store all columns of a job except its rating, which another process may have changed since."""
        self.write(record, {name: getattr(record, name) for name in COLUMNS if name not in JUDGED}, claim)

    def change_holder(self, before: str, after: str) -> None:
        """Give the jobs of a holder to another."""
        with self._database.connection() as database:
            database.execute("UPDATE jobs SET holder = ? WHERE holder = ?", [after, before])

    def holders(self, condition: str, values: Sequence[Any]) -> list[str]:
        """The holders of the jobs that meet a condition."""
        with self._database.connection() as database:
            rows = database.execute(
                f"SELECT DISTINCT holder FROM jobs WHERE holder IS NOT NULL AND ({condition})", list(values)
            )
            return [holder for (holder,) in rows]

    def release(self, holder: str, condition: str, values: Sequence[Any]) -> None:
        """Release a holder's claims on the jobs that meet a condition."""
        with self._database.connection() as database:
            database.execute(
                f"UPDATE jobs SET holder = NULL, claim = NULL WHERE holder = ? AND ({condition})", [holder, *values]
            )

    def delete(self, records: Iterable[Record]) -> None:
        """Remove jobs."""
        with self._database.connection() as database:
            database.executemany(
                "DELETE FROM jobs WHERE row = ? AND key IS ?", [[record.row, record.key] for record in records]
            )

    def durations(self, model: str, endpoint: str, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        """These columns of the last jobs of a model of which it is known how long they took."""
        with self._database.connection() as database:
            rows = database.execute(
                f"SELECT {', '.join(columns)} FROM jobs WHERE model = ? AND endpoint = ? AND typeof(took) = 'real' "
                "ORDER BY row DESC LIMIT ?",
                [model, endpoint, _LATEST],
            ).fetchall()
        return rows[::-1]

    def latest_by_request(
        self, requests: Collection[str], columns: Sequence[str]
    ) -> dict[tuple[str, int], tuple[Any, ...]]:
        """The latest job of each request and take; see :meth:`decart_nb.store.store.Store.latest_by_request`."""
        wanted = f"SELECT request, take, status, {', '.join(columns)} FROM jobs"
        error = 3 + list(columns).index("error") if "error" in columns else None
        with self._database.connection() as database:
            condition, values = _among(database, "request", requests)
            rows = database.execute(f"{wanted} WHERE {condition} ORDER BY row", values).fetchall()
        found: dict[tuple[str, int], tuple[Any, ...]] = dict(zip(map(itemgetter(0, 1), rows), rows, strict=True))
        if len(found) < len(rows):  # of some there are several
            found.clear()
            for row in rows:
                key, now = row[:2], row
                if key in found:
                    if row[2] == "cancelled":
                        continue
                    if error and row[2] in UNDER_WAY and row[error] is None:
                        now = (*row[:error], found[key][error], *row[error + 1 :])
                found[key] = now
        return found | self._latest_with_drawn_seed(requests, found, columns)

    def _latest_with_drawn_seed(
        self, requests: Collection[str], found: Mapping[tuple[str, int], tuple[Any, ...]], columns: Sequence[str]
    ) -> dict[tuple[str, int], tuple[Any, ...]]:
        """As :meth:`latest_by_request`, of requests whose seed was drawn for a request without one.

        Args:
            requests, columns: as there.
            found: the latest jobs of these requests themselves, which come first.
        """
        wanted = f"SELECT seeded_request, 0, status, {', '.join(columns)} FROM jobs"
        with self._database.connection() as database:
            if not database.execute("SELECT 1 FROM jobs WHERE seeded_request IS NOT NULL LIMIT 1").fetchone():
                return {}
            missing = {request for request in requests if found.get((request, 0), ("", 0, None))[2] not in STANDING}
            condition, values = _among(database, "seeded_request", missing)
            rows = database.execute(
                f"{wanted} WHERE {condition} AND status IN {STANDING} ORDER BY row", values
            ).fetchall()
        return {(row[0], 0): row for row in rows if row[0] in missing}


def _among(database: sqlite3.Connection, column: str, requests: Collection[str]) -> tuple[str, list[str]]:
    """A condition on the jobs with some requests, and its values; it may hold for all jobs, if that is quicker."""
    (jobs,) = database.execute(f"SELECT count({column}) FROM jobs WHERE {column} IS NOT NULL").fetchone()
    if len(requests) > jobs / 4:  # to read them all is quicker than to look for each
        return f"{column} IS NOT NULL", []
    return f"{column} IN (SELECT value FROM json_each(?))", [json.dumps(list(requests))]
