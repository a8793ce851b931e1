"""Repeats of requests: another take of what was made, or another attempt at what came to nothing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import InvalidInputError
from ..request.models import MAX_SEED
from ..request.request import Request, prepare
from ..store.job_row import Record
from .job import Job

if TYPE_CHECKING:
    from .runner import Runner


def repeat(runner: Runner, request: Request, *, is_made: bool, take: int) -> Job:
    """Submit a request again, as a job of its own.

    Args:
        runner: submits it.
        request: the request.
        is_made: whether there is a video of it. Then this is another take, with another seed if the request has one,
            since the same seed would make the same video: that is a request of its own. If not, what was taken by the
            queue is asked for again, and not paid twice.
        take: the number of the take that is repeated.
    """
    if not is_made:
        return runner.submit(request, take=take)
    if "seed" not in request.values:
        return runner.submit(request, fresh=True)
    return runner.submit(replace(request, values={**request.values, "seed": secrets.randbelow(MAX_SEED)}))


@dataclass
class RepeatedRequest:
    """Asks for another take of a job that was submitted here; what :class:`~decart_nb.job.job.Job` has as ``resubmit``.

    Attributes:
        runner: submits it.
        request: the job's request; once its files are in the store, with these.
    """

    runner: Runner
    request: Request

    def __call__(self, job: Job) -> Job:
        """Submit the request again, as a job of its own."""
        take = job.recipe.record.take if job.recipe else 0
        return repeat(self.runner, self.request, is_made=job.clip is not None, take=take)


def repeat_stored(runner: Runner, record: Record, *, is_made: bool) -> Job:
    """Submit the request of a stored job again; see :func:`repeat`.

    Args:
        runner: submits it.
        record: the job.
        is_made: whether there is a video of it.

    Raises:
        InvalidInputError: its model or its inputs are not known.
        StoreError: an input file is not in the store.
    """
    recipe = runner.recipe(record)
    inputs = recipe.inputs()
    if record.drawn_seed is not None:
        del inputs["seed"]  # each take of this request draws its own
    if recipe.model is None or not inputs:
        raise InvalidInputError(f"What job {record.job_id} was asked for is not known here; submit it anew.")
    return repeat(runner, prepare(recipe.model, inputs), is_made=is_made, take=record.take)
