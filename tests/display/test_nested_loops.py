"""Nested event loops: only for who asks, and not over somebody else's patch."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import warnings
from types import SimpleNamespace

import pytest

from decart_nb.display import nested_loops as nesting


def printed(code: str) -> str:
    """What code says in a process of its own: a patch of asyncio knows no way back."""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_no_import_patches_anything():
    told = printed(
        "import asyncio, importlib, pkgutil, sys, decart_nb\n"
        "run, Task = asyncio.run, asyncio.Task\n"
        "names = [found.name for found in pkgutil.walk_packages(decart_nb.__path__, 'decart_nb.')]\n"
        "for name in names: importlib.import_module(name)\n"
        "from decart_nb import *\n"
        "print('decart_nb.notebook.magics' in names, asyncio.run is run, asyncio.Task is Task,"
        " hasattr(asyncio, '_nest_patched'), 'nest_asyncio2' in sys.modules)"
    )
    assert told == "True True True False False\n"


def test_asyncio_run_runs_in_a_running_loop_once_it_was_allowed_to():
    told = printed(
        "import asyncio\n"
        "from decart_nb.display import nested_loops as nesting\n"
        "async def inner(number):\n"
        "    await asyncio.sleep(0.001)\n"
        "    return number\n"
        "async def outer():\n"
        "    try:\n"
        "        asyncio.run(refused := inner(0))\n"
        "    except RuntimeError:\n"
        "        refused.close()\n"
        "        print('refused', end=' ')\n"
        "    nesting.allow_nested_loops()\n"
        "    nesting.allow_nested_loops()\n"
        "    print([asyncio.run(inner(number)) for number in range(3)], await inner(3))\n"
        "asyncio.run(outer())"
    )
    assert told == "refused [0, 1, 2] 3\n"


def test_a_loop_that_cannot_be_nested_is_said():
    told = printed(
        "import asyncio, warnings\n"
        "from decart_nb.display import nested_loops as nesting\n"
        "asyncio.set_event_loop(asyncio.AbstractEventLoop())\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    nesting.allow_nested_loops()\n"
        "print(*(f'{warning.category.__name__}: {warning.message}' for warning in caught))"
    )
    assert told.startswith("NestingWarning: This kernel's event loop cannot be nested: write await main()")


@pytest.fixture
def old_patch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark that nest_asyncio 1.6 leaves."""
    monkeypatch.setattr(asyncio, "_nest_patched", True, raising=False)


def in_kernel(monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    app = SimpleNamespace(initialized=lambda: True)
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace(version_info=(version, 3, 0)))
    monkeypatch.setitem(sys.modules, "ipykernel.kernelapp", SimpleNamespace(IPKernelApp=app))


def test_an_old_patch_is_warned_of_once_and_points_at_the_caller():
    told = printed(
        "import asyncio, sys, warnings\n"
        "from types import SimpleNamespace\n"
        "from decart_nb.display import nested_loops as nesting\n"
        "asyncio._nest_patched = True\n"
        "sys.modules['ipykernel'] = SimpleNamespace(version_info=(7, 3, 0))\n"
        "app = SimpleNamespace(initialized=lambda: True)\n"
        "sys.modules['ipykernel.kernelapp'] = SimpleNamespace(IPKernelApp=app)\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    nesting.warn_of_old_patch()\n"
        "    nesting.warn_of_old_patch()\n"
        "for warning in caught:\n"
        "    print(warning.category.__name__, warning.filename, warning.message)"
    )
    assert re.fullmatch(
        r"NestingWarning <string> .*Remove nest_asyncio\.apply\(\) and restart.*%load_ext.*\n", told, re.DOTALL
    )
    assert told.count("NestingWarning") == 1


@pytest.mark.parametrize("version", [6, None])
def test_an_old_patch_is_not_warned_of_where_it_does_no_harm(monkeypatch, old_patch, version):
    if version:
        in_kernel(monkeypatch, version)
    nesting.warn_of_old_patch()


def test_its_continuation_is_not_warned_of(monkeypatch, old_patch):
    in_kernel(monkeypatch, 7)
    monkeypatch.setattr(asyncio, "_nest_asyncio2", object(), raising=False)
    nesting.warn_of_old_patch()


def test_an_old_patch_is_left_in_place(old_patch):
    run = asyncio.run
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nesting.allow_nested_loops()
    assert asyncio.run is run
    assert not hasattr(asyncio, "_nest_asyncio2")
