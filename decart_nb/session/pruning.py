"""Selects the jobs that ``Session.prune`` removes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from .._util.plain_values import is_nonnegative
from .._util.text import did_you_mean, short_repr
from ..errors import InvalidInputError
from ..request.models import ModelDefinition
from ..store.job_row import UNDER_WAY, Record
from ..store.store import Store

#: The statuses that are pruned by default. Jobs of the others may still be fetched, or may have been paid for.
_FINISHED = ("completed", "failed", "rejected", "cancelled", "expired")
_STATUSES = (*_FINISHED, "uncertain", "unreachable")


def select(
    store: Store, *, older_than: float | None, status: str | Iterable[str] | None, model: str | ModelDefinition | None
) -> list[Record]:
    """The jobs that match.

    Args:
        store: the store to search.
        older_than, status, model: as for :meth:`decart_nb.session.session.Session.prune`.

    Raises:
        InvalidInputError: there is no criterion, or one is not valid.
    """
    if older_than is None and status is None and model is None:
        raise InvalidInputError("prune needs to know what: older_than=… in days, status=…, or model=….")
    if older_than is not None and not is_nonnegative(older_than):
        raise InvalidInputError(f"older_than must be days, as a number from 0 on, not {short_repr(older_than)}.")
    statuses = _FINISHED if status is None else _statuses(status)
    name = model.name if isinstance(model, ModelDefinition) else model
    if name is not None and not isinstance(name, str):
        raise InvalidInputError(f"model must be a model's name, not {short_repr(model)}.")
    return [
        record
        for record in store.find()
        if record.status in statuses
        and name in (None, record.model, record.asked_model)
        and (older_than is None or (record.ended_at or record.created_at) < time.time() - older_than * 86400)
    ]


def _statuses(status: Any) -> list[str]:
    named = [status] if isinstance(status, str) or not isinstance(status, Iterable) else list(status)
    if not named:
        raise InvalidInputError("status is empty; leave it out, or name one or several.")
    for one in named:
        if one in UNDER_WAY:
            raise InvalidInputError(f"What is {one} is under way, and stays.")
        if one not in _STATUSES:
            hint = did_you_mean(one, _STATUSES) if isinstance(one, str) else ""
            raise InvalidInputError(f"There is no status {short_repr(one)}.{hint} There are {', '.join(_STATUSES)}.")
    return named
