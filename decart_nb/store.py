"""What is remembered: every job from intent to file, in one folder. Nothing else remembers anything.

The folder holds a SQLite database, the videos, and ``inputs/``, where each input file lies once, under its digest.
A job is written down before the wire is used and after it has answered, each time synced to the disk:

    planned → planned, and sent at a time → pending, with its id → completed, with its file
                                                                 → failed, rejected, uncertain, unreachable, cancelled

Several kernels may work on one folder. What is under way belongs to one of them, its holder; a lock that the operating
system lets go of when a process ends tells whether the holder is still there.
"""

from __future__ import annotations

import contextlib
import filecmp
import itertools
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from operator import itemgetter
from pathlib import Path
from typing import Any

from .database import Database
from .durable import sync_folder
from .errors import CapReachedError, StoreError
from .holders import Holder
from .records import UNDER_WAY, Record

#: What the same request, made again, does not try anew.
_STANDS = (*UNDER_WAY, "completed", "unreachable", "uncertain")
#: What certainly was not taken, and costs nothing.
_FREE = ("rejected", "cancelled")
#: So many seconds an input is kept of which no job is known yet.
_JUST_NOW = 3600.0
_DIGEST = re.compile(r'"sha256": "([^"]+)"')
#: In USD, since sums of prices are not exact; no price is as low.
_TOLERANCE = 1e-6

_COLUMNS = [column.name for column in fields(Record) if column.name != "row"]
_AS_JSON = ("inputs", "files")


class Store:
    """The folder, and what it remembers. Its calls may come from any thread; each is on the disk when it returns.

    Args:
        folder: made where it is not there yet.
        vfs: SQLite's way to the disk, such as ``unix-dotfile`` for a drive on which files cannot be locked.

    Raises:
        StoreError: the folder cannot be written, or a newer version of this package has written it.
    """

    def __init__(self, folder: Path, *, vfs: str | None = None) -> None:
        self.folder = folder = folder.absolute()
        self._database = Database(
            folder / "store.sqlite3", vfs, opened=self._come_in, committing=self._sync_what_was_placed
        )
        self._holder: Holder | None = None
        self._held: list[Holder | None] = []
        self._carried: set[int] = set()  # the jobs of which this process really has somebody at work
        self._placed = False
        with self._database.speaking():
            (folder / "inputs").mkdir(parents=True, exist_ok=True)
            ignored = folder / ".gitignore"
            if not ignored.exists():
                ignored.write_text("# Videos and inputs do not belong into a repository.\n*\n", encoding="utf-8")
            with self._database.transaction():
                pass

    @property
    def database(self) -> Path:
        """The file that remembers."""
        return self._database.path

    def together(self, works: Sequence[Callable[[], Any]]) -> list[tuple[Any, Exception | None]]:
        """Does several of the things below in one transaction; see :meth:`decart_nb.database.Database.together`."""
        return self._database.together(works)

    # What a job goes through.

    def claim(
        self,
        wanted: Record,
        *,
        resubmit_uncertain: bool = False,
        fresh: bool = False,
        exact: bool = False,
        seen: int | None = None,
        cap: float | None = None,
    ) -> tuple[Record, bool]:
        """Writes an intent down, or finds that there is one already.

        Args:
            wanted: the intent.
            resubmit_uncertain: whether a submission whose answer was lost is made again.
            fresh: whether another take is wanted than those that there are.
            exact: whether this very take is wanted, and no other one in its place.
            seen: the number of the latest job with this request and take that the caller has seen, 0 for none. What has
                ended badly since then is not made again.
            cap: what all jobs of the intent's sweep may cost together, in USD, as far as that is known.

        Returns:
            The job as it now stands, and whether it is the caller's to carry on from there. It is not where it has
            ended, where another holder is at it, and where nobody knows whether its submission was taken.

        Raises:
            CapReachedError: with this job, the sweep would cost more than that. Nothing was written down.
        """
        with self._database.transaction() as database:
            found = self._read(f"request = ? AND status IN {_STANDS}", [wanted.request])
            standing = {record.take: record for record in found if not exact or record.take == wanted.take}
            if not fresh and standing:  # of two, the later
                # The first take; or, where that came to nothing, the latest one that is there.
                record, ours = self._take_over(standing.get(0) or standing[max(standing)])
                if ours and record.job_id is None and wanted.sweep is not None:  # whoever wrote it down, we pay for it
                    self._reserve(wanted, cap, own=record.row)
                    self.note(record, sweep=wanted.sweep, expected_cost=wanted.expected_cost)
                if record.status != "uncertain" or not resubmit_uncertain or (seen is not None and record.row > seen):
                    return record, ours
                wanted.take = record.take
            elif seen is not None and (
                ended := self._read(
                    "request = ? AND take = ? AND row > ? AND status = 'failed'", [wanted.request, wanted.take, seen]
                )
            ):
                return ended[-1], False
            elif fresh:
                (last,) = database.execute("SELECT max(take) FROM jobs WHERE request = ?", [wanted.request]).fetchone()
                wanted.take = 0 if last is None else last + 1
            self._reserve(wanted, cap)
            wanted.holder = self.holder
            self._carry(self._insert(wanted).row)
            return wanted, True

    def take_over(self, record: Record) -> tuple[Record, bool]:
        """Takes over a job whose holder has gone. Returns as :meth:`claim`."""
        with self._database.transaction():
            return self._take_over(self.get(record.row))

    def let_go(self, record: Record) -> None:
        """Says that nobody here is at a job any more, however that came about."""
        self._carried.discard(record.row)

    def adopt(self, record: Record) -> Record:
        """Writes down a job that is known by its id alone, and that nobody is at yet."""
        record.request = f"job {record.job_id}"
        with self._database.transaction():
            return self._insert(record)

    def note(self, record: Record, **changes: Any) -> None:
        """Writes changes down, and makes them in the record; a job that is no longer under way has no holder."""
        if changes.get("status", "pending") not in UNDER_WAY:
            changes = {"holder": None, "ended_at": time.time(), **changes}
        with self._database.transaction():
            self._write(record.row, **changes)
        for name, value in changes.items():
            setattr(record, name, value)

    # What can be asked.

    def get(self, row: int) -> Record:
        """The job of that number."""
        if found := self._read("row = ?", [row]):
            return found[0]
        raise StoreError(f"The job is no longer in the store {self.folder.name}/: somebody has pruned it.")

    def find(self, **values: Any) -> list[Record]:
        """The jobs with these values, the oldest first."""
        condition = " AND ".join(f"{name} = ?" for name in values) or "1"
        return self._read(condition, list(values.values()))

    def left(self, endpoint: str) -> list[Record]:
        """The jobs at a queue that nobody is at, although they have not ended: their holders have gone."""
        statuses = (*UNDER_WAY, "unreachable", "uncertain")
        # One that was made again is not left.
        again = "SELECT 1 FROM jobs AS later WHERE (later.request, later.take) = (jobs.request, jobs.take)"
        condition = f"endpoint = ? AND status IN {statuses} AND NOT EXISTS ({again} AND later.row > jobs.row)"
        found = self._read(condition, [endpoint])
        return [record for record in found if not self._somebody_is_at(record)]

    def durations(self, model: str, endpoint: str, last: int = 50) -> list[tuple[float, float | None]]:
        """How long the last jobs of a model took, in seconds, each with the length of what it was made from."""
        with self._database.speaking() as database:
            rows = database.execute(
                "SELECT took, input_seconds FROM jobs WHERE model = ? AND endpoint = ? AND took IS NOT NULL "
                "ORDER BY row DESC LIMIT ?",
                [model, endpoint, last],
            ).fetchall()
        return rows[::-1]

    def standing(self, requests: Collection[str], columns: Sequence[str]) -> dict[tuple[str, int], tuple[Any, ...]]:
        """How requests stand, many at once.

        Returns:
            By request and take, what there is of its latest job: the request, the take, the status, and these columns.
            Of a job that is under way again, its ``error`` is the one that it had the last time. One that was
            withdrawn does not count where there was another before it.
        """
        wanted = f"SELECT request, take, status, {', '.join(columns)} FROM jobs"
        error = 3 + list(columns).index("error") if "error" in columns else None
        with self._database.speaking() as database:
            (jobs,) = database.execute("SELECT count(*) FROM jobs").fetchone()
            some, which = "WHERE request IN (SELECT value FROM json_each(?))", [json.dumps(list(requests))]
            if len(requests) > jobs / 4:  # to read them all is quicker than to look for each
                some, which = "", []
            rows = database.execute(f"{wanted} {some} ORDER BY row", which).fetchall()
        found: dict[tuple[str, int], tuple[Any, ...]] = dict(zip(map(itemgetter(0, 1), rows), rows, strict=True))
        if len(found) == len(rows):  # of each there is but one
            return found
        found.clear()
        for row in rows:
            key, now = row[:2], row
            if key in found:
                if row[2] == "cancelled":
                    continue
                if error and row[2] in UNDER_WAY and row[error] is None:
                    now = (*row[:error], found[key][error], *row[error + 1 :])
            found[key] = now
        return found

    # Sweeps.

    def spent(self, sweep: str, *, but: int = 0) -> tuple[float, int]:
        """What a sweep has cost in its whole life, in USD, and how many of its jobs have no known price.

        It goes by what each was expected to cost. What is on its way counts, and so does what has failed, and what was
        perhaps taken, and what was pruned since; what was certainly not taken does not.

        Args:
            sweep: its name.
            but: the number of a job that is left out.
        """
        unsent = "status = 'planned' AND sent_at IS NULL"
        with self._database.speaking() as database:
            holders = database.execute(f"SELECT DISTINCT holder FROM jobs WHERE sweep = ? AND {unsent}", [sweep])
            gone = [name for (name,) in holders.fetchall() if not self._present().is_there(name)]
            spent, known, jobs = database.execute(
                "SELECT total(expected_cost), count(expected_cost), count(*) FROM jobs "
                f"WHERE sweep = ? AND row != ? AND status NOT IN {_FREE} "
                f"AND NOT ({unsent} AND holder IN (SELECT value FROM json_each(?)))",
                [sweep, but, json.dumps(gone)],
            ).fetchone()
            pruned = database.execute("SELECT pruned_cost FROM sweeps WHERE name = ?", [sweep]).fetchone()
        return spent + (pruned[0] if pruned else 0.0), jobs - known

    def keep_sweep(self, name: str, definition: str) -> None:
        """Writes down what a sweep is, over what its name meant before."""
        with self._database.transaction() as database:
            database.execute(
                "INSERT INTO sweeps (name, definition, begun_at) VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET definition = excluded.definition",
                [name, definition, time.time()],
            )

    def sweeps(self) -> dict[str, str]:
        """The sweeps that were begun here, the oldest first: their definitions by their names."""
        with self._database.speaking() as database:
            wanted = "SELECT name, definition FROM sweeps WHERE definition != '' ORDER BY begun_at, rowid"
            return dict(database.execute(wanted).fetchall())

    # Videos and inputs.

    def video(self, record: Record) -> Path | None:
        """The video's file, if there is one of that size."""
        path = self.folder / record.path if record.path else None
        try:
            return path if path and path.stat().st_size == record.size_bytes else None
        except OSError:
            return None

    def place(self, arrived: Path) -> Path:
        """Puts a video from the desk into the folder, under a name that nothing has yet, and syncs that.

        Returns:
            Where it lies now. What somebody has changed by hand under its own name stays.
        """
        with self._database.transaction():  # which syncs the folder before it commits what says that the video is there
            names = (f"-{number}" for number in itertools.count(2))
            for more in itertools.chain([""], names):
                target = self.folder / f"{arrived.stem}{more}{arrived.suffix}"
                if not target.exists():
                    arrived.replace(target)
                    break
                if filecmp.cmp(arrived, target, shallow=False):  # a kernel ended right after it had put it there
                    arrived.unlink()
                    break
            self._placed = True
        return target

    def forget(self, records: Sequence[Record]) -> None:
        """Removes jobs and their videos; and all inputs that nothing else was made from, or is just about to be."""
        with self._database.transaction() as database:
            # Only what still stands as it did when the caller looked.
            going = [record for record in records if self._read("row = ? AND status = ?", [record.row, record.status])]
            database.executemany("DELETE FROM jobs WHERE row = ?", [[record.row] for record in going])
            for record in going:
                if record.sweep and record.status not in _FREE:  # what was spent stays spent
                    paid = [record.expected_cost or 0.0, record.sweep]
                    database.execute("UPDATE sweeps SET pruned_cost = pruned_cost + ? WHERE name = ?", paid)
            for sweep in {record.sweep for record in going if record.sweep}:
                gone = "name = ? AND NOT EXISTS (SELECT 1 FROM jobs WHERE sweep = name)"
                database.execute(f"UPDATE sweeps SET definition = '' WHERE {gone}", [sweep])
            named = [files for (files,) in database.execute("SELECT files FROM jobs")]
        kept = {digest for text in (*named, *self.sweeps().values()) for digest in _DIGEST.findall(text)}
        with self._database.speaking():
            for record in going:
                if video := self.video(record):
                    video.unlink()
                    video.with_name(f"{video.name}.json").unlink(missing_ok=True)
            for path in (self.folder / "inputs").iterdir():
                # What was kept just now is for a job that will be written down next.
                if path.name.partition(".")[0] not in kept and path.stat().st_mtime < time.time() - _JUST_NOW:
                    path.unlink(missing_ok=True)

    def input(self, file: Mapping[str, Any]) -> Path:
        """Where an input lies, or would."""
        return self.folder / "inputs" / f"{file['sha256']}{Path(file['filename']).suffix[:16].lower()}"

    def keep_input(self, file: Mapping[str, Any], content: Any) -> Path:
        """Keeps an input, once.

        Args:
            file: its ``sha256`` and ``filename``.
            content: a binary stream of it.
        """
        target = self.input(file)
        if target.exists():
            with contextlib.suppress(OSError):  # it is needed, so it is not to be cleared away
                os.utime(target)
            return target
        partial = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
        with self._database.speaking():
            try:
                with partial.open("wb") as stream:
                    shutil.copyfileobj(content, stream, 2**20)
                    stream.flush()
                    os.fsync(stream.fileno())
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
        return target

    # Who works on what.

    @property
    def holder(self) -> str:
        """The name of this process among those that work on the folder."""
        return self._present().name

    @property
    def desk(self) -> Path:
        """Where this process puts what is not whole yet. When it has gone, another clears it."""
        assert self._holder is not None
        return self._holder.desk

    def _present(self) -> Holder:
        with self._database.speaking():
            assert self._holder is not None
            return self._holder

    def _somebody_is_at(self, record: Record) -> bool:
        if record.holder == self.holder:
            return record.row in self._carried
        return self._present().is_there(record.holder)

    def _take_over(self, record: Record) -> tuple[Record, bool]:
        if record.status in ("completed", "uncertain") or self._somebody_is_at(record):
            return record, False
        if record.status == "planned" and record.sent_at is not None:
            lost = "The kernel ended in the middle of the submission, so nobody knows whether it was taken."
            self.note(record, status="uncertain", error=lost)
            return record, False
        self.note(record, holder=self.holder, status="pending" if record.job_id else "planned")
        self._carry(record.row)
        return record, True

    def _carry(self, row: int) -> None:
        self._carried.add(row)
        self._database.if_undone(lambda: self._carried.discard(row))

    def _reserve(self, wanted: Record, cap: float | None, own: int = 0) -> None:
        """Makes sure that a job's sweep may cost as much more as that; ``own`` is the job's own row, if it has one."""
        if cap is not None and wanted.sweep is not None and wanted.expected_cost:
            spent, _ = self.spent(wanted.sweep, but=own)
            if spent + wanted.expected_cost > cap + _TOLERANCE:
                raise CapReachedError(f"The job was not submitted: with it, the sweep would cost more than ${cap:,g}.")

    # The database.

    def _read(self, condition: str, values: list[Any]) -> list[Record]:
        with self._database.speaking() as database:
            rows = database.execute(
                f"SELECT {', '.join(_COLUMNS)}, row FROM jobs WHERE {condition} ORDER BY row", values
            ).fetchall()
        return [_record(row) for row in rows]

    def _insert(self, record: Record) -> Record:
        values = _encoded({name: getattr(record, name) for name in _COLUMNS})
        with self._database.speaking() as database:
            places = ", ".join("?" * len(values))
            cursor = database.execute(f"INSERT INTO jobs ({', '.join(values)}) VALUES ({places})", [*values.values()])
        record.row = int(cursor.lastrowid or 0)
        return record

    def _write(self, row: int, **changes: Any) -> None:
        values = _encoded(changes)
        assignments = ", ".join(f"{name} = ?" for name in values)
        with self._database.speaking() as database:
            changed = database.execute(f"UPDATE jobs SET {assignments} WHERE row = ?", [*values.values(), row])
        if not changed.rowcount:
            raise StoreError(f"The job is no longer in the store {self.folder.name}/: somebody has pruned it.")

    def _come_in(self) -> None:
        """Takes a name among those that work on the folder, whenever the database has been opened."""
        if self._holder is not None:  # a fork's: kept, since its end would let go of the parent's lock
            self._held.append(self._holder)
            self._carried = set()
        self._holder = Holder(self.folder / "holders")

    def _sync_what_was_placed(self) -> None:
        if self._placed:
            sync_folder(self.folder)
            self._placed = False


def _encoded(values: Mapping[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:  # half a character, which a server may send, has no place in a database
        return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value

    return {name: json.dumps(value) if name in _AS_JSON else plain(value) for name, value in values.items()}


def _record(row: Sequence[Any]) -> Record:
    values = dict(zip([*_COLUMNS, "row"], row, strict=True))
    return Record(**{name: json.loads(value) if name in _AS_JSON else value for name, value in values.items()})
