"""Real kernels: three of ipykernel on two of Python, each in an environment of its own, kept between runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environments import environment, interpreter

from .notebook import Notebook

_KERNELS = {"6.31": "ipykernel==6.31.*", "7.3": "ipykernel==7.3.*", "today": "ipykernel"}
_PAIRS = [(kernel, python) for kernel in _KERNELS for python in ("3.11", "3.13")]

#: A queue in the kernel that answers at once, reached as Decart is, but asked as often as the local one.
OPENING = """
import warnings
from pathlib import Path
import decart_nb as dnb
from decart_nb.local.queue import LocalQueue
warnings.simplefilter("ignore", dnb.ModelWarning)
queue = LocalQueue(Path("queue"), canned=Path("small.mp4")).start()
polling = dnb.Polling(expected=2.0, spread=2.0, shortest=0.05, poll_cost=1e-4)
session = dnb.connect("live", api_key=queue.api_key, base_url=queue.base_url, polling=polling)
"""


def _named(pair: tuple[str, str]) -> str:
    return f"ipykernel {pair[0]}, Python {pair[1]}"


def only(*pairs: tuple[str, str]) -> pytest.MarkDecorator:
    """Runs a test in these kernels, given with their Pythons, in place of all."""
    return pytest.mark.parametrize("kernel", pairs, ids=_named, indirect=True)


@pytest.fixture(scope="session", params=_PAIRS, ids=_named)
def kernel(request: pytest.FixtureRequest) -> Path:
    """The Python of an environment with this package and one of the kernels."""
    name, version = request.param
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    # The old nest_asyncio changes nothing as long as nobody applies it; ipykernel 6 brings it in any case.
    wanted = ["--no-compile", "nest_asyncio==1.6.0"]
    today = environment(f"kernel-today-{version}", *wanted, _KERNELS["today"], python=python, ours=True)
    if name == "today":
        return today
    return environment(f"kernel-{name}-{version}", *wanted, _KERNELS[name], python=python, ours=True, like=today)


@pytest.fixture
def folder(tmp_path: Path, small_video: Path) -> Path:
    """A notebook's folder, with a small video in it."""
    return _folder(tmp_path, small_video)


@pytest.fixture(scope="session")
def notebook(kernel: Path, tmp_path_factory: pytest.TempPathFactory, small_video: Path) -> Iterator[Notebook]:
    """A notebook that has run the opening: one for all tests of a kernel, since a new one takes seconds."""
    with Notebook.opened(kernel, _folder(tmp_path_factory.mktemp("notebook"), small_video)) as notebook:
        notebook.run(OPENING)
        yield notebook


def _folder(parent: Path, video: Path) -> Path:
    folder = parent / "work"
    folder.mkdir()
    shutil.copy(video, folder / "small.mp4")
    return folder
