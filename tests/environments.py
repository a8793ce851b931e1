"""Virtual environments with other versions than ours: of a peer, of a library, of Python itself."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parents[1]
_CACHE = ROOT / ".cache" / "environments"


def environment(name: str, *requirements: str, python: str | None = None) -> Path:
    """The Python of a virtual environment, which is made on first use and whenever what it should hold has changed.

    Args:
        name: its folder under ``.cache/environments``.
        requirements: what pip installs, as on its command line. The package itself is ``-e`` and ``str(ROOT)``: then
            only what it depends on, not a change of its code, is a reason to make the environment anew.
        python: the interpreter it is made with; this one unless given.
    """
    folder = _CACHE / name
    interpreter, stamp = folder / "bin" / "python", folder / "stamp"
    wanted = "\n".join([python or platform.python_version(), *requirements])
    if str(ROOT) in requirements:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        wanted = "\n".join([wanted, *project["dependencies"]])
    _CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(_CACHE / f"{name}.lock"):
        # The stamp comes last, so that one whose making was interrupted is made anew.
        if not (interpreter.exists() and stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted):
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([python or sys.executable, "-m", "venv", folder], check=True)
            if requirements:
                pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
                subprocess.run([*pip, *requirements], check=True)
            stamp.write_text(wanted, encoding="utf-8")
    return interpreter
