"""Virtual environments with other versions than ours: of a peer, of a library, of Python itself."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
_CACHE = ROOT / ".cache" / "environments"


def environment(
    name: str, *requirements: str, python: str | None = None, ours: bool = False, like: Path | None = None
) -> Path:
    """The Python of a virtual environment, which is made on first use and whenever what it should hold has changed.

    Args:
        name: its folder under ``.cache/environments``.
        requirements: what pip installs, as on its command line.
        python: the interpreter it is made with; this one unless given.
        ours: whether it has this package, as it stands in the working tree, and what that depends on.
        like: the Python of another one that has most of it already, whose packages it begins with.
    """
    folder = _CACHE / name
    interpreter, stamp = folder / "bin" / "python", folder / "stamp"
    if ours:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        requirements = (*project["dependencies"], *requirements)
    wanted = "\n".join([python or platform.python_version(), *requirements, f"ours: {ours}"])
    _CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(_CACHE / f"{name}.lock"):
        # The stamp comes last, so that one whose making was interrupted is made anew.
        if not (interpreter.exists() and stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
            shutil.rmtree(folder, ignore_errors=True)
            # Our own pip, and a path in place of an editable wheel: to make the two takes as long as half of the rest.
            subprocess.run([python or sys.executable, "-m", "venv", "--without-pip", folder], check=True)
            (packages,) = folder.glob("lib/python*/site-packages")
            if like:
                (theirs,) = like.parents[1].glob("lib/python*/site-packages")
                shutil.copytree(theirs, packages, copy_function=_link, dirs_exist_ok=True)
            if requirements:
                pip = [sys.executable, "-m", "pip", "--python", str(interpreter), "--disable-pip-version-check"]
                subprocess.run([*pip, "install", "--quiet", *requirements], check=True)
            if ours:
                (packages / "decart_nb.pth").write_text(f"{ROOT}\n", encoding="utf-8")
            stamp.write_text(wanted, encoding="utf-8")
    return interpreter


def interpreter(version: str) -> str | None:
    """A Python of that version: this one, pyenv's, or the system's, if it runs. Some of pyenv's shims refuse to."""
    this = [sys.executable] if version == "{}.{}".format(*sys.version_info) else []
    pyenv = sorted(map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")))
    system = filter(None, [shutil.which(f"python{version}")])
    for python in [*this, *pyenv, *system]:
        if subprocess.run([python, "--version"], capture_output=True, check=False).returncode == 0:
            return python
    return None


def _link(source: str, target: str) -> None:
    """Gives a file another name: pip replaces files, and writes into none."""
    try:
        os.link(source, target)
    except OSError:  # a disk that has no links
        shutil.copy2(source, target)
