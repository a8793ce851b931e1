"""When two requests are the same: what a stored result is found by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from .catalogue import FILE_TYPES, ModelDefinition, models

_VERSION = 1


def digest_of(
    endpoint: str, resolved: str, model: ModelDefinition, values: Mapping[str, Any], files: Mapping[str, str]
) -> str:
    """A digest of all that decides what comes out, short of the take: SHA-256 over a canonical JSON, in hex.

    What was left out counts as the server's default, so that spelling it out changes nothing. Neither do the names of
    files, the order of arguments, and which alias the model was asked for by.

    Args:
        endpoint: the queue's address, or ``local``.
        resolved: what the model's name means to that queue today.
        model: its definition, for the defaults, unless the catalogue knows those of what it means.
        values: the plain fields, as they are sent.
        files: the SHA-256 of each file, by field.
    """
    meant = models.video(resolved) if resolved in models else model
    defaults = {field.name: field.default for field in meant.fields or () if field.type not in FILE_TYPES}
    given = {name: value for name, value in values.items() if value is not None}
    canonical = {
        "version": _VERSION,
        "endpoint": endpoint,
        "model": resolved,
        **({} if model.url_path == f"/v1/jobs/{model.name}" else {"path": model.url_path}),
        "fields": {name: value for name, value in {**defaults, **given}.items() if value is not None},
        "files": dict(files),
    }
    text = json.dumps(_plain(canonical), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """The value with one spelling for each number: 1.0 is 1, wherever it stands."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
