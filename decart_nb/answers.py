"""What comes back from the wire, and what it means: an answer, a refusal, or nothing at all."""

from __future__ import annotations

import contextlib
import email.utils
import json
import math
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx

from . import polling
from .errors import DecartSDKError, QueueSubmitError


@dataclass(frozen=True)
class JobSubmitResponse:
    """The answer to a submission."""

    job_id: str
    status: str


@dataclass(frozen=True)
class JobStatusResponse:
    """How a job stands: ``pending``, ``processing``, ``completed`` or ``failed``, or a word Decart has added since.

    ``reason`` is what the service says about a failure, where it says anything. ``seconds`` is about how long the job
    took, once it has been waited for, and where the polls can tell.
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
    """A job that the service gave up on: ``error`` is its reason."""

    job_id: str
    error: str
    status: Literal["failed"] = "failed"


QueueJobResult = QueueJobResultCompleted | QueueJobResultFailed
OnStatusChange = Callable[[JobStatusResponse], object]

_ENOUGH = 2**16


def pieces(response: httpx.Response) -> AsyncIterator[bytes]:
    """An answer's body as it comes. What is not compressed goes past httpx's decoders: they cost as much as reading."""
    stream = response.stream
    if isinstance(stream, httpx.AsyncByteStream) and "content-encoding" not in response.headers:
        return aiter(stream)
    return response.aiter_bytes()


async def beginning(response: httpx.Response) -> bytes:
    """An answer's body, or as much of it as tells what it is: whoever sends more than that is not the queue."""
    body = bytearray()
    async for chunk in pieces(response):
        body += chunk
        if len(body) > _ENOUGH:
            break
    return bytes(body)


async def json_object(error: type[DecartSDKError], doing: str, response: httpx.Response, key: str) -> dict[str, Any]:
    """The answer's JSON object, which must have text or a number under that key."""
    body = await beginning(response)
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict) and answer.get(key) and isinstance(answer[key], (str, int)):
        return answer
    raise unreadable(error, doing, response, body)


def unreadable(error: type[DecartSDKError], doing: str, response: httpx.Response, body: bytes) -> DecartSDKError:
    """The error that an answer stands for which is not what was asked for; of its body the beginning will do."""
    page = "a web page" if body.lstrip()[:1] == b"<" else "not what the queue speaks"
    return error(
        f"Failed to {doing}: {response.status_code} - the answer is {page}: {_excerpt(response, body)}\n"
        "Something other than Decart's API may be answering there; check base_url and any proxy.",
        {"status": response.status_code, "sent": True, "readable": False},
    )


async def refusal(error: type[DecartSDKError], doing: str, response: httpx.Response) -> DecartSDKError:
    """The error that an answer other than 2xx stands for, with what to do about it."""
    status, body = response.status_code, b""
    with contextlib.suppress(httpx.HTTPError):  # it is a refusal also where the rest of it is lost
        body = await beginning(response)
    advice = _ADVICE_ON.get(doing, {}).get(status) or _ADVICE.get(status)
    if advice is None and status >= 500:
        advice = "The server has a problem; try again later."
    return error(
        f"Failed to {doing}: {status} - {_excerpt(response, body)}" + (f"\n{advice}" if advice else ""),
        {"sent": True, **facts(response)},
    )


def facts(response: httpx.Response) -> dict[str, Any]:
    """What an error keeps of an answer other than 2xx: its ``status``, and ``retry_after`` if it says when."""
    seconds = _retry_after(response.headers.get("retry-after"))
    return {"status": response.status_code, **({} if seconds is None else {"retry_after": seconds})}


#: What is done at the wire, as errors call it.
SUBMIT, RESOLVE, STATUS, CONTENT = "submit job", "resolve model", "get job status", "get job content"


_ADVICE = {
    401: "The API key was refused. Check api_key, or DECART_API_KEY in the environment, for this address.",
    403: "The API key may not do this.",
    413: "The files are too large for the service.",
    429: "Too many requests at once; wait a little and try again.",
}
_NO_SUCH_MODEL = {
    404: "This queue has no model of that name; check the name, and base_url.",
    410: "The model is retired; decart_nb.models says which ones are live.",
}
_ADVICE_ON = {
    SUBMIT: _NO_SUCH_MODEL,
    RESOLVE: _NO_SUCH_MODEL,
    STATUS: {410: "The queue has this job no longer."},
    CONTENT: {410: "The queue has this video no longer."},
}


def is_of_the_wire(cause: Exception) -> bool:
    """Whether an exception comes from the network or the engine, and not from our own work around it."""
    if isinstance(cause, (httpx.HTTPError, httpx.InvalidURL)) or type(cause) is TimeoutError:
        return True
    return isinstance(cause, _aiohttp().ClientError) if _aiohttp() else False


def _aiohttp() -> Any:
    """The engine's library, if a request has brought it in."""
    return sys.modules.get("aiohttp")


def root_of(cause: Exception) -> BaseException:
    """What an exception was made from, where that tells more."""
    # httpx-aiohttp reports any broken connection as a connect time-out; what it was made from is exact.
    origin = cause.__cause__
    return origin if origin is not None and type(origin).__module__.startswith("aiohttp") else cause


def unanswered(
    error: type[DecartSDKError], doing: str, base_url: str, cause: BaseException, *, gone: bool
) -> DecartSDKError:
    """The error that a call without an answer stands for; ``data["sent"]`` says whether it may have been taken.

    Args:
        error, doing, base_url: what failed, at what, and where.
        cause: what came in place of an answer.
        gone: whether all of the request was handed over to the engine.
    """
    sent = gone and not _never_left(cause)
    after = "Check the address and the network."
    if error is QueueSubmitError and sent:
        after = "The job may have been taken all the same, so it is not sent again by itself."
    return error(f"Failed to {doing}: no answer from {base_url} ({why(cause)}). {after}", {"sent": sent}, cause)


def _never_left(cause: BaseException) -> bool:
    """Whether the request certainly did not reach the server: there was no connection to send it over."""
    if isinstance(cause, (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)):
        return True
    aiohttp = _aiohttp()
    return bool(aiohttp) and isinstance(cause, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))


def why(cause: BaseException) -> str:
    """The reason for a missing answer, in a few words."""
    if isinstance(cause, (TimeoutError, httpx.TimeoutException)):
        return "it took too long"
    return str(cause) or type(cause).__name__


def certainly_not_taken(error: QueueSubmitError) -> bool:
    """Whether a submission that ended so has certainly made no job."""
    status: int | None = error.data.get("status")
    if status is None:
        return error.data.get("sent") is False
    return status == 503 or 400 <= status < 500


def may_be_repeated(error: QueueSubmitError) -> bool:
    """Whether a submission that ended so has certainly made no job, and may make one the next time."""
    if (status := error.data.get("status")) is not None:
        return status in (429, 503)
    return error.data.get("sent") is False and not _for_good(error.cause)


def may_be_asked_again(error: DecartSDKError) -> bool:
    """Whether something that nobody pays for, and that ended so, may work the next time."""
    return may_pass(error, math.inf) and not _for_good(error.cause)


def is_unknown_host(cause: BaseException | None) -> bool:
    """Whether nobody knows the host's name, which is different from nobody to ask."""
    reason = getattr(cause, "os_error", None)  # aiohttp's
    return isinstance(reason, socket.gaierror) and reason.errno == socket.EAI_NONAME


def _for_good(cause: BaseException | None) -> bool:
    """Whether it will not be any better the next time: an address that is none, a forged certificate, a full disk."""
    if isinstance(cause, (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects)):
        return True
    if isinstance(cause, OSError) and not is_of_the_wire(cause):
        return True
    aiohttp = _aiohttp()
    return bool(aiohttp) and isinstance(cause, (aiohttp.ClientConnectorCertificateError, aiohttp.InvalidURL))


def may_pass(error: DecartSDKError, elapsed: float) -> bool:
    """Whether a failed poll, download or question may be followed by one that works."""
    status = error.data.get("status")
    if status is None or error.data.get("readable") is False or status >= 500:
        return True
    return status in (408, 425, 429) or (status == 404 and elapsed < polling.PROPAGATION)


def _retry_after(value: str | None) -> float | None:
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        seconds = float(value)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    return None


def _excerpt(response: httpx.Response, body: bytes) -> str:
    # Whoever answers may repeat what was sent, and the key must not be shown.
    said = body.decode("utf-8", "replace")
    text = " ".join(said.replace(response.request.headers.get("X-API-KEY", "\0"), "…").split())
    return text if len(text) <= 300 else text[:299] + "…"


def reason_in(answer: Mapping[str, Any]) -> str | None:
    """What an answer says about a failure, wherever it says it."""
    for key in ("error", "reason", "message", "detail"):
        value = answer.get(key)
        if isinstance(value, Mapping):
            value = value.get("message") or value.get("detail")
        if value:
            return str(value)
    return None
