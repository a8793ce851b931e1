"""The arguments of an exploration, checked before anything is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

from .._util.plain_values import NotPlainError, is_flag, whole
from .._util.text import short_repr
from ..errors import InvalidInputError
from ..rating.rating import checked_rater
from ..sweeps.run_options import checked_cost, checked_count

#: Above that, a decision would say nothing.
_HIGHEST_ERROR_RATE = 0.5
#: What Python calls each lambda: the votes of one would count as those of another.
_UNNAMED = "<lambda>"


@dataclass(frozen=True)
class Options:
    """The arguments of :meth:`decart_nb.sweeps.sweep.Sweep.explore`, which explains them.

    Raises:
        InvalidInputError: one of them is invalid.
    """

    budget: float | None = None
    by: str = "model"
    rater: str | Callable[[Any, Any], str] = "me"
    max_rows: int | None = None
    batch: int = 4
    error_rate: float = 0.05
    seed: int | None = None

    def __post_init__(self) -> None:
        checked_cost(self.budget, "budget")
        checked_count(self.max_rows, "max_rows", "rows")
        if self.budget is None and self.max_rows is None:
            raise InvalidInputError(
                "An exploration needs a limit: a budget in USD, explore(budget=5), or a number of rows, "
                "explore(max_rows=20), which holds also where videos cost nothing."
            )
        if checked_count(self.batch, "batch", "rows") is None:
            raise InvalidInputError("batch must be a whole number of rows from 1, not None.")
        rate: Any = self.error_rate
        if is_flag(rate) or not isinstance(rate, Real) or not 0 < float(rate) < _HIGHEST_ERROR_RATE:
            raise InvalidInputError(
                f"error_rate must be a number above 0 and below {_HIGHEST_ERROR_RATE}, such as 0.05, "
                f"not {short_repr(rate)}."
            )
        if self.seed is not None:
            try:
                whole(self.seed)
            except NotPlainError:
                raise InvalidInputError(f"seed must be a whole number or None, not {short_repr(self.seed)}.") from None
        if not callable(self.rater) and not isinstance(self.rater, str):
            raise InvalidInputError(
                "rater must be the name of the person who votes, or a function of two clips that returns 'left', "
                f"'right', 'tie' or 'bad', not {short_repr(self.rater)}."
            )
        if checked_rater(self.rater_name) == _UNNAMED:
            raise InvalidInputError(
                "The votes of a function are stored under its name, and a lambda has none: give rater a function that "
                "is defined with def."
            )

    @property
    def function(self) -> Callable[[Any, Any], str] | None:
        """The function that votes; ``None`` if a person does."""
        return None if isinstance(self.rater, str) else self.rater

    @property
    def rater_name(self) -> str:
        """The name under which the votes are stored: of a function, its own."""
        if isinstance(self.rater, str):
            return self.rater
        return str(getattr(self.rater, "__name__", type(self.rater).__name__))
