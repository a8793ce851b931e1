"""Decart's video queue, made at home in Jupyter.

::

    import decart_nb as dnb

    clip = dnb.generate("lucy-pro-t2v", prompt="A cat playing piano in a cozy living room")

Everything here loads on first use, so that the import itself costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from .catalogue import ModelDefinition, models
    from .client import DecartClient
    from .clip import Clip
    from .errors import (
        BackendError,
        DecartSDKError,
        InvalidAPIKeyError,
        InvalidBaseURLError,
        InvalidInputError,
        JobCancelledError,
        JobFailedError,
        JobTimeoutError,
        LocalQueueError,
        MediaError,
        ModelNotFoundError,
        ModelWarning,
        QueueResultError,
        QueueStatusError,
        QueueSubmitError,
    )
    from .job import Job
    from .session import Session, attach, connect, generate, submit

_ROOMS = {
    "catalogue": ("ModelDefinition", "models"),
    "client": ("DecartClient",),
    "clip": ("Clip",),
    "errors": (
        "BackendError",
        "DecartSDKError",
        "InvalidAPIKeyError",
        "InvalidBaseURLError",
        "InvalidInputError",
        "JobCancelledError",
        "JobFailedError",
        "JobTimeoutError",
        "LocalQueueError",
        "MediaError",
        "ModelNotFoundError",
        "ModelWarning",
        "QueueResultError",
        "QueueStatusError",
        "QueueSubmitError",
    ),
    "job": ("Job",),
    "session": ("Session", "attach", "connect", "generate", "submit"),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "BackendError",
    "Clip",
    "DecartClient",
    "DecartSDKError",
    "InvalidAPIKeyError",
    "InvalidBaseURLError",
    "InvalidInputError",
    "Job",
    "JobCancelledError",
    "JobFailedError",
    "JobTimeoutError",
    "LocalQueueError",
    "MediaError",
    "ModelDefinition",
    "ModelNotFoundError",
    "ModelWarning",
    "QueueResultError",
    "QueueStatusError",
    "QueueSubmitError",
    "Session",
    "attach",
    "connect",
    "generate",
    "models",
    "submit",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'decart_nb' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
