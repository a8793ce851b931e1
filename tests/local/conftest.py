"""A queue that answers every job with a small video, and a plain HTTP client of it; an image and a video to render."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from decart_nb import media
from decart_nb.local.embedded import LocalQueue
from tests.local.rendering import scene
from tests.local.wire import talk


@pytest.fixture(scope="module")
def queue(tmp_path_factory, small_video):
    with LocalQueue(tmp_path_factory.mktemp("queue"), canned=small_video, draw=lambda: 0.1) as queue:
        yield queue


@pytest.fixture(scope="module")
def http(queue):
    with talk(queue) as client:
        yield client


@pytest.fixture
def image(tmp_path: Path) -> Path:
    Image.fromarray(scene()).save(tmp_path / "image.png")
    return tmp_path / "image.png"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    media.encode([scene(at=0.2 + 0.03 * step) for step in range(8)], tmp_path / "video.mp4", fps=10)
    return tmp_path / "video.mp4"
