"""A session that plans, and neither starts a queue nor sends anything: for the shell's dry runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..client.client import BASE_URL, DecartClient
from ..job.prices import checked_prices
from ..job.runner import Runner
from ..store.store import Store
from .connect import choose_backend, choose_polling
from .session import Session

#: In place of the key, which a plan does not need.
_NO_KEY = "none"


def planning_session(folder: Path, target: str | None, base_url: str | None, prices: Mapping[str, float]) -> Session:
    """A session whose sweeps can be planned. It is not the current one, and has no connections.

    Args:
        folder: the folder of the store to look into.
        target: as for :func:`decart_nb.connect`; Decart unless anything else is chosen.
        base_url: the address that the jobs would go to.
        prices: USD per generated second by model.

    Raises:
        BackendError: the name in ``DECART_BACKEND`` is not valid.
    """
    backend = choose_backend(target, has_key=True)  # nothing is sent: a plan for Decart needs no key
    client = DecartClient(os.environ.get("DECART_API_KEY", "").strip() or _NO_KEY, base_url or BASE_URL)
    prior = choose_polling(None, backend).prior
    return Session(Runner(client, Store(folder), backend, checked_prices(prices), prior), folder)
