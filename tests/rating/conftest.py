"""Fixtures: a store, and tables of clips that need no videos."""

from __future__ import annotations

from pathlib import Path

import pytest

from decart_nb.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")
