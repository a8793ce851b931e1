"""The width of the shell's tables."""

from __future__ import annotations

from .._util.text_table import terminal_columns

#: What is assumed where standard output is no terminal, such as a pipe into a pager.
_ASSUMED = 100


def columns() -> int:
    """The number of characters in a line of a table: the terminal's, or 100."""
    return terminal_columns() or _ASSUMED
