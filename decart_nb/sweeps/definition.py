"""What a sweep is, as the store keeps it: its axes, with its files by their digests, for whoever loads it elsewhere."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ..errors import StoreError
from ..request.catalogue import models
from ..request.models import Field, ModelDefinition
from ..request.request import is_file
from ..request.uploads import Upload
from ..store.store import Store
from .axes import Axes, Axis
from .planner import Reader
from .rows import MODEL, InputFile, Invalid

_FILE, _MODEL, _TIME, _INVALID, _PLAIN = "$file", "$model", "$time", "$invalid", "$plain"


def definition_of(axes: Axes, reader: Reader, extras: Collection[str]) -> str:
    """A sweep whose files are kept, as JSON."""

    def plain(name: str, value: Any) -> Any:
        if any(is_file(model, name, value) for model in reader.models) and (file := reader.file(value)):
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
    """The axes of a sweep, and the columns that were its caller's own.

    Raises:
        StoreError: a file that it was made from is no longer there.
    """

    def value(plain: Any) -> Any:
        if isinstance(plain, dict) and _FILE in plain:
            file = plain[_FILE]
            path = store.files.input(file)
            if not store.files.has_input(file):
                raise StoreError(
                    f"{file['filename']}, which the sweep was made from, is no longer in {store.folder.name}/inputs/."
                )
            return InputFile(Upload(file["filename"], path), plain["shown"], file["sha256"], file["seconds"])
        if isinstance(plain, dict) and _MODEL in plain:
            return _model(plain[_MODEL])
        if isinstance(plain, dict) and _TIME in plain:
            return datetime.fromisoformat(plain[_TIME])
        if isinstance(plain, dict) and _INVALID in plain:
            return Invalid(plain[_INVALID], value(plain["shown"]))
        return plain[_PLAIN] if isinstance(plain, dict) and _PLAIN in plain else plain

    try:
        read = json.loads(text)
        factors = [
            Axis(tuple(factor["names"]), [tuple(value(one) for one in row) for row in factor["rows"]], factor["held"])
            for factor in read["factors"]
        ]
        return Axes(factors, read["drawn"]), frozenset(read["extras"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as cause:
        raise StoreError(
            f"What the store {store.folder.name}/ says of this sweep is damaged. Make it anew, of the same axes: "
            "its videos are found.",
            cause=cause,
        ) from None


def _is_listed(model: ModelDefinition) -> bool:
    """Whether a definition is the catalogue's own."""
    return model.name in models and models.video(model.name) == model


def _model(plain: dict[str, Any]) -> ModelDefinition:
    def of_tuples(values: dict[str, Any]) -> dict[str, Any]:  # JSON has lists in their place
        return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}

    values = of_tuples(plain)
    if plain["fields"] is not None:
        values["fields"] = tuple(Field(**of_tuples(field)) for field in plain["fields"])
    return ModelDefinition(**values)
