"""Every error that decart_nb raises, in one family.

::

    DecartSDKError
    ├── InvalidAPIKeyError     no key was given
    ├── InvalidBaseURLError    the address is not an http(s) URL
    ├── InvalidInputError      a request that would be refused: nothing was sent
    │   └── MediaError         a file that cannot be read as the image or video it should be
    ├── ModelNotFoundError     no model of that name is known
    ├── QueueSubmitError       the queue did not take the job
    ├── QueueStatusError       the queue did not say how the job stands
    ├── QueueResultError       the queue did not hand over the finished video
    ├── JobFailedError         the service gave up on the job
    ├── JobCancelledError      somebody stopped waiting for the job
    │   └── CapReachedError    a sweep's job was not submitted, since all of them would cost too much
    ├── JobTimeoutError        the job is still under way after the time that was allowed
    ├── StoreError             the folder of videos cannot be read or written
    ├── NotPicklableError      a job, a sweep, a session or a client was to be pickled
    ├── NotAFutureError        a job or a sweep was given to what takes futures alone
    ├── BackendError           neither Decart nor the local queue was chosen, or neither can be reached
    └── LocalQueueError        the embedded queue could not start, or was stopped in the middle of a render

The names down to ``QueueResultError`` are those of Decart's own SDK, so that ``except`` clauses
written for it keep working.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ._util.public import public
from ._util.text import did_you_mean, printable, printable_lines

_LONGEST_NAME = 100


@public
class DecartSDKError(Exception):
    """The root of the family.

    Attributes:
        message: what happened and what to do next, as a sentence for the reader of a cell.
        data: facts to act on; ``data["status"]`` is the HTTP status where the server answered.
        cause: the lower-level exception, where there was one.
    """

    def __init__(
        self,
        message: str,
        data: dict[str, Any] | None = None,
        cause: BaseException | None = None,
    ) -> None:
        message = printable_lines(message)  # it may quote what a service, a file or a person says
        super().__init__(message)
        self.message = message
        self.data = data or {}
        self.cause = cause

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return type(self), self.args, {**state, "cause": _picklable(self.cause)}


@public
class InvalidAPIKeyError(DecartSDKError):
    """No API key was given."""

    def __init__(
        self,
        message: str = "There is no API key. Pass api_key=…, or put it in the environment as "
        'DECART_API_KEY; without a key, decart_nb.connect("local") makes previews.',
        data: dict[str, Any] | None = None,
        cause: BaseException | None = None,
    ) -> None:
        super().__init__(message, data, cause)


@public
class InvalidBaseURLError(DecartSDKError):
    """The address of the service is not an http(s) URL."""


@public
class InvalidInputError(DecartSDKError):
    """A request that would be refused. Nothing was sent; ``data["fields"]`` names the culprits."""


@public
class MediaError(InvalidInputError):
    """A file that cannot be read as an image or a video, or a video that cannot be written."""


@public
class ModelNotFoundError(DecartSDKError):
    """No model of that name is known; ``model`` is the name that was asked for."""

    def __init__(self, model: str, known: Iterable[str] = ()) -> None:
        known = list(known)
        super().__init__(
            f"Model {printable(model, limit=_LONGEST_NAME)} not found.{did_you_mean(model, known)} "
            "decart_nb.models lists them all; "
            "one that no table lists can be described with ModelDefinition(name=…, width=…, height=…, fps=…)."
        )
        self.args = (model,)  # what a copy in another process is made from
        self.model = model


@public
class QueueSubmitError(DecartSDKError):
    """The queue did not take the job."""


@public
class QueueStatusError(DecartSDKError):
    """The queue did not say how the job stands."""


@public
class QueueResultError(DecartSDKError):
    """The queue did not hand over the finished video."""


@public
class JobFailedError(DecartSDKError):
    """The service gave up on the job: ``job_id`` is its id, ``reason`` what the service said."""

    def __init__(self, job_id: str, reason: str) -> None:
        reason = printable(reason)
        super().__init__(f"Job {printable(job_id)} failed: {reason}", {"job_id": job_id, "reason": reason})
        self.args = (job_id, reason)
        self.job_id = job_id
        self.reason = reason


@public
class JobCancelledError(DecartSDKError):
    """Somebody stopped waiting for the job."""


@public
class CapReachedError(JobCancelledError):
    """A sweep's job was not submitted, since with it the sweep would cost more than it may."""


@public
class JobTimeoutError(DecartSDKError, TimeoutError):
    """The job is still under way after the time that was allowed; it can be attached to again."""


@public
class StoreError(DecartSDKError):
    """The folder of videos cannot be read or written, or a newer version has written it."""


@public
class NotPicklableError(DecartSDKError, TypeError):
    """Something that lives in one process was to be pickled; the message says what gives the same in another one."""


@public
class NotAFutureError(DecartSDKError, AttributeError):
    """A job or a sweep was given to what takes futures alone; the message says what to give in its place."""


@public
class BackendError(DecartSDKError):
    """Neither Decart nor the local queue was chosen."""


@public
class LocalQueueError(DecartSDKError):
    """The embedded queue could not start, or was stopped in the middle of a render."""


@public
class ModelWarning(UserWarning):
    """A model that Decart has retired or renamed was asked for."""


@public
class NestingWarning(UserWarning):
    """``asyncio.run`` will not work in this kernel, or not for long."""


def _picklable(cause: BaseException | None) -> BaseException | None:
    """An exception as it can be pickled: itself, or where other libraries have made one that cannot, its words."""
    import pickle

    try:
        pickle.loads(pickle.dumps(cause))  # noqa: S301 - what was pickled just here
    except Exception:  # noqa: BLE001 - whatever an exception of others does there
        return Exception(f"{type(cause).__name__}: {printable_lines(str(cause))}")
    return cause
