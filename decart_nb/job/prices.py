"""Prices given to a session, which take precedence over the catalogue's."""

from __future__ import annotations

from collections.abc import Mapping

from .._util.plain_values import is_nonnegative
from .._util.text import did_you_mean, short_repr
from .._util.warn import warn
from ..errors import InvalidInputError, ModelWarning
from ..request.catalogue import models
from ..request.models import ModelDefinition


def checked_prices(prices: Mapping[str, float]) -> dict[str, float]:
    """USD per generated second by model, looked at. A name that no table lists is warned of, and kept: for a model of
    the caller's own.

    Raises:
        InvalidInputError: they are none.
    """  # noqa: D205 - one sentence
    if not isinstance(prices, Mapping):
        raise InvalidInputError(
            f"prices must be a dict of USD per generated second by model, not {short_repr(prices)}."
        )
    for model, price in prices.items():
        if not isinstance(model, str):
            raise InvalidInputError(f"prices must have names of models as keys, not {short_repr(model)}.")
        if not is_nonnegative(price):
            raise InvalidInputError(f"The price of {model} must be USD per generated second, not {short_repr(price)}.")
        if model not in models:
            hint = did_you_mean(model, [known.name for known in models])
            message = f"prices names {model}, which no table of models lists.{hint} It holds for that name alone."
            warn(message, ModelWarning)
    return dict(prices)


def price_of(prices: Mapping[str, float], model: ModelDefinition, resolved: str | None = None) -> float | None:
    """What a model costs by the given prices; ``None`` if they do not have it.

    A price holds for a model under all of its names: what an alias means, what an old name's successor is, and the
    names that mean the same. The name that was asked for comes first.

    Args:
        prices: USD per generated second by model.
        model: the model.
        resolved: what its name means to the queue today, where that is known.
    """
    if model.name in prices:
        return prices[model.name]
    meant = resolved or _meaning(model)
    if meant in prices:
        return prices[meant]
    others = [price for name, price in prices.items() if name in models and _meaning(models.video(name)) == meant]
    return max(others, default=None)


def _meaning(model: ModelDefinition) -> str:
    """What a model's name means by the catalogue."""
    name = model.alias_of or model.successor or model.name
    following = models.video(name) if name in models else model
    return name if following.name == model.name else _meaning(following)
