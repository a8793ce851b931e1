"""The queue's calls: submit, ask, wait, fetch; and the sending of files from disk, from memory and from URLs."""

from __future__ import annotations

import asyncio
import functools
import io
import os
import weakref
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from .._util.text import printable, short_repr
from ..errors import DecartSDKError, InvalidInputError, QueueResultError, QueueStatusError, QueueSubmitError
from ..request.catalogue import models
from ..request.locations import RemoteFile
from ..request.models import ModelDefinition
from ..request.request import Request, check_fetched, prepare
from ..request.uploads import Upload
from . import download as transfers, duration_estimate as polling, remote_files, submission
from .download import Download
from .duration_estimate import Estimate
from .failures import is_unknown_host, reason_for
from .poll_scheduler import PollScheduler
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
from .retry import OnRetry, RetryState
from .submission_throttle import SubmissionThrottle

if TYPE_CHECKING:
    from .client import DecartClient

_T = TypeVar("_T")

#: How a job stands is a few bytes: an answer that takes more seconds has got lost.
_STALLED = 20.0


class Queue:
    """The queue: ``client.queue``. Every call takes the SDK's one dict of options, or keywords, or both."""

    def __init__(self, client: DecartClient) -> None:
        self._client = client
        # Turns belong to a loop, and a client in a notebook outlives many an asyncio.run().
        self._schedulers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, PollScheduler] = (
            weakref.WeakKeyDictionary()
        )
        self._throttles = weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, SubmissionThrottle]()

    async def submit(self, options: Mapping[str, Any] | None = None, /, **more: Any) -> JobSubmitResponse:
        """Submits a job.

        Args:
            options: ``model`` (from ``models.video(…)``, a name, or a :class:`ModelDefinition`) and the model's inputs.
            more: the same as keywords.

        Raises:
            ModelNotFoundError: no model has that name.
            InvalidInputError: the request would be refused. Nothing was sent.
            QueueSubmitError: the queue did not take the job (``data["taken"]`` is ``"no"``), or nobody can say whether
                it did (``"unknown"``).
        """
        inputs = _together(options, more)
        inputs.pop("on_status_change", None)
        model = model_of(inputs.pop("model", None))
        request = await asyncio.to_thread(prepare, model, inputs)
        return await self.submit_request(await self.fetch_inputs(request))

    async def fetch_inputs(
        self, request: Request, *, max_bytes: int = remote_files.MAX_BYTES, on_retry: OnRetry | None = None
    ) -> Request:
        """Fetches the files that were given as URLs, again and again for as long as the client has patience.

        Nothing is submitted yet.

        Args:
            request: what :func:`decart_nb.request.request.prepare` has read.
            max_bytes: the most bytes of a file whose model has no bound of its own.
            on_retry: called before a pause with what does not work, and with ``None`` when it works again.

        Raises:
            InvalidInputError: a file cannot be fetched, or is not what the model takes.
        """
        files: dict[str, Upload | RemoteFile] = {}
        for name, file in request.files.items():
            if not isinstance(file, RemoteFile):
                files[name] = file
                continue
            spec = next((spec for spec in request.model.fields or () if spec.name == name), None)
            most = (spec.max_bytes if spec else None) or max_bytes
            attempt = functools.partial(remote_files.fetch, self._client, request.model, name, file, max_bytes=most)
            files[name] = upload = await self._patiently(
                attempt, lambda error: is_retryable(error) and not is_unknown_host(error.cause), on_retry
            )
            try:
                await asyncio.to_thread(check_fetched, request.model, name, upload)
            except DecartSDKError:
                raise
            except Exception as cause:  # noqa: BLE001 - decoders, threads, memory: a caller hears of one family of errors
                raise InvalidInputError(
                    f"Invalid inputs for {request.model.name}: {name} cannot be looked at ({reason_for(cause)}).",
                    {"fields": [name]},
                    cause,
                ) from None
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
        """Submits what :func:`decart_nb.request.request.prepare` has read and :meth:`fetch_inputs` has completed.

        It is submitted again, three times at most, and for as long as the client has patience, only where it certainly
        was not taken: where not all of it went out, or the queue itself answered that it is busy.

        Args:
            request: what to submit.
            before_each: awaited right before every attempt: from here on the job may be taken. What it raises ends the
                submission.
            before_pause: awaited with the error after every attempt that certainly was not taken, and the seconds until
                the next one. What it raises ends the submission.
            sleep: what waits so many seconds until the next attempt; it may cut that short.
            on_retry: called before a pause with what does not work, and with ``None`` when it works again.

        Raises:
            QueueSubmitError: the queue did not take the job, or its answer was lost.
        """
        return await submission.submit(
            self._client,
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
            self._throttles[loop] = SubmissionThrottle(self._client.patience, lambda: scheduler.under_way)
        return self._throttles[loop]

    def _scheduler(self) -> PollScheduler:
        loop = asyncio.get_running_loop()
        if loop not in self._schedulers:
            self._schedulers[loop] = PollScheduler(self.status, self._client.patience)
        return self._schedulers[loop]

    async def _patiently(
        self,
        attempt: Callable[[], Awaitable[_T]],
        may_work: Callable[[DecartSDKError], bool] = is_retryable,
        on_retry: OnRetry | None = None,
    ) -> _T:
        """Does, for as long as the client has patience, what nobody pays for and what may work the next time."""
        state = RetryState(self._client.patience, on_retry)
        try:
            while True:
                try:
                    return await attempt()
                except DecartSDKError as error:
                    if not may_work(error):
                        raise
                    pause = state.next_delay(error, self._client.patience.submission)
                await asyncio.sleep(pause)
        finally:
            state.retry_line.clear()

    async def resolve(self, model: str, *, on_retry: OnRetry | None = None) -> str:
        """What a model's name means to the service today: ``-latest`` names move.

        It is asked again for as long as the client has patience.

        Args:
            model: the name.
            on_retry: called before a pause with what does not work, and with ``None`` when it works again.

        Raises:
            QueueStatusError: no answer, or none that can be read.
        """

        async def asked() -> str:
            async with self._client._call(
                QueueStatusError, RESOLVE, "POST", "/v1/models/resolve", json={"model": model}
            ) as response:
                answer = await json_object(QueueStatusError, RESOLVE, response, "model_id")
                return identifier(QueueStatusError, RESOLVE, response, answer["model_id"])

        return await self._patiently(asked, on_retry=on_retry)

    async def status(self, job_id: str) -> JobStatusResponse:
        """Asks how a job stands.

        Raises:
            QueueStatusError: no answer, or none that can be read.
        """
        path = _job_path(job_id)
        async with self._client._call(QueueStatusError, STATUS, "GET", path, within=_STALLED) as response:
            answer = await json_object(QueueStatusError, STATUS, response, "status")
            return JobStatusResponse(job_id, status_word(response, answer["status"]), reason_in(response, answer))

    async def result(self, job_id: str, *, completed: bool = False, max_bytes: int = transfers.MAX_BYTES) -> bytes:
        """The finished video.

        Args:
            job_id: the job.
            completed: whether the queue has said that the job is completed, so that a refusal for being too early, or
                unknown, comes from a server that has not heard of that, and passes.
            max_bytes: the most that is taken where the server does not announce the video's length.

        Raises:
            QueueResultError: the job is not completed, or the video did not come whole.
        """
        stream = io.BytesIO()
        await transfers.receive(self._client, _content_path(job_id), stream, completed=completed, max_bytes=max_bytes)
        return stream.getvalue()

    async def download(
        self,
        job_id: str,
        path: str | os.PathLike[str],
        *,
        completed: bool = False,
        check: Callable[[Path], object] | None = None,
        max_bytes: int = transfers.MAX_BYTES,
        on_retry: OnRetry | None = None,
    ) -> Download:
        """Streams the finished video to a file, which has its name only when it is whole and on the disk.

        Args:
            job_id: the job.
            path: the file; it is overwritten. Its disk is never filled to the last.
            completed, max_bytes: as for :meth:`result`.
            check: called on a thread with the whole file before it has its name. A :class:`MediaError` from it says
                that this is no video: it is fetched again, until the same bytes have come twice.
            on_retry: called before a pause with what does not work, and with ``None`` when it works again.

        Raises:
            QueueResultError: the job is not completed, the video did not come whole, or the file cannot be written.
        """
        target = Path(path)
        try:
            return await transfers.download(
                self._client,
                _content_path(job_id),
                target,
                completed=completed,
                check=check,
                max_bytes=max_bytes,
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
        """Submits a job and waits for its end. A failed job is returned, not raised.

        Args:
            options: as for :meth:`submit`, and ``on_status_change``.
            on_status_change: called with the submission's and then every poll's ``job_id`` and ``status``.
            more: the same as keywords.

        Raises:
            As :meth:`submit`, :meth:`wait` and :meth:`result`.
        """
        inputs = _together(options, more)
        told = inputs.pop("on_status_change", None) or on_status_change
        job = await self.submit(inputs)
        if told:
            told(JobStatusResponse(job.job_id, job.status))
        end = await self.wait(job.job_id, on_status_change=told)
        if end.status == "failed":
            return QueueJobResultFailed(job.job_id, end.reason or "the service gave no reason.")
        return QueueJobResultCompleted(job.job_id, await self.result(job.job_id, completed=True))

    async def wait(
        self,
        job_id: str,
        *,
        on_status_change: OnStatusChange | None = None,
        estimate: Estimate = polling.LIVE,
        expect: Callable[[], Awaitable[Estimate]] | None = None,
        soon: Callable[[], bool] | None = None,
        age: float = 0.0,
        fresh: bool = True,
        on_retry: OnRetry | None = None,
    ) -> JobStatusResponse:
        """Polls a job until it is completed or failed. A poll that fails for a passing reason fails nothing.

        Args:
            job_id: the job.
            on_status_change: called with every poll's answer.
            estimate: how long the job may take.
            expect: asked after every poll for how long it may take by then, since others may have ended.
            soon: whether somebody waits for the service to begin with the job, and it is worth looking.
            age: how many seconds ago it was submitted.
            fresh: whether that was just now, so that there is no hurry to ask, and an early 404 means nothing yet.
            on_retry: called before a pause with what does not work, and with ``None`` when it works again.

        Returns:
            How it ended; ``seconds`` says after how long, as far as the polls can tell.

        Raises:
            QueueStatusError: the queue refuses to tell, for a reason that will not pass.
            JobTimeoutError: the job has not ended within the ten minutes after which Decart fails it, or nothing has
                answered until well beyond them.
        """
        throttle = self._throttle()
        try:
            return await self._scheduler().wait(
                job_id,
                estimate,
                expect=expect,
                soon=soon,
                age=age,
                fresh=fresh,
                told=on_status_change,
                on_retry=on_retry,
            )
        finally:
            throttle.job_ended()


def _together(options: Any, more: Mapping[str, Any]) -> dict[str, Any]:
    """What was given as the SDK's dict of options, and as keywords."""
    if options is not None and not isinstance(options, Mapping):
        raise InvalidInputError(f"A job's inputs are given as a dict, or as keywords, not as {short_repr(options)}.")
    return {**(options or {}), **more}


def model_of(model: Any) -> ModelDefinition:
    """The definition that a caller meant, by name or as itself.

    Raises:
        InvalidInputError: it is neither.
        ModelNotFoundError: no model has that name.
    """
    if isinstance(model, ModelDefinition):
        return model
    if isinstance(model, str):
        return models.video(model)
    given = "no model was given" if model is None else f"model is a {type(model).__name__}"
    raise InvalidInputError(f'{given}; give models.video("…"), a name, or a ModelDefinition.')


def _job_path(job_id: str) -> str:
    if not isinstance(job_id, str) or not job_id:
        raise InvalidInputError(f"A job's id is a text that is not empty, not {job_id!r:.60}.")
    try:
        quoted = quote(job_id, safe="")
    except UnicodeError:
        raise InvalidInputError(f"The job id {job_id!a:.60} has half of a character in it.") from None
    if set(job_id) == {"."}:  # which URLs take for this folder, or the one above it
        quoted = quoted.replace(".", "%2E")
    return f"/v1/jobs/{quoted}"


def _content_path(job_id: str) -> str:
    return f"{_job_path(job_id)}/content"
