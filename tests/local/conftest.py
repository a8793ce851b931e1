"""A queue that answers every job with a small video, and a plain HTTP client of it."""

from __future__ import annotations

import pytest

from decart_nb.local.queue import LocalQueue
from tests.local.wire import talk


@pytest.fixture(scope="module")
def queue(tmp_path_factory, small_video):
    with LocalQueue(tmp_path_factory.mktemp("queue"), canned=small_video, draw_duration=lambda: 0.1) as queue:
        yield queue


@pytest.fixture(scope="module")
def http(queue):
    with talk(queue) as client:
        yield client
