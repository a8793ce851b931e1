"""``client.queue``: submit jobs, poll them, and download their videos."""

from __future__ import annotations

import asyncio
import functools
import io
import os
import weakref
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from .._util.text import printable, short_repr
from ..errors import DecartSDKError, InvalidInputError, QueueResultError, QueueStatusError, QueueSubmitError
from ..request.locations import RemoteFile
from ..request.models import ModelDefinition
from ..request.request import Request, check_fetched, definition_of, prepare
from ..request.uploads import Upload
from . import download as transfers, remote_files, submission
from .addresses import content_path, job_path
from .download import Download
from .duration_estimate import Estimate
from .failures import is_unknown_host, reason_for
from .poll_scheduler import PollScheduler
from .polling import LIVE
from .responses import (
    RESOLVE,
    STATUS,
    JobStatusResponse,
    JobSubmitResponse,
    OnStatusChange,
    QueueJobResult,
    QueueJobResultCompleted,
    QueueJobResultFailed,
    identifier,
    is_retryable,
    json_object,
    reason_in,
    status_word,
)
from .retry import OnRetry, Patience, RetryState
from .submission_throttle import SubmissionThrottle
from .transport import Transport

_T = TypeVar("_T")

#: Time-out of a poll in seconds: its answer is a few bytes.
_POLL_TIMEOUT = 20.0


class Queue:
    """The calls for jobs: submit, poll, wait, download.

    Those that submit take the SDK's one dict of options, or keywords, or both.

    Args:
        transport: how the queue is reached.
        patience: retry limits and back-off.
    """

    def __init__(self, transport: Transport, patience: Patience) -> None:
        self._transport = transport
        self._patience = patience
        # Futures and timers belong to a loop, and a client in a notebook outlives many an asyncio.run().
        self._schedulers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, PollScheduler] = (
            weakref.WeakKeyDictionary()
        )
        self._throttles = weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, SubmissionThrottle]()

    async def submit(self, options: Mapping[str, Any] | None = None, /, **more: Any) -> JobSubmitResponse:
        """Submit a job.

        Args:
            options: ``model`` (from ``models.video(…)``, a name, or a :class:`ModelDefinition`) and the model's inputs.
            more: the same as keywords.

        Raises:
            ModelNotFoundError: no model has that name.
            InvalidInputError: the request would be refused. Nothing was sent.
            QueueSubmitError: the queue did not accept the job (``data["taken"]`` is ``"no"``), or it is not known
                whether it did (``"unknown"``).
        """
        inputs = _merged(options, more)
        inputs.pop("on_status_change", None)
        model = definition_of(inputs.pop("model", None))
        request = await _in_thread(model, None, prepare, model, inputs)
        return await self.submit_request(await self.fetch_inputs(request))

    async def fetch_inputs(
        self, request: Request, *, max_bytes: int = remote_files.MAX_BYTES, on_retry: OnRetry | None = None
    ) -> Request:
        """Download the input files that were given as URLs, with retries. Nothing is submitted yet.

        Args:
            request: from :func:`decart_nb.request.request.prepare`.
            max_bytes: the size limit of a file whose field has none.
            on_retry: called before each pause with what failed, and with ``None`` when the retries have ended.

        Raises:
            InvalidInputError: a file cannot be fetched, or is not what the model takes.
        """
        files: dict[str, Upload | RemoteFile] = {}
        for name, file in request.files.items():
            if not isinstance(file, RemoteFile):
                files[name] = file
                continue
            field = request.model.field_named(name)
            most = (field.max_bytes if field else None) or max_bytes
            attempt = functools.partial(remote_files.fetch, self._transport, request.model, name, file, max_bytes=most)
            files[name] = upload = await self._with_retry(
                attempt, lambda error: is_retryable(error) and not is_unknown_host(error.cause), on_retry
            )
            await _in_thread(request.model, name, check_fetched, request.model, name, upload)
        return replace(request, files=files)

    async def submit_request(
        self,
        request: Request,
        *,
        before_each: Callable[[], Awaitable[object]] | None = None,
        before_pause: Callable[[QueueSubmitError, float], Awaitable[object]] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        on_retry: OnRetry | None = None,
    ) -> JobSubmitResponse:
        """Submit a request from :func:`decart_nb.request.request.prepare`, completed by :meth:`fetch_inputs`.

        An attempt is repeated only if it was certainly not accepted: if not all of the request was sent, or the queue
        itself answered that it is busy. There are at most three retries, within the limit ``patience.submission``.

        Args:
            request: what to submit.
            before_each: awaited right before each attempt; from then on the job may be accepted. What it raises ends
                the submission.
            before_pause: awaited after each attempt that was certainly not accepted, with the error and the seconds
                until the next one. What it raises ends the submission.
            sleep: awaits the seconds until the next attempt; it may return early.
            on_retry: called before each pause with what failed, and with ``None`` when the retries have ended.

        Raises:
            QueueSubmitError: the queue did not accept the job, or its answer was lost.
        """
        return await submission.submit(
            self._transport,
            self._patience,
            self._throttle(),
            request,
            before_each=before_each,
            before_pause=before_pause,
            sleep=sleep,
            on_retry=on_retry,
        )

    def _throttle(self) -> SubmissionThrottle:
        loop = asyncio.get_running_loop()
        if loop not in self._throttles:
            scheduler = self._scheduler()
            self._throttles[loop] = SubmissionThrottle(self._patience, lambda: scheduler.in_flight)
        return self._throttles[loop]

    def replan_polls(self) -> None:
        """Poll jobs earlier that are due by a new estimate: the first end of a model's jobs tells of the others."""
        self._scheduler().replan()

    def _scheduler(self) -> PollScheduler:
        loop = asyncio.get_running_loop()
        if loop not in self._schedulers:
            self._schedulers[loop] = PollScheduler(self.status, self._patience)
        return self._schedulers[loop]

    async def _with_retry(
        self,
        attempt: Callable[[], Awaitable[_T]],
        may_work: Callable[[DecartSDKError], bool] = is_retryable,
        on_retry: OnRetry | None = None,
    ) -> _T:
        """Retry a call that costs nothing, within the limit ``patience.submission``."""
        submission_limit = self._patience.submission
        return await RetryState(self._patience, on_retry).run(
            attempt, lambda error: submission_limit if may_work(error) else None
        )

    async def resolve(self, model: str, *, on_retry: OnRetry | None = None) -> str:
        """Ask the service which model a name stands for now (``-latest`` names change), with retries.

        Args:
            model: the name.
            on_retry: called before each pause with what failed, and with ``None`` when the retries have ended.

        Raises:
            QueueStatusError: no answer, or an unreadable one.
        """

        async def asked() -> str:
            async with self._transport.call(
                QueueStatusError, RESOLVE, "POST", "/v1/models/resolve", json={"model": model}
            ) as response:
                answer = await json_object(QueueStatusError, RESOLVE, response, "model_id")
                return identifier(QueueStatusError, RESOLVE, response, answer["model_id"])

        return await self._with_retry(asked, on_retry=on_retry)

    async def status(self, job_id: str) -> JobStatusResponse:
        """Ask for a job's status, once.

        Raises:
            QueueStatusError: no answer, or an unreadable one.
        """
        path = job_path(job_id)
        async with self._transport.call(QueueStatusError, STATUS, "GET", path, within=_POLL_TIMEOUT) as response:
            answer = await json_object(QueueStatusError, STATUS, response, "status")
            return JobStatusResponse(job_id, status_word(response, answer["status"]), reason_in(response, answer))

    async def result(self, job_id: str, *, completed: bool = False, max_bytes: int = transfers.MAX_BYTES) -> bytes:
        """Download the finished video into memory, with retries.

        Args:
            job_id: the job.
            completed: whether the queue has said that the job is completed; then a 404, 409 or 410 comes from a server
                that lags behind, and is retried.
            max_bytes: the size limit where the server announces no length.

        Raises:
            QueueResultError: the job is not completed, or the download is incomplete.
        """
        stream = io.BytesIO()
        await transfers.receive(
            self._transport, self._patience, content_path(job_id), stream, completed=completed, max_bytes=max_bytes
        )
        return stream.getvalue()

    async def download(
        self,
        job_id: str,
        path: str | os.PathLike[str],
        *,
        completed: bool = False,
        check: Callable[[Path], object] | None = None,
        max_bytes: int = transfers.MAX_BYTES,
        temporary: bool = False,
        on_retry: OnRetry | None = None,
    ) -> Download:
        """Download the finished video to a file, with retries. The file appears only when it is complete and synced.

        Args:
            job_id: the job.
            path: the file; it is overwritten. Some space is always left free on its disk.
            completed, max_bytes: as for :meth:`result`.
            check: called on a thread with the complete file before it is renamed to ``path``. If it raises
                :class:`MediaError`, the video is downloaded again, until the same bytes have come twice.
            temporary: whether only the content is synced, and not the name: what follows gives the file another one.
            on_retry: called before each pause with what failed, and with ``None`` when the retries have ended.

        Raises:
            QueueResultError: the job is not completed, the download is incomplete, or the file cannot be written.
        """
        target = Path(path)
        try:
            return await transfers.download(
                self._transport,
                self._patience,
                content_path(job_id),
                target,
                completed=completed,
                check=check,
                max_bytes=max_bytes,
                temporary=temporary,
                on_retry=on_retry,
            )
        except DecartSDKError:
            raise
        except Exception as cause:  # noqa: BLE001 - the disk, threads, memory: a caller hears of one family of errors
            raise QueueResultError(
                f"The video of job {job_id} cannot be written to {printable(target.name)}: {reason_for(cause)}. "
                "It can still be fetched from the queue.",
                {"job_id": job_id},
                cause,
            ) from None

    async def submit_and_poll(
        self,
        options: Mapping[str, Any] | None = None,
        /,
        *,
        on_status_change: OnStatusChange | None = None,
        **more: Any,
    ) -> QueueJobResult:
        """Submit a job, wait for its end, and download the video. A failed job is returned, not raised.

        Args:
            options: as for :meth:`submit`, and ``on_status_change``.
            on_status_change: called with the ``job_id`` and ``status`` of the submission and then of every poll.
            more: the same as keywords.

        Raises:
            As :meth:`submit`, :meth:`wait` and :meth:`result`.
        """
        inputs = _merged(options, more)
        on_status_change = inputs.pop("on_status_change", None) or on_status_change
        job = await self.submit(inputs)
        if on_status_change:
            on_status_change(JobStatusResponse(job.job_id, job.status))
        end = await self.wait(job.job_id, on_status_change=on_status_change)
        if end.status == "failed":
            return QueueJobResultFailed(job.job_id, end.reason or "the service gave no reason.")
        return QueueJobResultCompleted(job.job_id, await self.result(job.job_id, completed=True))

    async def wait(
        self,
        job_id: str,
        *,
        on_status_change: OnStatusChange | None = None,
        estimate: Estimate = LIVE.prior,
        re_estimate: Callable[[], Awaitable[Estimate]] | None = None,
        eager: Callable[[], bool] | None = None,
        peers: Callable[[], int] | None = None,
        age: float = 0.0,
        just_submitted: bool = True,
        on_retry: OnRetry | None = None,
    ) -> JobStatusResponse:
        """Poll a job until it is completed or failed. Polls that fail for a transient reason are repeated.

        Args:
            job_id: the job.
            on_status_change: called with every poll's answer.
            estimate: of the job's duration; polls are timed by it.
            re_estimate: called after every poll, and by :meth:`replan_polls`, for a new estimate, since other jobs may
                have ended.
            eager: whether polls should be frequent until the service starts the job, since a caller waits for that.
            peers: counts the jobs in flight that take about as long. As long as nobody knows how long that is, each
                is polled less often, and :meth:`replan_polls` is to be called when the first has ended.
            age: the seconds since the submission.
            just_submitted: whether the first poll can wait for the estimate, and an early 404 is transient.
            on_retry: called before each pause with what failed, and with ``None`` when the retries have ended.

        Returns:
            The last status; ``seconds`` is the job's duration, where the polls can tell.

        Raises:
            QueueStatusError: a poll failed for a permanent reason.
            JobTimeoutError: the job has not ended within the ten minutes that Decart allows, or is older
                than fifteen and five polls in a row have failed.
        """
        throttle = self._throttle()
        try:
            return await self._scheduler().wait(
                job_id,
                estimate,
                re_estimate=re_estimate,
                eager=eager,
                peers=peers,
                age=age,
                just_submitted=just_submitted,
                on_status_change=on_status_change,
                on_retry=on_retry,
            )
        finally:
            throttle.job_ended()


async def _in_thread(model: ModelDefinition, name: str | None, function: Callable[..., _T], /, *args: Any) -> _T:
    """Read a model's inputs on a thread, with every failure as an error of our own family.

    Args:
        model: the model.
        name: the input, or ``None`` for all of them.
        function, args: what to call.

    Raises:
        InvalidInputError: no thread can be started, or the call fails with an exception of another library.
    """
    try:
        return await asyncio.to_thread(function, *args)
    except DecartSDKError:
        raise
    except Exception as cause:  # noqa: BLE001 - decoders, threads, memory: a caller hears of one family of errors
        what = f"{name} cannot be checked" if name else "the inputs cannot be read"
        raise InvalidInputError(
            f"Invalid inputs for {model.name}: {what} ({reason_for(cause)}).", {"fields": [name] if name else []}, cause
        ) from None


def _merged(options: Any, more: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs from the SDK's dict of options and from keywords."""
    if options is not None and not isinstance(options, Mapping):
        raise InvalidInputError(f"A job's inputs are given as a dict, or as keywords, not as {short_repr(options)}.")
    return {**(options or {}), **more}
