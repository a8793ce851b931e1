"""Digests of requests, by which stored results are found again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring_ascii
from typing import Any

from .catalogue import models
from .models import ModelDefinition

_VERSION = 1


def digest_of(
    endpoint: str, resolved: str, model: ModelDefinition, values: Mapping[str, Any], files: Mapping[str, str]
) -> str:
    """The SHA-256 digest of all that determines a request's result except the take, over canonical JSON, in hex.

    An omitted field counts as the server's default. File names, the order of arguments and the alias by which the
    model was requested do not change the digest.

    Args:
        endpoint: the queue's address, or ``local``.
        resolved: the model's name after the queue has resolved aliases.
        model: its definition, for the defaults, unless the catalogue knows those of what it means.
        values: the plain fields, as they are sent.
        files: the SHA-256 of each file, by field.
    """
    fields = {name: as_json(value) for name, value in values.items() if value is not None}
    return DigestTemplate(endpoint, resolved, model).digest(fields, files)


class DigestTemplate:
    """The part of a digest that all requests for one model at one queue share, to compute many digests fast.

    Args:
        endpoint, resolved, model: as for :func:`digest_of`.
    """

    def __init__(self, endpoint: str, resolved: str, model: ModelDefinition) -> None:
        meant = models.video(resolved) if resolved in models else model
        self._defaults = {
            field.name: as_json(field.default) for field in meant.fields or () if field.default is not None
        }
        path = "" if model.url_path == f"/v1/jobs/{model.name}" else f'"path":{as_json(model.url_path)},'
        self._layouts: dict[tuple[str | None, ...], tuple[str, list[str]]] = {}
        self._begin = f'{{"endpoint":{as_json(endpoint)},"fields":{{'
        self._end = f'}},"model":{as_json(resolved)},{path}"version":{_VERSION}}}'

    def digest(self, fields: Mapping[str, str], files: Mapping[str, str]) -> str:
        """The digest of a request.

        Args:
            fields: the plain fields, each as :func:`as_json` gives it.
            files: the SHA-256 of each file, by field.
        """
        names = (*fields, None, *files)
        if names not in self._layouts:
            self._layouts[names] = self._layout(fields, files)
        layout, order = self._layouts[names]
        values = {**fields, **files}  # of which no name is both
        return hashlib.sha256((layout % tuple([values[name] for name in order])).encode()).hexdigest()

    def _layout(self, fields: Iterable[str], files: Iterable[str]) -> tuple[str, list[str]]:
        """The canonical JSON of a request with these fields as a ``%`` template, and the order of its arguments."""

        def listed(those: Mapping[str, str]) -> str:
            return ",".join(f"{as_json(name).replace('%', '%%')}:{those[name]}" for name in sorted(those))

        said = {name: value.replace("%", "%%") for name, value in self._defaults.items()} | dict.fromkeys(fields, "%s")
        begin, end = self._begin.replace("%", "%%"), self._end.replace("%", "%%")
        made_from = dict.fromkeys(files, '"%s"')
        layout = f'{begin}{listed(said)}}},"files":{{{listed(made_from)}{end}'
        return layout, [*sorted(fields), *sorted(files)]


def as_json(value: Any) -> str:
    """The canonical JSON of a value."""
    if type(value) is str:
        return encode_basestring_ascii(value)
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    """The value with whole floats as integers, at any depth: 1.0 is 1."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
