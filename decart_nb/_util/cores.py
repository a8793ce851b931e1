"""The number of cores that this process may use: a container on a large machine often has few of them."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path, PurePosixPath


def usable_cores(root: Path = Path("/")) -> int:
    """How many cores this process may use: those that it is bound to, within the quota of its control group on Linux.

    Args:
        root: the folder in which Linux has ``proc`` and ``sys``.
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(bound, _quota(root))))


def _quota(root: Path) -> float:
    """The least quota of the control group and of those above it, in cores; infinite where there is none."""
    quotas = [math.inf]
    with contextlib.suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, name = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            mount = root / "sys/fs/cgroup" / controllers  # version 1 has a tree for each set of controllers
            group = PurePosixPath(name.lstrip("/"))
            for folder in (mount / one for one in (group, *group.parents)):
                quotas.append(_read(folder / "cpu.max"))
                quotas.append(_read(folder / "cpu.cfs_quota_us", folder / "cpu.cfs_period_us"))
    return min(quotas)


def _read(*files: Path) -> float:
    """A quota in cores; infinite where the files are not there, or say that there is none."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = (int(text) for file in files for text in file.read_text().split())
        if quota > 0 and period > 0:
            return quota / period
    return math.inf
