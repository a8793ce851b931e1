"""Conversion of values from any library to plain Python values that can be stored as JSON."""

from __future__ import annotations

import contextlib
import math
import operator
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

from .text import short_repr, with_article

_DEEPEST = 64
#: Sequences that hold the content of a file, and are not converted to lists of numbers.
_BYTES = (bytes, bytearray, memoryview)
#: Larger integers are rejected: Python limits how many digits it converts to text.
_MAX_BITS = 1024
_WHOLE = re.compile(r"\s*([+-]?[0-9]{1,300})(?:\.0*)?\s*")
_FLAGS = {"true": True, "false": False, "1": True, "0": False}


class NotPlainError(Exception):
    """A value is not plain. The message is the end of a sentence that begins with the value's name."""


def plain(value: Any, depth: int = 0) -> Any:
    """Convert a value to plain text, numbers, booleans, lists and dicts. NumPy scalars become Python's.

    Args:
        value: the value.
        depth: how many lists and dicts it is in.

    Raises:
        NotPlainError: it is or contains a value of another type, a number that is not finite, or a lone surrogate.
    """
    if value is None:
        return None
    if is_flag(value):
        return bool(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Real):
        return _number(value)
    if depth > _DEEPEST:
        raise NotPlainError(f"is nested more than {_DEEPEST} levels deep.")
    if isinstance(value, Sequence) and not isinstance(value, _BYTES):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str):
                raise NotPlainError(f"has {short_repr(name)} as a key; the keys of a dict that is sent must be text.")
        return {text(name): plain(item, depth + 1) for name, item in value.items()}
    if is_scalar(value) and type(item := value.item()) is not type(value):
        return plain(item, depth)
    what = f"has {with_article(type(value).__name__)} in it" if depth else f"is {with_article(type(value).__name__)}"
    raise NotPlainError(f"{what}; a plain value is text, a number, True or False, a list, or a dict.")


def text(value: str) -> str:
    """Convert a ``str`` of any subclass to a plain ``str``.

    Raises:
        NotPlainError: it contains a lone surrogate.
    """
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise NotPlainError("has half of a character in it (a lone surrogate), which cannot be sent.")
    return str.__str__(value)  # str() of an enum's member would be the member's name


def is_flag(value: Any) -> bool:
    """Whether a value is a boolean of Python or NumPy."""
    return isinstance(value, bool) or (type(value).__name__ in ("bool", "bool_") and type(value).__module__ == "numpy")


def is_missing(value: Any) -> bool:
    """Whether a value is missing: ``None``, NaN, or pandas' ``NA`` or ``NaT``."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if is_scalar(value):
        return getattr(getattr(value, "dtype", None), "kind", "") in "fmM" and bool(value != value)
    return value.is_nan() if isinstance(value, Decimal) else isinstance(value, float) and value != value


def whole(value: Any) -> int:
    """Convert a value to an integer: ``7``, ``7.0``, ``"7"`` and ``Decimal(7)`` are all 7.

    Raises:
        NotPlainError: it is not a whole number.
    """
    if isinstance(value, str) and (found := _WHOLE.fullmatch(value)):
        return int(found[1])
    if is_scalar(value):
        value = value.item()
    if not is_flag(value):
        with contextlib.suppress(Exception):  # a TypeError, or any error of a foreign __index__
            return operator.index(value)
        # Bounded, since a Decimal may have a billion digits.
        if isinstance(value, (Real, Decimal)) and _is_whole(value):
            return int(math.trunc(value))  # noqa: RUF046 - typeshed does not say that of a Real
    raise NotPlainError(f"must be an integer, not {short_repr(value)}.")


def _is_whole(value: Any) -> bool:
    try:
        return bool(-(2**64) < value < 2**64) and not value % 1
    except (TypeError, ValueError, ArithmeticError):  # a Decimal that is NaN cannot be compared
        return False


def flag(value: Any) -> bool:
    """Convert a value to a boolean: ``True``, ``"true"``, ``"1"`` and ``1`` are all ``True``.

    Raises:
        NotPlainError: it is not a boolean.
    """
    if is_flag(value):
        return bool(value)
    try:
        return _FLAGS[(value if isinstance(value, str) else str(whole(value))).strip().lower()]
    except (KeyError, NotPlainError):
        raise NotPlainError(f"must be True or False, not {short_repr(value)}.") from None


def is_nonnegative(value: Any) -> bool:
    """Whether a value is a finite number that is at least 0."""
    if is_flag(value) or not isinstance(value, Real):
        return False
    try:
        return 0 <= float(value) < math.inf
    except OverflowError:
        return False


def is_scalar(value: Any) -> bool:
    """Whether a value is a zero-dimensional array or a scalar of an array library."""
    return getattr(value, "ndim", None) == 0 and callable(getattr(value, "item", None))


def _number(value: Any) -> int | float:
    if isinstance(value, Integral):
        integer = int(value)
        if integer.bit_length() > _MAX_BITS:
            raise NotPlainError("is a number with too many digits.")
        return integer
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise NotPlainError(
            f"is {short_repr(value)}, which cannot be sent; a number must be finite and in the range of a float."
        )
    return number
