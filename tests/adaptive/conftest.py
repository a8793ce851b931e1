"""Fixtures: a sweep in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.explored_sweep import ExploredSweep, explored_sweep


@pytest.fixture
def sweep(tmp_path: Path) -> ExploredSweep:
    return explored_sweep(tmp_path / "runs")
