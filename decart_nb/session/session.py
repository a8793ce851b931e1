"""connect, generate, submit, attach: what a person types."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .._util.console import say
from .._util.copying import LivesHere
from .._util.plain_values import is_flag
from .._util.public import public
from .._util.text import printable, short_repr
from ..client import duration_estimate
from ..client.client import BASE_URL, DecartClient
from ..client.retry import Patience
from ..client.transport import Timeout
from ..display import register, show, show_sweep
from ..errors import InvalidInputError, NotPicklableError
from ..job import provenance as job_provenance, shutdown
from ..job.clip import Clip
from ..job.job import Job
from ..job.prices import checked_prices
from ..job.runner import Runner
from ..request.models import ModelDefinition
from ..request.request import definition_of, prepare
from ..request.validation import warn_of_age
from ..sweeps.factory import SweepFactory
from . import connect as connecting, pruning

if TYPE_CHECKING:
    import pandas as pd

    from ..store.store import Store


_current: Session | None = None


@public
class Session(LivesHere):
    """A connection to a queue, and the folder where its clips go. Made by :func:`connect`.

    Attributes:
        backend: ``live`` (Decart) or ``local`` (the embedded queue, which makes previews and costs nothing).
        base_url: where the queue is reached, also by other clients.
        store: the folder of the clips. It stays the same when the working directory changes.
    """

    def __init__(self, backend: str, client: DecartClient, store: Path, prices: Mapping[str, float]) -> None:
        self.backend = backend
        self.base_url = client.base_url
        self.store = store
        self._client = client
        prior = duration_estimate.LOCAL if backend == "local" else duration_estimate.LIVE
        self._runner = Runner(client, connecting.store_in(store), backend, prices, prior)

    @property
    def api_key(self) -> str:
        """The key, to hand to another client. It is shown nowhere by itself."""
        return self._client.api_key

    def submit(
        self,
        model: str | ModelDefinition,
        prompt: str | None = None,
        *,
        fresh: bool = False,
        resubmit_uncertain: bool = False,
        **inputs: Any,
    ) -> Job:
        """See :func:`decart_nb.submit`."""
        job = self._submit(model, {"prompt": prompt, **inputs}, fresh, resubmit_uncertain)
        return self._shown(job)

    def generate(
        self,
        model: str | ModelDefinition,
        prompt: str | None = None,
        *,
        fresh: bool = False,
        resubmit_uncertain: bool = False,
        **inputs: Any,
    ) -> Clip:
        """See :func:`decart_nb.generate`."""
        job = self._submit(model, {"prompt": prompt, **inputs}, fresh, resubmit_uncertain)
        try:
            with show(job, waiting=True):
                return job.result()
        except KeyboardInterrupt:  # also while it is being put on screen
            raise job.interrupted() from None

    def attach(self, job_id: str, model: str | ModelDefinition | None = None) -> Job:
        """See :func:`decart_nb.attach`."""
        if not isinstance(job_id, str) or not job_id.strip():
            raise InvalidInputError(f"attach wants a job's id, as text, not {short_repr(job_id)}.")
        definition = None if model is None else definition_of(model)
        return self._shown(self._runner.attach(job_id.strip(), definition))

    @functools.cached_property
    def sweep(self) -> SweepFactory:
        """See :func:`decart_nb.sweep`."""
        return SweepFactory(lambda: self._runner, show_sweep)

    def jobs(self) -> pd.DataFrame:
        """See :func:`decart_nb.jobs`."""
        from ..job.table import frame

        retrying = {job.key: job.retrying for job in tuple(self._runner.at_work) if job.retrying}
        found = [replace(record, error=retrying.get(record.key, record.error)) for record in self._runner.store.find()]
        return frame(found, self.store)

    def provenance(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """See :func:`decart_nb.provenance`."""

        def lookup(digest: str) -> dict[str, Any] | None:
            found = self._runner.store.find(sha256=digest)
            return job_provenance.describe_job(found[-1]) if found else None

        return job_provenance.provenance(path, lookup)

    def reproduce(self, path: str | os.PathLike[str], model: str | ModelDefinition | None = None) -> Job:
        """See :func:`decart_nb.reproduce`."""
        made = self.provenance(path)
        definition = job_provenance.model_of(made) if model is None else definition_of(model)
        inputs = job_provenance.inputs_of(made, definition, self._runner.store.files, self.store.name)
        return self._shown(self._submit(definition, inputs, fresh=True))

    def prune(
        self,
        *,
        older_than: float | None = None,
        status: str | Iterable[str] | None = None,
        model: str | ModelDefinition | None = None,
        delete: bool = False,
    ) -> pd.DataFrame:
        """Lists what would go from the store; with ``delete=True``, removes it, the videos and unused inputs too.

        What is under way stays, and so does what may still be fetched, unless its status is named.

        Args:
            older_than: days since it ended.
            status: one status, or several: of ``completed failed rejected cancelled uncertain unreachable``.
            model: by the name it was asked for, or what that meant.
            delete: whether it is removed, which cannot be undone.

        Returns:
            A table as of :func:`decart_nb.jobs`.

        Raises:
            InvalidInputError: nothing says what to remove, or it does not say it well.
        """
        from ..job.table import frame

        found = pruning.going(self._runner.store, older_than=older_than, status=status, model=model)
        if _flag("delete", delete):
            self._runner.store.delete(found)
        return frame(found, self.store)

    def close(self) -> None:
        """Closes the connections. Jobs under way go on, and so does the session: it opens new ones."""
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        where = "the local queue (previews, no cost)" if self.backend == "local" else self.base_url
        return printable(f"<decart_nb on {where}, clips in {self.store.name}/>")

    def _not_picklable(self) -> Exception:
        return NotPicklableError(
            "A session has open connections and a key and cannot be pickled: call decart_nb.connect in each process."
        )

    @staticmethod
    def _shown(job: Job) -> Job:
        try:
            show(job)
        except KeyboardInterrupt:  # while it is being put on screen
            raise job.interrupted() from None
        return job

    def _submit(
        self, model: str | ModelDefinition, inputs: Mapping[str, Any], fresh: bool, resubmit_uncertain: bool = False
    ) -> Job:
        asked = {"fresh": _flag("fresh", fresh), "resubmit_uncertain": _flag("resubmit_uncertain", resubmit_uncertain)}
        definition = definition_of(model)
        request = prepare(definition, inputs, keep=True)
        if self.backend == "live":
            warn_of_age(definition)
        return self._runner.submit(request, **asked)

    def _pick_up(self) -> str:
        """Go on with what earlier kernels have left under way, and say in one line what there was."""
        store = self._runner.store
        left = store.orphaned(self._runner.endpoint)
        with_ids = [record for record in left if record.job_id]
        self._runner.pick_up(with_ids)
        asked_for = [record for record in left if not record.job_id and not record.sent_at]
        uncertain = [store.take_over(record) for record in left if record.sent_at and not record.job_id]
        parts = [f"{_jobs(len(with_ids))} picked up where an earlier kernel left off"] * bool(with_ids)
        parts += [f"{_jobs(len(asked_for))} asked for and not submitted yet: the same call goes on"] * bool(asked_for)
        parts += [f"{_jobs(len(uncertain))} perhaps submitted, left alone: decart_nb.jobs() tells why"] * bool(
            uncertain
        )
        return f"{self.store.name}/: {'; '.join(parts)}." if parts else ""


def _flag(name: str, value: Any) -> bool:
    if not is_flag(value):
        raise InvalidInputError(f"{name} must be True or False, not {short_repr(value)}.")
    return bool(value)


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"


@public
def connect(
    target: str | None = None,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    store: str | os.PathLike[str] = "decart_runs",
    prices: Mapping[str, float] | None = None,
    integration: str | None = None,
    timeout: Timeout | float | None = None,
    patience: Patience | None = None,
) -> Session:
    """Opens what ``generate``, ``submit`` and ``attach`` use from now on, and returns it.

    Args:
        target: ``"live"`` for Decart, ``"local"`` for the embedded queue. Neither: live where there is a key; else,
            where somebody sits at the notebook, local; else an error. ``DECART_BACKEND=local`` in the environment
            decides for all.
        api_key: for Decart; ``DECART_API_KEY`` in the environment unless given, and asked for if that is empty.
        base_url: another address that speaks Decart's protocol, such as that of ``decart-nb serve``.
        store: the folder for the clips, and for what the local queue keeps.
        prices: USD per generated second by model name, to rehearse or to correct the catalogue's.
        integration: a word about the caller, sent in the ``User-Agent``.
        timeout: how long to wait for the server, in seconds or as a ``Timeout``.
        patience: how long to go on with what does not work yet; ten minutes of it unless given.

    Raises:
        BackendError: it is not clear which queue is meant, or the embedded one cannot start.
        InvalidAPIKeyError: there is no key, and nobody to ask for it.
        InvalidInputError: a price is not a number, or the store cannot be written.
    """
    global _current
    # An explicit key or address means Decart; so does a key in the environment, but only if nothing else was said.
    backend = connecting.backend_of(
        target, has_key=bool(api_key or base_url or os.environ.get("DECART_API_KEY", "").strip())
    )
    if backend == "local" and (target == "live" or api_key or base_url):
        say("DECART_BACKEND=local is set, so this is the local queue; unset it to reach Decart.")
    known_prices = checked_prices({} if prices is None else prices)
    folder = connecting.folder_of(store)
    if backend == "local":
        queue = connecting.embedded_in(folder / "local")
        address: tuple[str | None, str] = (queue.api_key, queue.base_url)
    else:
        address = (connecting.key_of(api_key), base_url or BASE_URL)
    patience = Patience(submission=600.0) if patience is None else patience
    client = DecartClient(*address, integration, timeout=timeout, patience=patience)
    register()
    shutdown.register()
    session = Session(backend, client, folder, known_prices)
    _current = session
    if found := session._pick_up():
        say(found)
    return session


@public
def submit(
    model: str | ModelDefinition,
    prompt: str | None = None,
    *,
    fresh: bool = False,
    resubmit_uncertain: bool = False,
    **inputs: Any,
) -> Job:
    """Submits a job and returns at once; in a notebook, a line shows how it stands and then becomes the video.

    The same request again, from any notebook on the same store, gives the clip that is stored, at once and for
    nothing; one that is under way is waited for. Another prompt, field, seed, model, queue, or byte of a file makes it
    another request.

    Args:
        model: a name of ``decart_nb.models``, or a ``ModelDefinition``.
        prompt: what to make.
        fresh: whether to make another take of a request that has been made before.
        resubmit_uncertain: whether to submit it again where an earlier submission may have been taken, or not.
        inputs: the model's other inputs, under the names of Decart's SDK. Files are paths, URLs, bytes, open files,
            PIL images, NumPy arrays (an image H×W or H×W×C, a video T×H×W×C, where C is 1, 3 or 4; uint8, uint16,
            or floats from 0 to 1) or clips.

    Raises:
        ModelNotFoundError, InvalidInputError: the request would be refused. Nothing was sent.
        BackendError: neither Decart nor the local queue was chosen.
    """
    return _session().submit(model, prompt, fresh=fresh, resubmit_uncertain=resubmit_uncertain, **inputs)


@public
def generate(
    model: str | ModelDefinition,
    prompt: str | None = None,
    *,
    fresh: bool = False,
    resubmit_uncertain: bool = False,
    **inputs: Any,
) -> Clip:
    """Makes a video: submits, shows progress, waits, and shows the video once.

    Args:
        model, prompt, fresh, resubmit_uncertain, inputs: as for :func:`submit`.

    Raises:
        JobFailedError: the service gave up on the job.
        DecartSDKError: as for :func:`submit`, or the job could not be submitted or fetched.
    """
    return _session().generate(model, prompt, fresh=fresh, resubmit_uncertain=resubmit_uncertain, **inputs)


@public
def attach(job_id: str, model: str | ModelDefinition | None = None) -> Job:
    """Picks a job up by its id, from this kernel or another.

    Args:
        job_id: as the queue gave it.
        model: what was asked, for the caption, if it is still known.
    """
    return _session().attach(job_id, model)


#: What makes sweeps, and loads them: see :class:`decart_nb.sweeps.factory.SweepFactory`.
sweep = public(SweepFactory(lambda: _session()._runner, show_sweep))


@public
def jobs() -> pd.DataFrame:
    """All that the store knows, a row a job, the oldest first.

    Returns:
        Columns for every input, and ``model take status job_id path error reused submitted_at seconds cost width height
        fps duration backend size_bytes sha256``. Times are UTC, seconds count from the submission, costs are estimates
        in USD.
    """
    return _session().jobs()


@public
def provenance(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What made a video: its inputs, model, seed, take, job, times, digests and versions.

    It is found in the record beside a stored video, in the store by the video's digest, or in the tags of a copy that
    ``clip.save`` has made, wherever that was moved; :mod:`decart_nb.job.provenance` has the names.

    Args:
        path: the video, a clip, or a record's own file.

    Raises:
        MediaError: there is no such file, or nothing says how it was made.
    """
    return _current.provenance(path) if _current is not None else job_provenance.provenance(path)


@public
def reproduce(path: str | os.PathLike[str], model: str | ModelDefinition | None = None) -> Job:
    """Makes the request again that a video was made with, as a fresh take.

    Args:
        path: as for :func:`provenance`.
        model: the definition, where the video was made by a model that no table lists; or another model.

    Raises:
        InvalidInputError: a file that it was made from is not in this store, or the record is not good.
        ModelNotFoundError: no table lists its model, and ``model`` does not say what it is.
        MediaError: as for :func:`provenance`.
    """
    return _session().reproduce(path, model)


def known_ids() -> list[str]:
    """The ids of the jobs in the store that is open, the latest first."""
    records = _current._runner.store.find() if _current is not None else []
    return [record.job_id for record in reversed(records) if record.job_id]


def open_store() -> Store | None:
    """The store of the session that is open, if one is."""
    return _current._runner.store if _current is not None else None


def _session() -> Session:
    return _current if _current is not None else connect()
