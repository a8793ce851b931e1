"""The command ``decart-nb models``: the models, or one model with its inputs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from .._util.console import say
from .._util.text_table import text_table
from ..request.catalogue import models
from ..request.models import Field, ModelDefinition
from .width import columns

_TYPES = {
    "text": "text",
    "integer": "integer",
    "flag": "true or false",
    "choice": "choice",
    "image": "image file or URL",
    "video": "video file or URL",
    "trajectory": "points, as JSON",
}


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
    now = f", now called {model.successor}" if model.successor else ""
    alias = f", which means {model.alias_of} today" if model.alias_of else ""
    price = "unknown" if model.price is None else f"${model.price:.2f} for a generated second"
    length = "as long as the input" if model.seconds is None else f"{model.seconds:g} s"
    facts = [
        f"{model.name}: {model.kind}, {model.status}{now}{alias}",
        f"makes {model.width}×{model.height} at {model.fps} fps, {length}; price: {price}",
    ]
    fields = model.fields or ()
    inputs = text_table(
        {
            "option": [f"--{field.name.replace('_', '-')}" for field in fields],
            "value": [_TYPES[field.type] for field in fields],
            "": [_condition(field, model) for field in fields],
        },
        cut=("",),
        width=columns(),
    )
    return "\n".join([*facts, "", inputs])


def _condition(field: Field, model: ModelDefinition) -> str:
    """Whether an input is required, its default and its limits."""
    others = [name for name in model.exactly_one if name != field.name]
    parts = [
        "required" if field.required else "",
        f"this or {' or '.join(others)}, not both" if field.name in model.exactly_one else "",
        " or ".join(field.choices),
        "" if field.default is None else f"{str(field.default).lower()} unless given",
        f"only with {field.only_with}" if field.only_with else "",
        f"up to {field.maximum:,} characters" if field.type == "text" and field.maximum else "",
        f"up to {field.max_bytes // 2**20} MB" if field.max_bytes else "",
        f"up to {field.max_seconds:g} s" if field.max_seconds else "",
    ]
    return "; ".join(filter(None, parts))
