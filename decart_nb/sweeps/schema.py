"""The schema of a sweep: its models, the inputs that each takes, and the placeholders of its prompts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from .._util.addresses import is_storage_address
from .._util.interface_names import step
from .._util.text import did_you_mean, safe_str, short_repr
from ..errors import DecartSDKError, InvalidInputError
from ..request.catalogue import models
from ..request.locations import path_text
from ..request.models import FILE_INPUTS, ModelDefinition
from ..request.request import definition_of, is_file
from ..request.validation import Problem
from .axes import Axes
from .rows import MODEL, PROMPT, TAKE, TEMPLATE, Invalid
from .table_files import near
from .template import is_template, placeholders


class Schema:
    """What a sweep asks of which models. It does not change.

    Args:
        axes: of the sweep.
        extras: names that are allowed although no model takes them, such as a table's own columns.

    Attributes:
        axes: of the sweep.
        models: of the sweep.
        inputs: the names that are inputs of a model, in the order of the axes.
        choices: the names that fill the placeholders of prompts.
        has_templates: whether a prompt has placeholders or escaped braces.

    Raises:
        InvalidInputError: there is no model, or a name that no model takes.
    """

    def __init__(self, axes: Axes, extras: Collection[str] = ()) -> None:
        self.axes = axes
        self._positions = {
            name: (number, column)
            for number, factor in enumerate(axes.factors)
            for column, name in enumerate(factor.names)
        }
        if MODEL not in self._positions:
            meant = next((name for name in axes.names if name.strip().casefold() in (MODEL, "models")), None)
            raise InvalidInputError(
                f"A sweep needs a model: {step('model')}, or a column called model."
                f"{f' It has {short_repr(meant)}; did you mean model?' if meant is not None else ''}"
            )
        self._definitions: dict[Any, ModelDefinition | str] = {}
        used = dict.fromkeys(self.definition(value) for value in self.values(MODEL))
        self.models = [model for model in used if isinstance(model, ModelDefinition)]
        for model, count in Counter(model.name for model in self.models).items():
            if count > 1:
                raise InvalidInputError(f"Two models of this sweep are called {model}; give each a name of its own.")
        takes = [spec.name for model in self.models for spec in model.fields or ()]
        templates = [text for text in self.values(PROMPT) if isinstance(text, str) and is_template(text)]
        self.has_templates = bool(templates)
        named = {name for text in templates for name in placeholders(text)}
        self.choices = [name for name in axes.names if name in named - {MODEL, TAKE, *takes}]
        taken = {name for name in axes.names for model in self.models if self.takes(model, name)}
        known = {spec.name for model in models for spec in model.fields or ()}  # another sweep's models may take it
        self.inputs = [name for name in axes.names if name in taken | known]
        unknown = [name for name in axes.names if name not in {MODEL, TAKE, *taken, *known, *self.choices, *extras}]
        if unknown and self.models:
            raise InvalidInputError(
                f"{unknown[0]} is not an input of any model of this sweep, and no prompt has {{{unknown[0]}}} in it."
                f"{did_you_mean(unknown[0], {*takes, *named}) or did_you_mean(unknown[0], known)}",
                {"fields": unknown},
            )

    def place(self, name: str) -> tuple[int, int]:
        """The number of the factor that has an input, and the input's number in the factor."""
        return self._positions[name]

    def at(self, name: str, positions: tuple[int, ...]) -> Any:
        """The value of an input in the row at these positions; ``None`` where the sweep has no such input."""
        if name not in self._positions:
            return None
        factor, column = self._positions[name]
        return self.axes.factors[factor].rows[positions[factor]][column]

    def values(self, name: str) -> list[Any]:
        """All values of an input that are not missing."""
        if name not in self._positions:
            return []
        factor, column = self._positions[name]
        return [row[column] for row in self.axes.factors[factor].rows if row[column] is not None]

    def chosen(self, positions: tuple[int, ...]) -> dict[str, Any]:
        """The texts that fill the placeholders in the row at these positions."""
        chosen = {name: self.at(name, positions) for name in self.choices}
        return {name: None if value is None else safe_str(value) for name, value in chosen.items()}

    def definition(self, value: Any) -> ModelDefinition | str:
        """The model that a value names, or why there is none."""
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
        return model.field_named(name) is not None

    def is_file(self, name: str, value: Any) -> bool:
        """Whether a value is an input file for any of the models."""
        if name in self.choices:
            return False
        return name in FILE_INPUTS or any(is_file(model, name, value) for model in self.models)

    def files_in_storage(self) -> Iterator[str]:
        """The input files of the rows that are fsspec addresses, of inputs that a model takes."""
        for number, factor in enumerate(self.axes.factors):
            all_of_them = range(len(factor.rows))
            used = all_of_them if self.axes.drawn is None else sorted({positions[number] for positions in self.axes})
            for column, name in enumerate(factor.names):
                if not any(self.takes(model, name) and is_file(model, name, "") for model in self.models):
                    continue
                for position in used:
                    text = path_text(factor.rows[position][column])
                    if text is not None and is_storage_address(text):
                        yield text

    def is_varied(self, name: str) -> bool:
        """Whether an input is an axis, and not a constant value."""
        return not self.axes.factors[self._positions[name][0]].constant

    def left_out(self, model: ModelDefinition) -> list[str]:
        """The inputs of the sweep that a model does not take, although other models do."""
        return [name for name in self.inputs if not self.takes(model, name)]

    def unfilled(self, name: str) -> str:
        """Why a placeholder of a prompt cannot be filled."""
        why = f"has {{{name}}} in it, and "
        if name in {MODEL, TAKE, *self.inputs}:
            return f"{why}a model's own inputs are not put there."
        why += f"this row has no {name} to put there."
        if name in self.choices:
            return why
        others = [one for one in self.axes.names if one not in {MODEL, TAKE, PROMPT, *self.inputs}]
        return f"{why}{did_you_mean(name, others)} For the braces themselves, write {{{{{name}}}}}."

    def near_misses(self, model: ModelDefinition) -> list[Problem]:
        """Problems with columns that may be misspelt inputs, and would be left out silently."""
        wanted = {spec.name for spec in model.fields or ()} - {*self.axes.names}
        ours = {MODEL, TAKE, PROMPT, TEMPLATE, *self.choices, *self.inputs}
        found = {name: near(name, wanted) for name in self.axes.names if name not in ours}
        about = "is a column that no model takes. Did you mean {}? Rename it, or drop it if it is your own."
        return [Problem(short_repr(name), about.format(meant), "extra") for name, meant in found.items() if meant]
