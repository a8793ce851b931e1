"""Private names are used where they are defined: other modules, tests and benchmarks come in through public ways."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = [ROOT / name for name in ("benchmarks", "decart_nb", "tests", "tools")]
#: What is named all the same, by the file, and why.
EXCEPTIONS: dict[str, tuple[set[str], str]] = {
    "decart_nb/display/environment.py": ({"_allow_stdin"}, "ipykernel says nowhere else whether it can ask"),
    "decart_nb/display/nested_loops.py": (
        {"_nest_patched", "_nest_asyncio2"},
        "the marks of nest_asyncio and its heir",
    ),
    "decart_nb/display/output_widget.py": ({"_instances"}, "ipywidgets lists its widgets nowhere else"),
    "decart_nb/job/job.py": ({"_notify", "_changed"}, "JobUpdates is the other side of a job, in its module"),
    "tests/browser/test_cleanup.py": (
        {"_manager", "_models", "_events"},
        "JupyterLab's, which lists models nowhere else",
    ),
    "tests/display/test_nested_loops.py": ({"_nest_patched", "_nest_asyncio2"}, "as in what it tests"),
    "tests/test_front_door.py": ({"_EXPORTS"}, "it is compared with what type checkers read in the same file"),
}
#: Public in spite of their names: methods of named tuples, and functions of the standard library.
_PUBLIC = {"_asdict", "_exit", "_fields", "_getframe", "_make", "_replace"}
_IN_TEXT = re.compile(r"(?<![\w.])(?!self\b|decart_nb\b)[a-z]\w*(?:\.\w+|\[[^]]*\]|\([^)]*\))*?\.(_[A-Za-z]\w*)")
_BY_NAME = {"getattr", "setattr", "delattr", "hasattr"}
_REPLACES = {"setattr", "delattr", "patch", "object"}


def _is_private(name: str) -> bool:
    """Whether a name is private; the protocols of IPython and marimo, such as ``_repr_html_``, are not."""
    return name.startswith("_") and not name.endswith("_") and name not in _PUBLIC


def _is_own(node: ast.expr | None) -> bool:
    """Whether an expression is the object or the class whose method this is."""
    if isinstance(node, ast.Call):
        node = node.func
    return isinstance(node, ast.Name) and node.id in ("self", "cls", "super", "type")


class _Module:
    """A module's source, and what it imports and defines.

    Attributes:
        ours: the names that it has from this project.
        foreign: those that it has from others.
        defined: the attributes of its classes.
    """

    def __init__(self, source: str) -> None:
        self.nodes = [*ast.walk(ast.parse(source))]
        self.ours: set[str] = set()
        self.foreign: set[str] = set()
        self.defined: set[str] = set()
        for node in self.nodes:
            match node:
                case ast.Import():
                    for one in node.names:
                        (self.ours if one.name.startswith("decart_nb") else self.foreign).add(one.asname or one.name)
                case ast.ImportFrom():
                    names = {one.asname or one.name for one in node.names}
                    (self.ours if self._is_ours(node) else self.foreign).update(names)
                case ast.Attribute(ctx=ast.Store()) if _is_own(node.value):
                    self.defined.add(node.attr)
                case ast.ClassDef():
                    methods = [one for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
                    fields = [one.target for one in node.body if isinstance(one, ast.AnnAssign)]
                    self.defined |= {one.name for one in methods}
                    self.defined |= {one.id for one in fields if isinstance(one, ast.Name)}

    def uses(self) -> Iterator[tuple[int, str]]:
        """The private names of other modules that it uses, with their lines."""
        for node in self.nodes:
            found: list[tuple[ast.expr | None, str]] = []
            match node:
                case ast.Attribute(value=ast.Name(id=name)) if name in self.foreign:
                    pass  # of the standard library, or of another package
                case ast.Attribute():
                    found = [(node.value, node.attr)]
                case ast.Call(func=ast.Name(id=function), args=[owner, ast.Constant(value=str(name)), *_]):
                    found = [(owner, name)] if function in _BY_NAME else []
                case ast.ImportFrom() if self._is_ours(node):
                    found = [(None, one.name) for one in node.names if not self._is_module(node, one.name)]
            for owner, name in found:
                if _is_private(name) and name not in self.defined and not _is_own(owner):
                    yield node.lineno, name

    def uses_in_text(self) -> Iterator[tuple[int, str]]:
        """The same in texts, which may be code that a test runs in another process."""
        for node in self.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "._" in node.value:
                yield from ((node.lineno, name) for name in _IN_TEXT.findall(node.value) if _is_private(name))

    def replacements(self) -> Iterator[tuple[int, str]]:
        """What a test replaces in the package."""
        for node in self.nodes:
            match node:
                case ast.Call(func=ast.Attribute(attr=name), args=[target, *_]) if name in _REPLACES:
                    while isinstance(target, ast.Attribute):
                        target = target.value
                    named = str(target.value) if isinstance(target, ast.Constant) else ""
                    if named.startswith("decart_nb.") or (isinstance(target, ast.Name) and target.id in self.ours):
                        yield node.lineno, ast.unparse(node.args[0])

    @staticmethod
    def _is_ours(node: ast.ImportFrom) -> bool:
        return bool(node.level) or (node.module or "").startswith(("decart_nb", "tests"))

    @staticmethod
    def _is_module(node: ast.ImportFrom, name: str) -> bool:
        return (ROOT / "decart_nb" / f"{name}.py").exists() and node.module in (None, "decart_nb")


def _found(source: str, *, in_package: bool = False) -> list[tuple[int, str]]:
    """What reaches into private names in a module; outside the package, also what is replaced in that."""
    module = _Module(source)
    return [*module.uses()] if in_package else [*module.uses(), *module.uses_in_text(), *module.replacements()]


def test_nothing_reaches_into_private_names_of_another_module() -> None:
    found: list[str] = []
    sources = {path for folder in FOLDERS for path in folder.rglob("*.py")} - {Path(__file__)}
    for path in sorted(sources):
        name = path.relative_to(ROOT).as_posix()
        allowed, _ = EXCEPTIONS.get(name, (set(), ""))
        uses = _found(path.read_text(encoding="utf-8"), in_package=name.startswith("decart_nb/"))
        found += [f"{name}:{line}: {used}" for line, used in uses if used not in allowed]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "store._claims.lock",
        "job()._notify()",
        "getattr(job, '_notify')",
        "from decart_nb.media.tags import _box",
        "tags._box(b'')",
        "monkeypatch.setattr(tags, 'box', None)",
        "monkeypatch.setattr(tags.Table, 'box', None)",
        "monkeypatch.setattr('decart_nb.media.tags.box', None)",
        "run('print(len(job._observers))')",
        "run(f'{name} = session._runner.store')",
    ],
)
def test_each_way_to_reach_into_them_is_found(line: str) -> None:
    assert len(_found(f"from decart_nb.media import tags\n{line}\n")) == 1


@pytest.mark.parametrize(
    "lines",
    [
        "import os\nos._exit(0)",
        "class Own:\n    def __init__(self):\n        self._x = 1\nprint(Own()._x)",
        "class Own(Other):\n    def call(self):\n        super()._call()\n        return self._inherited",
        "pair._replace(left=1)._repr_html_()",
        "from decart_nb._util.text import printable\nfrom decart_nb import _version",
        "run('from decart_nb._util.text import printable')",
        "monkeypatch.setattr(os, 'fsync', None)",
    ],
)
def test_what_is_ones_own_or_public_is_not_found(lines: str) -> None:
    assert _found(lines) == []
