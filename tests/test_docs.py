"""The manual and the reference: they build without a warning, name everything that is public, and their code is sound.

The notebooks in them are run by test_binder.py and by ``make docs``, not here.
"""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import decart_nb as dnb
from decart_nb.cli.main import parser

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, with the notebooks as they are committed."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("docs")
    shutil.copytree(ROOT / "docs", source, dirs_exist_ok=True)
    (source / "notebooks").mkdir()
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, source / "notebooks")
    options = ["--fail-on-warning", "--keep-going", "--quiet", "-D", "nb_execution_mode=off"]
    command = [sys.executable, "-m", "sphinx", *options, str(source), str(target)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return target


def test_every_public_name_is_in_the_reference(built: Path) -> None:
    from sphinx.util.inventory import InventoryFile

    inventory = InventoryFile.loads((built / "objects.inv").read_bytes(), uri="").data
    described = {name for kind, names in inventory.items() if kind.startswith("py:") for name in names}
    assert {f"decart_nb.{name}" for name in dnb.__all__} <= described
    assert "decart_nb.sweep.load" in described


def test_every_notebook_and_every_command_has_its_place(built: Path) -> None:
    pages = {path.stem for path in (built / "notebooks").glob("*.html")}
    assert pages == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    shell = (built / "reference" / "shell.html").read_text(encoding="utf-8")
    listed = subprocess.run([sys.executable, "-m", "decart_nb"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"(?m)^    (\w+)  ", listed)
    assert len(commands) >= 7
    assert [name for name in commands if f"usage: decart-nb {name}" not in shell] == []


@pytest.mark.parametrize(
    "page", ["asyncio-run", "model-not-found", "video-does-not-play", "lost-job-id", "charged-twice", "proxy"]
)
def test_there_is_a_page_for_what_people_search(page: str, built: Path) -> None:
    assert (built / "help" / f"{page}.html").is_file()


def test_no_page_loads_a_script_or_a_font_from_elsewhere(built: Path) -> None:
    for page in built.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*", text) == [], page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_its_code_is_python_and_names_what_there_is(page: Path) -> None:
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        code = re.sub(r"(?m)^%.*$", "pass", block)
        tree = compile(code, page.name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "dnb":
                assert node.attr in dnb.__all__


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_its_commands_have_the_options_that_there_are(page: Path) -> None:
    for line in re.findall(r"(?m)^ {4}decart-nb (.+)$", page.read_text(encoding="utf-8")):
        if line.isascii():  # else it stands for more than is written
            parser().parse_args(shlex.split(line, comments=True))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_files_it_links_to_are_there(page: Path) -> None:
    links = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    found = [(page.parent / link).resolve() for link in links]
    moved = {ROOT / "docs" / "notebooks": ROOT / "notebooks"}  # which is where a build has them
    assert [path for path in found if not (moved.get(path.parent, path.parent) / path.name).exists()] == []


def test_the_readme_is_short() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(re.findall(r"\S+", text)) < 900
    for link in ("make demo", "make test", "mybinder.org", "not an official", "pip install", "docs/"):
        assert link in text
