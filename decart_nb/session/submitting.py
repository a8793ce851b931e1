"""Submission of what a person asks for: a model by its name or definition, and its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..job.job import Job
from ..job.runner import Runner
from ..request.models import ModelDefinition
from ..request.request import definition_of, prepare
from ..request.validation import checked_flag, warn_if_outdated
from .preparing import fitted_inputs


def submit_request(
    runner: Runner,
    model: str | ModelDefinition,
    inputs: Mapping[str, Any],
    *,
    fresh: bool = False,
    resubmit_uncertain: bool = False,
    fit: bool = False,
) -> Job:
    """Check a request and submit it, without showing its job.

    Args:
        runner: submits it.
        model, inputs: what is asked for.
        fresh, resubmit_uncertain, fit: as for :func:`decart_nb.submit`.

    Raises:
        InvalidInputError: an input or an option is not valid.
        ModelNotFoundError: there is no such model.
        StoreError: a file cannot be kept in the store.
    """
    asked = {
        "fresh": checked_flag("fresh", fresh),
        "resubmit_uncertain": checked_flag("resubmit_uncertain", resubmit_uncertain),
    }
    definition = definition_of(model)
    if checked_flag("fit", fit):
        inputs = fitted_inputs(definition, inputs)
    request = prepare(definition, inputs)
    if runner.backend == "live":
        warn_if_outdated(definition)
    return runner.submit(request, **asked)
