"""One submission: sent, and sent again only where the queue has certainly not taken it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInputError, QueueSubmitError
from ..request.request import Request
from ..request.uploads import Upload
from .failures import reason_for
from .responses import (
    SUBMIT,
    JobSubmitResponse,
    concerns_all,
    identifier,
    is_safe_to_resubmit,
    json_object,
    status_word,
)
from .retry import OnRetry, RetryState
from .submission_throttle import REPEATS, SubmissionThrottle

if TYPE_CHECKING:
    from .client import DecartClient

#: The pauses of a submission are spread over the time in which other calls are made many times: up to 1, 6 and 30 s.
_GROWTH = 6.0


async def submit(
    client: DecartClient,
    throttle: SubmissionThrottle,
    request: Request,
    *,
    before_each: Callable[[], Awaitable[object]] | None = None,
    before_pause: Callable[[QueueSubmitError, float], Awaitable[object]] | None = None,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    on_retry: OnRetry | None = None,
) -> JobSubmitResponse:
    """Submits a request, as :meth:`decart_nb.client.queue.Queue.submit_request` says.

    Args:
        client: whose connections and patience.
        throttle: what says when it may go out.
        request, before_each, before_pause, sleep, on_retry: as there.

    Raises:
        QueueSubmitError: the queue did not take the job, or its answer was lost.
    """
    state, rest = RetryState(client.patience, on_retry, growth=_GROWTH), 0.0
    try:
        while True:
            began = time.monotonic()
            try:
                async with throttle.turn(sleep, state.retry_line, rest=rest, refusals=state.failures):
                    state.exclude(max(0.0, time.monotonic() - began - rest))
                    async with client._turn("up") if request.files else contextlib.nullcontext():
                        if before_each:
                            await before_each()
                        return await _send(client, request)
            except QueueSubmitError as error:
                if not is_safe_to_resubmit(error) or state.failures >= REPEATS:
                    raise
                pause = state.next_delay(error, client.patience.submission)
                if before_pause:
                    await before_pause(error, pause)
                rest = pause if concerns_all(error) else 0.0
            if not rest:
                await sleep(pause)
    finally:
        state.retry_line.clear()


async def _send(client: DecartClient, request: Request) -> JobSubmitResponse:
    taken: JobSubmitResponse | None = None
    with contextlib.ExitStack() as stack:
        # Text goes as parts without a file name, so that the body is multipart also when there is no file.
        parts: dict[str, Any] = {name: (None, text) for name, text in request.form().items()}
        for name, upload in request.files.items():
            assert isinstance(upload, Upload)
            try:
                stream = stack.enter_context(upload.open())
            except OSError as cause:
                raise InvalidInputError(f"{name} cannot be read any more: {reason_for(cause)}.", cause=cause) from None
            parts[name] = (upload.filename, stream, upload.media_type)
        try:
            async with client._call(QueueSubmitError, SUBMIT, "POST", request.model.url_path, files=parts) as response:
                answer = await json_object(QueueSubmitError, SUBMIT, response, "job_id")
                job_id = identifier(QueueSubmitError, SUBMIT, response, answer["job_id"])
                taken = JobSubmitResponse(job_id, status_word(response, answer.get("status", "pending")))
        except QueueSubmitError:
            if taken is None:  # else only the connection broke, after the answer: its id must not be lost
                raise
    assert taken is not None
    return taken
