"""Copies notebooks into a working folder, and keeps each copy that somebody has changed there.

``python tools/copy_notebooks.py FROM TO``: beside the copies, the hidden folder ``.copied`` has them as they were made,
to tell the changed ones from those that only a newer version has changed.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

_ORIGINALS = ".copied"


def copy_notebooks(source: Path, target: Path) -> list[str]:
    """Copy the notebooks of a folder into another one.

    Args:
        source: the folder with the notebooks.
        target: the working folder; made where it is not there yet.

    Returns:
        The names of the copies that were kept, although there is a newer version, since somebody has changed them.
    """
    originals = target / _ORIGINALS
    originals.mkdir(parents=True, exist_ok=True)
    kept = []
    for notebook in sorted(source.glob("*.ipynb")):
        copy, original = target / notebook.name, originals / notebook.name
        if copy.exists() and not _same(copy, original):
            if not _same(notebook, original):
                kept.append(notebook.name)
            continue
        for path in (original, copy):
            shutil.copyfile(notebook, path)
    return kept


def _same(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    for name in copy_notebooks(source, target):
        print(f"{target / name} has changes of yours and is kept. Delete it to get the newer {source / name}.")
