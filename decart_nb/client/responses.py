"""Reads the queue's responses: typed answers, errors with advice, and whether a failed call may be repeated."""

from __future__ import annotations

import contextlib
import email.utils
import http
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from .._util.text import printable
from ..errors import DecartSDKError, QueueSubmitError
from .addresses import host_and_port
from .bodies import read_head
from .failures import is_permanent, is_without_connection

#: Seconds after a submission in which a 404 is transient: the job may not have reached every server yet.
NOT_FOUND_GRACE = 30.0


@dataclass(frozen=True)
class JobSubmitResponse:
    """The answer to a submission: the job's id and its first status."""

    job_id: str
    status: str


@dataclass(frozen=True)
class JobStatusResponse:
    """A job's status: ``pending``, ``processing``, ``completed`` or ``failed``, or one that Decart has added since.

    ``reason`` is the service's reason for a failure, if it gives one. ``seconds`` is the job's approximate duration,
    set by :meth:`~decart_nb.client.queue.Queue.wait` where the polls can tell.
    """

    job_id: str
    status: str
    reason: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class QueueJobResultCompleted:
    """A finished job: ``data`` is the video's bytes."""

    job_id: str
    data: bytes = field(repr=False)
    status: Literal["completed"] = "completed"


@dataclass(frozen=True)
class QueueJobResultFailed:
    """A failed job: ``error`` is the service's reason."""

    job_id: str
    error: str
    status: Literal["failed"] = "failed"


QueueJobResult = QueueJobResultCompleted | QueueJobResultFailed
OnStatusChange = Callable[[JobStatusResponse], object]

#: The calls, as error messages name them.
SUBMIT, RESOLVE, STATUS, CONTENT = "submit job", "resolve model", "get job status", "get job content"

_MAX_ID_LENGTH = 512
_MAX_STATUS_LENGTH = 40
#: What a poll usually answers, which needs no cleaning.
_USUAL_STATUSES = ("pending", "processing", "completed", "failed")
_MAX_REASON_LENGTH = 1000
_MAX_EXCERPT_LENGTH = 300
#: Statuses of requests that the service rejects, however often they are sent.
_REJECTED = (400, 401, 403, 404, 410, 413, 422)
_BUSY = (429, 503)


async def json_object(error: type[DecartSDKError], doing: str, response: httpx.Response, key: str) -> dict[str, Any]:
    """Read a response's JSON object, which must have text or a number under a key.

    Raises:
        DecartSDKError: of the class ``error``; the response has no such object.
    """
    try:
        body = await read_head(response)
    except httpx.DecodingError as cause:
        raise unreadable_response_error(error, doing, response, str(cause)) from None
    answer = _object(body)
    if answer is not None and (value := answer.get(key)) and isinstance(value, (str, int)) and value is not True:
        return answer
    raise unreadable_response_error(error, doing, response, describe_body(response, body))


def describe_body(response: httpx.Response, body: bytes) -> str:
    """Describe an unexpected response body, for an error message."""
    page = "a web page" if body.lstrip()[:1] == b"<" else "not what the queue speaks"
    return f"the answer is {page}: {_text(body, _secrets(response)) or '(nothing)'}"


def identifier(error: type[DecartSDKError], doing: str, response: httpx.Response, value: Any) -> str:
    """Check an id or a model's name from the service: text that can be sent, stored and shown.

    Raises:
        DecartSDKError: of the class ``error``; it has unprintable characters, is too long, or contains the key.
    """
    name = str(value)
    if len(name) <= _MAX_ID_LENGTH and name == printable(name, secrets=_secrets(response)):
        return name
    said = printable(ascii(name), limit=_MAX_EXCERPT_LENGTH, secrets=_secrets(response))
    raise unreadable_response_error(error, doing, response, f"the answer has a name that cannot be used: {said}")


def status_word(response: httpx.Response, value: Any) -> str:
    """A job's status from a response, as printable text."""
    if value in _USUAL_STATUSES:
        return str(value)
    return printable(str(value), limit=_MAX_STATUS_LENGTH, secrets=_secrets(response)) or "unknown"


def unreadable_response_error(
    error: type[DecartSDKError], doing: str, response: httpx.Response, what: str
) -> DecartSDKError:
    """The error for a successful response with an unexpected body. A submission may have been accepted all the same.

    Args:
        error, doing, response: the error's class, what failed, and the response.
        what: what is wrong with the response.
    """
    data = {"status": response.status_code, "sent": True, "readable": False, "problem": "the answer cannot be read"}
    if error is QueueSubmitError:
        data["taken"] = "unknown"
    return error(
        f"Failed to {doing}: {response.status_code} - {what}{_by_proxy(response)}\n"
        "Something other than Decart's API may be answering there; check base_url and any proxy.",
        data,
    )


async def http_error(
    error: type[DecartSDKError],
    doing: str,
    response: httpx.Response,
    *,
    body_sent: Callable[[], bool] | None = None,
) -> DecartSDKError:
    """The error for a response whose status is not 2xx, with advice.

    Args:
        error, doing, response: the error's class, what failed, and the response.
        body_sent: called when the answer has been read; whether the whole request body had been sent.
    """
    status, body = response.status_code, b""
    with contextlib.suppress(httpx.HTTPError):  # the status tells enough where the body is lost
        body = await read_head(response)
    data = {"sent": True, **response_data(response)}
    if error is QueueSubmitError:
        is_sent = body_sent() if body_sent else True
        data |= _acceptance(status, _object(body), says_when="retry_after" in data, body_sent=is_sent)
    if status == 429:
        data["problem"] = "the queue says that there are too many requests (429)"
    said = _text(body, _secrets(response)) or _phrase(status)
    advice = _ADVICE_ON.get(doing, {}).get(status) or _ADVICE.get(status)
    if status >= 500:
        advice = "The server has a problem; try again later."
    elif 300 <= status < 400:
        to = response.headers.get("location", "")
        there = f" to {host_and_port(to)}" if "//" in to else ""
        advice = f"The address redirects{there}, and the API key is sent nowhere else; check base_url."
    if data.get("taken") == "unknown":
        advice = f"{advice or ''} {_MAY_BE_ACCEPTED}".strip()
    return error(f"Failed to {doing}: {status} - {said}{_by_proxy(response)}" + (f"\n{advice}" if advice else ""), data)


def response_data(response: httpx.Response) -> dict[str, Any]:
    """The ``data`` of an error from a response: ``status``, ``problem``, and ``retry_after`` if it has Retry-After."""
    seconds = _retry_after(response.headers.get("retry-after"))
    status = response.status_code
    known = {"status": status, "problem": f"{host_and_port(str(response.request.url))} answers {status}"}
    return known if seconds is None else known | {"retry_after": seconds}


_MAY_BE_ACCEPTED = "The job may have been taken all the same, so it is not submitted again automatically."
_ADVICE = {
    401: "The API key was refused. Check api_key, or DECART_API_KEY in the environment, for this address.",
    403: "The API key may not do this.",
    413: "The files are too large for the service.",
    429: "Too many requests at once; wait a little and try again.",
}
_NO_SUCH_MODEL = {
    404: "This queue has no model of that name; check the name, and base_url.",
    410: "The model is retired; choose one that is live.",
}
_ADVICE_ON = {
    SUBMIT: _NO_SUCH_MODEL,
    RESOLVE: _NO_SUCH_MODEL,
    STATUS: {410: "The queue has this job no longer."},
    CONTENT: {410: "The queue has this video no longer."},
}


def transport_error(
    error: type[DecartSDKError],
    doing: str,
    base_url: str,
    cause: BaseException,
    *,
    sent: bool,
    reason: str,
    problem: str,
    proxy: str | None = None,
) -> DecartSDKError:
    """The error for a call without a response; ``data["sent"]`` says whether the request may have been sent whole.

    Args:
        error, doing, base_url: the error's class, what failed, and the queue's address.
        cause: the exception of the transport.
        sent: whether the whole request may have been sent.
        reason: the cause as text.
        problem: the cause as a phrase for the retry line.
        proxy: the proxy that was used, if any.
    """
    data: dict[str, Any] = {"sent": sent, "problem": problem}
    if error is QueueSubmitError:
        data["taken"] = "unknown" if sent else "no"
    after = _MAY_BE_ACCEPTED if data.get("taken") == "unknown" else "Check the address and the network."
    return error(f"Failed to {doing}: no answer from {base_url}{via_proxy(proxy)} ({reason}). {after}", data, cause)


def via_proxy(proxy: str | None) -> str:
    """The proxy of a call, as a part of an error's sentence."""
    return f", by way of the proxy {proxy}" if proxy else ""


def input_file_error(error: type[DecartSDKError], doing: str, cause: BaseException, reason: str) -> DecartSDKError:
    """The error for a request that was not sent whole because an input file could not be read.

    Args:
        error, doing: the error's class, and what failed.
        cause: what reading the file raised.
        reason: the same as text.
    """
    data: dict[str, Any] = {"sent": False, "problem": f"an input file cannot be read ({reason})"}
    if error is QueueSubmitError:
        data["taken"] = "no"
    message = f"Failed to {doing}: an input file cannot be read to its end ({reason}). Check the file and submit again."
    return error(message, data, cause)


def _acceptance(status: int, answer: dict[str, Any] | None, *, says_when: bool, body_sent: bool) -> dict[str, Any]:
    """Whether a submission with an error status was ``taken``, and whether the answer is ``final``.

    There is no idempotency key, and a proxy may answer with an error although the service has accepted the job.
    """
    of_the_service = answer is not None and bool(answer.get("detail"))
    if of_the_service and status in _REJECTED:
        return {"taken": "no", "final": True}
    certain = status == 429 or (status == 503 and (says_when or of_the_service)) or not body_sent
    return {"taken": "no" if certain else "unknown", "final": status in _REJECTED or not certain}


def was_not_accepted(error: QueueSubmitError) -> bool:
    """Whether a failed submission certainly created no job."""
    return error.data.get("taken") == "no"


def is_safe_to_resubmit(error: QueueSubmitError) -> bool:
    """Whether a failed submission certainly created no job, and another attempt may succeed."""
    return was_not_accepted(error) and not error.data.get("final") and not is_permanent(error.cause)


def affects_all_submissions(error: QueueSubmitError) -> bool:
    """Whether a failed submission concerns all others too: the service is busy, or there is no connection."""
    return error.data.get("status") in _BUSY or (
        error.data.get("status") is None and is_without_connection(error.cause)
    )


def is_retryable(error: DecartSDKError) -> bool:
    """Whether a failed call that costs nothing may succeed when repeated."""
    return is_transient(error) and not is_permanent(error.cause)


def is_transient(error: DecartSDKError, elapsed: float = math.inf) -> bool:
    """Whether a failed poll, download or look-up may succeed when repeated.

    Args:
        error: the failure.
        elapsed: the seconds since the job was submitted: right after it, a 404 is transient.
    """
    status = error.data.get("status")
    if status is None or error.data.get("readable") is False or status >= 500:
        return True
    return status in (408, 425, 429) or (status == 404 and elapsed < NOT_FOUND_GRACE)


def _retry_after(value: str | None) -> float | None:
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        seconds = float(value)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    return None


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _secrets(response: httpx.Response) -> Iterable[str]:
    # A response may echo the request, and the key must not be shown.
    key = response.request.headers.get("X-API-KEY")
    return [key] if key else []


def _text(body: bytes, secrets: Iterable[str]) -> str:
    return printable(body.decode("utf-8", "replace"), limit=_MAX_EXCERPT_LENGTH, secrets=secrets)


def _phrase(status: int) -> str:
    try:
        return f"{http.HTTPStatus(status).phrase}, and nothing else"
    except ValueError:
        return "a status that HTTP does not know, and nothing else"


def _by_proxy(response: httpx.Response) -> str:
    proxy = response.request.extensions.get("proxy")
    return f" (by way of the proxy {proxy})" if proxy else ""


def reason_in(response: httpx.Response, answer: Mapping[str, Any]) -> str | None:
    """The reason for a failure from any of a response's usual fields, as one printable line."""
    for key in ("error", "reason", "message", "detail"):
        value = answer.get(key)
        if isinstance(value, Mapping):
            value = value.get("message") or value.get("detail")
        if value:
            return printable(str(value), limit=_MAX_REASON_LENGTH, secrets=_secrets(response)) or None
    return None
