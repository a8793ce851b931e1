"""An image and a video to render."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from decart_nb import media
from tests.local.render.rendering import scene


@pytest.fixture
def image(tmp_path: Path) -> Path:
    Image.fromarray(scene()).save(tmp_path / "image.png")
    return tmp_path / "image.png"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    media.encode([scene(at=0.2 + 0.03 * step) for step in range(8)], tmp_path / "video.mp4", fps=10)
    return tmp_path / "video.mp4"
