"""The command ``decart-nb models``: the models, or one model with its inputs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from .._util.console import say
from .._util.text_table import text_table
from ..request.catalogue import models
from ..request.model_card import model_facts, model_inputs
from ..request.models import ModelDefinition
from .width import columns


def add_to(commands: Any) -> None:
    """Adds the command to the subparsers of ``decart-nb``."""
    command = commands.add_parser("models", help="list the models, or the inputs of one")
    command.add_argument("model", nargs="?", metavar="MODEL", help="show this one, with its inputs")
    command.add_argument("--all", action="store_true", help="also those that Decart has retired")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    if options.model is not None:
        say(_description(models.video(options.model)))
        return
    groups = [
        ("Live at Decart:", [model for model in models if model.status == "live"]),
        ("Deprecated, still live under these names:", [model for model in models if model.status == "deprecated"]),
    ]
    retired = [model for model in models if model.status == "retired"]
    if options.all:
        groups.append(("Retired at Decart; the local queue makes previews:", retired))
    parts = [f"{title}\n{_table(group)}" for title, group in groups if group]
    if retired and not options.all:
        parts.append(f"{len(retired)} more are retired at Decart; the local queue makes them: --all lists them.")
    parts.append("decart-nb models MODEL lists its inputs; decart-nb make MODEL makes a video.")
    say("\n\n".join(parts))


def _table(group: Sequence[ModelDefinition]) -> str:
    return text_table(
        {
            "model": [model.name for model in group],
            "kind": [model.kind or "" for model in group],
            "size": [f"{model.width}×{model.height}" for model in group],
            "fps": [str(model.fps) for model in group],
            "seconds": ["as input" if model.seconds is None else f"{model.seconds:g}" for model in group],
            "USD/s": ["unknown" if model.price is None else f"{model.price:.2f}" for model in group],
            "needs": [_needs(model) for model in group],
        },
        right=("fps",),
        cut=("needs",),
        width=columns(),
    )


def _needs(model: ModelDefinition) -> str:
    """The inputs without which a model makes nothing."""
    alternatives = " or ".join(model.exactly_one)
    needed = [field.name for field in model.fields or () if field.required and field.name not in model.exactly_one]
    return ", ".join([*([alternatives] if alternatives else []), *needed])


def _description(model: ModelDefinition) -> str:
    """A model's facts and inputs, in lines."""
    names, types, conditions = zip(*model_inputs(model), strict=True)
    options = [f"--{name.replace('_', '-')}" for name in names]
    table = text_table({"option": options, "value": types, "": conditions}, cut=("",), width=columns())
    return "\n".join([*model_facts(model), "", table])
