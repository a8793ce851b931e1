"""Persistent job store: one SQLite database, and the video and input files. It is the only durable state.

A job is written down before the wire is used and after it has answered, each time synced to the disk:

    planned → planned, and sent at a time → pending, with its id → completed, with its file
            → cancelled                   → rejected, uncertain  → failed, unreachable, expired

Several processes may work on one folder. A job that is under way is claimed by one of them, its holder; a lock that the
operating system releases when a process ends tells whether the holder is still there, and a token, which is checked in
the transaction that says that the job is about to be sent, whether the claim still stands.

What this process knows of the jobs that it carries is written down again where the store was removed, moved or full in
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
from .intents import NOT_SENT, Intents
from .job_row import UNDER_WAY, Record
from .jobs import JobTable
from .measurements import MeasurementTable
from .ratings import RatingTable, Vote, judgement
from .sweeps import SweepTable

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
        self._intents = Intents(self._jobs, self._claims, self.update)
        # By key, the jobs of which the database has not heard the latest, and the claims by which they are written.
        self._unsaved: dict[str, tuple[Record, str | None]] = {}
        self._totals: dict[str, float] = {}  # what sweeps have cost so far, for a database that begins anew
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
                    return self._intents.take_over(record)[0]
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
        """Write an intent down, or find that there is one already.

        Args:
            wanted: the intent.
            resubmit: what is made again although it may have been paid for: ``uncertain``, a submission whose answer
                was lost; ``expired``, a video that the service no longer has.
            fresh: whether another take is wanted than those that there are.
            exact: whether this very take is wanted, and no other one in its place.
            seen: the row and the key of the latest job with this request and take that the caller has seen, ``(0, "")``
                for none. What has ended badly since then is not made again.
            cap: what all jobs of the intent's sweep may cost together, in USD, as far as that is known.
            enqueued: what :meth:`enqueue` has written down of the intent; it goes.

        Returns:
            The job as it now stands, and whether it is the caller's to carry on from there. It is not where it has
            ended, where another holder is at it, and where nobody knows whether its submission was taken.

        Raises:
            CapReachedError: with this job, the sweep would cost more than that. Nothing was written down.
        """
        with self.database.transaction():
            if enqueued is not None:
                self.discard(enqueued)
            record, ours = self._intents.claim(wanted, resubmit, fresh, exact, seen)
            if ours and record.job_id is None and record.sweep is not None:
                self._check_cap(record, record.sweep, cap)
            return record, ours

    def take_over(self, record: Record) -> tuple[Record, bool]:
        """Take over a job whose holder has gone. Returns as :meth:`claim`."""
        with self.database.transaction():
            return self._intents.take_over(self.refreshed(record))

    def begin_submission(self, record: Record) -> None:
        """Write down that a job is about to be sent: from here on it may be taken, and paid for.

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
        """Make changes in a record, and write them down; a job that is no longer under way has no holder.

        Changes that cannot be written now are written by the next transaction that can.
        """
        if changes.get("status", "pending") not in UNDER_WAY:
            changes = {"holder": None, "claim": None, "ended_at": time.time(), **changes}
        claim = record.claim
        for name, value in changes.items():
            setattr(record, name, value)
        try:
            with self.database.transaction():
                self.database.on_rollback(lambda: self.remember(record, claim))
                self._jobs.write(record, changes, claim)
        except StoreError:
            self.remember(record, claim)
            raise

    def remember(self, record: Record, claim: str | None = None) -> None:
        """Keep what is known of a job in memory, until the next transaction that can write it down.

        Args:
            record: the job.
            claim: the token of its claim, where the record has given that up since.
        """
        _, before = self._unsaved.get(record.key, (record, None))
        self._unsaved[record.key] = record, claim or record.claim or before

    def flush(self) -> None:
        """Write down what could not be before."""
        if self._unsaved:
            with self.database.transaction():  # which begins with that
                pass

    def close(self) -> None:
        """Close the database, and remove this process's lock if it carries no jobs; the next call opens it again."""
        self.database.close()
        self._claims.close()

    def release(self, record: Record) -> None:
        """Release this process's claim on a job, however that came about."""
        self._claims.drop(record)

    def adopt(self, record: Record) -> Record:
        """Insert a job of which only the id is known, and which no process has claimed."""
        record.request = f"job {record.job_id}"
        with self.database.transaction():
            return self._jobs.insert(record)

    def discard(self, record: Record) -> None:
        """Remove a job of which there is nothing to remember."""
        with self.database.transaction():
            self._jobs.delete([record])
            self._claims.drop(record)

    def delete(self, records: Sequence[Record]) -> None:
        """Remove jobs, their videos and posters; and inputs that nothing else was made from, or is just about to be."""
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
        raise StoreError(self._gone)

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
            By request and take, what there is of its latest job: the request, the take, the status, and these columns.
            Of a job that is under way again, its ``error`` is the one that it had the last time. One that was
            withdrawn does not count where there was another before it.
        """
        found = self._jobs.latest_by_request(requests, columns)
        for record in self.unsaved:
            if record.request in requests:
                told = ("request", "take", "status", *columns)
                found[record.request, record.take] = tuple(getattr(record, name) for name in told)
        return found

    @property
    def unsaved(self) -> list[Record]:
        """The jobs with changes that the database could not take yet."""
        return [record for record, _ in self._unsaved.values()]

    def spent(self, sweep: str) -> tuple[float, int]:
        """What a sweep has cost in its whole life, in USD, and how many of its jobs have no known price.

        A job counts for what it was expected to cost, or has cost, whichever is more. What is on its way counts, and
        so does what has failed, what was perhaps taken, and what was deleted since; what was certainly not taken does
        not, nor what a process was about to submit that has ended.
        """
        with self.database.transaction():
            reserved = f"sweep = ? AND {NOT_SENT}"
            for holder in self._jobs.holders(reserved, [sweep]):
                if not self._claims.lock.is_alive(holder):
                    self._jobs.release(holder, reserved, [sweep])
            return self._sweeps.spent(sweep)

    def keep_sweep(self, name: str, definition: str) -> None:
        """Write down what a sweep is, over what its name meant before."""
        self._sweeps.keep(name, definition)

    def sweeps(self) -> dict[str, str]:
        """The sweeps that were begun here, the oldest first: their definitions by their names."""
        return self._sweeps.definitions()

    def rate(
        self, record: Record, *, rating: int | EllipsisType | None = ..., note: str | EllipsisType | None = ...
    ) -> None:
        """Write down how a person has judged a job, whichever process carries it.

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
                raise StoreError(self._gone)
        for name, value in changes.items():
            setattr(record, name, value)

    def add_vote(self, vote: Vote) -> int:
        """Write down a vote between two clips, and return its id.

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
        """The video's file, if there is one of that size."""
        return self.files.video(record.path, record.size_bytes)

    def adopt_video(self, arrived: Path) -> Path:
        """Put a video from staging into the folder, under a name that nothing has yet, and sync that.

        Returns:
            Where it lies now.
        """
        with self.database.transaction():  # which syncs the folder before it commits what says that the video is there
            self._placed = True
            return self.files.place(arrived)

    def keep_input(self, file: Mapping[str, Any], content: Any) -> Path:
        """Keep an input, once; see :meth:`decart_nb.store.files.StoreFiles.keep_input`."""
        try:
            return self.files.keep_input(file, content)
        except OSError as cause:
            raise self.database.error(cause) from None

    @property
    def holder(self) -> str:
        """The name of this process among those that work on the folder."""
        with self.database.connection():
            return self._claims.lock.name

    @property
    def staging(self) -> Path:
        """A folder for incomplete files. After this process has ended, another one removes it."""
        with self.database.connection():
            return self._claims.lock.staging

    @property
    def _gone(self) -> str:
        return f"The job is no longer in the store {self.folder.name}/: somebody has pruned it."

    def _check_cap(self, record: Record, sweep: str, cap: float | None) -> None:
        """Make sure, after a job was written down, that its sweep does not cost more than it may."""
        self._totals[sweep] = self._sweeps.spent(sweep)[0]
        if cap is None or self._sweeps.is_within(cap, sweep, record.expected_cost):
            return
        self.spent(sweep)  # which releases what processes that have ended had reserved
        if not self._sweeps.is_within(cap, sweep, record.expected_cost):
            raise CapReachedError(f"The job was not submitted: with it, the sweep would cost more than ${cap:,g}.")

    def _beginning(self) -> None:
        """Make sure that others see that this process lives, and write down what could not be before."""
        self._claims.renew_lock()
        written, self._unsaved = self._unsaved, {}
        self.database.on_rollback(lambda: self._unsaved.update(written))
        for record, claim in written.values():
            self._jobs.write_whole(record, claim)

    def _opened(self) -> None:
        """Take a lock in a database, and bring along what this process knows: the store was removed or moved."""
        self.files.prepare()
        if self._claims.open():
            self._unsaved, self._totals = {}, {}
        with self.database.transaction():
            self._claims.write_down()
            for sweep, spent in self._totals.items():
                self._sweeps.raise_to(sweep, spent)

    def _sync_placed_videos(self) -> None:
        if self._placed:
            fsync_directory(self.folder)
            self._placed = False
