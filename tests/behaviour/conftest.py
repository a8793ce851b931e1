"""What the tests of behaviour share: a process in which nothing is connected, and a queue that takes its time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from decart_nb.local.queue import LocalQueue
from tests import sweeping


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sweeping.alone(monkeypatch)


@pytest.fixture
def slow_queue(tmp_path: Path, small_video: Path) -> Iterator[LocalQueue]:
    """A queue whose jobs take a second."""
    with LocalQueue(tmp_path / "slow", canned=small_video, draw_duration=lambda: 1.0) as queue:
        yield queue
