"""Reads the rows of a sweep into requests: checked, priced and digested. Nothing is sent.

A hundred thousand rows share a few values: each value is read once for each model, and a row only combines them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from .._util.plain_values import NotPlainError, plain, whole
from .._util.text import safe_str, short_repr
from ..job.input_pictures import MAX_PICTURES, Picture
from ..job.table import as_text
from ..request.digest import DigestTemplate, as_json
from ..request.local_files import UnusableFileError
from ..request.locations import display_location, is_remote, path_text, table_location
from ..request.models import FILE_INPUTS, ModelDefinition
from ..request.request import is_file
from ..request.uploads import Upload
from ..request.validation import Problem, check_combination, check_field, invalid_inputs
from .axes import Axes
from .files import Files, Key
from .rows import MODEL, PROMPT, TAKE, FieldValue, InputFile, Invalid, Row
from .schema import Schema
from .table_files import USUAL
from .template import fill, placeholders

#: USD per generated second of a model, by the resolution and the resolved name.
Price = Callable[[ModelDefinition, str | None, str | None], float | None]
_KEPT_AS_IT_IS = frozenset({str, float, bool, type(None)})


class Reader:
    """Reads the rows of a sweep, and shows their values.

    Args:
        axes: of the sweep.
        endpoint: the queue's address, or ``local``.
        price: see :data:`Price`.
        extras: names that are allowed although no model takes them, such as a table's own columns.

    Attributes:
        schema: of the sweep.

    Raises:
        InvalidInputError: there is no model, or a name that no model takes.
    """

    def __init__(self, axes: Axes, endpoint: str, price: Price, extras: Collection[str] = ()) -> None:
        self.schema = Schema(axes, extras)
        self._endpoint, self._price = endpoint, price
        self._kept: dict[Key, InputFile] = {}
        self._pass = self._new_pass(Files(axes.snapshots))

    def _new_pass(self, files: Files, resolved: Mapping[str, str] | None = None) -> _Pass:
        return _Pass(self.schema, files, self._endpoint, self._price, resolved)

    def read(
        self,
        *,
        resolved: Mapping[str, str] | None = None,
        keep: Callable[[Upload], InputFile] | None = None,
        fetched: dict[str, InputFile | str] | None = None,
    ) -> list[Row]:
        """Read the rows, in the order of the plan.

        Args:
            resolved: the resolved names of models, if the queue was asked; else the catalogue's are used.
            keep: puts a file where it does not change.
            fetched: by address, the files that were fetched, or why they could not be.
        """
        files = Files(self.schema.axes.snapshots, keep, fetched, self._kept)
        files.download(self.schema.files_in_storage())
        self._pass = self._new_pass(files, resolved)
        return self._pass.rows()

    def keep_files(self, keep: Callable[[Upload], InputFile]) -> None:
        """Read and keep the files of all rows. Later reads use these, even if the originals have changed.

        Args:
            keep: puts a file where it does not change.
        """
        files = Files(self.schema.axes.snapshots, keep)
        files.download(self.schema.files_in_storage())
        self._pass = self._new_pass(files)
        used = [set(positions) for positions in zip(*self.schema.axes, strict=True)]
        for factor, positions in zip(self.schema.axes.factors, used, strict=True):
            for row in map(factor.rows.__getitem__, sorted(positions)):
                for name, value in zip(factor.names, row, strict=True):
                    for model in self.schema.models:
                        if value is not None and self.schema.takes(model, name) and is_file(model, name, value):
                            self._pass.field_value(model, name, value)
        self._kept = self._pass.files.whole()

    def column(self, name: str) -> list[Any]:
        """The values of an input as tables show them, row by row: files by their names."""
        factor, column = self.schema.place(name)
        called = [self._shown(name, row[column]) for row in self.schema.axes.factors[factor].rows]
        return [called[positions[factor]] for positions in self.schema.axes]

    def prompts(self) -> list[Any]:
        """The prompts with their placeholders filled, row by row."""
        return [
            fill(text, self.schema.chosen(positions))
            if isinstance(text := self.schema.at(PROMPT, positions), str)
            else self._shown(PROMPT, text)
            for positions in self.schema.axes
        ]

    def addresses(self) -> list[str]:
        """The addresses of files that are to be fetched, after :meth:`read`."""
        return self._pass.files.addresses()

    def file(self, value: Any) -> InputFile | None:
        """The file that a value of an axis names, if it was read."""
        return self._pass.files.found(value, self.schema.models)

    def pictures(self) -> dict[tuple[str, str], Picture]:
        """How the pictures of the input files are had, by the input and the value that tables show."""
        return {
            (name, str(self._shown(name, value))): Picture(file.sha256, file.upload.open)
            for name in self.schema.inputs
            if name in FILE_INPUTS
            for value in self.schema.values(name)[:MAX_PICTURES]
            if (file := self.file(value)) is not None
        }

    def to_keep(self, name: str, value: Any) -> Any:
        """The plain value that a definition stores for a value that is no file: it is read and shown alike."""
        if isinstance(value, Invalid):
            return value
        if (text := path_text(value)) is not None and self.schema.is_file(name, text):
            return display_location(text) if is_remote(text) else text  # which is read as a file too
        if type(value) in _KEPT_AS_IT_IS:
            return value
        if type(value) is int and value.bit_length() <= 64:  # of which an axis may have a million
            return value
        if name in self.schema.choices:
            kept = _plain_or_text(value)
            return kept if safe_str(kept) == safe_str(value) else safe_str(value)
        called = self._shown(name, value)
        if name == MODEL:
            why = self.schema.definition(value)
            return Invalid(why, called) if isinstance(why, str) else value
        parts = [
            self._pass.field_value(model, name, value) for model in self.schema.models if self.schema.takes(model, name)
        ]
        if not parts:
            return _plain_or_text(called)
        if all(part.problem for part in parts):
            assert parts[0].problem is not None
            return Invalid(parts[0].problem.message, _plain_or_text(called))
        return next(part.value for part in parts if not part.problem)

    def _shown(self, name: str, value: Any) -> Any:
        if isinstance(value, ModelDefinition):
            return value.name
        if isinstance(value, Invalid):
            return value.shown
        if isinstance(value, str) and self.schema.is_file(name, value):
            return table_location(value)
        spec = USUAL.get(name)
        if (
            isinstance(value, str)
            and spec
            and spec.type in ("integer", "flag")
            and all(m.fields for m in self.schema.models)
        ):
            value = spec.parse(value)  # as it is sent: a column of numbers is one of numbers
        if value is None or isinstance(value, (str, int, float, list, tuple, dict, datetime)):
            return value
        if file := self.file(value):
            return file.shown
        if (text := path_text(value)) is not None:
            return table_location(text)
        with contextlib.suppress(NotPlainError):
            return whole(value)  # such as a Fraction, which is sent as that
        is_long = isinstance(value, (bytes, bytearray, memoryview)) or hasattr(value, "__array__")
        return short_repr(value) if is_long else safe_str(value)


class _Pass:
    """One pass over the rows of a sweep, with the caches that are valid for it alone."""

    def __init__(
        self, schema: Schema, files: Files, endpoint: str, price: Price, resolved: Mapping[str, str] | None = None
    ) -> None:
        self.files = files
        self._schema, self._endpoint, self._price, self._resolved = schema, endpoint, price, resolved or {}
        self._digest_templates: dict[str, DigestTemplate] = {}
        self._whole_problems: dict[tuple[str, frozenset[str]], list[Problem]] = {}
        self._prompts: dict[tuple[str, str], FieldValue] = {}
        self._estimates: dict[tuple[str, str | None, float | None], tuple[float | None, float | None]] = {}

    def rows(self) -> list[Row]:
        """The rows, in the order of the plan."""
        # For each model and factor, the field values by position; computed when first needed.
        known: dict[str, list[dict[int, list[FieldValue]]]] = {
            model.name: [{} for _ in self._schema.axes.factors] for model in self._schema.models
        }
        rows: list[Row] = []
        first: dict[tuple[str, int], int] = {}
        for positions in self._schema.axes:
            model, take = (
                self._schema.definition(self._schema.at(MODEL, positions)),
                self._schema.at(TAKE, positions) or 0,
            )
            if isinstance(model, str):
                rows.append(Row(None, "", (), take, error=model))
                continue
            parts: list[FieldValue] = []
            for factor, (position, met) in enumerate(zip(positions, known[model.name], strict=True)):
                if position not in met:
                    met[position] = self._field_values(model, factor, position)
                parts += met[position]
            if self._schema.has_templates and self._schema.takes(model, PROMPT):
                parts += self._prompt(model, positions)
            row = self._row(model, tuple(parts), take)
            if row.request:
                there = first.setdefault(row.key, len(rows))
                row.same_as = None if there == len(rows) else there
            rows.append(row)
        return rows

    def field_value(self, model: ModelDefinition, name: str, value: Any) -> FieldValue:
        """A value as the field of a model."""
        if isinstance(value, Invalid):
            return FieldValue(name, problem=Problem(name, value.reason, "value_error"))
        try:
            if is_file(model, name, value) or (isinstance(value, InputFile) and model.fields is None):
                return FieldValue(name, file=self.files.read(model, name, value))
            value, problem = check_field(model, name, value)
            if problem:
                return FieldValue(name, problem=problem)
            value = plain(value)
            return FieldValue(name, value, as_json(value))
        except RecursionError:
            return FieldValue(name, problem=Problem(name, "is nested too deep to be read.", "value_error"))
        except (UnusableFileError, NotPlainError, ValueError) as error:
            return FieldValue(name, problem=Problem(name, str(error), "value_error"))

    def _field_values(self, model: ModelDefinition, factor: int, position: int) -> list[FieldValue]:
        """The field values at a position of a factor, without those that the model does not take."""
        names, row = self._schema.axes.factors[factor].names, self._schema.axes.factors[factor].rows[position]
        return [
            self.field_value(model, name, value)
            for name, value in zip(names, row, strict=True)
            if value is not None
            and not (name == PROMPT and self._schema.has_templates)
            and self._schema.takes(model, name)
        ]

    def _prompt(self, model: ModelDefinition, positions: tuple[int, ...]) -> list[FieldValue]:
        template = self._schema.at(PROMPT, positions)
        if template is None:
            return []
        if not isinstance(template, str):
            return [self.field_value(model, PROMPT, template)]
        chosen = self._schema.chosen(positions)
        for name in placeholders(template):
            if chosen.get(name) is None:
                return [FieldValue(PROMPT, problem=Problem(PROMPT, self._schema.unfilled(name), "missing"))]
        text = fill(template, chosen)
        if (model.name, text) not in self._prompts:
            self._prompts[model.name, text] = self.field_value(model, PROMPT, text)
        return [self._prompts[model.name, text]]

    def _row(self, model: ModelDefinition, parts: tuple[FieldValue, ...], take: Any) -> Row:
        resolved = self._resolved.get(model.name) or model.alias_of or model.successor or model.name
        row = Row(model, resolved, parts, take)
        # One walk along the parts, for a table may have 100,000 rows.
        fields: dict[str, str] = {}
        files: dict[str, str] = {}
        wrong: list[Problem] = []
        resolution = input_seconds = None
        is_whole = True
        for part in parts:
            if part.problem:
                wrong.append(part.problem)
            elif part.file is None:
                fields[part.name] = part.json
                if part.name == "resolution" and isinstance(part.value, str):
                    resolution = part.value
            elif isinstance(part.file, InputFile):
                files[part.name] = part.file.sha256
                if part.name == "data":
                    input_seconds = part.file.seconds
            else:
                is_whole = False
        given = frozenset([part.name for part in parts])
        if (model.name, given) not in self._whole_problems:
            self._whole_problems[model.name, given] = [
                *check_combination(model, given),
                *self._schema.near_misses(model),
            ]
        if problems := self._whole_problems[model.name, given] + wrong:
            row.error = invalid_inputs(model, problems).message
            return row
        key = (model.name, resolution, input_seconds)
        if key not in self._estimates:
            self._estimates[key] = self._estimate(model, resolution, input_seconds)
        row.seconds, row.cost = self._estimates[key]
        if is_whole:
            if model.name not in self._digest_templates:
                self._digest_templates[model.name] = DigestTemplate(self._endpoint, resolved, model)
            row.request = self._digest_templates[model.name].digest(fields, files)
        return row

    def _estimate(
        self, model: ModelDefinition, resolution: str | None, input_seconds: float | None
    ) -> tuple[float | None, float | None]:
        """The seconds of video that a row makes, and their cost."""
        price = self._price(model, resolution, self._resolved.get(model.name))
        seconds = input_seconds if model.seconds is None else model.seconds
        is_known = price is not None and (seconds is not None or not price)
        return seconds, round((price or 0.0) * (seconds or 0.0), 6) if is_known else None


def _plain_or_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    try:
        return plain(value)
    except (NotPlainError, RecursionError):
        return as_text(value)
