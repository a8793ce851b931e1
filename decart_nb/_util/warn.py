"""Warnings that point at the caller's line."""

from __future__ import annotations

import sys
import warnings

#: What stands between a cell's line and a warning: a magic is called by IPython.
_NOT_THE_CALLER = ("decart_nb", "IPython")


def warn(text: str, category: type[Warning]) -> None:
    """Warn at the line that called into this package, by whichever of its functions."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in _NOT_THE_CALLER:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)
