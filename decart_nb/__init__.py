"""Decart's video queue, made at home in Jupyter.

::

    import decart_nb as dnb

    clip = dnb.generate("lucy-pro-t2v", prompt="A cat playing piano in a cozy living room")

Everything here loads on first use, so that the import itself costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import pandas_hook as _pandas_hook
from ._version import __version__ as __version__

if TYPE_CHECKING:
    from .axes import axis as axis, value as value, zip_axes as zip_axes
    from .catalogue import (
        ModelDefinition as ModelDefinition,
        models as models,
    )
    from .client import DecartClient as DecartClient, Timeout as Timeout
    from .clip import Clip as Clip
    from .errors import (
        BackendError as BackendError,
        CapReachedError as CapReachedError,
        DecartSDKError as DecartSDKError,
        InvalidAPIKeyError as InvalidAPIKeyError,
        InvalidBaseURLError as InvalidBaseURLError,
        InvalidInputError as InvalidInputError,
        JobCancelledError as JobCancelledError,
        JobFailedError as JobFailedError,
        JobTimeoutError as JobTimeoutError,
        LocalQueueError as LocalQueueError,
        MediaError as MediaError,
        ModelNotFoundError as ModelNotFoundError,
        ModelWarning as ModelWarning,
        NestingWarning as NestingWarning,
        NotAFutureError as NotAFutureError,
        NotPicklableError as NotPicklableError,
        QueueResultError as QueueResultError,
        QueueStatusError as QueueStatusError,
        QueueSubmitError as QueueSubmitError,
        StoreError as StoreError,
    )
    from .job import Job as Job
    from .patience import Patience as Patience
    from .session import (
        Session as Session,
        attach as attach,
        connect as connect,
        generate as generate,
        jobs as jobs,
        provenance as provenance,
        reproduce as reproduce,
        submit as submit,
        sweep as sweep,
    )
    from .sweeps import Sweep as Sweep

_ROOMS = {
    "axes": ("axis", "value", "zip_axes"),
    "catalogue": ("ModelDefinition", "models"),
    "client": ("DecartClient", "Timeout"),
    "clip": ("Clip",),
    "errors": (
        "BackendError",
        "CapReachedError",
        "DecartSDKError",
        "InvalidAPIKeyError",
        "InvalidBaseURLError",
        "InvalidInputError",
        "JobCancelledError",
        "JobFailedError",
        "JobTimeoutError",
        "NotAFutureError",
        "NotPicklableError",
        "LocalQueueError",
        "MediaError",
        "ModelNotFoundError",
        "ModelWarning",
        "NestingWarning",
        "QueueResultError",
        "QueueStatusError",
        "QueueSubmitError",
        "StoreError",
    ),
    "job": ("Job",),
    "patience": ("Patience",),
    "session": ("Session", "attach", "connect", "generate", "jobs", "provenance", "reproduce", "submit", "sweep"),
    "sweeps": ("Sweep",),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = sorted(_HOME)  # noqa: PLE0605 - the same names, said once


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'decart_nb' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


_pandas_hook.install()


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext decart_nb``: the magics, and event loops that nest, so that ``asyncio.run(main())`` works."""
    from . import magics, nesting

    nesting.warn_of_old_patch()
    nesting.allow_nested_loops()
    magics.load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext decart_nb``: takes the magics away. Event loops nest until the kernel restarts."""
    from . import magics

    magics.unload(shell)
