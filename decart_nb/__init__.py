"""Decart's video queue, made at home in Jupyter: one line from a prompt to a playing video.

::

    import decart_nb as dnb

    dnb.connect("local")  # previews, free of charge; dnb.connect("live", api_key=…) for Decart
    clip = dnb.generate("lucy-2.5", prompt="An oil painting", data=dnb.sample())

==============================================  ====================================================================
What you type                                   What it does
==============================================  ====================================================================
``connect("live")``, ``connect("local")``       chooses the queue and the store, and returns the session
``generate(model, prompt=…, data=…)``           makes a video: waits, shows it, returns its ``Clip``
``submit(model, prompt=…, data=…)``             the same, but returns a ``Job`` at once: ``await`` it
``models``, ``models["lucy-2.5"]``              the models: inputs, size, price; live ones first
``sample()``, ``sample("still")``               a clip and an image to try models on
``trajectory(image)``, ``keyframes(video)``     inputs by hand: a path on an image, frames of a video
``trim(video, 2, 7)``, ``fit(video, model)``    a stretch of a video, in seconds; a phone's video as a model takes it
``form()``                                      a form that makes clips without code
``sweep(model=[…], prompt=[…], data=…)``        all combinations, as a table: ``.plan``, ``.run(max_cost=…)``
``axis(…)``, ``zip_axes(…)``, ``value(…)``      what in a sweep varies, varies together, or does not vary
``compare(clip, other)``                        videos side by side, by one clock
``measure(clip)``, ``metric(name)``             sharpness, flicker, likeness and more as numbers; metrics of your own
``jobs()``, ``attach(job_id)``                  the jobs in the store; one of them, by its id
``provenance(path)``, ``reproduce(path)``       how a video was made; the same request again, as a new take
``connect().mirror("s3://bucket/runs")``        copies what is new in the store to another place
``DecartClient``                                an async client with the names of Decart's own SDK
==============================================  ====================================================================

``%load_ext decart_nb`` adds ``%%decart``, a cell for prompts. Everything here loads on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._util.lazy_exports import lazy_exports
from ._version import __version__ as __version__
from .notebook import completion_hook as _completion_hook, pandas_import_hook as _pandas_hook

if TYPE_CHECKING:
    from .client.client import DecartClient as DecartClient
    from .client.polling import Polling as Polling
    from .client.retry import Patience as Patience
    from .client.transport import Timeout as Timeout
    from .errors import (
        BackendError as BackendError,
        CapReachedError as CapReachedError,
        ClusterError as ClusterError,
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
    from .job.clip import Clip as Clip
    from .job.job import Job as Job
    from .media.samples import sample as sample
    from .metrics.registry import metric as metric
    from .request.catalogue import models as models
    from .request.models import ModelDefinition as ModelDefinition
    from .session.comparing import compare as compare
    from .session.functions import (
        attach as attach,
        connect as connect,
        generate as generate,
        jobs as jobs,
        provenance as provenance,
        reproduce as reproduce,
        submit as submit,
        sweep as sweep,
    )
    from .session.inputs_by_hand import keyframes as keyframes, trajectory as trajectory
    from .session.making_by_form import form as form
    from .session.measuring import measure as measure
    from .session.preparing import fit as fit, trim as trim
    from .session.session import Session as Session
    from .sweeps.axes import axis as axis, value as value, zip_axes as zip_axes
    from .sweeps.sweep import Sweep as Sweep

#: module → the public names in it; the imports above say the same to type checkers.
_EXPORTS = {
    "client.client": ("DecartClient",),
    "client.polling": ("Polling",),
    "client.retry": ("Patience",),
    "client.transport": ("Timeout",),
    "errors": (
        "BackendError",
        "CapReachedError",
        "ClusterError",
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
        "NestingWarning",
        "NotAFutureError",
        "NotPicklableError",
        "QueueResultError",
        "QueueStatusError",
        "QueueSubmitError",
        "StoreError",
    ),
    "job.clip": ("Clip",),
    "job.job": ("Job",),
    "media.samples": ("sample",),
    "metrics.registry": ("metric",),
    "request.catalogue": ("models",),
    "request.models": ("ModelDefinition",),
    "session.comparing": ("compare",),
    "session.functions": (
        "attach",
        "connect",
        "generate",
        "jobs",
        "provenance",
        "reproduce",
        "submit",
        "sweep",
    ),
    "session.inputs_by_hand": ("keyframes", "trajectory"),
    "session.making_by_form": ("form",),
    "session.measuring": ("measure",),
    "session.preparing": ("fit", "trim"),
    "session.session": ("Session",),
    "sweeps.axes": (
        "axis",
        "value",
        "zip_axes",
    ),
    "sweeps.sweep": ("Sweep",),
}
__all__, __getattr__ = lazy_exports(__name__, _EXPORTS)


def __dir__() -> list[str]:
    return __all__


_completion_hook.install()
_pandas_hook.install()


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext decart_nb``: the magics, and event loops that nest, so that ``asyncio.run(main())`` works."""
    from .display import nested_loops
    from .notebook import magics

    nested_loops.warn_of_old_patch()
    nested_loops.allow_nested_loops()
    magics.load(shell)
    _completion_hook.add_to(shell)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext decart_nb``: takes the magics away. Event loops nest until the kernel restarts."""
    from .notebook import magics

    magics.unload(shell)
