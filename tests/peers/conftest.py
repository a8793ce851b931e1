"""Fixtures: environments with Decart's own clients, and small input files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from decart_nb import media
from tests.environments import environment
from tests.peers.cases import INPUT_SECONDS


@pytest.fixture(scope="session")
def decart_0_0_20() -> Path:
    """The Python of an environment with ``decart`` 0.0.20, which has the eight models."""
    return environment("decart-0.0.20", "decart==0.0.20")


@pytest.fixture(scope="session")
def decart_0_2_4() -> Path:
    """The Python of an environment with ``decart`` 0.2.4, of 2026-11."""
    return environment("decart-0.2.4", "decart==0.2.4")


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, small_image: Path) -> dict[str, Path]:
    """Two images and a video, all of 64×48."""
    folder = tmp_path_factory.mktemp("peers")
    Image.new("RGB", (64, 48), "navy").save(folder / "other.jpg")
    ramp = np.broadcast_to(np.linspace(0, 255, 64).astype(np.uint8)[:, None], (48, 64, 3))
    moving = (np.roll(ramp, 4 * number, axis=1) for number in range(round(10 * INPUT_SECONDS)))
    media.encode(moving, folder / "video.mp4", fps=10)
    return {"image": small_image, "other image": folder / "other.jpg", "video": folder / "video.mp4"}
