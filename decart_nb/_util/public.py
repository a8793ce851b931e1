"""Marks the objects that :mod:`decart_nb` exports."""

from __future__ import annotations

from typing import TypeVar

_T = TypeVar("_T")


def public(exported: _T) -> _T:
    """Decorator: sets ``__module__`` to ``decart_nb``, so that tracebacks, help and pickles name the public path."""
    exported.__module__ = "decart_nb"
    return exported
