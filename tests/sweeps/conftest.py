"""What tests of sweeps share: a session of their own on the canned queue, and how much that queue has taken."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from decart_nb.local.queue import LocalQueue
from decart_nb.session.session import Session
from tests import sweeping


@pytest.fixture
def no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    sweeping.alone(monkeypatch)


@pytest.fixture
def live(no_session: None, canned_queue: LocalQueue) -> Session:
    """A session that takes the canned queue for Decart."""
    return sweeping.connected(canned_queue)


@pytest.fixture
def submitted(canned_queue: LocalQueue) -> Callable[[], int]:
    """How many submissions the queue has taken so far."""
    return lambda: sweeping.submitted(canned_queue)
