"""The functions of :mod:`decart_nb`: ``connect``, and those that use the current session."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._util.console import say
from .._util.public import public
from ..client.client import BASE_URL, DecartClient, set_key_hint
from ..client.polling import Polling
from ..client.retry import Patience
from ..client.transport import Timeout
from ..display import register, show_resumed, show_sweep, sweep_grid
from ..job import provenance as job_provenance, shutdown
from ..job.clip import Clip
from ..job.job import Job
from ..job.prices import checked_prices
from ..job.runner import Runner
from ..request.models import ModelDefinition
from ..sweeps.factory import SweepFactory
from ..sweeps.views import Views
from .connect import (
    ask_for_key,
    choose_backend,
    choose_polling,
    missing_key_message,
    shared_queue,
    shared_store,
)
from .current import current_session, set_current_session
from .exploring import explore
from .resuming import resume_jobs
from .session import Session
from .store_folder import prepare_folder, relative_name

if TYPE_CHECKING:
    import pandas as pd

    from ..store.store import Store


@public
def connect(
    target: str | None = None,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    store: str | os.PathLike[str] | None = None,
    prices: Mapping[str, float] | None = None,
    integration: str | None = None,
    timeout: Timeout | float | None = None,
    patience: Patience | None = None,
    polling: Polling | None = None,
) -> Session:
    """Opens a session, makes it the current one, and returns it.

    Args:
        target: ``"live"`` for Decart, ``"local"`` for the embedded queue. Neither: live where there is a key; else,
            in a notebook, local; else an error. ``DECART_BACKEND=local`` in the environment overrides it.
        api_key: the key for Decart; by default ``DECART_API_KEY``. If that is empty, a notebook asks for it.
        base_url: another address that speaks Decart's protocol, such as that of ``decart-nb serve``.
        store: the folder of the store; the local queue has its own folder in it. By default, the current session's;
            else ``DECART_STORE`` in the environment; else the nearest ``decart_runs`` with a store in or above the
            working directory, up to the home folder; else a new one there. ``session.store`` says where it is.
        prices: model name → USD per generated second, in place of the catalogue's prices.
        integration: the name of the calling program, sent in the ``User-Agent``.
        timeout: how long to wait for the server, in seconds or as a ``Timeout``.
        patience: retry limits and back-off; by default, submissions are retried for ten minutes.
        polling: how often jobs are polled; by default, it depends on the queue.

    Raises:
        BackendError: no queue was chosen, or the local one cannot start.
        InvalidAPIKeyError: there is no key, and no notebook to ask for it.
        InvalidInputError: an argument is not valid, such as a price, or the store cannot be written.

    Examples:
        >>> import decart_nb as dnb
        >>> session = dnb.connect("local")
        >>> session
        <decart_nb on the local queue (previews, no cost), clips in decart_runs/>
        >>> session.store.is_absolute()
        True
    """
    # A key or an address as argument means Decart; so does a key in the environment, unless target says otherwise.
    backend = choose_backend(target, has_key=bool(api_key or base_url or os.environ.get("DECART_API_KEY", "").strip()))
    if backend == "local" and (target == "live" or api_key or base_url):
        say("DECART_BACKEND=local is set, so this is the local queue; unset it to reach Decart.")
    known_prices = checked_prices({} if prices is None else prices)
    prior = choose_polling(polling, backend).prior
    is_chosen = store is not None or current_session() is not None
    folder = prepare_folder(store)
    if backend == "local":
        queue = shared_queue(folder / "local")
        address: tuple[str | None, str] = (queue.api_key, queue.base_url)
        on_stored = queue.share_video  # or each preview would be on the disk twice
    else:
        address, on_stored = (ask_for_key(api_key), base_url or BASE_URL), None
    patience = Patience(submission=600.0) if patience is None else patience
    client = DecartClient(*address, integration, timeout=timeout, patience=patience)
    register()
    shutdown.register()
    set_key_hint(missing_key_message)
    runner = Runner(client, shared_store(folder), backend, known_prices, prior, on_stored=on_stored)
    session = Session(runner, folder)
    set_current_session(session)
    if not is_chosen and (place := relative_name(folder)).startswith("../"):
        say(f"The store is {place}/; connect(store=…) takes another.")
    found, resumed = resume_jobs(session)
    if found:
        say(found)
    show_resumed(resumed)
    return session


@public
def submit(
    model: str | ModelDefinition,
    prompt: str | None = None,
    *,
    fresh: bool = False,
    resubmit_uncertain: bool = False,
    fit: bool = False,
    **inputs: Any,
) -> Job:
    """Submits a job and returns at once; a notebook shows its progress and then the video.

    Repeating a request, in any notebook on the same store, returns the stored clip without cost, or joins the job that
    is under way. A request with another prompt, field, seed, model, queue or file content is a different request.

    Args:
        model: a name of ``decart_nb.models``, or a ``ModelDefinition``.
        prompt: the prompt.
        fresh: whether to make another take of a request instead of reusing its result.
        resubmit_uncertain: whether to resubmit a request whose earlier submission was never answered.
        fit: whether the video is brought to what the model takes before it is sent; see :func:`decart_nb.fit`.
        inputs: the model's other inputs, under the names of Decart's SDK. Files are paths, URLs, fsspec addresses
            (``s3://bucket/in.mp4``, which is downloaded before this returns), bytes, open files, PIL images, NumPy
            arrays (an image H×W or H×W×C, a video T×H×W×C, where C is 1, 3 or 4; uint8, uint16, or floats from 0 to 1)
            or clips.

    Returns:
        The job: ``await`` it, or call ``.result()``, for its clip.

    Raises:
        ModelNotFoundError, InvalidInputError: the request is not valid. Nothing was sent.
        BackendError: neither Decart nor the local queue was chosen.

    Examples:
        >>> import decart_nb as dnb
        >>> session = dnb.connect("local")
        >>> job = dnb.submit("lucy-2.5", prompt="An oil painting", data=dnb.sample(), seed=7)
        >>> clip = job.result()  # in a notebook also: clip = await job
        >>> job.status
        'completed'
    """
    return _session().submit(model, prompt, fresh=fresh, resubmit_uncertain=resubmit_uncertain, fit=fit, **inputs)


@public
def generate(
    model: str | ModelDefinition,
    prompt: str | None = None,
    *,
    fresh: bool = False,
    resubmit_uncertain: bool = False,
    fit: bool = False,
    **inputs: Any,
) -> Clip:
    """Makes a video: submits a job, shows its progress, waits, and displays the video once.

    Repeating a request returns the stored clip without cost. Interrupting the cell stops the waiting, not the job.

    Args:
        model: a name of ``decart_nb.models``, or a ``ModelDefinition``.
        prompt: the prompt.
        fresh: whether to make another take of a request instead of reusing its result, which costs again.
        resubmit_uncertain: whether to resubmit a request whose earlier submission was never answered.
        fit: whether the video is brought to what the model takes before it is sent; see :func:`decart_nb.fit`.
        inputs: the model's other inputs, such as ``data``, ``seed`` and ``resolution``: ``decart_nb.models`` lists
            them. Files are paths, URLs, fsspec addresses such as ``s3://bucket/in.mp4``, bytes, open files, PIL
            images, NumPy arrays or clips.

    Returns:
        The video: a ``Clip``, which is a path to whatever takes paths.

    Raises:
        ModelNotFoundError, InvalidInputError: the request is not valid. Nothing was sent.
        BackendError: neither Decart nor the local queue was chosen.
        JobFailedError: the service gave up on the job.
        DecartSDKError: the job could not be submitted or fetched.

    Examples:
        >>> import decart_nb as dnb
        >>> session = dnb.connect("local")  # previews, free of charge; dnb.connect("live") for Decart
        >>> clip = dnb.generate("lucy-2.5", prompt="An oil painting", data=dnb.sample(), seed=7)
        >>> clip.width, clip.height, clip.duration
        (1280, 720, 3.0)
    """
    return _session().generate(model, prompt, fresh=fresh, resubmit_uncertain=resubmit_uncertain, fit=fit, **inputs)


@public
def attach(job_id: str, model: str | ModelDefinition | None = None) -> Job:
    """Returns the job with an id, submitted by this kernel or another, and waits for its video.

    Args:
        job_id: the id that the queue returned.
        model: the model, for the caption, if the store does not know the job.

    Examples:
        >>> import decart_nb as dnb
        >>> session = dnb.connect("local")
        >>> clip = dnb.generate("lucy-2.5", prompt="An oil painting", data=dnb.sample(), seed=7)
        >>> dnb.attach(clip.job_id).result().path == clip.path
        True
    """
    return _session().attach(job_id, model)


#: Makes and loads sweeps; see :class:`decart_nb.sweeps.factory.SweepFactory`.
sweep = public(SweepFactory(lambda: _session().runner, Views(show_sweep, sweep_grid, explore)))


@public
def jobs() -> pd.DataFrame:
    """A table of all jobs in the store, one row for each, the newest first.

    Returns:
        Columns for every input, and ``model take drawn_seed status job_id path error reused submitted_at waited made
        cost width height fps duration backend size_bytes sha256 rating note``. ``take`` counts the videos of the very
        same request from 0; ``drawn_seed`` is the seed of a request that was asked for without one; it makes the same
        video again as ``seed``. Times are UTC; ``waited`` and ``made`` are seconds in the queue, and from then until it
        was made; ``cost`` is an estimate in USD; ``rating`` and ``note`` are what you have given it in a grid.
    """
    return _session().jobs()


@public
def provenance(path: str | os.PathLike[str]) -> dict[str, Any]:
    """How a video was made: inputs, model, seed, take, job, times, digests and versions.

    It is read from the record file beside a stored video, from the store by the video's digest, or from the tags of a
    copy that ``clip.save`` wrote; :mod:`decart_nb.job.provenance` lists the keys.

    Args:
        path: a video, a clip, or a record file.

    Raises:
        MediaError: there is no such file, or it has no record.
    """
    session = current_session()
    return job_provenance.provenance(path) if session is None else session.provenance(path)


@public
def reproduce(path: str | os.PathLike[str], model: str | ModelDefinition | None = None) -> Job:
    """Submits the request that a video was made with again, as a new take.

    Args:
        path: as for :func:`provenance`.
        model: the definition of a model that is not in ``decart_nb.models``; or another model to use instead.

    Raises:
        InvalidInputError: an input file is not in this store, or the record is not valid.
        ModelNotFoundError: its model is not in ``decart_nb.models``, and ``model`` was not passed.
        MediaError: as for :func:`provenance`.
    """
    return _session().reproduce(path, model)


def open_runner() -> Runner | None:
    """The runner of the current session's jobs, or ``None``."""
    return None if (session := current_session()) is None else session.runner


def open_store() -> Store | None:
    """The current session's store, or ``None``."""
    return None if (session := current_session()) is None else session.runner.store


def _session() -> Session:
    """The current session; without one, that which :func:`connect` opens by default."""
    return current_session() or connect()
