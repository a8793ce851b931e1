"""Planned jobs: finds the stored job with the same request or inserts one, and claims it for this process."""

from __future__ import annotations

from collections.abc import Callable, Collection

from .claims import Claims
from .job_row import STANDING, Record
from .jobs import JobTable

#: The condition on a job that nobody has begun to submit.
NOT_SENT = "status = 'planned' AND sent_at IS NULL"
#: What is not taken over, since nothing more comes of it.
_OVER = ("completed", "uncertain", "failed")


class PlannedJobs:
    """Finds or inserts the job of a request, and claims it for this process. It opens no transaction of its own.

    Args:
        jobs: the table of jobs.
        claims: the claims of this process.
        update: stores changes of a job.
    """

    def __init__(self, jobs: JobTable, claims: Claims, update: Callable[..., None]) -> None:
        self._jobs, self._claims, self._update = jobs, claims, update

    def claim(
        self, wanted: Record, resubmit: Collection[str], fresh: bool, exact: bool, seen: tuple[int, str] | None
    ) -> tuple[Record, bool]:
        """Find the job that a request already has, or insert one; see :meth:`decart_nb.store.store.Store.claim`."""
        found = self._jobs.read(
            f"request = ? AND status IN {STANDING} AND (take = ? OR NOT ?)", [wanted.request, wanted.take, exact]
        )
        standing = {record.take: record for record in found}
        if 0 not in standing and not (exact and wanted.take):
            # A request without a seed, for which this very one was drawn.
            seeded = [record for record in self._seeded(wanted) if record.status in STANDING]
            standing.update((0, record) for record in seeded)
        # In another database, what was seen has another number, or is not there.
        after = seen[0] if seen and self._jobs.read("row = ? AND key IS ?", seen) else 0
        if not fresh and standing:  # of two, the later
            # The first take; or, where that came to nothing, the latest one that is there.
            record = standing.get(0) or standing[max(standing)]
            ours, is_news = False, seen is not None and record.row > after
            if record.status not in resubmit:
                record, ours = self.take_over(record)
            if ours and record.job_id is None:  # whoever inserted it, we pay for it
                record.sweep, record.expected_cost = wanted.sweep, wanted.expected_cost
                paid = {"sweep": wanted.sweep, "expected_cost": wanted.expected_cost}
                self._jobs.write(record, paid, record.claim)
            if record.status not in resubmit or is_news:
                return record, ours
            wanted.take = record.take
        elif seen is not None and (
            ended := self._jobs.read(
                "request = ? AND take = ? AND row > ? AND status = 'failed'", [wanted.request, wanted.take, after]
            )
        ):
            return ended[-1], False
        elif fresh:
            takes = [record.take for record in self._jobs.read("request = ?", [wanted.request])]
            wanted.take = max([*takes, *(0 for _ in self._seeded(wanted))], default=-1) + 1
        return self._jobs.insert(self._claims.take(wanted)), True

    def _seeded(self, wanted: Record) -> list[Record]:
        """The jobs whose request has no seed, and whose drawn seed is the one that the planned job's request gives."""
        return self._jobs.read("seeded_request = ?", [wanted.request])

    def take_over(self, record: Record) -> tuple[Record, bool]:
        """Claim a job that no process is running; see :meth:`decart_nb.store.store.Store.take_over`."""
        if record.status in _OVER or self._claims.is_held(record):
            return record, False
        if record.status == "planned" and record.job_id is None and record.sent_at is not None:
            lost = "The process ended in the middle of the submission, so nobody knows whether it was taken."
            self._update(record, status="uncertain", error=lost)
            return record, False
        before = record.claim
        record.status = "pending" if record.job_id else "planned"
        self._claims.take(record)
        self._jobs.write(record, {name: getattr(record, name) for name in ("holder", "claim", "status")}, before)
        return record, True
