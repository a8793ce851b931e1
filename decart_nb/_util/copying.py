"""What becomes of a copy or a pickle of something that lives in this process alone, such as a job."""

from __future__ import annotations

from typing import Any, NoReturn, Self, SupportsIndex


class ProcessLocal:
    """Base class of what a copy of is the thing itself, and what cannot be pickled: a subclass says what to do."""

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise self._not_picklable()

    def _not_picklable(self) -> Exception:
        """The error that says why it cannot be pickled, and what gives the same in another process."""
        raise NotImplementedError
