"""The rows of a sweep as requests: read, checked, priced, and found by their digests, without sending anything.

A hundred thousand rows share a few values: each value is read once for each model, and a row only puts together what is
known of its parts.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from .._util.next_steps import step
from .._util.plain_values import NotPlainError, plain, whole
from .._util.text import did_you_mean, safe_str, short_repr
from ..errors import DecartSDKError, InvalidInputError
from ..job.table import as_text
from ..request.catalogue import models
from ..request.digest import DigestTemplate, as_json
from ..request.local_files import UnusableFileError
from ..request.locations import display_location, is_url, path_text
from ..request.models import FILE_INPUTS, ModelDefinition
from ..request.request import definition_of, is_file
from ..request.uploads import Upload
from ..request.validation import Problem, check_combination, check_field, invalid_inputs
from .axes import Axes
from .files import Files, Key
from .rows import MODEL, PROMPT, TAKE, TEMPLATE, FieldValue, InputFile, Invalid, Row
from .table_files import USUAL, near
from .template import fill, is_template, placeholders

_KEPT_AS_IT_IS = frozenset({str, float, bool, type(None)})


class Reader:
    """Reads the rows of a sweep.

    Args:
        axes: what it varies.
        endpoint: the queue's address, or ``local``.
        price: USD per generated second of a model, at a resolution, and by what its name means to the queue.
        extras: names that may be there although no model takes them: a table's own columns.

    Attributes:
        models: the models that it is for.
        choices: the names that fill the placeholders of prompts.
        has_templates: whether a prompt stands for anything but itself.

    Raises:
        InvalidInputError: there is no model, or a name that nothing takes.
    """

    def __init__(
        self,
        axes: Axes,
        endpoint: str,
        price: Callable[[ModelDefinition, str | None, str | None], float | None],
        extras: Collection[str] = (),
    ) -> None:
        self.axes = axes
        self._endpoint, self._price = endpoint, price
        self._places = {
            name: (number, column)
            for number, factor in enumerate(axes.factors)
            for column, name in enumerate(factor.names)
        }
        if MODEL not in self._places:
            meant = next((name for name in axes.names if name.strip().casefold() in (MODEL, "models")), None)
            raise InvalidInputError(
                f"A sweep needs a model: {step('model')}, or a column called model."
                f"{f' It has {short_repr(meant)}; did you mean model?' if meant is not None else ''}"
            )
        self._definitions: dict[Any, ModelDefinition | str] = {}
        used = dict.fromkeys(self._definition(value) for value in self._values(MODEL))
        self._kept: dict[Key, InputFile] = {}
        self.models = [model for model in used if isinstance(model, ModelDefinition)]
        for model, count in Counter(model.name for model in self.models).items():
            if count > 1:
                raise InvalidInputError(f"Two models of this sweep are called {model}; give each a name of its own.")
        takes = [spec.name for model in self.models for spec in model.fields or ()]
        templates = [text for text in self._values(PROMPT) if isinstance(text, str) and is_template(text)]
        self.has_templates = bool(templates)
        named = {name for text in templates for name in placeholders(text)}
        self.choices = [name for name in axes.names if name in named - {MODEL, TAKE, *takes}]
        taken = {name for name in axes.names for model in self.models if self.takes(model, name)}
        known = {spec.name for model in models for spec in model.fields or ()}  # another sweep's models may take it
        self._inputs = [name for name in axes.names if name in taken | known]
        unknown = [name for name in axes.names if name not in {MODEL, TAKE, *taken, *known, *self.choices, *extras}]
        if unknown and self.models:
            raise InvalidInputError(
                f"{unknown[0]} is no input of any model of this sweep, and no prompt has {{{unknown[0]}}} in it."
                f"{did_you_mean(unknown[0], {*takes, *named}) or did_you_mean(unknown[0], known)}",
                {"fields": unknown},
            )

    def read(
        self,
        *,
        resolved: Mapping[str, str] | None = None,
        keep: Callable[[Upload], InputFile] | None = None,
        fetched: dict[str, InputFile | str] | None = None,
    ) -> list[Row]:
        """The rows, in the order of the plan.

        Args:
            resolved: what the names of models mean to the queue, where it has been asked; else the catalogue says.
            keep: puts a file where it stays as it is.
            fetched: by their addresses, the files that have been fetched, or why they could not be.
        """
        self._resolved = resolved or {}
        self._files = Files(self.axes.snapshots, keep, fetched, self._kept)
        self._digest_templates: dict[str, DigestTemplate] = {}
        self._wholes: dict[tuple[str, frozenset[str]], list[Problem]] = {}
        self._filled: dict[tuple[str, str], FieldValue] = {}
        self._worth: dict[tuple[str, str | None, float | None], tuple[float | None, float | None]] = {}
        # For each model, what each position of each factor comes to; made when it is first met.
        known: dict[str, list[dict[int, list[FieldValue]]]] = {
            model.name: [{} for _ in self.axes.factors] for model in self.models
        }
        rows: list[Row] = []
        first: dict[tuple[str, int], int] = {}
        for positions in self.axes:
            model, take = self._definition(self._at(MODEL, positions)), self._at(TAKE, positions) or 0
            if isinstance(model, str):
                rows.append(Row(None, "", (), take, error=model))
                continue
            parts: list[FieldValue] = []
            for factor, (position, met) in enumerate(zip(positions, known[model.name], strict=True)):
                if position not in met:
                    met[position] = self._field_values(model, factor, position)
                parts += met[position]
            if self.has_templates and self.takes(model, PROMPT):
                parts += self._prompt(model, positions)
            row = self._row(model, tuple(parts), take)
            if row.request:
                there = first.setdefault(row.key, len(rows))
                row.same_as = None if there == len(rows) else there
            rows.append(row)
        return rows

    def keep_files(self, keep: Callable[[Upload], InputFile]) -> None:
        """Read the files of all rows, and keep them; what is read from now on goes by these, whatever becomes of them.

        Args:
            keep: puts a file where it stays as it is.
        """
        self._files = Files(self.axes.snapshots, keep)
        used = [set(positions) for positions in zip(*self.axes, strict=True)]
        for factor, positions in zip(self.axes.factors, used, strict=True):
            for row in map(factor.rows.__getitem__, sorted(positions)):
                for name, value in zip(factor.names, row, strict=True):
                    for model in self.models:
                        if value is not None and self.takes(model, name) and is_file(model, name, value):
                            self._field_value(model, name, value)
        self._kept = self._files.whole()

    def column(self, name: str) -> list[Any]:
        """What a table shows of a name, row by row: files by what they are called."""
        factor, column = self._places[name]
        called = [self._shown(name, row[column]) for row in self.axes.factors[factor].rows]
        return [called[positions[factor]] for positions in self.axes]

    def prompts(self) -> list[Any]:
        """The prompts with their placeholders filled, row by row."""
        return [
            fill(text, self._choices(positions))
            if isinstance(text := self._at(PROMPT, positions), str)
            else self._shown(PROMPT, text)
            for positions in self.axes
        ]

    def is_varied(self, name: str) -> bool:
        """Whether a name is an axis, and not a held value."""
        return not self.axes.factors[self._places[name][0]].constant

    def left_out(self, model: ModelDefinition) -> list[str]:
        """The inputs that a model does not take, although other models do."""
        return [name for name in self._inputs if not self.takes(model, name)]

    def addresses(self) -> list[str]:
        """Those of the files that are to be fetched, after they have been read."""
        return self._files.addresses()

    def file(self, value: Any) -> InputFile | None:
        """The file that a value of an axis is, if it was read as one."""
        return self._files.found(value, self.models)

    def to_keep(self, name: str, value: Any) -> Any:
        """What a definition keeps of a value that is no file: it reads, and is shown, as the value itself."""
        if isinstance(value, Invalid):
            return value
        if (text := path_text(value)) is not None and self._is_file(name, text):
            return display_location(text) if is_url(text) else text  # which is read as a file too
        if type(value) in _KEPT_AS_IT_IS:
            return value
        if type(value) is int and value.bit_length() <= 64:  # of which an axis may have a million
            return value
        if name in self.choices:
            told = _plain_or_text(value)
            return told if safe_str(told) == safe_str(value) else safe_str(value)
        called = self._shown(name, value)
        if name == MODEL:
            why = self._definition(value)
            return Invalid(why, called) if isinstance(why, str) else value
        parts = [self._field_value(model, name, value) for model in self.models if self.takes(model, name)]
        if not parts:
            return _plain_or_text(called)
        if all(part.problem for part in parts):
            assert parts[0].problem is not None
            return Invalid(parts[0].problem.message, _plain_or_text(called))
        return next(part.value for part in parts if not part.problem)

    def _is_file(self, name: str, value: Any) -> bool:
        if name in self.choices:
            return False
        return name in FILE_INPUTS or any(is_file(model, name, value) for model in self.models)

    def _values(self, name: str) -> list[Any]:
        if name not in self._places:
            return []
        factor, column = self._places[name]
        return [row[column] for row in self.axes.factors[factor].rows if row[column] is not None]

    def _at(self, name: str, positions: tuple[int, ...]) -> Any:
        if name not in self._places:
            return None
        factor, column = self._places[name]
        return self.axes.factors[factor].rows[positions[factor]][column]

    def _choices(self, positions: tuple[int, ...]) -> dict[str, Any]:
        chosen = {name: self._at(name, positions) for name in self.choices}
        return {name: None if value is None else safe_str(value) for name, value in chosen.items()}

    def _definition(self, value: Any) -> ModelDefinition | str:
        """The model that was meant, or why there is none."""
        if value is None or isinstance(value, Invalid):
            return "The row has no model." if value is None else value.reason
        key = value if isinstance(value, str) else id(value)
        if key not in self._definitions:
            try:
                self._definitions[key] = definition_of(value)
            except DecartSDKError as error:
                self._definitions[key] = error.message
        return self._definitions[key]

    def takes(self, model: ModelDefinition, name: str) -> bool:
        """Whether a name is an input of a model."""
        if model.fields is None:  # whatever it is, it is sent
            return name not in {MODEL, TAKE, TEMPLATE, *self.choices}
        return any(spec.name == name for spec in model.fields)

    def _field_values(self, model: ModelDefinition, factor: int, position: int) -> list[FieldValue]:
        """What a position of a factor comes to for a model; what it does not take is left out."""
        names, row = self.axes.factors[factor].names, self.axes.factors[factor].rows[position]
        return [
            self._field_value(model, name, value)
            for name, value in zip(names, row, strict=True)
            if value is not None and not (name == PROMPT and self.has_templates) and self.takes(model, name)
        ]

    def _field_value(self, model: ModelDefinition, name: str, value: Any) -> FieldValue:
        if isinstance(value, Invalid):
            return FieldValue(name, problem=Problem(name, value.reason, "value_error"))
        try:
            if is_file(model, name, value) or (isinstance(value, InputFile) and model.fields is None):
                return FieldValue(name, file=self._files.read(model, name, value))
            value, problem = check_field(model, name, value)
            if problem:
                return FieldValue(name, problem=problem)
            value = plain(value)
            return FieldValue(name, value, as_json(value))
        except RecursionError:
            return FieldValue(name, problem=Problem(name, "is nested too deep to be read.", "value_error"))
        except (UnusableFileError, NotPlainError, ValueError) as error:
            return FieldValue(name, problem=Problem(name, str(error), "value_error"))

    def _prompt(self, model: ModelDefinition, positions: tuple[int, ...]) -> list[FieldValue]:
        template = self._at(PROMPT, positions)
        if template is None:
            return []
        if not isinstance(template, str):
            return [self._field_value(model, PROMPT, template)]
        chosen = self._choices(positions)
        for name in placeholders(template):
            if chosen.get(name) is None:
                return [FieldValue(PROMPT, problem=Problem(PROMPT, self._unfilled(name), "missing"))]
        text = fill(template, chosen)
        if (model.name, text) not in self._filled:
            self._filled[model.name, text] = self._field_value(model, PROMPT, text)
        return [self._filled[model.name, text]]

    def _unfilled(self, name: str) -> str:
        """Why nothing is put where a prompt has this placeholder."""
        why = f"has {{{name}}} in it, and "
        if name in {MODEL, TAKE, *self._inputs}:
            return f"{why}a model's own inputs are not put there."
        why += f"this row has no {name} to put there."
        if name in self.choices:
            return why
        others = [one for one in self.axes.names if one not in {MODEL, TAKE, PROMPT, *self._inputs}]
        return f"{why}{did_you_mean(name, others)} For the braces themselves, write {{{{{name}}}}}."

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
        if (model.name, given) not in self._wholes:
            self._wholes[model.name, given] = [*check_combination(model, given), *self._near_misses(model)]
        if problems := self._wholes[model.name, given] + wrong:
            row.error = invalid_inputs(model, problems).message
            return row
        worth = (model.name, resolution, input_seconds)
        if worth not in self._worth:
            self._worth[worth] = self._worth_of(model, resolution, input_seconds)
        row.seconds, row.cost = self._worth[worth]
        if is_whole:
            if model.name not in self._digest_templates:
                self._digest_templates[model.name] = DigestTemplate(self._endpoint, resolved, model)
            row.request = self._digest_templates[model.name].digest(fields, files)
        return row

    def _near_misses(self, model: ModelDefinition) -> list[Problem]:
        """The columns that are almost called like an input that is not given: they would be left out silently."""
        wanted = {spec.name for spec in model.fields or ()} - {*self.axes.names}
        ours = {MODEL, TAKE, PROMPT, TEMPLATE, *self.choices, *self._inputs}
        found = {name: near(name, wanted) for name in self.axes.names if name not in ours}
        about = "is a column that no model takes. Did you mean {}? Rename it, or drop it if it is your own."
        return [Problem(short_repr(name), about.format(meant), "extra") for name, meant in found.items() if meant]

    def _worth_of(
        self, model: ModelDefinition, resolution: str | None, input_seconds: float | None
    ) -> tuple[float | None, float | None]:
        """How many seconds of video it makes, and what they cost."""
        price = self._price(model, resolution, self._resolved.get(model.name))
        seconds = input_seconds if model.seconds is None else model.seconds
        is_known = price is not None and (seconds is not None or not price)
        return seconds, round((price or 0.0) * (seconds or 0.0), 6) if is_known else None

    def _shown(self, name: str, value: Any) -> Any:
        if isinstance(value, ModelDefinition):
            return value.name
        if isinstance(value, Invalid):
            return value.shown
        if isinstance(value, str) and self._is_file(name, value):
            return display_location(value)
        spec = USUAL.get(name)
        if isinstance(value, str) and spec and spec.type in ("integer", "flag") and all(m.fields for m in self.models):
            value = spec.parse(value)  # as it is sent: a column of numbers is one of numbers
        if value is None or isinstance(value, (str, int, float, list, tuple, dict, datetime)):
            return value
        if file := self.file(value):
            return file.shown
        if (text := path_text(value)) is not None:
            return display_location(text)
        with contextlib.suppress(NotPlainError):
            return whole(value)  # such as a Fraction, which is sent as that
        is_long = isinstance(value, (bytes, bytearray, memoryview)) or hasattr(value, "__array__")
        return short_repr(value) if is_long else safe_str(value)


def _plain_or_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    try:
        return plain(value)
    except (NotPlainError, RecursionError):
        return as_text(value)
