"""The IPython magics ``%%decart`` and ``%decart``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from .._util.text import did_you_mean
from ..display.environment import kernel_shell
from ..display.terminal import job_progress
from ..errors import InvalidInputError
from ..request.catalogue import models
from ..request.models import ModelDefinition
from ..session import functions
from . import magic_completion
from .magic_completion import COMMANDS
from .magic_parser import fill, read, split, value


def load(shell: Any) -> None:
    """Registers the magics and their Tab completion with a shell."""
    from IPython.core.magic import needs_local_scope, no_var_expand

    unload(shell)  # or loading twice would complete everything twice
    # IPython's own expansion also replaces $name, and every brace.
    shell.register_magic_function(no_var_expand(needs_local_scope(decart)), "line_cell")
    magic_completion.load(shell)


def unload(shell: Any) -> None:
    """Removes what :func:`load` registered."""
    for magics in shell.magics_manager.magics.values():
        magics.pop(decart.__name__, None)
    magic_completion.unload(shell)


def decart(line: str, body: str | None = None, *, local_ns: dict[str, Any]) -> object:
    """Makes a video from a cell, and lists jobs and models.

    ::

        %%decart MODEL [--seed N] [--data FILE] [--INPUT VALUE …] [-o NAME] [--wait]
        The prompt, on one or more lines.

    submits a job, shows it below the cell and returns at once. Tab completes models and their options.

        --INPUT VALUE   an input of the model, such as --seed 7 or --resolution=480p. Files are paths or URLs; a
                        trajectory is JSON in quotes; --enhance-prompt and --no-enhance-prompt need no value
        -o NAME         assigns the job to this variable
        --wait          waits for the video; if the job fails, the cell does

    ``{name}``, in the prompt and in the line, is replaced by that variable of the notebook. An option whose value is
    just ``{name}`` gets the object itself: a clip, a PIL image, an array. ``{{`` and ``}}`` are braces. ::

        %%decart lucy-pro-i2v --data {still} --seed 3 -o job
        The camera pulls back from the {animal}

    The line magic::

        %decart jobs        the table of decart_nb.jobs()
        %decart models      every model, with its inputs and its price
        %decart attach ID   a job, by its id, from this kernel or another
        %decart MODEL …     as %%decart, for a model that takes no prompt
    """
    if body is None and next(iter(line.split()), "") not in models:
        return _run_command(line, local_ns)
    asked = read(line, local_ns)
    prompt = fill((body or "").strip(), local_ns)
    job = functions.submit(asked.model, _prompt(asked.model, prompt), **asked.inputs)
    if asked.output is not None:
        local_ns[asked.output] = job
    if asked.wait:
        # A notebook shows the job's progress already.
        with nullcontext() if kernel_shell() else job_progress(job):
            job.result()
    return job


def _prompt(model: ModelDefinition, text: str) -> str | None:
    """The cell's body as the prompt; ``None`` if it is empty and the model does not require one."""
    required = any(field.name == "prompt" and field.required for field in model.fields or ())
    return text if text or required else None


def _run_command(line: str, variables: Mapping[str, Any]) -> object:
    command, *words = [value(word, variables) for word in split(line)] or [""]
    if command == "jobs" and not words:
        return functions.jobs()
    if command == "models" and not words:
        return models
    if command == "attach" and len(words) in (1, 2):
        return functions.attach(*words)
    known = [*COMMANDS, *(model.name for model in models)]
    raise InvalidInputError(
        f"%decart takes jobs, models, or attach and a job's id.{did_you_mean(str(command), known)} "
        "A video is made by %%decart MODEL, with the prompt in the lines below it."
    )
