"""The current session: the one that the functions of :mod:`decart_nb` use."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .session import Session

_current: Session | None = None


def current_session() -> Session | None:
    """The session of the last ``connect``; ``None`` as long as there was none."""
    return _current


def set_current_session(session: Session | None) -> None:
    """Makes a session the current one. After ``None``, the next function that needs a session connects."""
    global _current
    _current = session
