"""Validation of request fields against a model; files are checked in :mod:`decart_nb.request.uploads`."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from .._util.interface_names import step
from .._util.plain_values import NotPlainError, flag, is_flag, is_missing, text, whole
from .._util.text import counted, did_you_mean, short_repr, with_article
from .._util.warn import warn
from ..errors import InvalidInputError, ModelWarning
from .models import FILE_TYPES, Field, FieldType, ModelDefinition


class Problem(NamedTuple):
    """A problem with a request: the field, a message, and FastAPI's error type."""

    field: str
    message: str
    type: str


#: FastAPI's error types for values that have no plain form, by the type of the field.
_NOT_PLAIN = {"text": "string_unicode", "integer": "int_type", "flag": "bool_type"}


class _InvalidValueError(Exception):
    """A field's value is invalid; holds the message without the field's name, and FastAPI's error type."""

    def __init__(self, message: str, type: str) -> None:
        super().__init__(message)
        self.type = type


def check(model: ModelDefinition, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Validate the fields of a request.

    Files are passed on unread: see :mod:`decart_nb.request.uploads`.

    Args:
        model: what the request is for.
        inputs: the request's fields. ``None`` counts as left out, and so does, where the fields are known, what pandas
            has in place of a missing value.

    Returns:
        The fields that are sent, in plain types, and everything that is wrong with the others.
    """
    given = {
        name: value for name, value in inputs.items() if not (value is None or (model.fields and is_missing(value)))
    }
    for name in given:
        if not isinstance(name, str) or not (name and name.isprintable()):
            raise InvalidInputError(f"The name of an input must be text, in one line, not {short_repr(name)}.")
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in given.items():
        read, problem = check_field(model, name, value)
        if problem:
            problems.append(problem)
        else:
            values[name] = read
    return values, [*problems, *check_combination(model, given)]


def check_field(model: ModelDefinition, name: str, value: Any) -> tuple[Any, Problem | None]:
    """Validate one field: return the value to send, and the problem if there is one."""
    if model.fields is None:
        return value, None
    field = model.field_named(name)
    if field is None:
        names = [field.name for field in model.fields]
        about = f"is not an input of {model.name}.{did_you_mean(name, names)} It takes {', '.join(names)}."
        return None, Problem(name, about, "extra")
    try:
        if isinstance(value, str) and field.type not in ("text", *FILE_TYPES):
            value = field.parse(value)
        return _READERS[field.type](field, value), None
    except _InvalidValueError as bad:
        return None, Problem(name, str(bad), bad.type)
    except NotPlainError as error:
        return None, Problem(name, str(error), _NOT_PLAIN[field.type])
    except RecursionError:
        return None, Problem(name, "is nested too deep to be read.", "value_error")


def check_combination(model: ModelDefinition, given: Collection[str]) -> list[Problem]:
    """Validate which fields are present: required ones, and ones that need or exclude another."""
    problems: list[Problem] = []
    for spec in model.fields or ():
        if spec.required and spec.name not in given:
            wanted = "True or False" if spec.type == "flag" else with_article(spec.type)
            problems.append(Problem(spec.name, f"is missing: {model.name} needs {wanted}.", "missing"))
        if spec.only_with and spec.name in given and spec.only_with not in given:
            problems.append(Problem(spec.name, f"goes only with {spec.only_with}; leave it out.", "value_error"))
    if model.exactly_one:
        present = [name for name in model.exactly_one if name in given]
        either = " or ".join(model.exactly_one)
        if not present:
            problems.append(Problem(model.exactly_one[0], f"is missing: give either {either}.", "missing"))
        elif len(present) > 1:
            problems.append(Problem(present[1], f"is one too many: give either {either}, not both.", "value_error"))
    return problems


def invalid_inputs(model: ModelDefinition, problems: list[Problem]) -> InvalidInputError:
    """An error whose message lists all problems of a request."""
    lines = [f"{problem.field} {problem.message}" for problem in problems]
    text = f" {lines[0]}" if len(lines) == 1 else "".join(f"\n  - {line}" for line in lines)
    return InvalidInputError(
        f"Invalid inputs for {model.name}:{text}", {"fields": [problem.field for problem in problems]}
    )


def checked_flag(name: str, value: Any) -> bool:
    """The value of an option that is either on or off.

    Raises:
        InvalidInputError: it is neither.
    """
    if not is_flag(value):
        raise InvalidInputError(f"{name} must be True or False, not {short_repr(value)}.")
    return bool(value)


def warn_if_outdated(model: ModelDefinition) -> None:
    """Issue a :class:`ModelWarning` for a retired or renamed model, at the caller's line."""
    if model.status == "retired":
        text = f"{model.name} is retired at Decart and will probably be refused. {step('models')} lists the live ones."
    elif model.successor:
        text = f"{model.name} is an old name at Decart; use {model.successor}."
    else:
        return
    warn(text, ModelWarning)


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _InvalidValueError(f"must be text, not {type(value).__name__}.", "string_type")
    said = text(value)
    if len(said) < field.minimum:
        raise _InvalidValueError(f"is empty; give {field.minimum} to {field.maximum} characters.", "string_too_short")
    if len(said) > field.maximum:
        raise _InvalidValueError(f"has {len(said)} characters; at most {field.maximum} are taken.", "string_too_long")
    return said


def _integer(field: Field, value: Any) -> int:
    number = whole(value)
    if not field.minimum <= number <= field.maximum:
        kind = "greater_than_equal" if number < field.minimum else "less_than_equal"
        raise _InvalidValueError(f"is {short_repr(number)}; it must be from {field.minimum} to {field.maximum}.", kind)
    return number


def _flag(field: Field, value: Any) -> bool:
    return flag(value)


def _choice(field: Field, value: Any) -> str:
    if not isinstance(value, str) or value not in field.choices:
        raise _InvalidValueError(f"must be {' or '.join(field.choices)}, not {short_repr(value)}.", "enum")
    return text(value)


def _trajectory(field: Field, value: Any) -> list[dict[str, float]]:
    shape = "it must be a list of points {'frame': 0, 'x': 0.5, 'y': 0.5}"
    if isinstance(value, (str, bytes, Mapping)) or not hasattr(value, "__iter__"):
        raise _InvalidValueError(f"is {with_article(type(value).__name__)}; {shape}.", "list_type")
    try:
        listed = list(itertools.islice(value, field.maximum + 1))  # it may have no end
    except Exception:  # noqa: BLE001 - whatever somebody's own iteration raises
        raise _InvalidValueError(
            f"is {with_article(type(value).__name__)} that cannot be read; {shape}.", "list_type"
        ) from None
    points = [_point(number, point, shape) for number, point in enumerate(listed)]
    if not field.minimum <= len(points) <= field.maximum:
        count = counted(len(points), "point") if len(points) <= field.maximum else "more points"
        kind = "too_short" if len(points) < field.minimum else "too_long"
        raise _InvalidValueError(f"has {count}; it must have {field.minimum} to {field.maximum}.", kind)
    return points


def _point(number: int, point: Any, shape: str) -> dict[str, float]:
    try:
        if isinstance(point, (str, bytes)):  # of which the letters might be taken for numbers
            raise TypeError
        given = [point[name] for name in ("frame", "x", "y")] if isinstance(point, Mapping) else list(point)
        frame, x, y = (float(value) for value in given)
    except Exception:  # noqa: BLE001 - a KeyError, TypeError, ValueError, or whatever somebody's own raises
        raise _InvalidValueError(f"has {short_repr(point)} as its point {number}; {shape}.", "value_error") from None
    if not (0 <= frame < float("inf") and 0 <= x < float("inf") and 0 <= y < float("inf")) or frame % 1:
        raise _InvalidValueError(
            f"has {short_repr(point)} as its point {number}; frame must be a whole number, and all three at least 0.",
            "greater_than_equal",
        )
    return {"frame": int(frame), "x": x, "y": y}


def _file(field: Field, value: Any) -> Any:
    return value


_READERS: Mapping[FieldType, Any] = {
    "text": _text,
    "integer": _integer,
    "flag": _flag,
    "choice": _choice,
    "trajectory": _trajectory,
    "image": _file,
    "video": _file,
}
