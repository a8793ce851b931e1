"""The queue's calls: submit, ask, wait, fetch; and the sending of files from disk, from memory and from URLs."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import os
import tempfile
import weakref
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from urllib.parse import quote, unquote, urlsplit

import httpx

from . import polling, transfers
from .answers import (
    RESOLVE,
    STATUS,
    SUBMIT,
    JobStatusResponse,
    JobSubmitResponse,
    OnStatusChange,
    QueueJobResult,
    QueueJobResultCompleted,
    QueueJobResultFailed,
    facts,
    is_of_the_wire,
    is_unknown_host,
    json_object,
    may_be_asked_again,
    may_be_repeated,
    reason_in,
    root_of,
    why,
)
from .catalogue import ModelDefinition, models
from .errors import DecartSDKError, InvalidInputError, QueueResultError, QueueStatusError, QueueSubmitError
from .inputs import Upload
from .locations import Remote
from .patience import Attempts
from .polling import Estimate
from .request import Request, check_fetched, prepare
from .scheduler import Scheduler
from .transfers import Download
from .values import shown

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
        self._schedulers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Scheduler] = weakref.WeakKeyDictionary()

    async def submit(self, options: Mapping[str, Any] | None = None, /, **more: Any) -> JobSubmitResponse:
        """Submits a job.

        Args:
            options: ``model`` (from ``models.video(…)``, a name, or a :class:`ModelDefinition`) and the model's inputs.
            more: the same as keywords.

        Raises:
            ModelNotFoundError: no model has that name.
            InvalidInputError: the request would be refused. Nothing was sent.
            QueueSubmitError: the queue did not take the job, or its answer was lost: see ``data["sent"]``.
        """
        inputs = _together(options, more)
        inputs.pop("on_status_change", None)
        model = model_of(inputs.pop("model", None))
        request = await asyncio.to_thread(prepare, model, inputs)
        return await self.submit_request(await self.fetch(request))

    async def fetch(self, request: Request) -> Request:
        """Fetches the files that were given as URLs, again and again for as long as the client has patience.

        Nothing is submitted yet.

        Raises:
            InvalidInputError: a file cannot be fetched, or is not what the model takes.
        """
        files: dict[str, Upload | Remote] = {}
        for name, file in request.files.items():
            if not isinstance(file, Remote):
                files[name] = file
                continue
            attempt = functools.partial(self._fetched, request.model, name, file)
            files[name] = upload = await self._patiently(
                attempt, lambda error: may_be_asked_again(error) and not is_unknown_host(error.cause)
            )
            await asyncio.to_thread(check_fetched, request.model, name, upload)
        return replace(request, files=files)

    async def submit_request(
        self,
        request: Request,
        *,
        before_each: Callable[[], Awaitable[object]] | None = None,
        before_pause: Callable[[QueueSubmitError, float], Awaitable[object]] | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> JobSubmitResponse:
        """Submits what :func:`decart_nb.request.prepare` has read and :meth:`fetch` has completed.

        It is submitted again, for as long as the client has patience, only where it certainly was not taken: where not
        all of it went out, or the queue answered 429 or 503.

        Args:
            request: what to submit.
            before_each: awaited right before every attempt: from here on the job may be taken. What it raises ends the
                submission.
            before_pause: awaited with the error after every attempt that certainly was not taken, and the seconds until
                the next one. What it raises ends the submission.
            sleep: what waits so many seconds until the next attempt; it may cut that short.

        Raises:
            QueueSubmitError: the queue did not take the job, or its answer was lost.
        """
        attempts = Attempts(self._client.patience)
        while True:
            try:
                async with self._client._turn("up") if request.files else contextlib.nullcontext():
                    if before_each:
                        await before_each()
                    return await self._submitted(request)
            except QueueSubmitError as error:
                if not may_be_repeated(error):
                    raise
                pause = attempts.pause(error, self._client.patience.submission)
                if before_pause:
                    await before_pause(error, pause)
            await sleep(pause)

    async def _patiently(
        self,
        attempt: Callable[[], Awaitable[_T]],
        may_work: Callable[[DecartSDKError], bool] = may_be_asked_again,
    ) -> _T:
        """Does, for as long as the client has patience, what nobody pays for and what may work the next time."""
        attempts = Attempts(self._client.patience)
        while True:
            try:
                return await attempt()
            except DecartSDKError as error:
                if not may_work(error):
                    raise
                pause = attempts.pause(error, self._client.patience.submission)
            await asyncio.sleep(pause)

    async def _submitted(self, request: Request) -> JobSubmitResponse:
        with contextlib.ExitStack() as stack:
            # Text goes as parts without a file name, so that the body is multipart also when there is no file.
            parts: dict[str, Any] = {name: (None, text) for name, text in request.form().items()}
            for name, upload in request.files.items():
                assert isinstance(upload, Upload)
                try:
                    stream = stack.enter_context(upload.open())
                except OSError as cause:
                    raise InvalidInputError(f"{name} cannot be read any more: {cause.strerror}.", cause=cause) from None
                parts[name] = (upload.filename, stream, upload.media_type)
            async with self._client._call(
                QueueSubmitError, SUBMIT, "POST", request.model.url_path, files=parts
            ) as response:
                answer = await json_object(QueueSubmitError, SUBMIT, response, "job_id")
        return JobSubmitResponse(str(answer["job_id"]), str(answer.get("status", "pending")))

    async def resolve(self, model: str) -> str:
        """What a model's name means to the service today: ``-latest`` names move.

        It is asked again for as long as the client has patience.

        Raises:
            QueueStatusError: no answer, or none that can be read.
        """

        async def asked() -> str:
            async with self._client._call(
                QueueStatusError, RESOLVE, "POST", "/v1/models/resolve", json={"model": model}
            ) as response:
                return str((await json_object(QueueStatusError, RESOLVE, response, "model_id"))["model_id"])

        return await self._patiently(asked)

    async def status(self, job_id: str) -> JobStatusResponse:
        """Asks how a job stands.

        Raises:
            QueueStatusError: no answer, or none that can be read.
        """
        path = _job_path(job_id)
        async with self._client._call(QueueStatusError, STATUS, "GET", path, within=_STALLED) as response:
            answer = await json_object(QueueStatusError, STATUS, response, "status")
        return JobStatusResponse(job_id, str(answer["status"]), reason_in(answer))

    async def result(self, job_id: str, *, completed: bool = False) -> bytes:
        """The finished video.

        Args:
            job_id: the job.
            completed: whether the queue has said that the job is completed, so that a refusal for being too early, or
                unknown, comes from a server that has not heard of that, and passes.

        Raises:
            QueueResultError: the job is not completed, or the video did not come whole.
        """
        stream = io.BytesIO()
        await transfers.receive(self._client, _content_path(job_id), stream, completed=completed)
        return stream.getvalue()

    async def download(
        self,
        job_id: str,
        path: str | os.PathLike[str],
        *,
        completed: bool = False,
        check: Callable[[Path], object] | None = None,
    ) -> Download:
        """Streams the finished video to a file, which has its name only when it is whole and on the disk.

        Args:
            job_id: the job.
            path: the file; it is overwritten.
            completed: as for :meth:`result`.
            check: called on a thread with the whole file before it has its name. A :class:`MediaError` from it says
                that this is no video: it is fetched again, until the same bytes have come twice.

        Raises:
            QueueResultError: the job is not completed, the video did not come whole, or the file cannot be written.
        """
        target = Path(path)
        try:
            return await transfers.download(
                self._client, _content_path(job_id), target, completed=completed, check=check
            )
        except OSError as cause:
            raise QueueResultError(
                f"The video of job {job_id} cannot be written to {target.name}: {cause.strerror or cause}. "
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

        Returns:
            How it ended; ``seconds`` says after how long, as far as the polls can tell.

        Raises:
            QueueStatusError: the queue refuses to tell, for a reason that will not pass.
            JobTimeoutError: the job has not ended within the ten minutes after which Decart fails it, or nothing has
                answered until well beyond them.
        """
        schedulers, loop = self._schedulers, asyncio.get_running_loop()
        if loop not in schedulers:
            schedulers[loop] = Scheduler(self.status, self._client.patience)
        return await schedulers[loop].wait(
            job_id, estimate, expect=expect, soon=soon, age=age, fresh=fresh, told=on_status_change
        )

    async def _fetched(self, model: ModelDefinition, name: str, file: Remote) -> Upload:
        """A file input that was given as a URL, streamed to a temporary file; one attempt."""
        address = urlsplit(file.url)
        filename = unquote(Path(address.path).name) or name
        data: dict[str, Any] = {"fields": [name]}
        try:
            with tempfile.TemporaryFile() as spool:
                async with self._client._turn("in"), asyncio.timeout(self._client.timeout.total):
                    await self._spool(httpx.URL(file.url), spool)
                spool.seek(0)
                return await asyncio.to_thread(Upload.spooled, filename, spool)
        except Exception as cause:
            root = root_of(cause)
            if isinstance(cause, httpx.HTTPStatusError):
                reason = f"the server answered {cause.response.status_code}"
                data |= facts(cause.response)
            elif is_of_the_wire(cause):
                reason = why(root)
            elif isinstance(cause, OSError):  # no room for it
                reason = f"it cannot be kept: {cause.strerror or cause}"
            else:
                raise
            shown_as = f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path}"
            raise InvalidInputError(
                f"Invalid inputs for {model.name}: {name} cannot be fetched from {shown_as} ({reason}).", data, root
            ) from None

    async def _spool(self, url: httpx.URL, spool: BinaryIO) -> None:
        auth = (url.username, url.password) if url.username else None
        connections = await self._client._connections()
        async with connections.stream(  # without the key, which is Decart's business alone
            "GET", url.copy_with(userinfo=b""), auth=auth, follow_redirects=True
        ) as response:
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                spool.write(chunk)


def _together(options: Any, more: Mapping[str, Any]) -> dict[str, Any]:
    """What was given as the SDK's dict of options, and as keywords."""
    if options is not None and not isinstance(options, Mapping):
        raise InvalidInputError(f"A job's inputs are given as a dict, or as keywords, not as {shown(options)}.")
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
    return f"/v1/jobs/{quote(job_id, safe='')}"


def _content_path(job_id: str) -> str:
    return f"{_job_path(job_id)}/content"
