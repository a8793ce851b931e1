"""`df.decart` is there whichever was imported first, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_HAS = "assert hasattr(pandas.DataFrame({'model': ['m']}), 'decart')"
_GONE = "assert not [finder for finder in sys.meta_path if 'decart' in type(finder).__module__]"
_WAITS = "assert [finder for finder in sys.meta_path if 'decart' in type(finder).__module__]"


def _run(*lines: str, folder: Path | None = None) -> str:
    # Warnings are errors: pandas would warn of an accessor that is registered twice.
    command = [sys.executable, "-W", "error::UserWarning", "-W", "error::ImportWarning", "-c", "\n".join(lines)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("order", ["import pandas, decart_nb", "import decart_nb, pandas"])
def test_whichever_is_imported_first(order: str) -> None:
    _run("import sys", order, _HAS, _GONE)


def test_the_import_of_decart_nb_brings_no_pandas() -> None:
    _run("import sys, decart_nb", "assert 'pandas' not in sys.modules", _WAITS)


def test_the_import_brings_little_with_it_when_pandas_is_there() -> None:
    _run(
        "import sys, pandas",
        "before = set(sys.modules)",
        "import decart_nb",
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}",
        "assert not new & {'httpx', 'av', 'PIL', 'IPython', 'ipywidgets', 'asyncio'}, new",
    )


def test_pandas_has_its_own_loader_and_can_be_reloaded() -> None:
    _run(
        "import importlib, importlib.resources, sys, decart_nb, pandas",
        "assert type(pandas.__loader__).__module__ != 'decart_nb.notebook.pandas_import_hook'",
        "assert pandas.__spec__.loader is pandas.__loader__",
        "assert importlib.resources.files('pandas').joinpath('__init__.py').is_file()",
        "importlib.reload(decart_nb)",
        _HAS,
        _GONE,
    )


def test_to_look_for_pandas_is_not_to_import_it() -> None:
    _run(
        "import importlib.util, sys, decart_nb",
        "spec = importlib.util.find_spec('pandas')",
        "assert spec.origin and spec.loader.get_filename('pandas') == spec.origin",
        "assert 'pandas' not in sys.modules",
        _WAITS,
        "import pandas",
        _HAS,
        _GONE,
    )


def test_an_import_that_fails_may_be_tried_again(tmp_path: Path) -> None:
    broken = tmp_path / "broken" / "pandas"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise RuntimeError('not today')")
    _run(
        "import importlib, sys, decart_nb",
        "sys.path.insert(0, 'broken')",
        "try:",
        "    import pandas",
        "except RuntimeError:",
        "    sys.path.remove('broken')",
        "    importlib.invalidate_caches()",
        _WAITS,
        "import pandas",
        _HAS,
        _GONE,
        folder=tmp_path,
    )


def test_where_there_is_no_pandas_the_error_is_the_usual_one() -> None:
    _run(
        "import sys",
        "class Nothing:",
        "    def find_spec(self, name, path=None, target=None):",
        "        if name == 'pandas':",
        "            raise ModuleNotFoundError('No module named pandas', name=name)",
        "sys.meta_path.insert(0, Nothing())",
        "import decart_nb",
        "try:",
        "    import pandas",
        "except ModuleNotFoundError as error:",
        "    assert error.name == 'pandas'",
        "else:",
        "    raise AssertionError",
        "sys.modules['pandas'] = None",
        "from decart_nb.notebook import pandas_import_hook",
        "pandas_import_hook.install()",
    )


def test_another_finder_that_asks_all_others_is_not_asked_for_ever() -> None:
    _run(
        "import sys",
        "class Asks:",
        "    busy = False",
        "    def find_spec(self, name, path=None, target=None):",
        "        if name != 'pandas' or Asks.busy:",
        "            return None",
        "        Asks.busy = True",
        "        found = [finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self]",
        "        Asks.busy = False",
        "        return next(filter(None, found))",
        "sys.meta_path.insert(0, Asks())",
        "import decart_nb",
        "sys.meta_path.insert(0, Asks())",
        "import pandas",
        _HAS,
        _GONE,
    )


def test_threads_that_import_at_once_all_have_it() -> None:
    _run(
        "import sys, threading, importlib",
        "start, seen = threading.Barrier(6), []",
        "def run(name):",
        "    start.wait()",
        "    importlib.import_module('decart_nb')",
        "    pandas = importlib.import_module('pandas')",
        "    seen.append(hasattr(pandas.DataFrame({'model': ['m']}), 'decart'))",
        "threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]",
        "[thread.start() for thread in threads]",
        "[thread.join() for thread in threads]",
        "assert seen == [True] * 6, seen",
        _GONE,
    )


@pytest.mark.parametrize(
    "module", ["sweeps.clips", "sweeps.tables", "sweeps.table_inputs", "job.table", "display.grid"]
)
def test_a_module_of_ours_that_is_the_first_to_need_pandas_gets_it_with_the_accessor(module: str) -> None:
    _run(f"import sys, decart_nb, decart_nb.{module}", "import pandas", _HAS, _GONE)
