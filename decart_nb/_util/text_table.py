"""Plain-text tables that fit the width of a terminal."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from itertools import zip_longest

from .console import stdout

_GAP = 2
#: Minimum width of a column that may be cut; below it, whole columns are omitted instead.
_NARROWEST = 12


def terminal_columns() -> int | None:
    """Width of the terminal in characters; ``None`` if standard output is not a terminal."""
    return shutil.get_terminal_size().columns if stdout.isatty() else None


def text_table(
    columns: Mapping[str, Sequence[str]],
    *,
    right: Collection[str] = (),
    cut: Collection[str] = (),
    omit: Sequence[str] = (),
    width: int | None = None,
) -> str:
    """Format columns as an aligned table with a header line.

    Args:
        columns: column name → cells, each one line of printable text.
        right: names of right-aligned columns.
        cut: names of columns whose cells may be shortened to fit the width.
        omit: names of columns that may be omitted to fit the width, in this order.
        width: maximum line length in characters; unlimited by default.
    """
    texts = {name: [name, *cells] for name, cells in columns.items()}
    widths = _widths(texts)
    if width is not None:
        left_out = iter(omit)
        while _total(widths) - sum(max(0, widths[name] - _NARROWEST) for name in cut if name in widths) > width:
            name = next(left_out, None)
            if name is None:
                break
            texts.pop(name, None)
            widths = _widths(texts)
        for _ in range(_total(widths) - width):
            widest = max((name for name in cut if widths.get(name, 0) > _NARROWEST), key=widths.__getitem__, default="")
            if not widest:
                break
            widths[widest] -= 1
    padded = [
        [_padded(_shortened(text, widths[name]), widths[name], name in right) for text in cells]
        for name, cells in texts.items()
    ]
    return "\n".join((" " * _GAP).join(row).rstrip() for row in zip_longest(*padded, fillvalue=""))


def _widths(texts: Mapping[str, Sequence[str]]) -> dict[str, int]:
    return {name: max(map(_width, cells)) for name, cells in texts.items()}


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def _width(text: str) -> int:
    """The number of terminal cells that a text occupies."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)


def _shortened(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    while _width(text) >= width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
