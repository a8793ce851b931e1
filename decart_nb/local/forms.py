"""A submitted form, read leniently: as this project sends it, and as Decart's SDKs do."""

from __future__ import annotations

import ast
import contextlib
import json
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData, UploadFile

from ..catalogue import FILE_TYPES, ModelDefinition
from ..checks import Problem, check


def read(model: ModelDefinition, form: FormData) -> tuple[dict[str, Any], dict[str, UploadFile], list[Problem]]:
    """The model's inputs in a form: plain values, uploads, and what is wrong with them. Other fields are ignored."""
    types = {field.name: field.type for field in model.fields or ()}
    given: dict[str, Any] = {}
    for name, value in form.multi_items():
        if name not in types:
            continue
        given[name] = value if isinstance(value, UploadFile) else _typed(types[name], value)
    values, problems = check(model, given)
    files: dict[str, UploadFile] = {}
    for name, kind in types.items():
        if kind in FILE_TYPES and name in values:
            value = values.pop(name)
            if isinstance(value, UploadFile):
                files[name] = value
            else:
                problems.append(Problem(name, "must be a file.", "value_error"))
    return values, files, problems


def detail(problems: list[Problem]) -> list[Mapping[str, Any]]:
    """The problems in the shape of FastAPI's 422 answer."""
    return [{"type": problem.type, "loc": ["body", problem.field], "msg": problem.message} for problem in problems]


def _typed(type: str, text: str) -> Any:
    """A field's text as what it means; where it means nothing, the text, which :func:`check` then refuses."""
    if type == "flag":
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    if type == "integer":
        with contextlib.suppress(ValueError):
            return int(text)
    if type == "trajectory":
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(text)
        # SDK 0.0.20 sends the list as Python prints it.
        with contextlib.suppress(ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return ast.literal_eval(text)
    return text
