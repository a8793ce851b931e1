"""Copying and pickling of objects that exist in one process only, such as jobs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NoReturn, Self, SupportsIndex


class ProcessLocal(ABC):
    """Base class of objects whose copy is the object itself, and which cannot be pickled."""

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise self._not_picklable()

    @abstractmethod
    def _not_picklable(self) -> Exception:
        """The error for an attempt to pickle it, which says how to recreate it in another process."""
