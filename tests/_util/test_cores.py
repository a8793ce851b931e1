"""The number of cores that a process may use."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from decart_nb._util.cores import usable_cores

BOUND = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def system(root: Path, groups: str, **files: str) -> Path:
    """A folder like Linux's root, with the control groups of a process and some of their files."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for name, content in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


@pytest.mark.parametrize(
    ("groups", "files"),
    [
        ("", {}),
        ("0::/\n", {"cpu.max": "max 100000\n"}),
        ("0::/\n", {"cpu.max": "nonsense"}),
        ("0::/\n", {"cpu.max": f"{100_000 * (BOUND + 3)} 100000\n"}),
        ("4:cpu,cpuacct:/\n", {"cpu,cpuacct/cpu.cfs_quota_us": "-1\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"}),
        ("no groups", {}),
    ],
    ids=["no file", "no quota", "another text", "more than there are", "no quota in version 1", "another file"],
)
def test_without_a_quota_it_is_the_cores_that_the_process_is_bound_to(tmp_path: Path, groups: str, files) -> None:
    assert usable_cores(system(tmp_path, groups, **files)) == BOUND
    assert usable_cores(tmp_path / "nothing") == BOUND


@pytest.mark.parametrize(
    ("groups", "files"),
    [
        ("0::/\n", {"cpu.max": "50000 100000\n"}),
        ("0::/pods/one\n", {"pods/one/cpu.max": "max 100000\n", "pods/cpu.max": "100000 100000\n"}),
        (
            "5:memory:/x\n4:cpu,cpuacct:/x\n0::/x\n",
            {"cpu,cpuacct/x/cpu.cfs_quota_us": "70000\n", "cpu,cpuacct/x/cpu.cfs_period_us": "100000\n"},
        ),
    ],
    ids=["of the group", "of a group above it", "in version 1"],
)
def test_a_quota_of_less_than_a_core_leaves_one(tmp_path: Path, groups: str, files) -> None:
    assert usable_cores(system(tmp_path, groups, **files)) == 1


@pytest.mark.skipif(BOUND < 2, reason="a machine with one core")
def test_a_part_of_a_core_counts_as_one(tmp_path: Path) -> None:
    assert usable_cores(system(tmp_path, "0::/\n", **{"cpu.max": "110000 100000\n"})) == 2


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason=f"{sys.platform} binds no process to cores")
def test_a_process_that_is_bound_to_one_core_uses_one(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [min(before)])
    try:
        assert usable_cores(tmp_path) == 1
    finally:
        os.sched_setaffinity(0, before)
