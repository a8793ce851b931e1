"""Temporary folders that live as long as an object."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

from decart_nb._util.temporary_folders import temporary_folder


class _Owner:
    pass


def test_a_folder_goes_with_its_owner() -> None:
    owner = _Owner()
    folder = temporary_folder(owner, "decart_nb-test-")
    (folder / "file").write_text("x")
    del owner
    gc.collect()
    assert not folder.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
def test_a_folder_goes_with_its_process_and_not_with_one_that_was_forked_from_it() -> None:
    code = (
        "import os, sys\n"
        "from decart_nb._util.temporary_folders import temporary_folder\n"
        "owner = type('Owner', (), {})()\n"
        "folder = temporary_folder(owner, 'decart_nb-test-')\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    sys.exit()\n"
        "os.waitpid(child, 0)\n"
        "print(folder, folder.exists())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    folder, was_there = done.stdout.split()
    assert was_there == "True"
    assert not Path(folder).exists()
