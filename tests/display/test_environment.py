"""Each host is told by one function."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from decart_nb.display import environment


@pytest.fixture
def jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What Jupyter Server tells a kernel: the notebook's own path."""
    notebook = tmp_path / "folder" / "some.ipynb"
    notebook.parent.mkdir()
    notebook.touch()
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    return notebook


def test_in_jupyter_references_are_resolved_in_the_notebooks_folder(jupyter: Path) -> None:
    assert environment.served_folder(SimpleNamespace(user_ns={})) == jupyter.parent


@pytest.mark.parametrize("name", ["", "relative.ipynb", "/gone/some.ipynb"])
def test_without_a_notebook_it_is_the_working_directory(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", name)
    assert environment.served_folder(SimpleNamespace(user_ns={})) == tmp_path


def test_vs_code_is_told_by_the_notebooks_variables_and_resolves_no_reference(jupyter: Path) -> None:
    assert not environment.in_vscode(SimpleNamespace(user_ns={}))
    shell = SimpleNamespace(user_ns={"__vsc_ipynb_file__": str(jupyter)})
    assert environment.in_vscode(shell)
    assert environment.served_folder(shell) is None


def test_colab_is_told_by_its_package_and_resolves_no_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not environment.in_colab()
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    assert environment.in_colab()
    assert environment.served_folder(SimpleNamespace(user_ns={})) is None


@pytest.mark.parametrize("running", [True, False])
def test_marimo_is_told_by_a_notebook_of_its_running(running: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not environment.in_marimo()
    marimo = ModuleType("marimo")
    marimo.running_in_notebook = lambda: running
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    assert environment.in_marimo() is running
    assert environment.is_interactive() is running


def test_a_cell_is_known_by_the_frontends_name_or_else_by_its_run() -> None:
    told = SimpleNamespace(get_parent=lambda: {"metadata": {"cellId": "abc"}}, execution_count=3)
    assert environment.cell_id(told) == "abc"
    for silent in (
        SimpleNamespace(get_parent=lambda: {"metadata": {}}, execution_count=3),
        SimpleNamespace(get_parent=dict, execution_count=3),
        SimpleNamespace(execution_count=3),
    ):
        assert environment.cell_id(silent) == "run 3"


@pytest.mark.parametrize(("whose", "is_worker"), [("own", False), ("parent's", True), (None, False)])
def test_a_worker_that_was_forked_from_a_kernel_has_no_shell(
    monkeypatch: pytest.MonkeyPatch, whose: str | None, is_worker: bool
) -> None:
    pid = os.getpid() + (whose == "parent's")
    kernel = SimpleNamespace() if whose is None else SimpleNamespace(session=SimpleNamespace(pid=pid))
    shell = SimpleNamespace(kernel=kernel)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert environment.in_forked_worker() is is_worker
    assert (environment.current_shell() is None) is (environment.kernel_shell() is None) is is_worker


def test_elsewhere_nobody_is_a_forked_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not environment.in_forked_worker()
