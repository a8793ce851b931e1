"""Requests: a model with validated fields and files, ready to be sent."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .._util.plain_values import NotPlainError, is_scalar, plain
from ..errors import InvalidInputError
from .catalogue import models
from .local_files import UnusableFileError, read_unchanged
from .locations import RemoteFile
from .models import FILE_INPUTS, FILE_TYPES, ModelDefinition
from .uploads import Upload, check_file, read
from .validation import Problem, check, invalid_inputs


@dataclass
class Request:
    """A validated request.

    Attributes:
        model: the model that is to run it.
        values: its plain fields.
        files: its file fields; a :class:`RemoteFile` until it is downloaded.
    """

    model: ModelDefinition
    values: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Upload | RemoteFile] = field(default_factory=dict)

    def form(self) -> dict[str, str]:
        """The plain fields as the text that goes over the wire."""
        return {name: _as_text(value) for name, value in self.values.items()}


def definition_of(model: Any) -> ModelDefinition:
    """The definition of a model that is given by name or as a definition.

    Raises:
        InvalidInputError: it is neither a name nor a definition.
        ModelNotFoundError: no model has that name.
    """
    if isinstance(model, ModelDefinition):
        return model
    if isinstance(model, str):
        return models.video(model)
    given = "no model was given" if model is None else f"model is a {type(model).__name__}"
    raise InvalidInputError(f'{given}; give models.video("…"), a name, or a ModelDefinition.')


def prepare(model: ModelDefinition, inputs: Mapping[str, Any]) -> Request:
    """Validate the inputs of a request and open its files.

    Args:
        model: the model that is to run it.
        inputs: the request's fields, as the caller gave them; ``None`` counts as left out.

    Raises:
        InvalidInputError: its message lists all problems.
    """
    request, problems = read_request(model, inputs)
    if problems:
        raise invalid_inputs(model, problems)
    return request


def read_request(model: ModelDefinition, inputs: Mapping[str, Any]) -> tuple[Request, list[Problem]]:
    """As :func:`prepare`, but the problems are returned, and the request has what is right."""
    values, problems = check(model, inputs)
    request = Request(model)
    for name, value in values.items():
        try:
            if not is_file(model, name, value):
                request.values[name] = plain(value)
                continue
            request.files[name] = read_unchanged(partial(read_file, model, name, value))
        except (UnusableFileError, NotPlainError) as error:
            problems.append(Problem(name, str(error), "value_error"))
    return request, problems


def is_file(model: ModelDefinition, name: str, value: Any) -> bool:
    """Whether a field is sent as a file."""
    if model.fields is None:
        # Of a model that no table describes, the usual names are files, and so is whatever else can only be one.
        return name in FILE_INPUTS or _is_a_file(value)
    field = model.field_named(name)
    return field is not None and field.type in FILE_TYPES


def read_file(model: ModelDefinition, name: str, value: Any) -> Upload | RemoteFile:
    """Open a file field and check that the model accepts it.

    Raises:
        UnusableFileError: the model does not accept it, or the value is not a file.
    """
    field = model.field_named(name)
    file = read(name, value, model.fps, most=(field and field.max_bytes) or None)
    if field:
        check_file(field, file)
    return file


def check_fetched(model: ModelDefinition, name: str, upload: Upload) -> None:
    """Check a downloaded file, which :func:`prepare` could not check before the download.

    Raises:
        InvalidInputError: the model does not accept the file.
    """
    field = model.field_named(name)
    if field is None:
        return
    try:
        check_file(field, upload)
    except UnusableFileError as error:
        raise invalid_inputs(model, [Problem(name, str(error), "value_error")]) from None


def _is_a_file(value: Any) -> bool:
    if isinstance(value, (Upload, os.PathLike, bytes, bytearray, memoryview)) or hasattr(value, "read"):
        return True
    return any(hasattr(value, sign) for sign in ("__array__", "__array_interface__")) and not is_scalar(value)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value)
    return str(value)
