"""Persistent job store: one SQLite database, and the video and input files. It is the only durable state.

A job is stored before its request is sent, and again after each answer, each time synced to the disk:

    planned → planned, and sent at a time → pending, with its id → completed, with its file
            → cancelled                   → rejected, uncertain  → failed, unreachable, expired

Several processes may work on one folder. A job that is under way is claimed by one of them, its holder; a lock that the
operating system releases when a process ends tells whether the holder is still there, and a token, which is checked in
the transaction that says that the job is about to be sent, whether the claim still stands.

What this process knows of the jobs that it is running is stored again where the store was removed, moved or full in
between.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import EllipsisType
from typing import Any

from .._util.files import fsync_directory
from ..errors import CapReachedError, StoreError
from .claims import ClaimLostError, Claims
from .database import Database
from .files import StoreFiles
from .job_row import UNDER_WAY, Record
from .jobs import JobTable
from .measurements import MeasurementTable
from .planned_jobs import NOT_SENT, PlannedJobs
from .ratings import RatingTable, Vote, judgement
from .sweeps import SweepTable

#: The digest of an input file, in the JSON of a job's files or of a sweep's definition.
_DIGEST = re.compile(r'"sha256": "([^"]+)"')

#: The name of the database in the store's folder.
DATABASE = "store.sqlite3"


class Store:
    """A store's folder: its jobs, sweeps, videos and input files.

    Its calls may come from any thread; each is on the disk when it returns.

    Args:
        folder: made where it is not there yet.
        vfs: the name of an SQLite VFS, such as ``unix-dotfile`` for a drive on which files cannot be locked.

    Attributes:
        database: its SQLite file.
        files: its videos and inputs.
        measurements: what metrics have measured of videos.

    Raises:
        StoreError: the folder cannot be written, or a newer version of this package has written it.
    """

    def __init__(self, folder: Path, *, vfs: str | None = None) -> None:
        self.folder = folder = folder.absolute()
        self.database = Database(
            folder / DATABASE, vfs, opened=self._opened, beginning=self._beginning, committing=self._sync_placed_videos
        )
        self._jobs = JobTable(self.database)
        self._sweeps = SweepTable(self.database)
        self.files = StoreFiles(folder)
        self._ratings = RatingTable(self.database)
        self.measurements = MeasurementTable(self.database)
        self._claims = Claims(folder / "holders", self._jobs, self.database.on_rollback)
        self._planned = PlannedJobs(self._jobs, self._claims, self.update)
        # By key, the jobs with changes that are not stored yet, and the claims by which they may be stored.
        self._unsaved: dict[str, tuple[Record, str | None]] = {}
        self._totals: dict[str, float] = {}  # by sweep, its cost so far, for a database that is made again
        self._placed = False
        with self.database.transaction():
            pass

    def batch(self, functions: Sequence[Callable[[], Any]]) -> list[tuple[Any, Exception | None]]:
        """Run several of the methods below in one transaction; see :meth:`decart_nb.store.database.Database.batch`."""
        return self.database.batch(functions)

    def enqueue(self, wanted: Record) -> Record:
        """Insert a planned job whose input files are still to be downloaded; :meth:`claim` replaces it."""
        with self.database.transaction():
            for record in self._jobs.read(f"request = ? AND {NOT_SENT}", [wanted.request]):
                if not self._claims.is_held(record):
                    return self._planned.take_over(record)[0]
            return self._jobs.insert(self._claims.take(wanted))

    def claim(
        self,
        wanted: Record,
        *,
        resubmit: Collection[str] = (),
        fresh: bool = False,
        exact: bool = False,
        seen: tuple[int, str] | None = None,
        cap: float | None = None,
        enqueued: Record | None = None,
    ) -> tuple[Record, bool]:
        """Insert the planned job of a request and claim it, or find the job that the request already has.

        Args:
            wanted: the planned job.
            resubmit: the statuses that are submitted again although they may have been paid for: ``uncertain``, whose
                submission had no answer; ``expired``, whose video the service no longer has.
            fresh: whether another take is wanted than those that there are.
            exact: whether this very take is wanted, and no other one in its place.
            seen: the row and the key of the latest job with this request and take that the caller has seen, ``(0, "")``
                for none. What has ended badly since then is not made again.
            cap: what all jobs of the sweep may cost together, in USD, as far as that is known.
            enqueued: the job that :meth:`enqueue` has inserted for the request; it is removed.

        Returns:
            The job as it now stands, and whether the caller has claimed it and runs it from there. The caller does not
            where it has ended, another holder runs it, or nobody knows whether its submission was accepted.

        Raises:
            CapReachedError: with this job, the sweep would cost more than the cap. Nothing was stored.
        """
        with self.database.transaction():
            if enqueued is not None:
                self.discard(enqueued)
            record, ours = self._planned.claim(wanted, resubmit, fresh, exact, seen)
            if ours and record.job_id is None and record.sweep is not None:
                self._check_cap(record, record.sweep, cap)
            return record, ours

    def take_over(self, record: Record) -> tuple[Record, bool]:
        """Take over a job whose holder has gone. Returns as :meth:`claim`."""
        with self.database.transaction():
            return self._planned.take_over(self.refreshed(record))

    def begin_submission(self, record: Record) -> None:
        """Store that a job is about to be sent: from here on the queue may accept it, and charge for it.

        Raises:
            ClaimLostError: another process has taken the job over meanwhile; nothing may be sent.
        """
        now = time.time()
        with self.database.transaction() as database:
            changed = database.execute(
                f"UPDATE jobs SET sent_at = ? WHERE row = ? AND key IS ? AND claim IS ? AND {NOT_SENT}",
                [now, record.row, record.key, record.claim],
            )
            if not changed.rowcount:
                raise ClaimLostError(
                    f"Another process has taken over the job in {self.folder.name}/; nothing was sent."
                )
        record.sent_at = now

    def update(self, record: Record, **changes: Any) -> None:
        """Change a record and store the changes; a status that ends the job also releases its claim.

        Changes that cannot be stored now are stored by the next transaction that can.
        """
        if changes.get("status", "pending") not in UNDER_WAY:
            changes = {"holder": None, "claim": None, "ended_at": time.time(), **changes}
        claim = record.claim
        for name, value in changes.items():
            setattr(record, name, value)
        try:
            with self.database.transaction():
                self.database.on_rollback(lambda: self.mark_unsaved(record, claim))
                self._jobs.write(record, changes, claim)
        except StoreError:
            self.mark_unsaved(record, claim)
            raise

    def mark_unsaved(self, record: Record, claim: str | None = None) -> None:
        """Keep a record in memory until the next transaction stores it whole.

        Args:
            record: the job.
            claim: the token of its claim, where the record has released that since.
        """
        _, before = self._unsaved.get(record.key, (record, None))
        self._unsaved[record.key] = record, claim or record.claim or before

    def flush(self) -> None:
        """Store the changes that could not be stored before."""
        if self._unsaved:
            with self.database.transaction():  # which begins with that
                pass

    def close(self) -> None:
        """Close the database, and remove this process's lock if it runs no jobs; the next call opens it again."""
        self.database.close()
        self._claims.close()

    def release(self, record: Record) -> None:
        """Release this process's claim on a job."""
        self._claims.drop(record)

    def adopt(self, record: Record) -> Record:
        """Insert a job of which only the id is known, and which no process has claimed."""
        record.request = f"job {record.job_id}"
        with self.database.transaction():
            return self._jobs.insert(record)

    def discard(self, record: Record) -> None:
        """Remove a job that was never submitted, or whose id the queue does not know."""
        with self.database.transaction():
            self._jobs.delete([record])
            self._claims.drop(record)

    def delete(self, records: Sequence[Record]) -> None:
        """Delete jobs with their videos and posters, and the input files that nothing else uses or is about to use."""
        with self.database.transaction() as database:
            # Only what still stands as it did when the caller looked.
            going = [record for record in records if (now := self._jobs.get(record)) and now.status == record.status]
            self._jobs.delete(going)
            for sweep in {record.sweep for record in going if record.sweep}:
                self._sweeps.forget_if_empty(sweep)
            left = database.execute("SELECT files, sha256 FROM jobs").fetchall()
        named, videos = [str(files) for files, _ in left], {sha256 for _, sha256 in left}
        kept = {digest for text in (*named, *self.sweeps().values()) for digest in _DIGEST.findall(text)}
        with self.database.connection():  # an OSError becomes a StoreError
            for record in going:
                self.files.remove_video(record.path, record.size_bytes)
            gone = {record.sha256 for record in going if record.sha256} | self.files.remove_inputs(kept)
            self.files.remove_posters(gone - videos - kept)

    def refreshed(self, record: Record) -> Record:
        """The job as the store has it now."""
        if found := self._jobs.get(record):
            return found
        if self._claims.holds(record) or record.key in self._unsaved:
            return record
        raise StoreError(self._missing_message)

    def find(self, **values: Any) -> list[Record]:
        """The jobs with these values, the oldest first."""
        self.flush()
        condition = " AND ".join(f"{name} = ?" for name in values) or "1"
        return self._jobs.read(condition, [*values.values()])

    def orphaned(self, endpoint: str) -> list[Record]:
        """The unfinished jobs of a queue whose holders have ended."""
        statuses = (*UNDER_WAY, "unreachable", "uncertain")
        # One that was made again is not left.
        again = "SELECT 1 FROM jobs AS later WHERE (later.request, later.take) = (jobs.request, jobs.take)"
        condition = f"endpoint = ? AND status IN {statuses} AND NOT EXISTS ({again} AND later.row > jobs.row)"
        return self._claims.orphans(self._jobs.read(condition, [endpoint]))

    def durations(self, model: str, endpoint: str, columns: Sequence[str] = ("took", "input_seconds")) -> list[Any]:
        """How long the last jobs of a model took, in seconds, each with the length of what it was made from."""
        return self._jobs.durations(model, endpoint, columns)

    def latest_by_request(
        self, requests: Collection[str], columns: Sequence[str]
    ) -> dict[tuple[str, int], tuple[Any, ...]]:
        """The latest job of each request and take.

        Returns:
            By request and take, the values of its latest job: the request, the take, the status, and these columns.
            Of a job that is under way again, its ``error`` is the one that it had the last time. One that was
            cancelled before its submission does not count where there was another before it. Other requests may be
            among them, where that is quicker.
        """
        found = self._jobs.latest_by_request(requests, columns)
        for record in self.unsaved:
            if record.request in requests:
                names = ("request", "take", "status", *columns)
                found[record.request, record.take] = tuple(getattr(record, name) for name in names)
        return found

    @property
    def unsaved(self) -> list[Record]:
        """The jobs with changes that the database could not take yet."""
        return [record for record, _ in self._unsaved.values()]

    def spent(self, sweep: str) -> tuple[float, int]:
        """What a sweep has cost in its whole life, in USD, and how many of its jobs have no known price.

        A job counts for what it was expected to cost, or has cost, whichever is more. Unfinished jobs count, and so do
        failed, uncertain and deleted ones; a job that was certainly not accepted does not, nor one that a process was
        about to submit when it ended.
        """
        with self.database.transaction():
            reserved = f"sweep = ? AND {NOT_SENT}"
            for holder in self._jobs.holders(reserved, [sweep]):
                if not self._claims.lock.is_alive(holder):
                    self._jobs.release(holder, reserved, [sweep])
            return self._sweeps.spent(sweep)

    def save_sweep(self, name: str, definition: str) -> None:
        """Store the definition of a sweep under its name, in place of an earlier one."""
        self._sweeps.save(name, definition)

    def sweeps(self) -> dict[str, str]:
        """The sweeps that were begun here, the oldest first: their definitions by their names."""
        return self._sweeps.definitions()

    def rate(
        self, record: Record, *, rating: int | EllipsisType | None = ..., note: str | EllipsisType | None = ...
    ) -> None:
        """Store a person's rating and note of a job, whichever process has claimed the job.

        Args:
            record: the job; where the database has another row for it, that one is found by its id or its video.
            rating: from 1 to 5; ``None`` takes it away. What is not given stays as it is.
            note: a text of at most 2000 characters; ``None`` or an empty one takes it away.

        Raises:
            InvalidInputError: the rating or the note is not valid.
            StoreError: the job is not in the store, or cannot be written.
        """
        changes = judgement(rating, note)
        with self.database.transaction():
            if not self._ratings.rate(self._jobs.find(record), changes):
                raise StoreError(self._missing_message)
        for name, value in changes.items():
            setattr(record, name, value)

    def add_vote(self, vote: Vote) -> int:
        """Store a vote between two clips, and return its id.

        Raises:
            InvalidInputError: it is not valid.
        """
        return self._ratings.add_vote(vote)

    def remove_vote(self, vote_id: int) -> None:
        """Remove the vote with an id, if it is there."""
        self._ratings.remove_vote(vote_id)

    def votes(self, by: str | None = None, rater: str | None = None) -> list[Vote]:
        """The votes, the oldest first: all, or those of one comparison (``Vote.by_column``), or of one rater."""
        return self._ratings.votes(by, rater)

    def video(self, record: Record) -> Path | None:
        """The path of a job's video, if the file is there and has the size that the record states."""
        return self.files.video(record.path, record.size_bytes)

    def place_video(self, arrived: Path) -> Path:
        """Move a video from the staging folder into the store's folder, synced, and return its path there."""
        with self.database.transaction():  # which syncs the folder before it commits what says that the video is there
            self._placed = True
            return self.files.place(arrived)

    def keep_input(self, file: Mapping[str, Any], content: Any) -> Path:
        """Store an input file, once for each content; see :meth:`decart_nb.store.files.StoreFiles.keep_input`."""
        try:
            return self.files.keep_input(file, content)
        except OSError as cause:
            raise self.database.error(cause) from None

    @property
    def holder(self) -> str:
        """The name of this process's lock, which is in the rows of the jobs that it has claimed."""
        with self.database.connection():
            return self._claims.lock.name

    @property
    def staging(self) -> Path:
        """A folder for incomplete files. After this process has ended, another one removes it."""
        with self.database.connection():
            return self._claims.lock.staging

    @property
    def _missing_message(self) -> str:
        return f"The job was pruned from the store {self.folder.name}/. Submit it again to have its video."

    def _check_cap(self, record: Record, sweep: str, cap: float | None) -> None:
        """Raise an error if a sweep costs more than its cap with a job that was just inserted."""
        self._totals[sweep] = self._sweeps.spent(sweep)[0]
        if cap is None or self._sweeps.is_within(cap, sweep, record.expected_cost):
            return
        self.spent(sweep)  # which releases what processes that have ended had reserved
        if not self._sweeps.is_within(cap, sweep, record.expected_cost):
            reason = f"The job was not submitted: with it, the sweep would cost more than ${cap:,g}."
            raise CapReachedError(f"{reason} Run the sweep with a larger max_cost to submit it.")

    def _beginning(self) -> None:
        """Renew this process's lock, and store unsaved changes: what each transaction begins with."""
        self._claims.renew_lock()
        written, self._unsaved = self._unsaved, {}
        self.database.on_rollback(lambda: self._unsaved.update(written))
        for record, claim in written.values():
            self._jobs.write_whole(record, claim)

    def _opened(self) -> None:
        """Take a lock in a database that was just opened, and insert the running jobs that it does not have."""
        self.files.prepare()
        if self._claims.open():
            self._unsaved, self._totals = {}, {}
        with self.database.transaction():
            self._claims.insert_running()
            for sweep, spent in self._totals.items():
                self._sweeps.raise_to(sweep, spent)

    def _sync_placed_videos(self) -> None:
        if self._placed:
            fsync_directory(self.folder)
            self._placed = False
