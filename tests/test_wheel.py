"""What is shipped: every file that the package needs, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    target = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = target.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def test_it_holds_every_file_of_the_package_and_no_other(wheel: zipfile.ZipFile) -> None:
    package = ROOT / "decart_nb"
    kept = {".py", ".js", ".css", ".typed"}
    ours = {str(path.relative_to(ROOT)) for path in package.rglob("*") if path.suffix in kept}
    ours.add("decart_nb/py.typed")
    shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert shipped == ours


def test_its_metadata_is_whole(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = wheel.read(name).decode()
    assert "Requires-Python: >=3.11" in metadata
    assert "decart-nb = decart_nb.cli.main:main" in wheel.read(name.replace("METADATA", "entry_points.txt")).decode()
    assert any(entry.endswith("LICENSE") for entry in wheel.namelist())
