"""The folder ``binder/``: repo2docker accepts it, and in its environment, without a key, nbval runs every notebook."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.environments import ROOT, environment, interpreter

BINDER = ROOT / "binder"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def _environ(home: Path, python: Path) -> dict[str, str]:
    """The variables of a fresh container: no key, no setting of ours, and the environment's own programs first."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    return {**kept, "PATH": path, "HOME": str(home), "JUPYTER_PREFER_ENV_PATH": "1"}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A copy of what the repository has, and the variables of an environment made of ``binder/`` alone.

    What the package depends on is kept between runs; the package itself is installed anew.
    """
    version = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")
    if (base := interpreter(version)) is None:
        pytest.skip(f"no Python {version} here")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = (BINDER / "requirements.txt").read_text().splitlines()
    requirements = [line for line in wanted if line and not line.startswith((".", "#"))]
    for extra in re.findall(r"(?m)^\.\[(.+)\]$", "\n".join(wanted)):
        requirements += [*project["dependencies"], *project["optional-dependencies"][extra]]
    python = environment("binder", *requirements, python=base)

    repository = tmp_path_factory.mktemp("repository")
    left_out = shutil.ignore_patterns("__pycache__", "decart_runs", ".*")
    for name in ("decart_nb", "notebooks", "binder"):
        shutil.copytree(ROOT / name, repository / name, ignore=left_out)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, repository)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--no-cache-dir", "-r", "binder/requirements.txt"], cwd=repository, check=True)
    return repository, _environ(tmp_path_factory.mktemp("home"), python)


def _start(image: tuple[Path, dict[str, str]], *command: str) -> list[str]:
    """A command as the image's entry point starts it."""
    return [str(image[0] / "binder" / "start"), *command]


@pytest.fixture(scope="module")
def cells(image: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What nbval says against each cell of each notebook; nothing if it has run and given the committed output.

    One nbval runs them all, each in a kernel of its own: to start it takes as long as half a notebook.
    """
    repository, environ = image
    jupyter = tmp_path_factory.mktemp("jupyter")
    kernel, report = jupyter / "kernels" / "image" / "kernel.json", jupyter / "report.xml"
    kernel.parent.mkdir(parents=True)
    argv = _start(image, "python", "-m", "ipykernel_launcher", "--log-level=40", "-f", "{connection_file}")
    kernel.write_text(json.dumps({"argv": argv, "display_name": "image", "language": "python"}))
    pytest_alone = [sys.executable, "-m", "pytest", "-c", os.devnull, "-q", "-p", "no:cacheprovider"]
    nbval = ["--nbval-lax", "--nbval-kernel-name=image", "notebooks"]
    ran = subprocess.run(
        [*pytest_alone, f"--junit-xml={report}", *nbval],
        cwd=repository,
        env=environ | {"JUPYTER_PATH": str(jupyter)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr  # 1 is that of a cell that fails
    said: dict[str, dict[str, str]] = {}
    for case in ET.parse(report).iter("testcase"):
        notebook = case.attrib["classname"].removeprefix("notebooks.").removesuffix(".ipynb")
        said.setdefault(notebook, {})[case.attrib["name"]] = "".join("".join(part.itertext()) for part in case)
    return said


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_environment_runs_and_gives_the_committed_outputs(notebook: Path, cells: dict[str, dict[str, str]]) -> None:
    code = [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]
    assert cells[notebook.stem] == {f"Cell {number}": "" for number in range(len(code))}


def test_its_environment_shows_the_videos_of_the_quickstart(image: tuple[Path, dict[str, str]]) -> None:
    repository, environ = image
    convert = ["jupyter", "nbconvert", "--to", "notebook", "--execute", "--output", "executed", "--log-level=ERROR"]
    path = repository / "notebooks" / NOTEBOOKS[0].name
    ran = subprocess.run(_start(image, *convert, str(path)), env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    executed = json.loads(path.with_name("executed.ipynb").read_bytes())
    outputs = str([cell.get("outputs") for cell in executed["cells"]])
    assert '"video/mp4' in outputs or "data:video/mp4" in outputs


def test_its_server_opens_the_quickstart(image: tuple[Path, dict[str, str]]) -> None:
    command = _start(image, "jupyter", "lab", "--ip", "127.0.0.1", "--no-browser")
    with _served(command, image) as address:
        assert _opened(address).partition("?")[0].endswith("/lab/tree/notebooks/01_quickstart.ipynb")


def _opened(address: str) -> str:
    """The address of the page that a server opens; it says where it is a moment before it listens."""
    until = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(address, timeout=30) as response:
                return response.url
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.1)


@contextmanager
def _served(command: list[str], image: tuple[Path, dict[str, str]]) -> Iterator[str]:
    """The address of a server, with its token, as it prints it."""
    as_root = ["--allow-root"] if os.geteuid() == 0 else []
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    server = subprocess.Popen(
        [*command, *as_root, "--port", port], cwd=image[0], env=image[1], stderr=subprocess.PIPE, text=True
    )
    try:
        until = time.monotonic() + 60
        for line in server.stderr:
            if found := re.search(r"(http://127\.0\.0\.1:\d+/)\S*(\?token=\S+)", line):
                yield "".join(found.groups())
                return
            assert time.monotonic() < until
        pytest.fail("the server has ended")
    finally:
        server.kill()
        server.wait()
        server.stderr.close()


def test_repo2docker_accepts_it_and_writes_its_dockerfile(tmp_path: Path) -> None:
    shutil.copytree(BINDER, tmp_path / "repository" / "binder")
    shutil.copy(ROOT / "pyproject.toml", tmp_path / "repository")
    command = [str(Path(sys.executable).with_name("jupyter-repo2docker")), "--no-build", "--debug"]
    ran = subprocess.run([*command, tmp_path / "repository"], capture_output=True, text=True, timeout=60, check=False)
    text = ran.stdout + ran.stderr
    assert ran.returncode == 0, text
    version = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")
    assert f"environment-2epy-2d{version.replace('.', '-2e')}" in text
    lines = text.splitlines()
    (copied,) = (at for at, line in enumerate(lines) if line.startswith("COPY") and " src/ " in line)
    (installed,) = (at for at, line in enumerate(lines) if "pip install" in line and "binder/requirements.txt" in line)
    assert copied < installed  # the package itself is among the requirements
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in lines
