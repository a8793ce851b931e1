"""The lock file of a process, as other processes and locks see it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from decart_nb._util.process_lock import ProcessLock

_KILLED = """
import os, sys
from pathlib import Path
from decart_nb._util.process_lock import ProcessLock
lock = ProcessLock(Path(sys.argv[1]))
(lock.staging / "half.mp4").write_bytes(b"1")
print(lock.name, flush=True)
os._exit(1)
"""


def test_a_process_is_alive_until_it_closes_its_lock(tmp_path: Path) -> None:
    mine, other = ProcessLock(tmp_path), ProcessLock(tmp_path)
    assert mine.is_alive(other.name)
    assert mine.is_alive(mine.name)
    other.close()
    assert not mine.is_alive(other.name)
    assert [path.name for path in tmp_path.iterdir()] == [mine.name]
    mine.close()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_leaves_is_removed_by_the_next(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, check=False)
    name = ran.stdout.strip()
    assert {path.name for path in tmp_path.iterdir()} == {name, f"{name}.staging"}
    mine = ProcessLock(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [mine.name]
    mine.close()


def test_a_lock_whose_file_was_removed_can_be_taken_again_under_its_name(tmp_path: Path) -> None:
    first = ProcessLock(tmp_path / "locks")
    (tmp_path / "locks" / first.name).unlink()
    assert not first.is_visible
    first.close()
    again = ProcessLock(tmp_path / "locks", name=first.name)
    assert again.is_visible
    assert ProcessLock(tmp_path / "locks").is_alive(first.name)


def test_a_staging_folder_that_cannot_be_looked_at_is_named_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to("real")
    lock = ProcessLock(link / "locks")
    staging = lock.staging
    link.unlink()
    link.symlink_to("x" * 300)  # too long for a file's name
    assert lock.staging == staging
    lock.close()


@pytest.mark.parametrize("name", [None, "", "notes", "../x", "0" * 31])
def test_what_is_no_name_of_a_lock_is_not_alive_and_stays(tmp_path: Path, name: str | None) -> None:
    lock = ProcessLock(tmp_path)
    (tmp_path / "notes").write_text("mine")
    assert not lock.is_alive(name)
    assert (tmp_path / "notes").exists()
    lock.close()


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(NotADirectoryError, match="is a link"):
        ProcessLock(tmp_path / "link")
