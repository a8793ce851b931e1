"""How sweeps are shown and explored: functions of packages above this one, which a sweep is given."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple


class Views(NamedTuple):
    """How sweeps are shown and explored.

    Attributes:
        show: gives a context manager that displays a sweep while it runs.
        grid: makes a grid of a sweep's clips, by the columns for its ``rows`` and ``cols``.
        explore: explores a sweep; see :func:`decart_nb.session.exploring.explore`.
    """

    show: Callable[..., contextlib.AbstractContextManager[object]]
    grid: Callable[..., Any]
    explore: Callable[..., Any]
