"""Parses the line of ``%%decart``: the model, its inputs, ``-o`` and ``--wait``."""

from __future__ import annotations

import shlex
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any

from .._util.text import did_you_mean, short_repr
from ..errors import InvalidInputError
from ..request.models import Field, ModelDefinition
from ..request.request import definition_of
from ..sweeps import template
from ..sweeps.template import placeholders

_OWN_OPTIONS = {"-o": Field("o", "text"), "--wait": Field("wait", "flag")}
_NOT_OPTIONS = ("--model", "--prompt")  # the model is the first word, the prompt the cell's body


@dataclass(frozen=True)
class MagicLine:
    """A parsed line.

    Attributes:
        model: the model.
        inputs: the model's inputs, without the prompt.
        output: the variable to assign the job to, if any.
        wait: whether the cell waits for the video.
    """

    model: ModelDefinition
    inputs: dict[str, Any]
    output: str | None
    wait: bool


def read(line: str, variables: Mapping[str, Any]) -> MagicLine:
    """Parses a line. The values are validated later, with the request.

    Args:
        line: the text after ``%%decart``.
        variables: the notebook's namespace, for names in braces.

    Raises:
        ModelNotFoundError, InvalidInputError: the line is not valid.
    """
    words = deque(split(line))
    if not words or words[0].startswith("-"):
        raise InvalidInputError(
            "%%decart needs a model first, as in %%decart lucy-2.5 --data in.mp4. %decart models lists them."
        )
    model = definition_of(value(words.popleft(), variables))
    known = options(model)
    given: dict[str, Any] = {}
    while words:
        word, equals, text = words.popleft().partition("=")
        option = word.replace("_", "-")  # both --enhance-prompt and --enhance_prompt
        spec = known.get(option)
        if spec is None:
            if model.fields is not None or not option.startswith("--") or option in _NOT_OPTIONS:
                raise _unknown(word, model)
            spec = Field(option[2:].replace("-", "_"), "text")
        if spec.name in given:
            raise InvalidInputError(f"{word} is one too many: {spec.name} has been given before.")
        given[spec.name] = _value(word, spec, text if equals else None, words, variables)
    wait, output = given.pop("wait", False), given.pop("o", None)
    if not isinstance(wait, bool):
        raise InvalidInputError(f"--wait must be true or false, not {short_repr(wait)}.")
    if output is not None and not (isinstance(output, str) and output.isidentifier() and not iskeyword(output)):
        raise InvalidInputError(f"-o needs the name of a variable, not {short_repr(output)}.")
    return MagicLine(model, given, output, wait)


def options(model: ModelDefinition) -> dict[str, Field]:
    """The options of a model: ``--name`` → the field that it sets."""
    fields = [field for field in model.fields or () if field.name != "prompt"]
    known = {"--" + field.name.replace("_", "-"): field for field in fields}
    negated = {f"--no-{option[2:]}": field for option, field in known.items() if field.type == "flag"}
    return known | negated | _OWN_OPTIONS


def split(line: str) -> list[str]:
    """Splits a line into words, with the shell's quoting.

    Raises:
        InvalidInputError: a quotation is not closed.
    """
    try:
        return shlex.split(line)
    except ValueError as error:
        raise InvalidInputError(f"The line cannot be read: {str(error).lower()}.") from None


def fill(text: str, variables: Mapping[str, Any]) -> str:
    """Fills a template: each ``{name}`` is replaced by that variable.

    Raises:
        InvalidInputError: there is no such variable.
    """
    return template.fill(text, {name: _variable(name, variables) for name in placeholders(text)})


def value(word: str, variables: Mapping[str, Any]) -> Any:
    """The value of a word: the variable itself for just ``{name}``, else the filled template.

    Raises:
        InvalidInputError: there is no such variable.
    """
    name = _only_name(word)
    return fill(word, variables) if name is None else _variable(name, variables)


def _only_name(word: str) -> str | None:
    """The name in a word that consists of one placeholder, else ``None``."""
    names = placeholders(word)
    return names[0] if names and word == f"{{{names[0]}}}" else None


def _variable(name: str, variables: Mapping[str, Any]) -> Any:
    if name not in variables:
        raise InvalidInputError(
            f"There is no variable {name} for {{{name}}}.{did_you_mean(name, variables)} "
            f"For the braces themselves, write {{{{{name}}}}}."
        )
    return variables[name]


def _value(option: str, spec: Field, text: str | None, words: deque[str], variables: Mapping[str, Any]) -> Any:
    if spec.type == "flag" and option.startswith("--no"):
        if text is not None:
            raise InvalidInputError(f"{option} takes no value.")
        return False
    if text is None:
        following = words[0] if words else "--"
        if spec.type == "flag" and isinstance(spec.parse(following), str) and not _only_name(following):
            return True
        if following in _OWN_OPTIONS or following.startswith("--"):
            raise InvalidInputError(f"{option} needs a value.")
        text = words.popleft()
    read = value(text, variables)
    return spec.parse(read) if isinstance(read, str) else read


def _unknown(word: str, model: ModelDefinition) -> InvalidInputError:
    known = options(model)
    return InvalidInputError(
        f"{model.name} has no option {word:.60}.{did_you_mean(word, known)} "
        f"It takes {', '.join(known)}; the prompt is the cell's body."
    )
