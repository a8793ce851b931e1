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
    ours |= {f"decart_nb/media/sample_files/{name}" for name in ("sample.jpg", "sample.mp4")}
    ours.add("decart_nb/py.typed")
    shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert shipped == ours


def test_what_is_unpacked_from_it_has_the_samples(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path)
    code = "import decart_nb as dnb, os; print(*[os.path.getsize(dnb.sample(kind)) for kind in ('clip', 'still')])"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {code}; print(dnb.__file__)"]
    sizes, file = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout.splitlines()
    assert Path(file).is_relative_to(tmp_path)
    assert all(10_000 < int(size) < 150_000 for size in sizes.split())


def test_its_metadata_is_whole(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = wheel.read(name).decode()
    assert "Requires-Python: >=3.11" in metadata
    assert "decart-nb = decart_nb.cli.main:main" in wheel.read(name.replace("METADATA", "entry_points.txt")).decode()
    assert any(entry.endswith("LICENSE") for entry in wheel.namelist())
