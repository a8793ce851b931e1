"""Submission of claimed jobs: the only code path by which a job reaches a queue."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from dataclasses import replace

from .._util.interface_names import step
from ..client.client import DecartClient
from ..client.responses import was_not_accepted
from ..errors import DecartSDKError, JobCancelledError, QueueSubmitError, StoreError
from ..request.models import ModelDefinition
from ..request.request import Request
from ..store.claims import ClaimLostError
from ..store.job_row import Record
from ..store.store import Store
from .event_loop import Writer
from .job import Job, JobUpdates

#: Seconds after which a pause notices that the job was cancelled.
_TICK = 0.5
#: Seconds until the store is asked again to store an id.
_PAUSES = (0.2, 1.0, 5.0, 0.0)


class JobSubmission:
    """Submits a job that this process has claimed.

    Right before each attempt, one transaction checks that the claim still stands and stores that the job is being
    sent; whatever the claim has reserved in a budget is reserved as long as it stands.

    Args:
        client: how the queue is reached.
        store: where jobs and videos are stored.
        writer: runs calls of the store on a thread.
    """

    def __init__(self, client: DecartClient, store: Store, writer: Writer) -> None:
        self._client, self._store, self._writer = client, store, writer

    async def submit(
        self,
        job: Job,
        record: Record,
        request: Request,
        on_rejected: Callable[[QueueSubmitError], object] | None = None,
    ) -> None:
        """Submit a job, and store its id.

        Args:
            job: the job to update.
            record: its row in the store.
            request: with its files kept in the store.
            on_rejected: called with every submission that was certainly not accepted and will be made again.

        Raises:
            ClaimLostError: another process has taken the job over; nothing was sent.
            JobCancelledError: it was cancelled before it was sent.
            QueueSubmitError: the queue did not take it, or its answer was lost.
            StoreError: the queue has accepted it, and its id cannot be stored.
        """
        updates = JobUpdates(job)

        async def before_each() -> None:
            if updates.cancel_requested:
                raise JobCancelledError("The job was withdrawn before it was submitted.")
            await self._writer.write(functools.partial(self._store.begin_submission, record), gather=True)
            if not updates.begin_submission():  # it was cancelled just now
                raise JobCancelledError("The job was withdrawn before it was submitted.")

        async def before_pause(error: QueueSubmitError, seconds: float) -> None:
            updates.end_submission()
            await self._update(record, sent_at=None)  # it was certainly not taken
            if on_rejected:
                on_rejected(error)

        async def sleep(seconds: float) -> None:
            until = time.monotonic() + seconds
            # An event would have to be set from any thread, on this loop.
            while not updates.cancel_requested and (left := until - time.monotonic()) > 0:  # noqa: ASYNC110
                await asyncio.sleep(min(left, _TICK))

        model = _addressed(request.model, record.model)
        try:
            submitted = await self._client.queue.submit_request(
                replace(request, model=model),
                before_each=before_each,
                before_pause=before_pause,
                sleep=sleep,
                on_retry=updates.retry,
            )
        except ClaimLostError:
            raise
        except JobCancelledError as error:
            await self._update(record, status="cancelled", sent_at=None, error=error.message)
            raise
        except QueueSubmitError as error:
            status = "rejected" if was_not_accepted(error) else "uncertain"
            await self._update(record, status=status, error=error.message)
            raise
        except DecartSDKError as error:  # nothing was sent: an input can no longer be read
            await self._update(record, status="rejected", error=error.message)
            raise
        except Exception as error:
            await self._update(record, status="uncertain", error=f"{type(error).__name__}: {error}")
            raise
        record.submitted_at = time.time()
        await self._store_id(job, record, submitted.job_id)

    async def _store_id(self, job: Job, record: Record, job_id: str) -> None:
        """Store the id of a job, and set it on the job; where the store cannot be written, as soon as it can be.

        Raises:
            QueueSubmitError: it is the id of another job: both would be answered with one video.
            StoreError: the store cannot be written.
        """
        facts = {"status": "pending", "job_id": job_id, "submitted_at": record.submitted_at}

        def write_unless_known() -> bool:
            others = self._store.find(job_id=job_id, endpoint=record.endpoint)
            if any(other.key != record.key and other.submitted_at for other in others):
                return False
            self._store.update(record, **facts)
            return True

        for pause in _PAUSES:
            try:
                accepted = await self._writer.write(write_unless_known)
                break
            except StoreError as error:
                record.job_id = job_id
                self._store.mark_unsaved(record)  # whatever the disk does now
                JobUpdates(job).submitted(job_id)
                if not pause:
                    record.status, record.error = "unreachable", error.message
                    hint = (
                        f"Job {job_id} was submitted. As long as this process lives its id is stored as soon as that "
                        f"is possible; keep its id for {step('attach', id=job_id)}."
                    )
                    raise StoreError(f"{error.message}\n{hint}", {"job_id": job_id}, error.cause) from None
            await asyncio.sleep(min(pause, self._client.patience.longest))
        if not accepted:
            message = f"The queue answered with the id of another job, {job_id}: what it made of this one is not known."
            await self._update(record, status="uncertain", error=message)
            raise QueueSubmitError(message, {"sent": True, "taken": "unknown", "job_id": job_id})
        JobUpdates(job).submitted(job_id)

    async def _update(self, record: Record, **changes: object) -> None:
        await self._writer.write(functools.partial(self._store.update, record, **changes))


def _addressed(model: ModelDefinition, resolved: str) -> ModelDefinition:
    """The model under the name that was found for it, so that nothing moves between the two."""
    return model if model.alias_of is None else replace(model, name=resolved, url_path=f"/v1/jobs/{resolved}")
