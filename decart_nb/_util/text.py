"""Short text for people: printable lines, values in an error message, lists of names, and "did you mean"."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from typing import Any

#: Unicode categories that a terminal obeys, or that reorder or hide what stands beside them.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Joiners that emoji and many scripts need. They move no cursor.
_JOINERS = frozenset("\u200c\u200d")
#: Shorter secrets would take letters out of ordinary words.
_MIN_SECRET_LENGTH = 6
_MAX_REPR_LENGTH = 60
#: Longer names are no typing errors, and the comparison takes time in the square of their length.
_MAX_TYPO_LENGTH = 100
_MAX_LISTED = 12


def printable(text: str, *, limit: int | None = None, secrets: Iterable[str] = ()) -> str:
    """Return text as one printable line, without control characters, terminal escapes and secrets.

    Args:
        text: from a server, a file or a store.
        limit: the largest number of characters in the result; longer text is cut and ends with ``…``.
        secrets: texts that must not be shown, such as an API key; each becomes ``…``.
    """
    for secret in secrets:
        if len(secret) >= _MIN_SECRET_LENGTH:
            text = text.replace(secret, "…")
    line = " ".join(_without_controls(text).split())
    return line if limit is None or len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def printable_lines(text: str) -> str:
    """Return text with every line printable; line breaks and spacing are kept."""
    return "\n".join(map(_without_controls, text.split("\n")))


def one_line(name: str, limit: int | None = None) -> str:
    """Return a file's name in one line, of characters that UTF-8 can encode. A name that is so already is unchanged."""
    name = name.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return printable(name, limit=limit) if limit or not name.isprintable() else name


def short_repr(value: Any) -> str:
    """The start of a value's ``repr``, for an error message; its type's name if the ``repr`` fails."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - an integer with too many digits has none, and a foreign __repr__ may raise
        return with_article(type(value).__name__)
    return text[:_MAX_REPR_LENGTH]


def safe_str(value: Any) -> str:
    """``str(value)``, or :func:`short_repr` if that fails."""
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - an integer with too many digits has none, and a foreign __str__ may raise
        return short_repr(value)


def with_article(noun: str) -> str:
    """A noun after ``a`` or ``an``."""
    return f"{'an' if noun.startswith(tuple('aeiou')) else 'a'} {noun}"


def listing(names: Iterable[Any]) -> str:
    """Names as ``a, b and c``; of many only the first twelve and the number of the others."""
    texts = [str(name) for name in names]
    if len(texts) > _MAX_LISTED:
        return f"{', '.join(texts[:_MAX_LISTED])} and {len(texts) - _MAX_LISTED} more"
    return f"{', '.join(texts[:-1])} and {texts[-1]}" if len(texts) > 1 else "".join(texts) or "none"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` Did you mean a, b or c?`` with the most similar of the known names, or an empty text.

    Args:
        name: the unknown name that was typed.
        known: the names to compare it with.
    """
    if len(name) > _MAX_TYPO_LENGTH:
        return ""
    close = difflib.get_close_matches(name.lower(), list(known), n=3, cutoff=0.5)
    if not close:
        return ""
    *most, last = close
    return f" Did you mean {', '.join(most) + ' or ' if most else ''}{last}?"


def _without_controls(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if _is_printable(letter) else " " for letter in text)


def _is_printable(letter: str) -> bool:
    return letter in _JOINERS or unicodedata.category(letter) not in _UNPRINTABLE


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: ``1 job``, ``3 jobs``, ``1,000 jobs``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
