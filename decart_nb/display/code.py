"""Python code that repeats a job's request: ``connect``, then the call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import DecartSDKError
from ..job.job import Job
from ..job.recipe import Recipe
from ..request.catalogue import models
from ..request.models import ModelDefinition

_LINE_LIMIT = 100
_DEFAULT_STORE = "decart_runs"


def code_of(job: Job, folder: Path) -> str:
    """Code that repeats a job's request; if its inputs are unknown, code that attaches to the job.

    Args:
        job: the job.
        folder: the notebook's folder, in which the code will run.
    """
    if job.recipe is None:
        return call(job.model, job.inputs) if job.inputs else f"dnb.attach({job.id!r})"
    return recipe_code(job.recipe, folder)


def recipe_code(recipe: Recipe, folder: Path) -> str:
    """Code that repeats a stored job's request; if its inputs are unknown, code that attaches to the job.

    Args:
        recipe: what is needed to submit the job again.
        folder: as for :func:`code_of`.
    """
    lines = ["import decart_nb as dnb", "", f"dnb.connect({_connection(recipe, folder)})"]
    model = recipe.model
    try:
        inputs = recipe.inputs()
    except DecartSDKError:
        inputs = {}
    if not inputs or model is None:
        return "\n".join([*lines, f"dnb.attach({recipe.record.job_id!r})"])
    arguments = {
        name: shown_path(value, folder) if isinstance(value, Path) else value for name, value in inputs.items()
    }
    if recipe.record.take and recipe.record.drawn_seed is None:
        arguments["fresh"] = True  # nothing else tells it from the first take
    is_listed = model.name in models and models.video(model.name) == model
    shown = model.name if is_listed else _definition(model)
    return "\n".join([*lines, call(shown, arguments)])


def call(model: str | _Code, inputs: Mapping[str, Any]) -> str:
    """A call of ``generate`` as code.

    Args:
        model: the model's name, or code for it.
        inputs: the inputs by name.
    """
    arguments = [repr(model), *(f"{name}={value!r}" for name, value in inputs.items())]
    line = f"dnb.generate({', '.join(arguments)})"
    if len(line) <= _LINE_LIMIT:
        return line
    return "\n".join(["dnb.generate(", *(f"    {argument}," for argument in arguments), ")"])


class _Code(str):
    """Code, whose ``repr`` is itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _connection(recipe: Recipe, folder: Path) -> str:
    """The arguments of ``connect`` for the same queue and store, without the key."""
    arguments = [repr(recipe.backend)]
    if recipe.backend == "live" and not recipe.is_default_address:
        arguments.append(f"base_url={_without_secrets(recipe.base_url)!r}")
    if (store := shown_path(recipe.store.folder, folder)) != _DEFAULT_STORE:
        arguments.append(f"store={store!r}")
    if recipe.prices:
        arguments.append(f"prices={dict(recipe.prices)!r}")
    return ", ".join(arguments)


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _definition(model: ModelDefinition) -> _Code:
    """Code for a model that is not in the catalogue: the attributes on which the request and its cost depend."""
    attributes: dict[str, Any] = {name: getattr(model, name) for name in ("name", "width", "height", "fps")}
    if model.url_path != f"/v1/jobs/{model.name}":
        attributes["url_path"] = model.url_path
    if model.prices:
        attributes["prices"] = dict(model.prices)
    return _Code(f"dnb.ModelDefinition({', '.join(f'{name}={value!r}' for name, value in attributes.items())})")


def shown_path(path: Path, folder: Path) -> str:
    """A path relative to a folder, which shows nothing above their common parent."""
    if path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # on another drive
        return path.as_posix()
