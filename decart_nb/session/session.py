"""The session: a connection to a queue, with a store for its jobs and clips."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .._util.cached import Cached
from .._util.copying import ProcessLocal
from .._util.public import public
from .._util.text import printable, short_repr
from ..display import show, show_sweep, sweep_grid
from ..errors import InvalidInputError, NotPicklableError
from ..job import provenance as job_provenance
from ..job.clip import Clip
from ..job.job import Job
from ..job.runner import Runner
from ..request.models import ModelDefinition
from ..request.request import definition_of
from ..request.validation import checked_flag
from ..sweeps.factory import SweepFactory
from ..sweeps.views import Views
from . import pruning
from .exploring import explore
from .store_folder import relative_name
from .submitting import submit_request

if TYPE_CHECKING:
    import pandas as pd

    from ..store.mirror import Mirrored


@public
class Session(ProcessLocal):
    """A connection to a queue, with a store for its jobs and clips. Created by :func:`connect`.

    Attributes:
        backend: ``live`` (Decart) or ``local`` (the embedded queue, which makes previews and costs nothing).
        base_url: the address of the queue.
        store: the absolute path of the store's folder, where the videos are.
        runner: runs its jobs; ``runner.store`` is their store.
    """

    def __init__(self, runner: Runner, store: Path) -> None:
        self.backend = runner.backend
        self.base_url = runner.client.base_url
        self.store = store
        self.runner = runner

    @property
    def api_key(self) -> str:
        """The API key, to pass to another client. No repr shows it."""
        return self.runner.client.api_key

    def submit(
        self,
        model: str | ModelDefinition,
        prompt: str | None = None,
        *,
        fresh: bool = False,
        resubmit_uncertain: bool = False,
        fit: bool = False,
        **inputs: Any,
    ) -> Job:
        """See :func:`decart_nb.submit`."""
        asked = {"prompt": prompt, **inputs}
        return self._shown(
            submit_request(self.runner, model, asked, fresh=fresh, resubmit_uncertain=resubmit_uncertain, fit=fit)
        )

    def generate(
        self,
        model: str | ModelDefinition,
        prompt: str | None = None,
        *,
        fresh: bool = False,
        resubmit_uncertain: bool = False,
        fit: bool = False,
        **inputs: Any,
    ) -> Clip:
        """See :func:`decart_nb.generate`."""
        asked = {"prompt": prompt, **inputs}
        job = submit_request(self.runner, model, asked, fresh=fresh, resubmit_uncertain=resubmit_uncertain, fit=fit)
        try:
            with show(job, waiting=True):
                return job.result()
        except KeyboardInterrupt:  # also while the progress is being displayed
            raise job.interrupted() from None

    def attach(self, job_id: str, model: str | ModelDefinition | None = None) -> Job:
        """See :func:`decart_nb.attach`."""
        if not isinstance(job_id, str) or not job_id.strip():
            raise InvalidInputError(f"attach needs a job's id, as text, not {short_repr(job_id)}.")
        definition = None if model is None else definition_of(model)
        return self._shown(self.runner.attach(job_id.strip(), definition))

    @Cached
    def sweep(self) -> SweepFactory:
        """See :func:`decart_nb.sweep`."""
        return SweepFactory(lambda: self.runner, Views(show_sweep, sweep_grid, explore))

    def jobs(self) -> pd.DataFrame:
        """See :func:`decart_nb.jobs`."""
        from ..job.table import frame

        retrying = {job.key: job.retrying for job in tuple(self.runner.at_work) if job.retrying}
        newest_first = reversed(self.runner.store.find())
        return frame([replace(one, error=retrying.get(one.key, one.error)) for one in newest_first], self.store)

    def provenance(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """See :func:`decart_nb.provenance`."""

        def lookup(digest: str) -> dict[str, Any] | None:
            found = self.runner.store.find(sha256=digest)
            return job_provenance.describe_job(found[-1]) if found else None

        return job_provenance.provenance(path, lookup)

    def measure(
        self,
        video: Clip | Job | str | os.PathLike[str],
        names: Iterable[str] | str | None = None,
        *,
        against: Clip | Job | str | os.PathLike[str] | None = None,
    ) -> dict[str, float]:
        """See :func:`decart_nb.measure`."""
        from .measuring import measure_video

        return measure_video(video, names, against, self.runner.store)

    def reproduce(self, path: str | os.PathLike[str], model: str | ModelDefinition | None = None) -> Job:
        """See :func:`decart_nb.reproduce`."""
        made = self.provenance(path)
        definition = job_provenance.model_of(made) if model is None else definition_of(model)
        inputs = job_provenance.inputs_of(made, definition, self.runner.store.files, self.store.name)
        return self._shown(submit_request(self.runner, definition, inputs, fresh=True))

    def prune(
        self,
        *,
        older_than: float | None = None,
        status: str | Iterable[str] | None = None,
        model: str | ModelDefinition | None = None,
        delete: bool = False,
    ) -> pd.DataFrame:
        """Lists the jobs that match; with ``delete=True``, deletes them, with their videos and unused input files.

        Jobs under way are kept, and so are jobs that may still be fetched, unless their status is named.

        Args:
            older_than: minimum days since a job ended.
            status: one status, or several, of ``completed failed rejected cancelled uncertain unreachable``.
            model: the requested name of the model, or the name that it was resolved to.
            delete: whether to delete the jobs, which cannot be undone.

        Returns:
            The matching jobs, with the columns of :func:`decart_nb.jobs`.

        Raises:
            InvalidInputError: there is no criterion, or one is not valid.
        """
        from ..job.table import frame

        found = pruning.select(self.runner.store, older_than=older_than, status=status, model=model)
        if checked_flag("delete", delete):
            self.runner.store.delete(found)
        return frame(found, self.store)

    def mirror(self, address: str | os.PathLike[str]) -> Mirrored:
        """Copies what is new in the store to another place: videos with their records, inputs, and a database snapshot.

        What is there already is not copied again, and nothing is deleted there. After an interruption, the same call
        goes on. A folder to which the mirror is downloaded is a store: ``connect(store=…)`` reuses all that is in it.

        Args:
            address: an fsspec address, such as ``s3://bucket/runs``, or a folder.

        Returns:
            What was copied: ``.copied``, ``.skipped``, ``.size_bytes``.

        Raises:
            InvalidInputError: it is no address that is written to, or somebody works with a store there.
            StoreError: not all could be copied.
        """
        from .mirroring import mirror_store

        return mirror_store(self.runner.store, address)

    def close(self) -> None:
        """Closes the connections. Jobs under way continue, and the session opens new connections when it needs them."""
        self.runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        where = "the local queue (previews, no cost)" if self.backend == "local" else self.base_url
        return printable(f"<decart_nb on {where}, clips in {relative_name(self.store)}/>")

    def _not_picklable(self) -> Exception:
        return NotPicklableError("A session has a key and cannot be pickled: call decart_nb.connect in each process.")

    @staticmethod
    def _shown(job: Job) -> Job:
        try:
            show(job)
        except KeyboardInterrupt:  # while the job is being displayed
            raise job.interrupted() from None
        return job
