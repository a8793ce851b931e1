"""connect, generate, submit, attach: what a person types."""

from __future__ import annotations

import getpass
import os
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from . import lineage
from .catalogue import ModelDefinition
from .client import BASE_URL, DecartClient, Timeout
from .clip import Clip
from .display import register, show
from .display.host import a_person_is_there
from .errors import BackendError, InvalidAPIKeyError, InvalidInputError, ModelWarning
from .inputs import Upload, prepare
from .job import Job
from .patience import Patience
from .queue_calls import model_of
from .records import UNDER_WAY
from .runner import Runner
from .store import Store

if TYPE_CHECKING:
    import pandas as pd

    from .local.embedded import LocalQueue

_BACKENDS = ("live", "local")
_current: Session | None = None


class Session:
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
        self._runner = Runner(client, _remembered(store), backend, prices)

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
            raise InvalidInputError(f"attach wants a job's id, as text, not {job_id!r:.60}.")
        definition = None if model is None else model_of(model)
        return self._shown(self._runner.attach(job_id.strip(), definition))

    def jobs(self) -> pd.DataFrame:
        """See :func:`decart_nb.jobs`."""
        from .table import frame

        return frame(self._runner.store.find(), self.store)

    def provenance(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """See :func:`decart_nb.provenance`."""

        def lookup(digest: str) -> dict[str, Any] | None:
            found = self._runner.store.find(sha256=digest)
            return lineage.describe_job(found[-1]) if found else None

        return lineage.provenance(path, lookup)

    def reproduce(self, path: str | os.PathLike[str]) -> Job:
        """See :func:`decart_nb.reproduce`."""
        made = self.provenance(path)
        inputs = dict(made["inputs"])
        for name, file in made["files"].items():
            # A record may come from anybody: nothing in it may name another file than one of this store's inputs.
            if not isinstance(file, dict) or not re.fullmatch("[0-9a-f]{64}", str(file.get("sha256"))):
                raise InvalidInputError(f"The record does not say which file {name} was made from.")
            kept = self._runner.store.input({"filename": "", **file})
            if not kept.is_file():
                raise InvalidInputError(
                    f"The {name} that this video was made from, {file['filename']}, is not in "
                    f"{self.store.name}/inputs/. Connect to the store that made the video, or give the file to submit."
                )
            inputs[name] = Upload(file["filename"], kept)
        return self.submit(made["model"], fresh=True, **inputs)

    def prune(
        self,
        *,
        older_than: float | None = None,
        status: str | Iterable[str] | None = None,
        model: str | None = None,
        delete: bool = False,
    ) -> pd.DataFrame:
        """Lists what would go from the store; with ``delete=True``, removes it, the videos and unused inputs too.

        What is under way stays, and so does what may still be fetched, unless its status is named.

        Args:
            older_than: days since it ended.
            status: one status, or several.
            model: by the name it was asked for, or what that meant.
            delete: whether it is removed, which cannot be undone.

        Returns:
            A table as of :func:`decart_nb.jobs`.

        Raises:
            InvalidInputError: nothing says what to remove.
        """
        from .table import frame

        if older_than is not None and (isinstance(older_than, bool) or not isinstance(older_than, (int, float))):
            raise InvalidInputError(f"older_than must be days, as a number, not {older_than!r:.60}.")
        if older_than is None and status is None and model is None:
            raise InvalidInputError("prune needs to know what: older_than=… in days, status=…, or model=….")
        statuses = (
            {status} if isinstance(status, str) else set(status or ("completed", "failed", "rejected", "cancelled"))
        )
        going = [
            record
            for record in self._runner.store.find()
            if record.status in statuses - set(UNDER_WAY)
            and model in (None, record.model, record.asked_model)
            and (older_than is None or (record.ended_at or record.created_at) < time.time() - older_than * 86400)
        ]
        if delete:
            self._runner.store.forget(going)
        return frame(going, self.store)

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
        return f"<decart_nb on {where}, clips in {self.store.name}/>"

    @staticmethod
    def _shown(job: Job) -> Job:
        try:
            show(job)
        except KeyboardInterrupt:  # while it is being put on screen
            raise job.interrupted() from None
        return job

    def _submit(
        self, model: str | ModelDefinition, inputs: Mapping[str, Any], fresh: bool, resubmit_uncertain: bool
    ) -> Job:
        definition = model_of(model)
        request = prepare(definition, inputs, keep=True)
        if self.backend == "live":
            _warn(definition)
        return self._runner.submit(request, fresh=fresh, resubmit_uncertain=resubmit_uncertain)

    def _pick_up(self) -> str:
        """Goes on with what earlier kernels have left under way, and says in one line what there was."""
        taken, uncertain = 0, 0
        for left in self._runner.store.left(self._runner.endpoint):
            if left.job_id:
                self._runner.pick_up(left)
                taken += 1
            elif left.sent_at:
                self._runner.store.take_over(left)
                uncertain += 1
        parts = [f"{_jobs(taken)} picked up where an earlier kernel left off"] * (taken > 0)
        parts += [f"{_jobs(uncertain)} perhaps submitted, left alone: decart_nb.jobs() tells why"] * (uncertain > 0)
        return f"{self.store.name}/: {'; '.join(parts)}." if parts else ""


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"


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
    backend = _backend(target, has_key=bool(api_key or base_url or os.environ.get("DECART_API_KEY", "").strip()))
    if backend == "local" and (target == "live" or api_key or base_url):
        print("DECART_BACKEND=local is set, so this is the local queue; unset it to reach Decart.")  # noqa: T201
    if patience is not None and not isinstance(patience, Patience):
        raise InvalidInputError(f"patience must be a decart_nb.Patience, not {patience!r:.60}.")
    folder = _writable(store)
    if backend == "local":
        queue = _embedded(folder / "local")
        address: tuple[str | None, str] = (queue.api_key, queue.base_url)
    else:
        address = (_key(api_key), base_url or BASE_URL)
    client = DecartClient(*address, integration, timeout=timeout, patience=patience or Patience(submission=600.0))
    register()
    _current = Session(backend, client, folder, _checked(prices or {}))
    if found := _current._pick_up():
        print(found)  # noqa: T201 - the line that says so, in the cell that connected
    return _current


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
            PIL images, NumPy arrays (an image H×W×3, a video T×H×W×3; uint8, or floats from 0 to 1) or clips.

    Raises:
        ModelNotFoundError, InvalidInputError: the request would be refused. Nothing was sent.
        BackendError: neither Decart nor the local queue was chosen.
    """
    return _session().submit(model, prompt, fresh=fresh, resubmit_uncertain=resubmit_uncertain, **inputs)


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


def attach(job_id: str, model: str | ModelDefinition | None = None) -> Job:
    """Picks a job up by its id, from this kernel or another.

    Args:
        job_id: as the queue gave it.
        model: what was asked, for the caption, if it is still known.
    """
    return _session().attach(job_id, model)


def jobs() -> pd.DataFrame:
    """All that the store knows, a row a job, the oldest first.

    Returns:
        Columns for every input, and ``model take status job_id path error submitted_at seconds cost width height fps
        duration backend``. Times are UTC, seconds count from the submission, costs are estimates in USD.
    """
    return _session().jobs()


def provenance(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What made a video: its inputs, model, seed, take, job, times, digests and versions.

    It is found in the record beside a stored video, in the store by the video's digest, or in the tags of a copy that
    ``clip.save`` has made, wherever that was moved; :mod:`decart_nb.lineage` has the names.

    Args:
        path: the video, a clip, or a record's own file.

    Raises:
        MediaError: there is no such file, or nothing says how it was made.
    """
    return _current.provenance(path) if _current is not None else lineage.provenance(path)


def reproduce(path: str | os.PathLike[str]) -> Job:
    """Makes the request again that a video was made with, as a fresh take.

    Args:
        path: as for :func:`provenance`.

    Raises:
        InvalidInputError: a file that it was made from is not in this store.
        MediaError: as for :func:`provenance`.
    """
    return _session().reproduce(path)


def known_ids() -> list[str]:
    """The ids of the jobs in the store that is open, the latest first."""
    records = _current._runner.store.find() if _current is not None else []
    return [record.job_id for record in reversed(records) if record.job_id]


def _session() -> Session:
    return _current if _current is not None else connect()


def _backend(target: str | None, *, has_key: bool) -> str:
    asked = os.environ.get("DECART_BACKEND", "").strip().lower()
    for value, origin in ((asked, "DECART_BACKEND"), (target, "connect")):
        if value and value not in _BACKENDS:
            raise BackendError(f"{origin} says {value!r}; it must be 'live' or 'local'.")
    if asked == "local" or (asked and not target):
        return asked
    if target:
        return target
    if has_key:
        return "live"
    if a_person_is_there():
        print(  # noqa: T201 - the line that says so, in the cell that connected
            "There is no DECART_API_KEY, so this is the local queue: it makes previews, free of charge. "
            'connect("live") asks for a key.'
        )
        return "local"
    raise BackendError(
        'Where should this run? Set DECART_API_KEY, or call decart_nb.connect("live", api_key=…), for Decart; call '
        'decart_nb.connect("local"), or set DECART_BACKEND=local, for previews on the local queue.'
    )


def _key(api_key: str | None) -> str | None:
    if api_key or os.environ.get("DECART_API_KEY", "").strip() or not a_person_is_there():
        return api_key
    typed = getpass.getpass("Decart API key: ").strip()
    if not typed:
        raise InvalidAPIKeyError
    return typed


def _writable(store: str | os.PathLike[str]) -> Path:
    """The store's folder, made and tried: after a video has been paid for is too late to find it cannot be kept."""
    try:
        folder = Path(store).expanduser().absolute()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, TypeError, RuntimeError) as cause:
        reason = getattr(cause, "strerror", None) or cause
        raise InvalidInputError(f"store {store} is no folder that can be written: {reason}.", {}, cause) from None


_stores: dict[Path, Store] = {}


def _remembered(folder: Path) -> Store:
    """The store in a folder: one in a process, however often somebody connects."""
    store = _stores.get(folder)
    if store is None or not store.database.exists():
        store = _stores[folder] = Store(folder)
    return store


_queues: dict[Path, LocalQueue] = {}


def _embedded(folder: Path) -> LocalQueue:
    """The local queue on a folder: one in a process, however often somebody connects."""
    from .local.embedded import LocalQueue

    queue = _queues.get(folder)
    if queue is None or not queue.running:
        queue = _queues[folder] = LocalQueue(folder).start()
    return queue


def _checked(prices: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(prices, Mapping):
        raise InvalidInputError(f"prices must be USD per generated second by model, as a dict, not {prices!r:.60}.")
    for model, price in prices.items():
        if isinstance(price, bool) or not isinstance(price, (int, float)) or not 0 <= price < float("inf"):
            raise InvalidInputError(f"The price of {model} must be USD per generated second, not {price!r:.60}.")
    return dict(prices)


def _warn(model: ModelDefinition) -> None:
    if model.status == "retired":
        text = f"{model.name} is retired at Decart and will probably be refused. decart_nb.models lists the live ones."
    elif model.successor:
        text = f"{model.name} is an old name at Decart; use {model.successor}."
    else:
        return
    # It points at the caller's line, by whichever of our doors the call came in: a magic is called by IPython.
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] in ("decart_nb", "IPython"):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, ModelWarning, stacklevel=level)
