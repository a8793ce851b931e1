"""What is known of one model, for people: its facts, and its inputs with their types and conditions."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models import Field, ModelDefinition

_TYPES = {
    "text": "text",
    "integer": "integer",
    "flag": "true or false",
    "choice": "choice",
    "image": "image file or URL",
    "video": "video file or URL",
    "trajectory": "points, as JSON",
}
_CELL = "text-align:left;vertical-align:top"


def model_facts(model: ModelDefinition) -> list[str]:
    """A model's kind and status, and what it makes at which price, in two lines."""
    now = f", now called {model.successor}" if model.successor else ""
    alias = f", which means {model.alias_of} today" if model.alias_of else ""
    price = "unknown" if model.price is None else f"${model.price:.2f} for a generated second"
    length = "as long as the input" if model.seconds is None else f"{model.seconds:g} s"
    return [
        f"{model.name}: {model.kind or 'custom model'}, {model.status}{now}{alias}",
        f"makes {model.width}×{model.height} at {model.fps} fps, {length}; price: {price}",
    ]


def model_inputs(model: ModelDefinition) -> list[tuple[str, str, str]]:
    """Of each input its name, its type, and whether it is required, its default and its limits."""
    return [(field.name, _TYPES[field.type], _condition(field, model)) for field in model.fields or ()]


def input_labels(model: ModelDefinition) -> Iterator[str]:
    """The names of a model's inputs, required ones with a star; those of which it takes exactly one are one label."""
    for known in model.fields or ():
        if known.name not in model.exactly_one:
            yield f"{known.name}*" if known.required else known.name
        elif known.name == model.exactly_one[0]:
            yield f"(either {' or '.join(model.exactly_one)})*"


def model_line(model: ModelDefinition) -> str:
    """A model in one line: what it makes, its status, its price and its inputs."""
    price = "price unknown" if model.price is None else f"${model.price:.2f} a second"
    inputs = ", ".join(input_labels(model))
    size = f"{model.width}×{model.height} at {model.fps} fps"
    line = f"{model.name}: {model.kind or 'custom model'}, {size}, {model.status}, {price}"
    return f"{line}; inputs (* required): {inputs}" if inputs else line


def model_html(model: ModelDefinition) -> str:
    """A model's facts and inputs as HTML."""
    facts = "<br>".join(map(html.escape, model_facts(model)))
    cells = ("".join(f'<td style="{_CELL}">{html.escape(text)}</td>' for text in row) for row in model_inputs(model))
    head = "".join(f'<th style="{_CELL}">{name}</th>' for name in ("input", "value", ""))
    rows = "".join(f"<tr>{row}</tr>" for row in cells)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
    return f"<div>{facts}</div>{table}"


def _condition(field: Field, model: ModelDefinition) -> str:
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
