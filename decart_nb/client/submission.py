"""Submits one job, and retries only what the queue has certainly not accepted."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

from ..errors import DecartSDKError, InvalidInputError, QueueSubmitError
from ..request.request import Request
from ..request.uploads import Upload
from .failures import reason_for
from .responses import (
    SUBMIT,
    JobSubmitResponse,
    affects_all_submissions,
    identifier,
    is_safe_to_resubmit,
    json_object,
    status_word,
)
from .retry import OnRetry, Patience, RetryState
from .submission_throttle import MAX_RETRIES, SubmissionThrottle
from .transport import Transport

#: A submission has few retries, so its pauses grow faster than those of other calls: up to 1, 6 and 30 s.
_GROWTH = 6.0


async def submit(
    transport: Transport,
    patience: Patience,
    throttle: SubmissionThrottle,
    request: Request,
    *,
    before_each: Callable[[], Awaitable[object]] | None = None,
    before_pause: Callable[[QueueSubmitError, float], Awaitable[object]] | None = None,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    on_retry: OnRetry | None = None,
) -> JobSubmitResponse:
    """Submit a request; see :meth:`decart_nb.client.queue.Queue.submit_request`.

    Args:
        transport: how the queue is reached.
        patience: retry limits and back-off.
        throttle: delays the attempts while the service accepts none.
        request, before_each, before_pause, sleep, on_retry: as for ``submit_request``.

    Raises:
        QueueSubmitError: the queue did not take the job, or its answer was lost.
    """
    state, throttle_delay = RetryState(patience, on_retry, growth=_GROWTH), 0.0

    async def attempt() -> JobSubmitResponse:
        began = time.monotonic()
        async with throttle.slot(sleep, state.retry_line, delay=throttle_delay, rejections=state.failures):
            state.exclude(max(0.0, time.monotonic() - began - throttle_delay))
            async with transport.limit("upload") if request.files else contextlib.nullcontext():
                if before_each:
                    await before_each()
                return await _send(transport, request)

    def limit(error: DecartSDKError) -> float | None:
        is_over = not isinstance(error, QueueSubmitError) or not is_safe_to_resubmit(error)
        return None if is_over or state.failures >= MAX_RETRIES else patience.submission

    async def pause(error: DecartSDKError, delay: float) -> None:
        nonlocal throttle_delay
        assert isinstance(error, QueueSubmitError)
        if before_pause:
            await before_pause(error, delay)
        throttle_delay = delay if affects_all_submissions(error) else 0.0
        if not throttle_delay:  # else the throttle waits
            await sleep(delay)

    return await state.run(attempt, limit, pause)


async def _send(transport: Transport, request: Request) -> JobSubmitResponse:
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
            async with transport.call(
                QueueSubmitError, SUBMIT, "POST", request.model.url_path, files=parts
            ) as response:
                answer = await json_object(QueueSubmitError, SUBMIT, response, "job_id")
                job_id = identifier(QueueSubmitError, SUBMIT, response, answer["job_id"])
                taken = JobSubmitResponse(job_id, status_word(response, answer.get("status", "pending")))
        except QueueSubmitError:
            if taken is None:  # else only the connection broke, after the answer: its id must not be lost
                raise
    assert taken is not None
    return taken
