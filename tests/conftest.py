"""What many tests share: an environment without keys, a fast local queue, small images and videos."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from decart_nb import media
from decart_nb.local.faults import Faults
from decart_nb.local.queue import LocalQueue
from decart_nb.session.current import set_current_session

# A machine that is busy with something else is no fault of a test's.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

# Without bytecode files, each process that a test starts compiles all that it imports: a kernel, for 1.5 s.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell starts background jobs with interrupts ignored, as `make test` does with half of the tests: some interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share the tests out as `tests/scheduling.py` says."""
    from tests.scheduling import Scheduling

    return Scheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Keep the garbage collector from what collecting makes: all of it stays, and would be searched again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Name a slow test at once: of a run that is ended before its end, the table of durations is not printed."""
    if report.duration > 60 and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"\n{time.strftime('%H:%M:%S')} {report.nodeid} ({report.when}) took {report.duration:.0f} s", flush=True)


@pytest.fixture(autouse=True)
def ordinary_priority() -> Iterator[None]:
    """No test leaves the process, and the browsers that it starts later, with a priority over all others."""
    yield
    if hasattr(os, "sched_getscheduler"):
        assert os.sched_getscheduler(0) != os.SCHED_FIFO


@pytest.fixture(autouse=True)
def disconnected() -> None:
    """No test uses the session that another has opened."""
    set_current_session(None)


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reaches Decart, whatever the environment holds; and what a test writes lies in its own folder."""
    monkeypatch.delenv("DECART_API_KEY", raising=False)
    monkeypatch.delenv("DECART_STORE", raising=False)
    monkeypatch.setenv("DECART_BACKEND", "local")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def small_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames of 64×48 at 10 fps: a white square that moves to the right over grey."""
    path = tmp_path_factory.mktemp("media") / "small.mp4"
    frames = np.full((10, 48, 64, 3), 90, np.uint8)
    for number, frame in enumerate(frames):
        frame[16:32, 4 * number : 4 * number + 16] = 255
    media.encode(frames, path, fps=10)
    return path


@pytest.fixture(scope="session")
def small_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PNG of 64×48: red on the left, blue on the right."""
    path = tmp_path_factory.mktemp("media") / "small.png"
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, :32, 0] = 255
    pixels[:, 32:, 2] = 255
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def canned_queue(tmp_path: Path, small_video: Path) -> Iterator[LocalQueue]:
    """A local queue that answers every job with the small video, after a tenth of a second."""
    with LocalQueue(tmp_path / "queue", canned=small_video, draw_duration=lambda: 0.1) as queue:
        yield queue


@pytest.fixture
def failing_queue(tmp_path: Path, small_video: Path) -> Iterator[LocalQueue]:
    """A local queue whose jobs all fail."""
    faults = Faults({"failed": 1.0})
    with LocalQueue(tmp_path / "failing", canned=small_video, draw_duration=lambda: 0.0, faults=faults) as queue:
        yield queue


@pytest.fixture
def rendering_queue(tmp_path: Path) -> Iterator[LocalQueue]:
    """A local queue that renders."""
    with LocalQueue(tmp_path / "queue") as queue:
        yield queue
