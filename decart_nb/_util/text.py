"""Text from elsewhere, made fit for a cell, a terminal and a log."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

#: Unicode categories that a terminal obeys, or that reorder or hide what stands beside them.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Joiners that emoji and many scripts need. They move no cursor.
_JOINERS = frozenset("\u200c\u200d")
#: Shorter secrets would take letters out of ordinary words.
_SHORTEST_SECRET = 6


def printable(text: str, *, limit: int | None = None, secrets: Iterable[str] = ()) -> str:
    """Return text as one printable line: without control characters, terminal escapes, and secrets.

    Args:
        text: what a server, a file or a store says.
        limit: the most characters of the result; what is longer is cut, and ends with ``…``.
        secrets: texts that must not be shown, such as an API key; each becomes ``…``.
    """
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "…")
    line = " ".join(_without_controls(text).split())
    return line if limit is None or len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def printable_lines(text: str) -> str:
    """Return text of several lines with each of them printable; line breaks and spacing stay."""
    return "\n".join(map(_without_controls, text.split("\n")))


def _without_controls(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if _is_printable(letter) else " " for letter in text)


def _is_printable(letter: str) -> bool:
    return letter in _JOINERS or unicodedata.category(letter) not in _UNPRINTABLE
