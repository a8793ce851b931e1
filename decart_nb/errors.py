"""The exceptions and warnings of decart_nb. Every exception derives from :class:`DecartSDKError`.

::

    DecartSDKError
    ├── InvalidAPIKeyError     no usable key was given
    ├── InvalidBaseURLError    the address is not an http(s) URL
    ├── InvalidInputError      an argument or a request is invalid: nothing was sent
    │   └── MediaError         a file that cannot be read as the image or video it should be
    ├── ModelNotFoundError     no model of that name is known
    ├── QueueSubmitError       the queue did not accept the job, or it is not known whether it did
    ├── QueueStatusError       the status of a job could not be read
    ├── QueueResultError       the finished video could not be downloaded
    ├── JobFailedError         the service reported that the job failed
    ├── JobCancelledError      the job was cancelled by its caller
    │   └── CapReachedError    a sweep's job was not submitted because of the sweep's max_cost
    ├── JobTimeoutError        the job was not finished within the timeout
    ├── StoreError             the folder of videos cannot be read or written
    ├── NotPicklableError      jobs, sweeps, sessions and clients cannot be pickled
    ├── NotAFutureError        a job or a sweep was used where a future is required
    ├── BackendError           neither Decart nor the local queue was chosen, or neither can be reached
    ├── LocalQueueError        the local queue could not start, or an option of it is invalid
    └── ClusterError           a Dask cluster, or one of its workers, could not do its part

The names down to ``QueueResultError`` are those of Decart's own SDK, so that ``except`` clauses
written for it keep working.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ._util.interface_names import step
from ._util.public import public
from ._util.text import did_you_mean, printable, printable_lines

_MAX_NAME_LENGTH = 100
#: What the name of a model may be; anything else in its place is more likely a prompt.
_NAME = re.compile(r"[\w.:/-]*", re.ASCII)


@public
class DecartSDKError(Exception):
    """Base class of all exceptions of decart_nb.

    Attributes:
        message: what happened and what to do next, in complete sentences.
        data: details for programs; ``data["status"]`` is the HTTP status if the server responded.
        cause: the lower-level exception, if there was one.
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

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the user's own line and the message; ``%tb`` shows the whole traceback."""
        from ._util.short_traceback import short_traceback

        return short_traceback(self)

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return type(self), self.args, {**state, "cause": self.cause and picklable(self.cause)}


@public
class InvalidAPIKeyError(DecartSDKError):
    """No usable API key was given."""

    def __init__(
        self,
        message: str | None = None,
        data: dict[str, Any] | None = None,
        cause: BaseException | None = None,
    ) -> None:
        if message is None:
            message = f"There is no API key. {step('api_key')}; without a key, {step('local')} makes previews."
        super().__init__(message, data, cause)


@public
class InvalidBaseURLError(DecartSDKError):
    """The address of the service is not an http(s) URL."""


@public
class InvalidInputError(DecartSDKError):
    """An argument or a request is invalid. Nothing was sent; ``data["fields"]`` names the invalid fields."""


@public
class MediaError(InvalidInputError):
    """An image or a video cannot be read, or a video cannot be written."""


@public
class ModelNotFoundError(DecartSDKError):
    """No model has the requested name, which is in ``model``."""

    def __init__(self, model: str, known: Iterable[str] = ()) -> None:
        known = list(known)
        shown = printable(model, limit=_MAX_NAME_LENGTH)
        hint, more = did_you_mean(model, known), step("custom model")
        if known and (len(model.split()) > 2 or not (hint or _NAME.fullmatch(model.strip()))):
            hint, more = f" This looks like a prompt, and the model comes first: {step('generate', prompt=shown)}.", ""
        super().__init__(f"Model {shown} not found.{hint} {step('models')} lists them all{more}.")
        self.args = (model,)  # what a copy in another process is made from
        self.model = model


@public
class QueueSubmitError(DecartSDKError):
    """The queue did not accept the job, or it is not known whether it did."""


@public
class QueueStatusError(DecartSDKError):
    """The status of a job could not be read from the queue."""


@public
class QueueResultError(DecartSDKError):
    """The finished video could not be downloaded from the queue."""


@public
class JobFailedError(DecartSDKError):
    """The service reported that the job failed: ``job_id`` is its id, ``reason`` the service's message."""

    def __init__(self, job_id: str, reason: str) -> None:
        reason = printable(reason)
        super().__init__(f"Job {printable(job_id)} failed: {reason}", {"job_id": job_id, "reason": reason})
        self.args = (job_id, reason)
        self.job_id = job_id
        self.reason = reason


@public
class JobCancelledError(DecartSDKError):
    """The job was cancelled by its caller."""


@public
class CapReachedError(JobCancelledError):
    """A sweep's job was not submitted because the sweep would exceed its ``max_cost``."""


@public
class JobTimeoutError(DecartSDKError, TimeoutError):
    """The job was not finished within the timeout. It continues, and can be attached to."""


@public
class StoreError(DecartSDKError):
    """The store's folder cannot be read or written, or was written by a newer version."""


@public
class NotPicklableError(DecartSDKError, TypeError):
    """The object exists in one process only; the message says how to recreate it in another."""


@public
class NotAFutureError(DecartSDKError, AttributeError):
    """A job or a sweep was used where a future is required; the message names the alternative."""


@public
class BackendError(DecartSDKError):
    """Neither Decart nor the local queue was selected, or it cannot be reached."""


@public
class LocalQueueError(DecartSDKError):
    """The local queue could not start, or an option of it is invalid."""


@public
class ClusterError(DecartSDKError):
    """A Dask cluster, or one of its workers, could not do its part. It says nothing about the clip."""


@public
class ModelWarning(UserWarning):
    """The requested model has been retired or renamed by Decart."""


@public
class NestingWarning(UserWarning):
    """``asyncio.run`` does not work reliably in this kernel."""


def picklable(error: BaseException) -> BaseException:
    """The exception if it can be pickled, otherwise a plain one with its type's name and its message."""
    import pickle

    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - what was pickled just here
    except Exception:  # noqa: BLE001 - whatever an exception of others does there
        return Exception(f"{type(error).__name__}: {printable_lines(str(error))}")
    return error
