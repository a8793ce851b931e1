"""Warnings attributed to the line of user code that called into this package."""

from __future__ import annotations

import sys
import warnings

#: Packages whose frames are skipped; IPython's, because it calls the magics.
_NOT_THE_CALLER = ("decart_nb", "IPython")


def warn(text: str, category: type[Warning]) -> None:
    """Issue a warning at the innermost line outside this package and IPython."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in _NOT_THE_CALLER:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)
