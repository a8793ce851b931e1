"""Parses the multipart form of a submission, as this client and Decart's SDKs send it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData, UploadFile

from ..request.models import FILE_TYPES, ModelDefinition
from ..request.validation import Problem, check


def parse_form(model: ModelDefinition, form: FormData) -> tuple[dict[str, Any], dict[str, UploadFile], list[Problem]]:
    """The plain values, the uploaded files and the validation problems of a form. Unknown fields are ignored."""
    types = {field.name: field.type for field in model.fields or ()}
    given: dict[str, Any] = {}
    for name, value in form.multi_items():
        if name not in types:
            continue
        given[name] = value
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
    """The problems in the shape of FastAPI's 422 response."""
    return [{"type": problem.type, "loc": ["body", problem.field], "msg": problem.message} for problem in problems]
