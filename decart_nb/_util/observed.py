"""Base class of objects that call observers after each change."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Self


class Observed:
    """An object that calls its observers after each change."""

    def __init__(self) -> None:
        self._observers: list[Callable[[Any], object]] = []

    def observe(self, observer: Callable[[Self], object]) -> Callable[[], None]:
        """Call ``observer`` with this object after each change.

        Returns:
            A function that removes the observer.
        """
        self._observers.append(observer)

        def forget() -> None:
            with contextlib.suppress(ValueError):
                self._observers.remove(observer)

        return forget

    def _notify(self) -> None:
        for observer in tuple(self._observers):
            observer(self)


def is_observed(subject: Observed) -> bool:
    """Whether an object has observers. It is no method, so that completion offers users only what is for them."""
    return bool(subject._observers)
