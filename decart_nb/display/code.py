"""A job as code that runs as it stands, in a fresh cell beside the notebook: the session, and the call."""

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

_LONGEST_LINE = 100
_STORE = "decart_runs"  # connect's own


def code_of(job: Job, folder: Path) -> str:
    """The code that asks for the same; of a job whose inputs are not known, the call that shows it.

    Args:
        job: the job.
        folder: the notebook's, where the code will run.
    """
    if job.recipe is None:
        return call(job.model, job.inputs) if job.inputs else f"dnb.attach({job.id!r})"
    lines = ["import decart_nb as dnb", "", f"dnb.connect({_connection(job.recipe, folder)})"]
    model = job.recipe.model
    try:
        inputs = job.recipe.inputs()
    except DecartSDKError:
        inputs = {}
    if not inputs or model is None:
        return "\n".join([*lines, f"dnb.attach({job.id!r})"])
    given = {name: _path(value, folder) if isinstance(value, Path) else value for name, value in inputs.items()}
    if job.recipe.record.take:
        given["fresh"] = True  # without it, the code would find the first take
    listed = model.name in models and models.video(model.name) == model
    named = model.name if listed else _definition(model)
    return "\n".join([*lines, call(named, given)])


def call(model: str | _Code, inputs: Mapping[str, Any]) -> str:
    """The call that makes a request.

    Args:
        model: its name, or code.
        inputs: by name.
    """
    arguments = [repr(model), *(f"{name}={value!r}" for name, value in inputs.items())]
    line = f"dnb.generate({', '.join(arguments)})"
    if len(line) <= _LONGEST_LINE:
        return line
    return "\n".join(["dnb.generate(", *(f"    {argument}," for argument in arguments), ")"])


class _Code(str):
    """Code that stands for itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _connection(recipe: Recipe, folder: Path) -> str:
    """The arguments of ``connect`` that open the same queue and the same store. The key comes from the environment."""
    arguments = [repr(recipe.backend)]
    if recipe.backend == "live" and not recipe.is_default_address:
        arguments.append(f"base_url={_without_secrets(recipe.base_url)!r}")
    if (store := _path(recipe.store.folder, folder)) != _STORE:
        arguments.append(f"store={store!r}")
    if recipe.prices:
        arguments.append(f"prices={dict(recipe.prices)!r}")
    return ", ".join(arguments)


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _definition(model: ModelDefinition) -> _Code:
    """The caller's own model, described by what the request and its cost depend on; its inputs are sent as they are."""
    given: dict[str, Any] = {name: getattr(model, name) for name in ("name", "width", "height", "fps")}
    if model.url_path != f"/v1/jobs/{model.name}":
        given["url_path"] = model.url_path
    if model.prices:
        given["prices"] = dict(model.prices)
    return _Code(f"dnb.ModelDefinition({', '.join(f'{name}={value!r}' for name, value in given.items())})")


def _path(path: Path, folder: Path) -> str:
    """A path as it is typed in a folder. It names no folder above those that both have in common."""
    if path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:  # on another drive
        return path.as_posix()
