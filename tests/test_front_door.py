"""What `import decart_nb` gives, and what it costs."""

from __future__ import annotations

import ast
import json
import pkgutil
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import decart_nb

_HEAVY = (
    *("httpx", "aiohttp", "numpy", "av", "PIL", "IPython", "ipywidgets", "starlette", "uvicorn", "tqdm", "asyncio"),
    "fsspec",
)


def _modules_after(statement: str) -> set[str]:
    code = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(answer.stdout))


def test_all_names_what_there_is_and_no_more() -> None:
    namespace: dict[str, object] = {}
    exec("from decart_nb import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(decart_nb.__all__)
    assert decart_nb.__all__ == sorted(decart_nb.__all__)
    assert dir(decart_nb) == decart_nb.__all__


def test_type_checkers_and_the_interpreter_find_the_same_names_in_the_same_modules() -> None:
    tree = ast.parse(Path(decart_nb.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {one.module: tuple(name.name for name in one.names) for one in block.body if isinstance(one, ast.ImportFrom)}
    assert seen == decart_nb._EXPORTS
    assert all(name.asname == name.name for one in block.body for name in one.names)  # or it is no re-export
    assert sorted(name for names in seen.values() for name in names) == decart_nb.__all__


@pytest.mark.parametrize("name", decart_nb.__all__)
def test_public_objects_say_that_they_are_of_decart_nb(name: str) -> None:
    assert getattr(decart_nb, name).__module__ == "decart_nb"


def test_every_public_name_has_a_docstring() -> None:
    undocumented = [name for name in decart_nb.__all__ if not getattr(decart_nb, name).__doc__]
    assert not undocumented


def test_the_packages_help_begins_with_an_example_that_runs_and_names_every_function(tmp_path: Path) -> None:
    about = decart_nb.__doc__
    functions = {name for name in decart_nb.__all__ if not isinstance(getattr(decart_nb, name), type)}
    assert functions <= set(re.findall(r"``(\w+)", about))
    example = textwrap.dedent(about.partition("::\n")[2].partition("====")[0])
    assert 'dnb.generate("lucy-2.5"' in example
    namespace: dict[str, object] = {}
    exec(example, namespace)
    assert namespace["clip"].duration == 3.0


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'genrate'"):
        _ = decart_nb.genrate


def test_the_import_is_light() -> None:
    assert not _modules_after("import decart_nb") & set(_HEAVY)


def test_the_client_brings_no_notebook_and_no_engine() -> None:
    loaded = _modules_after("from decart_nb import DecartClient, models")
    assert not loaded & {"IPython", "ipywidgets", "pandas", "numpy", "av", "PIL", "aiohttp", "starlette", "uvicorn"}
    above = ("session", "job", "sweeps", "store", "display", "notebook.magics", "media.probing")
    assert not loaded & {f"decart_nb.{name}" for name in above}


def test_no_module_bears_the_name_of_something_in_the_front_door() -> None:
    # To import it would put it in the place of that.
    children = {found.name for found in pkgutil.iter_modules(decart_nb.__path__)}
    assert not children & set(decart_nb.__all__)
