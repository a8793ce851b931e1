"""A Jupyter server of its own and a browser, for tests and benchmarks."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .lab import Lab

_START_SECONDS = 60
#: The headless shell first: it draws no window around a page, and takes a fifth less of the processor's time.
_BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
#: The path of the browser to run, if there is one.
CHROMIUM = next(filter(None, map(shutil.which, _BROWSERS)), None)


@contextmanager
def jupyter(root: Path, folder: Path) -> Iterator[Lab]:
    """A server of JupyterLab and Notebook 7 on a free port, with a configuration of its own.

    Args:
        root: a folder for its configuration and its log.
        folder: the folder that it serves.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lab = Lab(f"http://127.0.0.1:{port}", secrets.token_hex(16), folder)
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(root / "config"),
        "JUPYTER_DATA_DIR": str(root / "data"),
        "JUPYTER_RUNTIME_DIR": str(root / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(root / "ipython"),
    }
    for name in ("DECART_API_KEY", "DECART_BACKEND", "DECART_STORE"):
        environment.pop(name, None)
    quiet = root / "config/lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--ip=127.0.0.1", f"--IdentityProvider.token={lab.token}", f"--ServerApp.root_dir={lab.folder}"]
    # Commands are run through the application object, since menus differ between frontends and versions.
    command += [f"--{app}.expose_app_in_browser=True" for app in ("LabApp", "JupyterNotebookApp")]
    # For each page that is loaded, Node would be started twice, to see whether JupyterLab must be built.
    command.append("--ServerApp.tornado_settings={'page_config_data': {'buildCheck': False, 'buildAvailable': False}}")
    with (root / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=lab.folder)
    try:
        _await_answer(f"{lab.url}/api?token={lab.token}", server)
        yield lab
    finally:
        server.terminate()
        server.wait(20)


def _await_answer(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        assert server.poll() is None, "JupyterLab ended before it answered"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"JupyterLab did not answer within {_START_SECONDS} s")
