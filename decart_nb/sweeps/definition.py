"""Sweep definitions as JSON, for ``sweep.load``: the axes, with the input files by their digests."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

from .._util.plain_values import is_nonnegative
from ..errors import InvalidInputError, StoreError
from ..request.catalogue import models
from ..request.models import Field, ModelDefinition
from ..request.request import is_file
from ..request.uploads import Upload
from ..store.store import Store
from .axes import LAST_TAKE, Axes, Axis
from .planner import Reader
from .rows import MODEL, TAKE, InputFile, Invalid

_FILE, _MODEL, _TIME, _INVALID, _PLAIN = "$file", "$model", "$time", "$invalid", "$plain"


def definition_of(axes: Axes, reader: Reader, extras: Collection[str]) -> str:
    """The definition of a sweep as JSON. Its files must be in the store already."""

    def plain(name: str, value: Any) -> Any:
        if any(is_file(model, name, value) for model in reader.schema.models) and (file := reader.file(value)):
            upload = file.upload
            return {
                _FILE: {"sha256": file.sha256, "filename": upload.filename, "seconds": file.seconds},
                "shown": file.shown,
            }
        if name == MODEL and isinstance(value, ModelDefinition):
            return value.name if _is_listed(value) else {_MODEL: asdict(value)}
        if not isinstance(value, datetime):
            value = reader.to_keep(name, value)
        return marked(value)

    def marked(value: Any) -> Any:
        if isinstance(value, datetime):
            return {_TIME: value.isoformat()}
        if isinstance(value, Invalid):
            return {_INVALID: value.reason, "shown": marked(value.shown)}
        if isinstance(value, dict) and any(key.startswith("$") for key in value):
            return {_PLAIN: value}
        return value

    factors = [
        {
            "names": factor.names,
            "held": factor.constant,
            "rows": [[plain(*named) for named in zip(factor.names, row, strict=True)] for row in factor.rows],
        }
        for factor in axes.factors
    ]
    return json.dumps({"factors": factors, "drawn": axes.drawn, "extras": sorted(extras)})


def read_definition(text: str, store: Store) -> tuple[Axes, frozenset[str]]:
    """The axes of a stored sweep, and the columns that are the user's own.

    Raises:
        StoreError: the definition is damaged, or an input file is missing.
    """
    try:
        read = json.loads(text)
        factors = [_factor(factor, store) for factor in read["factors"]]
        drawn, extras, size = read["drawn"], read["extras"], math.prod(len(factor.rows) for factor in factors)
        _check(drawn is None or (isinstance(drawn, list) and all(_is_index(number, size) for number in drawn)))
        axes = Axes(factors, drawn)
        _check(_is_texts(extras) and len({*axes.names}) == len(axes.names))
        return axes, frozenset(extras)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidInputError) as cause:
        raise StoreError(
            f"The definition of this sweep in {store.folder.name}/ is damaged. Make the sweep anew, of the same axes: "
            "its videos are found.",
            cause=cause,
        ) from None


def _factor(stored: dict[str, Any], store: Store) -> Axis:
    names, constant = tuple(stored["names"]), stored["held"]
    _check(names and _is_texts(names) and isinstance(constant, bool))
    rows = [tuple(_value(value, store) for value in row) for row in stored["rows"]]
    _check(rows and all(len(row) == len(names) for row in rows))
    if TAKE in names:
        place = names.index(TAKE)
        _check(all(_is_index(row[place], LAST_TAKE + 1) for row in rows))
    return Axis(names, rows, constant)


def _value(stored: Any, store: Store) -> Any:
    """A value of an axis, as :func:`definition_of` has stored it."""
    match stored:
        case {"$file": file, "shown": shown}:
            _check(_is_texts([file["filename"], shown]))
            _check(file["seconds"] is None or is_nonnegative(file["seconds"]))
            if not store.files.has_input(file):
                raise StoreError(
                    f"{file['filename']}, which the sweep was made from, is no longer in {store.folder.name}/inputs/."
                )
            return InputFile(Upload(file["filename"], store.files.input(file)), shown, file["sha256"], file["seconds"])
        case {"$model": model}:
            return _model(model)
        case {"$time": moment}:
            return datetime.fromisoformat(moment)
        case {"$invalid": reason, "shown": shown}:
            _check(isinstance(reason, str))
            return Invalid(reason, _value(shown, store))
        case {"$plain": plain}:
            return plain
        case {"$file": _} | {"$invalid": _}:
            raise KeyError("shown")
    return stored


def _check(condition: object) -> None:
    if not condition:
        raise ValueError("It is not as it was written.")


def _is_texts(values: Any) -> bool:
    return isinstance(values, (list, tuple)) and all(isinstance(value, str) for value in values)


def _is_index(number: Any, size: int) -> bool:
    return type(number) is int and 0 <= number < size


def _is_listed(model: ModelDefinition) -> bool:
    """Whether a model is the catalogue's own."""
    return model.name in models and models.video(model.name) == model


def _model(plain: dict[str, Any]) -> ModelDefinition:
    def of_tuples(values: dict[str, Any]) -> dict[str, Any]:  # JSON has lists in their place
        return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}

    values = of_tuples(plain)
    if plain["fields"] is not None:
        values["fields"] = tuple(Field(**of_tuples(field)) for field in plain["fields"])
    return ModelDefinition(**values)
