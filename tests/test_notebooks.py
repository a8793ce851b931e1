"""The committed notebooks: small, without widget state, on the local queue. nbval runs them (see test_binder.py)."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import decart_nb

if TYPE_CHECKING:
    from nbformat import NotebookNode

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
CHECKED = "nbval-check-output"


def _read(path: Path) -> NotebookNode:
    """A notebook, if it is one by the format's schema."""
    import nbformat  # loading it takes a second: what only collects the tests does not

    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    return notebook


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_clean(path: Path) -> None:
    notebook = _read(path)
    assert path.stat().st_size < 100_000
    assert "widgets" not in notebook.metadata
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert 'connect("local"' in code[0].source
    checked = [cell for cell in code if CHECKED in cell.metadata.get("tags", ())]
    assert checked, "nbval has nothing to compare"
    for cell in code:
        # Outputs are kept where nbval compares them, and nowhere else.
        assert bool(cell.outputs) == (cell in checked)
        assert bool(cell.execution_count) == (cell in checked)


def test_the_quickstart_and_every_model_are_there() -> None:
    assert [path.stem for path in NOTEBOOKS][:2] == ["01_quickstart", "02_every_model"]
    used = "".join(cell.source for cell in _read(NOTEBOOKS[1]).cells if cell.cell_type == "code")
    mission = ("pro-t2v", "pro-i2v", "dev-i2v", "pro-v2v", "fast-v2v", "pro-flf2v", "motion", "restyle-v2v")
    assert all(f'"lucy-{model}"' in used for model in mission)


def test_papermill_runs_the_sweep_with_other_parameters(tmp_path: Path) -> None:
    given = {"models": ["lucy-pro-i2v"], "prompts": ["A lighthouse in a storm"], "seeds": [5], "max_cost": 0.5}
    papermill = [sys.executable, "-m", "papermill", "--no-progress-bar", "--kernel", "python3", "--cwd", str(tmp_path)]
    arguments = [str(NOTEBOOKS[2]), "out.ipynb", "--parameters_yaml", json.dumps(given)]
    ran = subprocess.run([*papermill, *arguments], capture_output=True, text=True, timeout=200, check=False)
    assert ran.returncode == 0, ran.stderr
    code = [cell for cell in _read(tmp_path / "out.ipynb").cells if cell.cell_type == "code"]
    shown = {cell.source.splitlines()[-1]: cell.outputs[-1] for cell in code if cell.outputs}
    counted = shown['more.plan["plan"].value_counts().to_dict()']["data"]["text/plain"]
    assert ast.literal_eval(counted) == {"reused": 1, "new": 1}
    assert len(list((tmp_path / "decart_runs").glob("*.mp4"))) == 3  # and the one whose frame the image models get


def test_copies_follow_the_notebooks_and_keep_what_somebody_has_changed(tmp_path: Path) -> None:
    source, target = tmp_path / "notebooks", tmp_path / "build" / "lab"
    source.mkdir()
    for name in "ab":
        (source / f"{name}.ipynb").write_text("first")

    def copy() -> str:
        command = [sys.executable, str(NOTEBOOKS[0].parent.parent / "tools" / "copy_notebooks.py"), source, target]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert copy() == ""
    (target / "a.ipynb").write_text("mine")
    assert copy() == ""
    for name in "ab":
        (source / f"{name}.ipynb").write_text("second")
    assert [line.split()[0] for line in copy().splitlines()] == [str(target / "a.ipynb")]
    assert [(target / f"{name}.ipynb").read_text() for name in "ab"] == ["mine", "second"]
    (target / "a.ipynb").unlink()
    assert copy() == ""
    assert (target / "a.ipynb").read_text() == "second"


def test_the_tour_uses_every_public_name() -> None:
    (tour,) = (path for path in NOTEBOOKS if path.stem.endswith("_tour"))
    code = "\n".join(cell.source for cell in _read(tour).cells if cell.cell_type == "code")
    assert set(decart_nb.__all__) - set(re.findall(r"\bdnb\.(\w+)", code)) == set()
